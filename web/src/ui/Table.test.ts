import { expect, test } from "vitest";
import { sorted, sortOf } from "./Table";

test("an order is written as a column, with a minus for descending", () => {
  expect(sortOf("-rate", "name")).toEqual({ key: "rate", isDescending: true });
  expect(sortOf(null, "name")).toEqual({ key: "name", isDescending: false });
});

test("rows are put in order, and those that are equal stay as they were", () => {
  const rows = [
    { id: "a", of: 1 },
    { id: "b", of: 2 },
    { id: "c", of: 1 },
  ];
  const ids = (isDescending: boolean) => sorted(rows, ({ of }) => of, isDescending).map(({ id }) => id);
  expect(ids(true)).toEqual(["b", "a", "c"]);
  expect(ids(false)).toEqual(["a", "c", "b"]);
});
