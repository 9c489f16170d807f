import { expect, test } from "vitest";
import { fromMs, ns, parseInstant } from "../state/time";
import { at, panned, ticks, x, zoomed } from "./scale";

const range = { from: fromMs(0), to: fromMs(10_000) };
const scale = { range, width: 1000 };

test("a place and its instant are found in each other", () => {
  expect(x(scale, fromMs(2500))).toBe(250);
  expect(at(scale, 250)).toBe(fromMs(2500));
});

test("zooming keeps the pivot where it is, and stays within what is recorded", () => {
  expect(zoomed(range, fromMs(2500), 0.5, range)).toEqual({ from: fromMs(1250), to: fromMs(6250) });
  expect(zoomed(range, fromMs(2500), 9, range)).toEqual(range);
  const least = zoomed({ from: ns(0n), to: ns(1000n) }, ns(500n), 0.1, null);
  expect(least.to - least.from).toBe(1000n);
});

test("panning stops at the end of what is recorded", () => {
  const part = { from: fromMs(4000), to: fromMs(6000) };
  expect(panned(part, 0.5, range)).toEqual({ from: fromMs(5000), to: fromMs(7000) });
  expect(panned(part, 9, range)).toEqual({ from: fromMs(8000), to: fromMs(10_000) });
});

test("ticks are round and labelled in the zone", () => {
  const from = parseInstant("2026-03-02T00:00:00Z") ?? ns(0n);
  const to = parseInstant("2026-03-02T01:00:00Z") ?? ns(0n);
  const labels = ticks({ range: { from, to }, width: 700 }, "utc").map(({ label }) => label);
  expect(labels).toEqual(["03-02", "00:15", "00:30", "00:45", "01:00"]);
});
