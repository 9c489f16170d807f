import { expect, test } from "vitest";
import type { Change } from "../api/types";
import { isWorse, subjectOf, told } from "./DiffView";

const change = (part: Partial<Change>): Change => ({
  what: "latency p50",
  subject: { destination: "front-end.shop", endpoint: "/carts/{id}", method: "GET", protocol: "HTTP" },
  unit: "us",
  before: 2544,
  after: 9920,
  exchangesBefore: 1,
  exchangesAfter: 1,
  effect: null,
  score: 1,
  test: null,
  ...part,
});

test("values are told in their unit", () => {
  expect([told(9920, "us"), told(0.05, "share"), told(4, "perSecond"), told(null, "count")]).toEqual([
    "9.92 ms",
    "5 %",
    "4/s",
    "–",
  ]);
});

test("more errors and more time are worse; more traffic is neither", () => {
  expect(isWorse(change({}))).toBe(true);
  expect(isWorse(change({ what: "error rate", before: 0.2, after: 0 }))).toBe(false);
  expect(isWorse(change({ what: "rate" }))).toBeNull();
});

test("subjects are told by what they are", () => {
  expect(subjectOf(change({}))).toContain("GET /carts/{id}");
  expect(subjectOf(change({ subject: { source: "a", destination: "b" } }))).toBe("a → b");
});
