// What belongs to the person and not to the question: colours, zone, history. Kept in the browser; where it keeps
// nothing (private windows), until the page is closed.
import { useSyncExternalStore } from "react";
import type { Zone } from "./time";

export type Theme = "system" | "dark" | "light";

const memory = new Map<string, string>();
const listeners = new Set<() => void>();
const PREFIX = "remora.";

export function read(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function write(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // The browser keeps nothing, or no more; memory does until the page is closed.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A preference, and how to change it. */
export function usePreference(key: string): readonly [string | null, (value: string) => void] {
  const value = useSyncExternalStore(subscribe, () => read(key));
  return [value, (next) => write(key, next)];
}

export function useZone(): Zone {
  return usePreference("zone")[0] === "local" ? "local" : "utc";
}

export function themeOf(text: string | null): Theme {
  return text === "dark" || text === "light" ? text : "system";
}

/** Puts the chosen colours on; `system` leaves it to the browser. */
export function applyTheme(): void {
  const theme = themeOf(read("theme"));
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
