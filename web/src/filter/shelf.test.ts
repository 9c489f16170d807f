import { expect, test } from "vitest";
import { remembered } from "./shelf";

test("the latest comes first and each once", () => {
  expect(remembered(["http", "dns"], "dns")).toEqual(["dns", "http"]);
  expect(remembered(["http"], "  ")).toEqual(["http"]);
});

test("the oldest goes when there are too many", () => {
  const many = Array.from({ length: 100 }, (_, place) => `x == ${place}`);
  expect(remembered(many, "new")).toHaveLength(100);
  expect(remembered(many, "new")).not.toContain("x == 99");
});
