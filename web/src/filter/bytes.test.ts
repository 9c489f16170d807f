import { expect, test } from "vitest";
import { bytesOf, unitsOf } from "./bytes";

test("bytes and units are found in each other", () => {
  const text = 'name == "é𝒳" and';
  for (const units of [0, 9, 10, 12, 13, text.length])
    expect(unitsOf(text, bytesOf(text, units))).toBe(units);
  expect(unitsOf(text, 10)).toBe(9);
});
