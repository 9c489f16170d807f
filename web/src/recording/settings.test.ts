import { expect, test } from "vitest";
import { lines } from "./Settings";

test("nested settings become lines", () => {
  expect(lines({ a: { b: 1, c: null }, d: true })).toEqual([
    ["a.b", "1"],
    ["d", "true"],
  ]);
  expect(lines(undefined)).toEqual([]);
});
