import { expect, test } from "vitest";
import { pathOf } from "../filter/compose";
import { placeOf } from "./TopView";

test("a path and its steps are found in each other", () => {
  for (const path of ["dst.name", 'request.headers["User-Agent"]', "request.questions[0].name"]) {
    expect(pathOf(placeOf(path))).toBe(path);
  }
});
