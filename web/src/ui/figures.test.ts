import { expect, test } from "vitest";
import { brief, bytes, count, elapsed, hueOf, latency, rate, share } from "./figures";

test("bytes take the unit that reads best", () => {
  expect([0, 999, 1000, 1_271, 224_677_716].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "1.27 kB",
    "225 MB",
  ]);
  expect(bytes(null)).toBe("");
});

test("an exchange that took no whole millisecond took less", () => {
  expect([latency(0), latency(12)]).toEqual(["< 1 ms", "12 ms"]);
});

test("latencies go from microseconds to minutes", () => {
  expect([0, 0.25, 12, 2667, 90_000].map(elapsed)).toEqual(["0 ms", "250 µs", "12 ms", "2.67 s", "1.5 min"]);
});

test("counts are grouped, or brief", () => {
  expect(count(215_926)).toBe("215\u202f926");
  expect([7, 1234, 215_926, 1_500_000].map(brief)).toEqual(["7", "1.23k", "216k", "1.5M"]);
});

test("rates choose their time", () => {
  expect([4.509, 0.05, 0.0005].map(rate)).toEqual(["4.51/s", "3/min", "1.8/h"]);
});

test("shares and hues", () => {
  expect(share(1, 3)).toBe("33.3 %");
  expect(share(0, 0)).toBe("");
  expect(hueOf("shop")).toBe(hueOf("shop"));
  expect(hueOf("shop")).toBeLessThan(12);
});
