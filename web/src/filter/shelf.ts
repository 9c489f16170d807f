// Filters that were asked, and those that were given a name. Both are bounded: the oldest go.
import { read, usePreference, write } from "../state/preferences";

const HISTORY_MAX = 100;
const SAVED_MAX = 200;

export interface Saved {
  readonly name: string;
  readonly q: string;
}

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
}

/** The latest first, each once. */
export const remembered = (history: readonly string[], q: string): readonly string[] =>
  q.trim() === "" ? history : [q, ...history.filter((other) => other !== q)].slice(0, HISTORY_MAX);

export const history = (): readonly string[] => strings(parsed(read("history")));
export const remember = (q: string): void => write("history", JSON.stringify(remembered(history(), q)));

function savedOf(text: string | null): readonly Saved[] {
  const value = parsed(text);
  if (!Array.isArray(value)) return [];
  return value.filter((item: unknown): item is Saved => {
    const { name, q } = (item ?? {}) as Partial<Saved>;
    return typeof name === "string" && typeof q === "string";
  });
}

export function useSaved() {
  const [text, set] = usePreference("saved");
  const saved = savedOf(text);
  return {
    saved,
    save: (name: string, q: string) => {
      const rest = saved.filter((other) => other.name !== name);
      set(JSON.stringify([{ name, q }, ...rest].slice(0, SAVED_MAX)));
    },
    forget: (name: string) => set(JSON.stringify(saved.filter((other) => other.name !== name))),
  };
}
export const useHistory = (): readonly string[] => strings(parsed(usePreference("history")[0]));
