import { expect, test } from "vitest";
import type { MapEdge, ServiceMap } from "../api/types";
import { difference, edgePredicate, fold, health, networkOf, nodeOf, OUTSIDE } from "./graph";

const edge = (source: string, destination: string, exchanges: number, errors = 0): MapEdge => ({
  source,
  destination,
  protocol: "HTTP",
  exchanges,
  errors,
  clientErrors: 0,
  unanswered: 0,
  requestBytes: 1,
  responseBytes: 1,
  flows: 0,
  flowRequestBytes: 0,
  flowResponseBytes: 0,
  latency: { count: exchanges, p50: 1, p90: 1, p95: exchanges, p99: 1, max: 1 },
});
const map = (edges: readonly MapEdge[]): ServiceMap => ({
  nodes: [],
  edges,
  others: null,
  coverage: {} as never,
});

test("addresses without names fold into networks, and into what lies outside", () => {
  expect([networkOf("10.1.2.3"), networkOf("203.0.113.9"), networkOf("fd00::1")]).toEqual([
    "10.1.2.0/24",
    null,
    "fc00::/7",
  ]);
  const { nodes, edges } = fold(
    map([edge("203.0.113.9", "a.shop", 5), edge("198.51.100.1", "a.shop", 7, 1)]),
    "workload",
  );
  expect(nodes.map(({ key, members }) => [key, members])).toEqual([
    ["a.shop", 1],
    [OUTSIDE, 2],
  ]);
  expect(edges).toMatchObject([{ exchanges: 12, errors: 1, latency: { p95: 7 } }]);
});

test("what lies outside is asked for as what lies in no network of one's own", () => {
  const filter = edgePredicate("a.shop", OUTSIDE);
  for (const network of ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "fe80::/10", "::1/128"]) {
    expect(filter).toContain(`!(dst.ip in ${network})`);
  }
});

test("namespaces fold what is in them", () => {
  expect(nodeOf("cart.shop.svc.cluster.local", "namespace").key).toBe("ns:shop");
  expect(fold(map([edge("a.shop", "b.shop", 1)]), "namespace").nodes).toHaveLength(1);
});

test("an edge can be asked for", () => {
  expect(edgePredicate("a.shop", "10.0.0.1")).toBe('src.name == "a.shop" and dst.ip == "10.0.0.1"');
  expect(edgePredicate("ns:shop", "10.1.2.0/24")).toBe(
    'src.name.endsWith(".shop") and dst.name == "" and dst.ip in 10.1.2.0/24',
  );
});

test("health and differences", () => {
  const { edges } = fold(map([edge("a", "b", 100, 20), edge("b", "c", 100)]), "workload");
  expect(edges.map(health)).toEqual([3, 0]);
  const [bad, good] = edges;
  expect([difference(undefined, bad), difference(bad, undefined), difference(bad, good)]).toEqual([
    "new",
    "gone",
    "same",
  ]);
});
