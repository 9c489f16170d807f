import { expect, test } from "vitest";
import { recordedRange, resolve } from "./question";
import { type Ns, fromMs, ns } from "./time";

const recorded = { from: fromMs(1000), to: fromMs(9000) };

test("without texts it is all that is recorded", () => {
  expect(resolve(null, null, recorded, fromMs(20_000))).toEqual(recorded);
  expect(resolve(null, null, null, fromMs(20_000))).toBeNull();
});

test("relative ranges end now", () => {
  expect(resolve("-10s", null, recorded, fromMs(20_000))).toEqual({
    from: fromMs(10_000),
    to: fromMs(20_000),
  });
});

test("a range that is none is none", () => {
  expect(resolve("1970-01-01T00:00:05Z", "1970-01-01T00:00:05Z", recorded, fromMs(0))).toBeNull();
  expect(resolve("once", null, recorded, fromMs(0))).toBeNull();
});

test("the last packet lies inside what is recorded", () => {
  const at = "1970-01-01T00:00:01Z";
  const to = "1970-01-01T00:00:02Z";
  expect(recordedRange({ from: at, to, nodes: [] })).toEqual({
    from: fromMs(1000),
    to: ns(2_000_000_001n) satisfies Ns,
  });
  expect(recordedRange({ from: null, to: null, nodes: [] })).toBeNull();
});
