import { expect, test } from "vitest";
import { matching, score } from "./commands";

const command = (name: string) => ({ name, run: () => undefined });

test("letters in order match, and closer ones go first", () => {
  expect(score("Top values", "tv")).not.toBeNull();
  expect(score("Top values", "vt")).toBeNull();
  const found = matching([command("Go to Traffic"), command("Traffic live"), command("Map")], "tra");
  expect(found.map(({ name }) => name)).toEqual(["Traffic live", "Go to Traffic"]);
});
