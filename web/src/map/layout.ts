// Where the nodes stand. They are laid out once for all that is recorded: whichever stretch of it is looked at, and
// while time travels, each stays where it is.
import { Graph as Dagre, layout as run } from "@dagrejs/dagre";
import type { Graph } from "./graph";

export const NODE_WIDTH = 136;
export const NODE_HEIGHT = 36;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly places: ReadonlyMap<string, Point>;
  readonly width: number;
  readonly height: number;
}

export function layout(graph: Graph): Layout {
  const dagre = new Dagre();
  dagre.setGraph({
    rankdir: "LR",
    nodesep: 26,
    ranksep: 68,
    marginx: 16,
    marginy: 16,
    ranker: "tight-tree",
  });
  dagre.setDefaultEdgeLabel(() => ({}));
  // The same graph in another order is laid out the same.
  const nodes = [...graph.nodes].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key } of nodes) dagre.setNode(key, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const edge of [...graph.edges].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (edge.source === edge.destination) continue;
    dagre.setEdge(edge.source, edge.destination, {
      weight: Math.ceil(Math.log2(2 + edge.exchanges + edge.flows)),
    });
  }
  run(dagre);
  const places = new Map<string, Point>();
  let [width, height] = [NODE_WIDTH, NODE_HEIGHT];
  for (const { key } of nodes) {
    const { x, y } = dagre.node(key) as Point;
    places.set(key, { x, y });
    width = Math.max(width, x + NODE_WIDTH / 2 + 16);
    height = Math.max(height, y + NODE_HEIGHT / 2 + 16);
  }
  return { places, width, height };
}

/** The curve from the right side of one node to the left side of another; a loop from a node to itself. */
export function curve(from: Point, to: Point): string {
  const half = NODE_WIDTH / 2;
  if (from.x === to.x && from.y === to.y) {
    const [x, y] = [from.x + half - 20, from.y - NODE_HEIGHT / 2];
    return `M${x} ${y}c4 -22 34 -22 20 ${NODE_HEIGHT / 2}`;
  }
  const isBack = to.x <= from.x;
  const [start, end] = isBack ? [from.x - half, to.x + half] : [from.x + half, to.x - half];
  if (Math.abs(from.x - to.x) < NODE_WIDTH) {
    const side = from.x + half;
    return `M${side} ${from.y}C${side + 60} ${from.y} ${to.x + half + 60} ${to.y} ${to.x + half} ${to.y}`;
  }
  const bend = Math.max(40, Math.abs(end - start) / 2) * (isBack ? -1 : 1);
  return `M${start} ${from.y}C${start + bend} ${from.y} ${end - bend} ${to.y} ${end} ${to.y}`;
}
