import { expect, test } from "vitest";
import { fieldAt, fieldOf, lineOf } from "./fields";

const leaf = (name: string, start: number, length: number) => ({
  name,
  value: "",
  start,
  length,
  fields: [],
});
const fields = [
  { ...leaf("Ethernet", 0, 14), fields: [leaf("destination", 0, 6), leaf("source", 6, 6)] },
  { ...leaf("IPv4", 14, 20), value: "a → b" },
];

test("a byte belongs to the innermost field that holds it", () => {
  expect(fieldAt(fields, 7)).toEqual([0, 1]);
  expect(fieldAt(fields, 13)).toEqual([0]);
  expect(fieldAt(fields, 15)).toEqual([1]);
  expect(fieldAt(fields, 99)).toBeNull();
});

test("a place leads to its field", () => {
  expect(fieldOf(fields, [0, 1])?.name).toBe("source");
  expect(fieldOf(fields, [4])).toBeNull();
});

test("a packet is told by its innermost layer", () => {
  expect(lineOf(fields)).toBe("IPv4  a → b");
  const ports = [
    { ...leaf("source port", 34, 2), value: "80" },
    { ...leaf("destination port", 36, 2), value: "4711" },
    { ...leaf("flags", 47, 1), value: "PSH ACK" },
  ];
  const whole = [...fields, { ...leaf("TCP", 34, 20), fields: ports }, leaf("payload", 54, 12)];
  expect(lineOf(whole)).toBe("TCP  80 → 4711  PSH ACK  12 B");
});
