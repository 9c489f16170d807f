// Rows as they come. What comes is gathered and shown ten times a second; what is too much to keep goes, oldest
// first, and is counted.
import { useCallback, useEffect, useRef, useState } from "react";
import { address } from "../api/client";
import type { Entry } from "../api/types";
import { type Row, rowOf } from "./row";

const ROWS_MAX = 20_000;
const SHOW_EVERY_MS = 100;

export type Link = "off" | "connecting" | "live" | "lost";

export interface LiveRows {
  /** The latest first. */
  readonly rows: readonly Row[];
  /** Rows that came while the list was held. */
  readonly waiting: number;
  /** What the server left out because this page was too slow, and what the page itself dropped. */
  readonly skipped: number;
  readonly link: Link;
  readonly release: () => void;
}

export interface Kept {
  readonly rows: readonly Row[];
  readonly dropped: number;
}

/** Puts new rows, which come oldest first, before those that are there. */
export function kept(rows: readonly Row[], fresh: readonly Row[], max = ROWS_MAX): Kept {
  const all = [...fresh].reverse().concat(rows);
  return { rows: all.slice(0, max), dropped: Math.max(0, all.length - max) };
}

const countOf = (data: string): number => {
  const value: unknown = JSON.parse(data);
  const { count } = (value ?? {}) as { count?: unknown };
  return typeof count === "number" ? count : 0;
};

interface Gathered {
  rows: Row[];
  skipped: number;
}

interface State {
  /** The question that this answers: what another one brought isn't shown. */
  readonly of: string;
  readonly rows: readonly Row[];
  readonly waiting: number;
  readonly skipped: number;
  readonly link: Link;
}

const nothing = (of: string): State => ({
  of,
  rows: [],
  waiting: 0,
  skipped: 0,
  link: "connecting",
});

/** Follows what is recorded from `from` on, while `isOn`; `isHeld` keeps the list still. */
export function useLive(q: string, from: string, isOn: boolean, isHeld: boolean): LiveRows {
  const of = JSON.stringify([q, from]);
  const [state, setState] = useState<State>(() => nothing(of));
  const gathered = useRef<Gathered>({ rows: [], skipped: 0 });
  const held = useRef(isHeld);
  useEffect(() => {
    held.current = isHeld;
  }, [isHeld]);
  const change = useCallback(
    (to: (before: State) => Partial<State>) =>
      setState((before) => {
        const present = before.of === of ? before : nothing(of);
        return { ...present, ...to(present) };
      }),
    [of],
  );

  const flush = useCallback(() => {
    const { rows, skipped } = gathered.current;
    gathered.current = { rows: [], skipped: 0 };
    if (rows.length === 0 && skipped === 0) return;
    change((before) => {
      const { rows: present, dropped } = kept(before.rows, rows);
      return { rows: present, skipped: before.skipped + skipped + dropped, waiting: 0 };
    });
  }, [change]);

  useEffect(() => {
    if (!isOn) return;
    gathered.current = { rows: [], skipped: 0 };
    const source = new EventSource(address("/entries/stream", { q, from }));
    const take = (entries: readonly Entry[]) => {
      const { rows } = gathered.current;
      for (const entry of entries) rows.push(rowOf(entry));
      if (rows.length > ROWS_MAX) gathered.current.skipped += rows.splice(0, rows.length - ROWS_MAX).length;
    };
    const on = (name: string, run: (data: string) => void) =>
      source.addEventListener(name, (event) => run((event as MessageEvent<string>).data));
    on("entry", (data) => take([JSON.parse(data) as Entry]));
    on("entries", (data) => take(JSON.parse(data) as readonly Entry[]));
    on("skipped", (data) => {
      gathered.current.skipped += countOf(data);
    });
    source.onopen = () => change(() => ({ link: "live" }));
    source.onerror = () => change(() => ({ link: "lost" }));
    const timer = setInterval(() => {
      const waiting = gathered.current.rows.length;
      if (!held.current) flush();
      else if (waiting > 0) change(() => ({ waiting }));
    }, SHOW_EVERY_MS);
    return () => {
      source.close();
      clearInterval(timer);
    };
  }, [q, from, isOn, flush, change]);

  if (!isOn || state.of !== of) {
    return { rows: [], waiting: 0, skipped: 0, link: isOn ? "connecting" : "off", release: flush };
  }
  return { ...state, release: flush };
}
