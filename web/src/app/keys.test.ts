import { expect, test } from "vitest";
import { bound } from "./keys";

test("two keys in a row go before one", () => {
  const said: string[] = [];
  const bindings = { t: () => said.push("t"), "g t": () => said.push("g t") };
  bound(bindings, "g", "t")?.();
  bound(bindings, "x", "t")?.();
  expect(said).toEqual(["g t", "t"]);
  expect(bound(bindings, "", "q")).toBeUndefined();
});
