import { expect, test } from "vitest";
import { clock, day, fromMs, ns, parseInstant, parseTime, span, toMs, toText } from "./time";

const at = parseInstant("2026-03-02T00:21:00.117503460Z");

test("an instant keeps its nanoseconds", () => {
  expect(at).toBe(1_772_410_860_117_503_460n);
  expect(toText(at ?? ns(0n))).toBe("2026-03-02T00:21:00.11750346Z");
});

test("offsets, days and Unix times are read", () => {
  expect(parseInstant("2026-03-02T01:21:00+01:00")).toBe(parseInstant("2026-03-02T00:21:00Z"));
  expect(parseInstant("2026-03-02")).toBe(parseInstant("2026-03-02T00:00:00Z"));
  expect(parseInstant("1772410860")).toBe(parseInstant("2026-03-02T00:21:00Z"));
  expect(parseInstant("1772410860117")).toBe(parseInstant("2026-03-02T00:21:00.117Z"));
  expect(parseInstant("1772410860117503460")).toBe(at);
});

test("nonsense is no instant", () => {
  for (const text of ["", "yesterday", "2026-13-45T00:00:00Z", "12:00"])
    expect(parseInstant(text)).toBeNull();
});

test("relative times count from now", () => {
  const present = fromMs(1_000_000_000);
  expect(parseTime("-15m", present)).toBe(fromMs(1_000_000_000 - 900_000));
  expect(parseTime("now", present)).toBe(present);
  expect(parseTime("-15 parsecs", present)).toBeNull();
});

test("clocks show the digits that are asked for", () => {
  expect(clock(at ?? ns(0n), "utc")).toBe("00:21:00.117");
  expect(clock(at ?? ns(0n), "utc", 9)).toBe("00:21:00.117503460");
  expect(day(at ?? ns(0n), "utc")).toBe("2026-03-02");
});

test("lengths are said as people say them", () => {
  expect(span(7_500_000_000_000n)).toBe("2 h 5 min");
  expect(span(900_000_000_000n)).toBe("15 min");
  expect(span(12_000_000n)).toBe("12 ms");
});

test("milliseconds come back", () => {
  expect(toMs(fromMs(1234.567))).toBeCloseTo(1234.567, 3);
});
