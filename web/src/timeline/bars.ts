// A histogram as shapes: one path for each class of outcome, so that a few elements draw thousands of bars.
import type { CoverageAnswer, Histogram } from "../api/types";
import { ns, parseInstant, type Range } from "../state/time";
import { type Scale, x } from "./scale";

/** Classes from the axis upwards: what went wrong stands at the bottom, where one sees it. */
export const CLASSES = ["5xx", "error", "unanswered", "4xx", "3xx", "1xx", "neutral", "ok"] as const;

export const NAMES: Readonly<Record<string, string>> = {
  "5xx": "5xx",
  error: "error",
  unanswered: "no answer",
  "4xx": "4xx",
  "3xx": "3xx",
  "1xx": "1xx",
  neutral: "other",
  ok: "ok",
};

const BAD: ReadonlySet<string> = new Set(["5xx", "error", "unanswered"]);
/** A single failure among thousands is still seen. */
const BAD_HEIGHT_MIN = 2;

export interface Shape {
  readonly name: string;
  readonly path: string;
  readonly total: number;
}

const rounded = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

/** The shapes of a histogram in a box of the scale's width and `height`. */
export function shapes(histogram: Histogram, scale: Scale, height: number): readonly Shape[] {
  const start = parseInstant(histogram.start) ?? ns(0n);
  const every = BigInt(histogram.everyNs);
  const buckets = Math.max(0, ...histogram.series.map((series) => series.exchanges.length));
  const sums = new Array<number>(buckets).fill(0);
  for (const { exchanges } of histogram.series) {
    for (const [place, count] of exchanges.entries()) sums[place] = (sums[place] ?? 0) + count;
  }
  const most = Math.max(1, ...sums);
  const tops = new Array<number>(buckets).fill(height);
  return CLASSES.map((name): Shape => {
    const series = histogram.series.find(({ label }) => (label ?? "ok") === name);
    let path = "";
    let total = 0;
    for (let place = 0; place < buckets; place += 1) {
      const count = series?.exchanges[place] ?? 0;
      if (count === 0) continue;
      total += count;
      const from = x(scale, ns(start + every * BigInt(place)));
      const to = x(scale, ns(start + every * BigInt(place + 1)));
      const gap = to - from > 3 ? 1 : 0;
      const tall = Math.max((count / most) * height, BAD.has(name) ? BAD_HEIGHT_MIN : 0.4);
      const top = Math.max(0, (tops[place] ?? height) - tall);
      path += `M${rounded(from)} ${rounded(top)}H${rounded(to - gap)}V${rounded(tops[place] ?? height)}H${rounded(from)}Z`;
      tops[place] = top;
    }
    return { name, path, total };
  }).filter(({ total }) => total > 0);
}

export interface Band {
  readonly kind: "hole" | "loss" | "outside";
  readonly range: Range;
  readonly title: string;
}

/** Where nothing, or not everything, was recorded. */
export function bands(
  coverage: CoverageAnswer | undefined,
  recorded: Range | null,
  shown: Range,
): readonly Band[] {
  const found: Band[] = [];
  const add = (kind: Band["kind"], from: string | null, to: string | null, title: string) => {
    const [begins, ends] = [parseInstant(from ?? ""), parseInstant(to ?? "")];
    if (begins === null || ends === null || ends < shown.from || begins > shown.to) return;
    found.push({ kind, range: { from: begins, to: ends }, title });
  };
  for (const { node, holes, losses } of coverage?.nodes ?? []) {
    for (const { from, to, missingCount } of holes) {
      add("hole", from, to, `${node}: ${missingCount} segment(s) missing`);
    }
    for (const loss of losses) {
      const many = loss.packets === null ? "an unknown number of" : String(loss.packets);
      add("loss", loss.from, loss.to, `${node}: ${many} packets lost (${loss.cause})`);
    }
  }
  if (recorded === null) return found;
  if (shown.from < recorded.from) {
    found.push({ kind: "outside", range: { from: shown.from, to: recorded.from }, title: "not recorded" });
  }
  if (shown.to > recorded.to) {
    found.push({ kind: "outside", range: { from: recorded.to, to: shown.to }, title: "not recorded" });
  }
  return found;
}
