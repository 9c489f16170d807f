// The drawing of the map: it can be moved and zoomed, and each node and edge chosen.
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { brief, hueOf, micros } from "../ui/figures";
import { difference, type Edge, type Graph, health, type Measure, measured, type Node } from "./graph";
import { curve, type Layout, NODE_HEIGHT, NODE_WIDTH, type Point } from "./layout";

export type Chosen = { readonly kind: "edge" | "node"; readonly key: string } | null;

interface Props {
  readonly graph: Graph;
  /** What the graph is compared with, if it is. */
  readonly before: Graph | null;
  /** All nodes that there ever are, so that none jumps. */
  readonly base: Graph;
  readonly layout: Layout;
  readonly by: Measure;
  readonly chosen: Chosen;
  readonly choose: (chosen: Chosen) => void;
}

interface Look {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

const [ZOOM_MIN, ZOOM_MAX] = [0.15, 3];

function useLook(layout: Layout) {
  const svg = useRef<SVGSVGElement>(null);
  const [look, setLook] = useState<Look | null>(null);
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const fit = () => {
      const { width, height } = element.getBoundingClientRect();
      const zoom = Math.max(ZOOM_MIN, Math.min(1.25, width / layout.width, height / layout.height));
      setLook({ zoom, x: (width - layout.width * zoom) / 2, y: (height - layout.height * zoom) / 2 });
    };
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    // React listens passively to the wheel, where scrolling can't be prevented.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      setLook((before) => {
        if (!before) return before;
        const zoom = Math.max(ZOOM_MIN, Math.min(ZOOM_MAX, before.zoom * (event.deltaY > 0 ? 0.88 : 1.14)));
        const factor = zoom / before.zoom;
        return { zoom, x: px - (px - before.x) * factor, y: py - (py - before.y) * factor };
      });
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", onWheel);
    };
  }, [layout]);
  const drag = (event: PointerEvent) => {
    if (event.buttons !== 1) return;
    setLook(
      (before) => before && { ...before, x: before.x + event.movementX, y: before.y + event.movementY },
    );
  };
  return { svg, look, drag };
}

export function Canvas(props: Props) {
  const { graph, before, base, layout, chosen, choose } = props;
  const { svg, look, drag } = useLook(layout);
  const edges = useMemo(() => paired(graph, before), [graph, before]);
  const present = useMemo(
    () => new Set(graph.edges.flatMap(({ source, destination }) => [source, destination])),
    [graph],
  );
  const near = useMemo(() => neighbours(edges, chosen), [edges, chosen]);
  return (
    <svg
      ref={svg}
      className="map-canvas"
      role="group"
      aria-label="Service map"
      onPointerMove={drag}
      onClick={(event) => {
        if (event.target === svg.current) choose(null);
      }}
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
          markerUnits="userSpaceOnUse"
        >
          <path d="M0 1L8 4L0 7z" className="arrow" />
        </marker>
      </defs>
      {look && (
        <g transform={`translate(${look.x} ${look.y}) scale(${look.zoom})`}>
          {edges.map((pair) => (
            <EdgeShape key={pair.key} {...props} pair={pair} isFaded={near !== null && !near.has(pair.key)} />
          ))}
          {base.nodes.map((node) => (
            <NodeShape
              key={node.key}
              node={node}
              place={layout.places.get(node.key)}
              isFaded={!present.has(node.key) || (near !== null && !near.has(node.key))}
              isChosen={chosen?.kind === "node" && chosen.key === node.key}
              choose={() => choose({ kind: "node", key: node.key })}
            />
          ))}
        </g>
      )}
    </svg>
  );
}

interface NodeProps {
  readonly node: Node;
  readonly place: Point | undefined;
  readonly isFaded: boolean;
  readonly isChosen: boolean;
  readonly choose: () => void;
}

function NodeShape({ node, place, isFaded, isChosen, choose }: NodeProps) {
  if (!place) return null;
  const sub =
    node.members > 1 && node.kind !== "named" ? `${node.members} addresses` : cut(node.namespace, 20);
  return (
    <g
      className={`map-node map-${node.kind} ${isFaded ? "faded" : ""} ${isChosen ? "map-chosen" : ""}`}
      data-node={node.key}
      transform={`translate(${place.x - NODE_WIDTH / 2} ${place.y - NODE_HEIGHT / 2})`}
      {...pressable(choose, `${node.label} ${node.namespace}`)}
    >
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={5} />
      {node.namespace !== "" && (
        <rect
          className={`ns-fill-${hueOf(node.namespace)}`}
          width={3}
          height={NODE_HEIGHT - 10}
          x={5}
          y={5}
          rx={1.5}
        />
      )}
      <text x={14} y={sub === "" ? 22 : 16}>
        {cut(node.label, 17)}
      </text>
      <text x={14} y={29} className="map-sub">
        {sub}
      </text>
    </g>
  );
}

const cut = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

/** What makes a shape a button. */
function pressable(run: () => void, label: string) {
  return {
    role: "button",
    tabIndex: 0,
    "aria-label": label,
    onClick: run,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      run();
    },
  };
}

interface Pair {
  readonly key: string;
  readonly edge: Edge;
  readonly was: Edge | undefined;
  readonly is: Edge | undefined;
}

/** Edges of both graphs, each once. */
function paired(graph: Graph, before: Graph | null): readonly Pair[] {
  const was = new Map((before?.edges ?? []).map((edge) => [edge.key, edge]));
  const found: Pair[] = graph.edges.map((edge) => ({
    key: edge.key,
    edge,
    was: was.get(edge.key),
    is: edge,
  }));
  const known = new Set(graph.edges.map(({ key }) => key));
  for (const edge of before?.edges ?? []) {
    if (!known.has(edge.key)) found.push({ key: edge.key, edge, was: edge, is: undefined });
  }
  return found;
}

/** What belongs to the chosen one: the rest fades. */
function neighbours(edges: readonly Pair[], chosen: Chosen): ReadonlySet<string> | null {
  if (!chosen) return null;
  const found = new Set<string>();
  for (const { key, edge } of edges) {
    const ends = [edge.source, edge.destination];
    if (chosen.kind === "edge" ? key === chosen.key : ends.includes(chosen.key)) {
      for (const one of [key, ...ends]) found.add(one);
    }
  }
  return found;
}

function EdgeShape({
  pair,
  layout,
  by,
  before,
  chosen,
  choose,
  isFaded,
}: Props & { pair: Pair; isFaded: boolean }) {
  const { edge, was, is, key } = pair;
  const [from, to] = [layout.places.get(edge.source), layout.places.get(edge.destination)];
  if (!from || !to) return null;
  const value = measured(is ?? edge, by);
  const width = Math.min(9, 0.8 + Math.log10(1 + value) * 1.5);
  const tone = before ? `diff-${difference(was, is)}` : `health-${health(edge)}`;
  const isChosen = chosen?.kind === "edge" && chosen.key === key;
  const path = curve(from, to);
  const label = `${edge.source} to ${edge.destination}: ${edge.exchanges} exchanges, ${edge.errors} errors`;
  return (
    <g
      className={`map-edge ${tone} ${isFaded ? "faded" : ""} ${isChosen ? "map-chosen" : ""}`}
      data-edge={key}
      {...pressable(() => choose({ kind: "edge", key }), label)}
    >
      <path d={path} className="map-hit" />
      <path d={path} className="map-line" strokeWidth={width} markerEnd="url(#arrow)" />
      {(isChosen || (by !== "traffic" && value > 0)) && (
        <EdgeLabel from={from} to={to} text={by === "latency" ? micros(value) : brief(value)} />
      )}
      <title>{label}</title>
    </g>
  );
}

function EdgeLabel({ from, to, text }: { readonly from: Point; readonly to: Point; readonly text: string }) {
  return (
    <text className="map-label" x={(from.x + to.x) / 2} y={(from.y + to.y) / 2 - 4}>
      {text}
    </text>
  );
}
