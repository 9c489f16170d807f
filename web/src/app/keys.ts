// Keys without a field: single ones, and two in a row such as `g t`.
import { useEffect, useRef } from "react";

export type Bindings = Readonly<Record<string, () => void>>;

/** How long after the first key of two the second may come. */
const PAIR_MS = 900;

const isTyping = (event: KeyboardEvent): boolean => {
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
};

/** What a key does, given the one before it. */
export function bound(bindings: Bindings, before: string, key: string): (() => void) | undefined {
  return bindings[`${before} ${key}`] ?? bindings[key];
}

export function useKeys(bindings: Bindings): void {
  const present = useRef(bindings);
  useEffect(() => {
    present.current = bindings;
  });
  useEffect(() => {
    let before = "";
    let at = 0;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
      if (document.querySelector("dialog[open]") !== null) return;
      const recent = event.timeStamp - at < PAIR_MS ? before : "";
      const run = bound(present.current, recent, event.key);
      before = event.key;
      at = event.timeStamp;
      if (!run) return;
      before = "";
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
