import { expect, test } from "vitest";
import { EXAMPLE as entry } from "../api/example";
import { beside, badge, host, namespace, rowOf } from "./row";

test("a row says what a list shows", () => {
  expect(rowOf(entry)).toMatchObject({
    method: "GET",
    text: "/carts",
    status: "503",
    class: "5xx",
    elapsed: 3,
  });
});

test("without an answer there is no latency", () => {
  const summary = {
    ...entry.summary,
    status: "no answer",
    outcome: "unanswered",
    class: "unanswered",
  } as const;
  const unanswered = { ...entry, response: null, summary };
  expect(rowOf(unanswered)).toMatchObject({ elapsed: null, status: "no answer", outcome: "unanswered" });
});

test("ends prefer names, and names tell namespaces", () => {
  expect([host(entry.src), host(entry.dst)]).toEqual(["[fd00::1]", "front-end.shop"]);
  expect(namespace(entry.dst)).toBe("shop");
  expect(namespace({ ...entry.dst, name: "cart.shop.svc.cluster.local" })).toBe("shop");
  expect(badge("nonsense")).toBe("badge-other");
});

test("SQL says its verb once", () => {
  expect(beside("INSERT", "INSERT INTO orders")).toBe("INTO orders");
  expect(beside("GET", "/GET it")).toBe("/GET it");
  expect(beside("", " x")).toBe(" x");
});
