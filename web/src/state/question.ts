// What is asked, and of which time: the part of the state that all views share.
import { useMemo } from "react";
import { useCoverage } from "../api/queries";
import type { CoverageAnswer } from "../api/types";
import { type Ns, type Range, now, ns, parseInstant, parseTime, SECOND, toText } from "./time";
import { useUrl } from "./url";

export interface Question {
  readonly q: string;
  /** As in the URL: an instant, `-15m`, or nothing. */
  readonly fromText: string | null;
  readonly toText: string | null;
  /** The stretch that is looked at; `null` while nobody knows what is recorded, or where nothing is. */
  readonly range: Range | null;
  /** What is recorded at all. */
  readonly recorded: Range | null;
  /** Where time travel stands, if it is on. */
  readonly at: Ns | null;
  /** What the API is asked for: the range, or what precedes the cursor. */
  readonly asked: Asked;
}

/** A question as the API takes it. */
export interface Asked {
  readonly q: string;
  readonly from?: string;
  readonly to?: string;
}

/** How much before the cursor a map or a table shows while time moves. */
export const WINDOWS = ["10s", "1m", "5m", "15m", "1h"] as const;
export const WINDOW_DEFAULT = "1m";

export function recordedRange(coverage: CoverageAnswer | undefined): Range | null {
  const from = coverage?.from == null ? null : parseInstant(coverage.from);
  const to = coverage?.to == null ? null : parseInstant(coverage.to);
  if (from === null || to === null) return null;
  return { from, to: to > from ? ns(to + 1n) : ns(from + SECOND) };
}

/** The stretch that the texts mean, where `recorded` is what there is; `null` where they mean nothing. */
export function resolve(
  from: string | null,
  to: string | null,
  recorded: Range | null,
  at: Ns,
): Range | null {
  const begins = from === null ? (recorded?.from ?? null) : parseTime(from, at);
  const ends =
    to === null ? (from?.startsWith("-") === true ? at : (recorded?.to ?? null)) : parseTime(to, at);
  if (begins === null || ends === null || ends <= begins) return null;
  return { from: begins, to: ends };
}

/** Relative ranges are counted from the last full second, so that one rendering asks one question. */
const present = (): Ns => ns((now() / SECOND) * SECOND);

export function useQuestion(): Question {
  const url = useUrl();
  const coverage = useCoverage();
  const recorded = useMemo(() => recordedRange(coverage.data), [coverage.data]);
  const [q, from, to, at] = [url.get("q") ?? "", url.get("from"), url.get("to"), url.get("at")];
  return useMemo(() => {
    const cursor = at === null ? null : parseInstant(at);
    const range = resolve(from, to, recorded, present());
    const asked: Asked = {
      q,
      ...(from !== null && { from }),
      ...(cursor !== null ? { to: toText(cursor) } : to !== null && { to }),
    };
    return { q, fromText: from, toText: to, range, recorded, at: cursor, asked };
  }, [q, from, to, at, recorded]);
}

/** The question for views that sum up: while time travels, what lies within the window before the cursor. */
export function useSummed(): Asked {
  const { asked, at, range } = useQuestion();
  const window = useUrl().get("window") ?? WINDOW_DEFAULT;
  return useMemo(() => {
    if (at === null) return asked;
    const begins = parseTime(`-${window}`, at) ?? at;
    const from = range !== null && begins < range.from ? range.from : begins;
    return { q: asked.q, from: toText(from), to: toText(at > from ? at : ns(from + 1n)) };
  }, [asked, at, range, window]);
}
