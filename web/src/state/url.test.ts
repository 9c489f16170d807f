import { expect, test } from "vitest";
import { linkTo, patched } from "./url";

test("a change keeps the rest, and the order doesn't matter", () => {
  expect(patched("?to=b&from=a", { q: "http" })).toBe("?from=a&q=http&to=b");
  expect(patched("?q=http&from=a", { q: null })).toBe("?from=a");
  expect(patched("?q=http", { q: "" })).toBe("");
});

test("another view keeps the question and the time only", () => {
  expect(linkTo("/map", "?q=http&from=-15m&entry=x&tab=packets")).toBe("/map?from=-15m&q=http");
  expect(linkTo("/traffic", "?q=http", { q: "dns" })).toBe("/traffic?q=dns");
});
