// Who spoke with whom, folded into as many nodes as one can look at.
import type { Latency, MapEdge, ServiceMap } from "../api/types";
import { literal } from "../filter/compose";

export type Grouping = "workload" | "namespace" | "address";
export const GROUPINGS: readonly Grouping[] = ["workload", "namespace", "address"];

/** More nodes than this nobody tells apart; the quietest are left out, and that is said. */
export const NODES_MAX = 120;

export interface Sums {
  readonly exchanges: number;
  readonly errors: number;
  readonly clientErrors: number;
  readonly unanswered: number;
  readonly bytes: number;
  readonly flows: number;
  /** The slowest protocol's; percentiles of several can't be put together. */
  readonly latency: Latency;
}

export interface Node {
  readonly key: string;
  readonly label: string;
  readonly namespace: string;
  readonly kind: "named" | "network" | "outside" | "address";
  readonly members: number;
}

export interface Edge extends Sums {
  readonly key: string;
  readonly source: string;
  readonly destination: string;
  readonly protocols: readonly string[];
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly hidden: number;
}

const isAddress = (name: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(":");

const PRIVATE = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "fc00::/7",
  "fe80::/10",
  "127.0.0.0/8",
  "::1/128",
];

/** The network that an address without a name is counted to; `null` for those outside. */
export function networkOf(address: string): string | null {
  const four = /^(\d+)\.(\d+)\.(\d+)\.\d+$/.exec(address);
  if (four) {
    const [a, b, c] = [Number(four[1]), Number(four[2]), Number(four[3])];
    const isPrivate =
      a === 10 ||
      a === 127 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254);
    return isPrivate ? `${a}.${b}.${c}.0/24` : null;
  }
  if (address === "::1") return "::1/128";
  if (/^f[cd]/i.test(address)) return "fc00::/7";
  return /^fe[89ab]/i.test(address) ? "fe80::/10" : null;
}

export const OUTSIDE = "outside";

export function nodeOf(name: string, grouping: Grouping): Omit<Node, "members"> {
  if (isAddress(name) || name === "") {
    if (grouping === "address") return { key: name, label: name, namespace: "", kind: "address" };
    const network = networkOf(name);
    return network === null
      ? { key: OUTSIDE, label: "outside", namespace: "", kind: "outside" }
      : { key: network, label: network, namespace: "", kind: "network" };
  }
  const dot = name.indexOf(".");
  const namespace = dot < 0 ? "" : name.slice(dot + 1).replace(/\.svc(\.cluster\.local)?$/, "");
  if (grouping === "namespace" && namespace !== "") {
    return { key: `ns:${namespace}`, label: namespace, namespace, kind: "named" };
  }
  return { key: name, label: dot < 0 ? name : name.slice(0, dot), namespace, kind: "named" };
}

/** What says in KFL that an end belongs to a node. */
export function predicate(side: "src" | "dst", key: string): string {
  if (key === OUTSIDE) {
    const inside = PRIVATE.map((network) => `!(${side}.ip in ${network})`);
    return [`${side}.name == ""`, ...inside].join(" and ");
  }
  if (key.includes("/")) return `${side}.name == "" and ${side}.ip in ${key}`;
  if (key.startsWith("ns:")) return `${side}.name.endsWith(${literal(`.${key.slice(3)}`)})`;
  return isAddress(key) ? `${side}.ip == ${literal(key)}` : `${side}.name == ${literal(key)}`;
}

export const edgePredicate = (source: string, destination: string): string =>
  `${predicate("src", source)} and ${predicate("dst", destination)}`;

const NONE: Sums = {
  exchanges: 0,
  errors: 0,
  clientErrors: 0,
  unanswered: 0,
  bytes: 0,
  flows: 0,
  latency: { count: 0, p50: null, p90: null, p95: null, p99: null, max: null },
};

function added(sums: Sums, edge: MapEdge): Sums {
  return {
    exchanges: sums.exchanges + edge.exchanges,
    errors: sums.errors + edge.errors,
    clientErrors: sums.clientErrors + edge.clientErrors,
    unanswered: sums.unanswered + edge.unanswered,
    bytes: sums.bytes + edge.requestBytes + edge.responseBytes,
    flows: sums.flows + edge.flows,
    latency: (edge.latency.p95 ?? -1) > (sums.latency.p95 ?? -1) ? edge.latency : sums.latency,
  };
}

export function fold(map: ServiceMap, grouping: Grouping): Graph {
  const nodes = new Map<string, { node: Omit<Node, "members">; members: Set<string>; weight: number }>();
  const edges = new Map<
    string,
    { edge: Sums; source: string; destination: string; protocols: Set<string> }
  >();
  const take = (name: string, weight: number): string => {
    const node = nodeOf(name, grouping);
    const known = nodes.get(node.key) ?? { node, members: new Set<string>(), weight: 0 };
    known.members.add(name);
    known.weight += weight;
    nodes.set(node.key, known);
    return node.key;
  };
  for (const edge of map.edges) {
    const weight = edge.exchanges + edge.flows;
    const source = take(edge.source, weight);
    const destination = take(edge.destination, weight);
    const key = `${source}→${destination}`;
    const known = edges.get(key) ?? { edge: NONE, source, destination, protocols: new Set<string>() };
    known.edge = added(known.edge, edge);
    if (edge.exchanges > 0) known.protocols.add(edge.protocol);
    edges.set(key, known);
  }
  const heaviest = [...nodes.values()].sort(
    (a, b) => b.weight - a.weight || (a.node.key < b.node.key ? -1 : 1),
  );
  const shown = new Set(heaviest.slice(0, NODES_MAX).map(({ node }) => node.key));
  return {
    nodes: heaviest
      .filter(({ node }) => shown.has(node.key))
      .map(({ node, members }) => ({ ...node, members: members.size })),
    edges: [...edges.entries()]
      .filter(([, { source, destination }]) => shown.has(source) && shown.has(destination))
      .map(([key, { edge, source, destination, protocols }]) => ({
        ...edge,
        key,
        source,
        destination,
        protocols: [...protocols].sort(),
      })),
    hidden: heaviest.length - shown.size,
  };
}

export type Measure = "traffic" | "errors" | "latency";
export const MEASURES: readonly Measure[] = ["traffic", "errors", "latency"];

/** What an edge is measured by; the thickness and the order follow it. */
export function measured(sums: Sums, by: Measure): number {
  if (by === "errors") return sums.errors + sums.unanswered;
  if (by === "latency") return sums.latency.p95 ?? 0;
  return sums.exchanges > 0 ? sums.exchanges : sums.flows;
}

/** 0 good … 3 bad, by the share that failed. */
export function health(sums: Sums): 0 | 1 | 2 | 3 {
  if (sums.exchanges === 0) return 0;
  const share = (sums.errors + sums.unanswered) / sums.exchanges;
  if (share >= 0.1) return 3;
  if (share >= 0.01) return 2;
  return share > 0 ? 1 : 0;
}

export type Difference = "new" | "gone" | "more" | "less" | "same";

/** How an edge differs from what it was: a third more or less of it, or failing more often, is told. */
export function difference(before: Sums | undefined, after: Sums | undefined): Difference {
  const [was, is] = [before?.exchanges ?? 0, after?.exchanges ?? 0];
  if (was === 0 && is === 0) return "same";
  if (was === 0) return "new";
  if (is === 0) return "gone";
  if (is > was * 1.33 && is - was > 5) return "more";
  return was > is * 1.33 && was - is > 5 ? "less" : "same";
}
