import { expect, test } from "vitest";
import type { Edge, Graph } from "./graph";
import { curve, layout } from "./layout";

const node = (key: string) => ({ key, label: key, namespace: "", kind: "named", members: 1 }) as const;
const edge = (source: string, destination: string) =>
  ({ key: `${source}→${destination}`, source, destination, exchanges: 1, flows: 0 }) as Edge;
const graph: Graph = {
  nodes: [node("a"), node("b"), node("c")],
  edges: [edge("a", "b"), edge("b", "c"), edge("c", "c")],
  hidden: 0,
};

test("who asks stands left of who is asked", () => {
  const { places } = layout(graph);
  const [a, b, c] = ["a", "b", "c"].map((key) => places.get(key)?.x ?? 0);
  expect((a ?? 0) < (b ?? 0) && (b ?? 0) < (c ?? 0)).toBe(true);
});

test("the order of what comes changes nothing", () => {
  const turned = { ...graph, nodes: [...graph.nodes].reverse(), edges: [...graph.edges].reverse() };
  expect([...layout(turned).places].sort()).toEqual([...layout(graph).places].sort());
});

test("curves go forwards, backwards and round", () => {
  expect(curve({ x: 0, y: 0 }, { x: 300, y: 10 })).toMatch(/^M68 0C/);
  expect(curve({ x: 300, y: 0 }, { x: 0, y: 0 })).toMatch(/^M232 0C/);
  expect(curve({ x: 0, y: 0 }, { x: 0, y: 0 })).toMatch(/c/);
});
