// The URL is the state: every view reads what it shows from the query string and changes nothing else.
import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { navigate } from "wouter/use-browser-location";

/** What stays when one goes to another view: the question and the time. */
const SHARED = ["q", "from", "to", "at", "window", "live"] as const;

export type Patch = Readonly<Record<string, string | null>>;

export interface Url {
  readonly path: string;
  readonly get: (name: string) => string | null;
  /** Changes parameters; `null` takes one away. A step that one wants to go back over makes an entry of history. */
  readonly set: (patch: Patch, how?: "step" | "replace") => void;
}

/** The query string after a change, in an order that doesn't depend on how one came to it. */
export function patched(search: string, patch: Patch): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === "") params.delete(name);
    else params.set(name, value);
  }
  params.sort();
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** Where a link to another view leads, keeping the question and the time. */
export function linkTo(path: string, search: string, patch: Patch = {}): string {
  const params = new URLSearchParams(search);
  for (const name of [...params.keys()]) {
    if (!(SHARED as readonly string[]).includes(name)) params.delete(name);
  }
  return path + patched(params.toString(), patch);
}

export function useUrl(): Url {
  const [path] = useLocation();
  const search = useSearch();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const get = useCallback((name: string) => params.get(name), [params]);
  const set = useCallback((patch: Patch, how: "step" | "replace" = "step") => {
    // Read now, not as of the last rendering: two changes in one event must not undo each other.
    const { pathname, search: present } = window.location;
    const next = patched(present, patch);
    if (next !== present) navigate(pathname + next, { replace: how === "replace" });
  }, []);
  return useMemo(() => ({ path, get, set }), [path, get, set]);
}
