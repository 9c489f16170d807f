// Where on the screen an instant lies, and back. Differences are small enough for a number; instants aren't.
import { scaleTime, scaleUtc } from "d3-scale";
import { clamp, day, fromMs, type Ns, ns, type Range, SECOND, toMs, type Zone } from "../state/time";

export interface Scale {
  readonly range: Range;
  readonly width: number;
}

export const x = ({ range, width }: Scale, at: Ns): number =>
  (Number(at - range.from) / Number(range.to - range.from)) * width;

export const at = ({ range, width }: Scale, place: number): Ns =>
  ns(range.from + BigInt(Math.round((place / width) * Number(range.to - range.from))));

/** No stretch is shorter: packets of one exchange lie this close together. */
const LENGTH_MIN = 1000n;

/** The range `factor` times as long, `pivot` staying where it is; not beyond `limits`, as far as there are some. */
export function zoomed(range: Range, pivot: Ns, factor: number, limits: Range | null): Range {
  const length = range.to - range.from;
  const scaled = BigInt(Math.round(Number(length) * factor));
  const longest = limits === null ? scaled : limits.to - limits.from;
  const next = scaled < LENGTH_MIN ? LENGTH_MIN : scaled > longest && longest > 0n ? longest : scaled;
  const before = BigInt(Math.round((Number(pivot - range.from) / Number(length)) * Number(next)));
  return within({ from: ns(pivot - before), to: ns(pivot - before + next) }, limits);
}

/** The range moved by a part of its own length. */
export function panned(range: Range, share: number, limits: Range | null): Range {
  const by = BigInt(Math.round(Number(range.to - range.from) * share));
  return within({ from: ns(range.from + by), to: ns(range.to + by) }, limits);
}

/** The range, pushed back between the limits. */
function within(range: Range, limits: Range | null): Range {
  if (limits === null) return range;
  const length = range.to - range.from;
  const from = clamp(range.from, { from: limits.from, to: ns(limits.to - length) });
  return { from, to: ns(from + length) };
}

export interface Tick {
  readonly x: number;
  readonly label: string;
}

const PIXELS_PER_TICK = 110;

/** Round instants, with their labels. */
export function ticks(scale: Scale, zone: Zone): readonly Tick[] {
  const { range, width } = scale;
  if (range.to - range.from < SECOND / 100n) return [];
  const make = zone === "utc" ? scaleUtc : scaleTime;
  const time = make()
    .domain([toMs(range.from), toMs(range.to)])
    .range([0, width]);
  return time
    .ticks(Math.max(2, Math.floor(width / PIXELS_PER_TICK)))
    .map((date) => ({ x: time(date), label: labelOf(date, zone) }));
}

function labelOf(date: Date, zone: Zone): string {
  const instant = fromMs(date.getTime());
  const part = (utc: number, local: number) => String(zone === "utc" ? utc : local).padStart(2, "0");
  const hours = part(date.getUTCHours(), date.getHours());
  const minutes = part(date.getUTCMinutes(), date.getMinutes());
  const seconds = part(date.getUTCSeconds(), date.getSeconds());
  const ms = date.getMilliseconds();
  if (ms !== 0) return `${minutes}:${seconds}.${String(ms).padStart(3, "0")}`;
  if (seconds !== "00") return `${hours}:${minutes}:${seconds}`;
  return hours === "00" && minutes === "00" ? day(instant, zone).slice(5) : `${hours}:${minutes}`;
}
