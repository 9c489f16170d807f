import { expect, test } from "vitest";
import type { Coverage, Histogram } from "../api/types";
import { fromMs } from "../state/time";
import { bands, shapes } from "./bars";

const scale = { range: { from: fromMs(0), to: fromMs(2000) }, width: 200 };
const histogram: Histogram = {
  start: "1970-01-01T00:00:00Z",
  everyNs: "1000000000",
  series: [
    { label: "ok", exchanges: [1000, 500], flows: [0, 0] },
    { label: "5xx", exchanges: [1, 0], flows: [0, 0] },
  ],
  coverage: {} as Coverage,
};

test("what went wrong stands at the bottom and is seen", () => {
  const [bad, ok] = shapes(histogram, scale, 100);
  expect(bad).toEqual({ name: "5xx", path: "M0 98H99V100H0Z", total: 1 });
  expect(ok?.total).toBe(1500);
  expect(ok?.path).toContain("M100 50");
});

test("holes, losses and what lies outside are told apart", () => {
  const at = (second: number) => `1970-01-01T00:00:0${second}Z`;
  const loss = {
    from: at(1),
    to: at(2),
    interface: null,
    cause: "kernel",
    packets: 7,
    bytes: null,
    note: "",
  };
  const node = {
    node: "a",
    ranges: [],
    holes: [{ from: at(0), to: at(1), missing: [3], missingCount: 1, chain: "a" }],
    losses: [loss],
  };
  const recorded = { from: fromMs(0), to: fromMs(1500) };
  const found = bands({ from: null, to: null, nodes: [node] }, recorded, scale.range);
  expect(found.map(({ kind }) => kind)).toEqual(["hole", "loss", "outside"]);
  expect(found[1]?.title).toContain("7 packets lost");
});
