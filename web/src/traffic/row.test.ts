import { expect, test } from "vitest";
import type { Entry } from "../api/types";
import { badge, host, namespace, rowOf } from "./row";

const entry: Entry = {
  id: "a-0000000000.1.3",
  startTime: "2026-03-02T00:00:00.053895759Z",
  elapsedTime: 3,
  protocol: { name: "http", abbr: "HTTP" },
  src: { ip: "fd00::1", port: "32769", name: "" },
  dst: { ip: "10.0.0.1", port: "80", name: "front-end.shop" },
  request: { method: "GET", url: "/carts" },
  response: { status: 503 },
  requestSize: 833,
  responseSize: 1625,
};

test("a row says what a list shows", () => {
  expect(rowOf(entry)).toMatchObject({
    method: "GET",
    text: "/carts",
    status: "503",
    class: "5xx",
    elapsed: 3,
  });
});

test("what the server says of an exchange goes first", () => {
  const summary = { method: "", text: "x A", status: "No Error", outcome: "good", class: "ok" } as const;
  expect(rowOf({ ...entry, summary })).toMatchObject({ text: "x A", status: "No Error" });
});

test("without an answer there is no latency", () => {
  const unanswered = { ...entry, response: null, error: { type: "pair-not-found" } };
  expect(rowOf(unanswered)).toMatchObject({ elapsed: null, status: "no answer", outcome: "unanswered" });
});

test("ends prefer names, and names tell namespaces", () => {
  expect([host(entry.src), host(entry.dst)]).toEqual(["[fd00::1]", "front-end.shop"]);
  expect(namespace(entry.dst)).toBe("shop");
  expect(namespace({ ...entry.dst, name: "cart.shop.svc.cluster.local" })).toBe("shop");
  expect(badge("nonsense")).toBe("badge-other");
});
