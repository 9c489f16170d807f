import { expect, test } from "vitest";
import { limits } from "./Retention";

test("limits are told in words, and none where there are none", () => {
  const none = { bytesMax: null, ageMaxSeconds: null, freePercentMin: 0, bytesPerSecond: null, next: null };
  expect(limits(none)).toEqual([]);
  expect(limits({ ...none, bytesMax: 5e9, ageMaxSeconds: 86_400, freePercentMin: 5 })).toEqual([
    "at most 5 GB",
    "not longer than 1 d",
    "while 5 % of the disk are free",
  ]);
});
