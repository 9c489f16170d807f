// Figures as people read them. Each is short enough for a column and means one thing.

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

const short = (value: number): string => {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(2).replace(/\.?0+$/, "");
};

/** Decimal units, as disks and networks are sold. */
export function bytes(count: number | null | undefined): string {
  if (count == null) return "";
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < BYTES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : short(value)} ${BYTES[unit] ?? ""}`;
}

/** A count with thin spaces between thousands. */
export function count(value: number | null | undefined): string {
  return value == null ? "" : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A count in a narrow place: `12.3k`. */
export function brief(value: number): string {
  if (value < 1000) return short(value);
  return value < 999_500 ? `${short(value / 1000)}k` : `${short(value / 1_000_000)}M`;
}

/** Milliseconds. */
export function elapsed(ms: number | null | undefined): string {
  if (ms == null) return "";
  if (ms < 1) return ms === 0 ? "0 ms" : `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${short(ms)} ms`;
  return ms < 60_000 ? `${short(ms / 1000)} s` : `${short(ms / 60_000)} min`;
}

/** How long an exchange took: whole milliseconds, of which none means less than one. */
export const latency = (ms: number): string => (ms === 0 ? "< 1 ms" : elapsed(ms));

/** Microseconds. */
export const micros = (us: number | null | undefined): string => (us == null ? "" : elapsed(us / 1000));

export function rate(perSecond: number | null | undefined): string {
  if (perSecond == null) return "";
  if (perSecond === 0) return "0";
  if (perSecond >= 0.1) return `${short(perSecond)}/s`;
  return perSecond * 60 >= 0.1 ? `${short(perSecond * 60)}/min` : `${short(perSecond * 3600)}/h`;
}

export function share(part: number, whole: number): string {
  if (whole === 0) return "";
  const percent = (part / whole) * 100;
  if (percent === 0) return "0 %";
  return percent < 0.1 ? "< 0.1 %" : `${short(percent)} %`;
}

/** A place between 0 and 11 for a name's colour: the same name, the same colour, everywhere. */
export function hueOf(name: string): number {
  let hash = 2166136261;
  for (let place = 0; place < name.length; place += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(place), 16777619) >>> 0;
  }
  return hash % 12;
}
