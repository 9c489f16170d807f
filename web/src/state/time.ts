// Instants: branded `bigint` nanoseconds, UTC. Numbers can't hold them, so they only become numbers as
// milliseconds, for drawing.

declare const brand: unique symbol;

/** Nanoseconds since 1970, UTC. */
export type Ns = bigint & { readonly [brand]: "ns" };

/** A half-open stretch of time. */
export interface Range {
  readonly from: Ns;
  readonly to: Ns;
}

export type Zone = "utc" | "local";

export const MS = 1_000_000n;
export const SECOND = 1_000_000_000n;

const UNITS: Readonly<Record<string, bigint>> = {
  ms: MS,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
  d: 86_400n * SECOND,
  w: 604_800n * SECOND,
};

export const ns = (value: bigint): Ns => value as Ns;
export const fromMs = (ms: number): Ns => ns(BigInt(Math.round(ms * 1000)) * 1000n);
export const toMs = (at: Ns): number => Number(at / 1000n) / 1000;
export const now = (): Ns => fromMs(Date.now());

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d\d:\d\d)?$/;

/** Reads RFC 3339, or a Unix time in s, ms, µs or ns; without an offset it is UTC. */
export function parseInstant(text: string): Ns | null {
  const found = RFC3339.exec(text.trim());
  if (found) {
    const [, day = "", clock = "", fraction = "", zone = "Z"] = found;
    const seconds = clock.length === 5 ? `${clock}:00` : clock;
    const ms = Date.parse(`${day}T${seconds}${zone.toUpperCase()}`);
    if (Number.isNaN(ms)) return null;
    return ns(BigInt(ms) * MS + BigInt(fraction.padEnd(9, "0")));
  }
  if (/^\d{4}-\d\d-\d\d$/.test(text.trim())) return parseInstant(`${text.trim()}T00:00:00Z`);
  if (!/^\d{9,19}$/.test(text.trim())) return null;
  const value = BigInt(text.trim());
  const digits = text.trim().length;
  if (digits <= 11) return ns(value * SECOND);
  if (digits <= 14) return ns(value * MS);
  return ns(digits <= 17 ? value * 1000n : value);
}

/** Reads what a range may begin or end with: an instant, `now`, or `-15m`. */
export function parseTime(text: string, at: Ns): Ns | null {
  const trimmed = text.trim();
  if (trimmed === "now") return at;
  const relative = /^-(\d+)(ms|s|m|h|d|w)$/.exec(trimmed);
  if (!relative) return parseInstant(trimmed);
  const unit = UNITS[relative[2] ?? ""];
  return unit === undefined ? null : ns(at - BigInt(relative[1] ?? "0") * unit);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** The parts of an instant in a zone. */
function parts(at: Ns, zone: Zone) {
  const millis = at / MS - (at % MS < 0n ? 1n : 0n);
  const date = new Date(Number(millis));
  const fraction = String(at - (at / SECOND) * SECOND).padStart(9, "0");
  return zone === "utc"
    ? {
        day: date.toISOString().slice(0, 10),
        clock: date.toISOString().slice(11, 19),
        fraction,
      }
    : {
        day: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
        clock: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
        fraction,
      };
}

/** RFC 3339 in UTC, no more digits than are needed: what the URL and the API get. */
export function toText(at: Ns): string {
  const { day, clock, fraction } = parts(at, "utc");
  const digits = fraction.replace(/0+$/, "");
  return `${day}T${clock}${digits === "" ? "" : `.${digits}`}Z`;
}

/** `14:02:37.172`: the clock, with as many digits of the second as are asked for. */
export function clock(at: Ns, zone: Zone, digits = 3): string {
  const { clock: text, fraction } = parts(at, zone);
  return digits === 0 ? text : `${text}.${fraction.slice(0, digits)}`;
}

export const day = (at: Ns, zone: Zone): string => parts(at, zone).day;

/** Day, clock and zone in full. */
export const full = (at: Ns, zone: Zone, digits = 3): string =>
  `${day(at, zone)} ${clock(at, zone, digits)}${zone === "utc" ? " UTC" : ""}`;

/** How long a stretch is, as people say it: `15 min`, `2 h 5 min`. */
export function span(length: bigint): string {
  if (length < MS) return `${String(length / 1000n)} µs`;
  if (length < SECOND) return `${String(length / MS)} ms`;
  const seconds = Number(length / SECOND);
  const units: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const said: string[] = [];
  let rest = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) said.push(`${count} ${name}`);
    if (said.length === 2) break;
  }
  return said.length === 0 ? "0 s" : said.join(" ");
}

export const within = (at: Ns, range: Range): boolean => at >= range.from && at < range.to;

export function clamp(at: Ns, range: Range): Ns {
  if (at < range.from) return range.from;
  return at > range.to ? range.to : at;
}
