import { expect, test } from "vitest";
import { kept } from "./live";
import type { Row } from "./row";

const row = (id: string) => ({ id }) as Row;
const ids = (rows: readonly Row[]) => rows.map(({ id }) => id);

test("the latest comes first", () => {
  expect(ids(kept([row("b"), row("a")], [row("c"), row("d")]).rows)).toEqual(["d", "c", "b", "a"]);
});

test("what is too much goes, oldest first, and is counted", () => {
  const { rows, dropped } = kept([row("b"), row("a")], [row("c"), row("d")], 3);
  expect([ids(rows), dropped]).toEqual([["d", "c", "b"], 1]);
});
