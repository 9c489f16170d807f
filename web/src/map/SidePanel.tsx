// Beside the map: what is chosen in figures, or the edges in order.
import { ArrowRight, X } from "lucide-react";
import { Link } from "wouter";
import { combine, type How } from "../filter/compose";
import { useFilter } from "../filter/FilterBar";
import { linkTo } from "../state/url";
import { bytes, count, micros, share } from "../ui/figures";
import type { Chosen } from "./Canvas";
import {
  type Edge,
  edgePredicate,
  type Graph,
  health,
  type Measure,
  measured,
  predicate,
  type Sums,
} from "./graph";

interface Props {
  readonly graph: Graph;
  readonly before: Graph | null;
  readonly by: Measure;
  readonly chosen: Chosen;
  readonly choose: (chosen: Chosen) => void;
}

const LISTED_MAX = 40;

export function SidePanel(props: Props) {
  const { graph, before, chosen, choose, by } = props;
  if (chosen?.kind === "edge") {
    const is = graph.edges.find(({ key }) => key === chosen.key);
    const was = before?.edges.find(({ key }) => key === chosen.key);
    const edge = is ?? was;
    if (edge) {
      return (
        <Panel title={<EdgeName edge={edge} />} close={() => choose(null)}>
          <p className="faint">{edge.protocols.join(", ")}</p>
          <Figures sums={is ?? null} was={before ? (was ?? null) : undefined} />
          <Ask text={edgePredicate(edge.source, edge.destination)} />
        </Panel>
      );
    }
  }
  if (chosen?.kind === "node") return <NodePanel {...props} name={chosen.key} />;
  const edges = [...graph.edges].sort((a, b) => measured(b, by) - measured(a, by)).slice(0, LISTED_MAX);
  return (
    <Panel title={`Edges by ${by}`}>
      <EdgeList edges={edges} by={by} choose={choose} />
    </Panel>
  );
}

function NodePanel({ graph, by, choose, name }: Props & { readonly name: string }) {
  const node = graph.nodes.find(({ key }) => key === name);
  const sorted = (edges: readonly Edge[]) => [...edges].sort((a, b) => measured(b, by) - measured(a, by));
  const incoming = sorted(graph.edges.filter(({ destination }) => destination === name));
  const outgoing = sorted(graph.edges.filter(({ source }) => source === name));
  return (
    <Panel title={node?.label ?? name} close={() => choose(null)}>
      {node && node.namespace !== "" && <p className="faint">{node.namespace}</p>}
      <h3>Asked by</h3>
      <EdgeList edges={incoming} by={by} choose={choose} isShort="source" />
      <h3>Asks</h3>
      <EdgeList edges={outgoing} by={by} choose={choose} isShort="destination" />
      <Ask text={`(${predicate("src", name)}) or (${predicate("dst", name)})`} />
    </Panel>
  );
}

interface PanelProps {
  readonly title: React.ReactNode;
  readonly close?: () => void;
  readonly children: React.ReactNode;
}

function Panel({ title, close, children }: PanelProps) {
  return (
    <aside className="map-panel" aria-label="Chosen on the map" tabIndex={0}>
      <header>
        <h2>{title}</h2>
        {close && (
          <button type="button" className="button button-icon" aria-label="Choose nothing" onClick={close}>
            <X size={15} aria-hidden />
          </button>
        )}
      </header>
      {children}
    </aside>
  );
}

const short = (key: string): string => key.replace(/^ns:/, "");

function EdgeName({ edge }: { readonly edge: Edge }) {
  return (
    <>
      {short(edge.source)} <ArrowRight size={13} aria-label="to" /> {short(edge.destination)}
    </>
  );
}

interface ListProps {
  readonly edges: readonly Edge[];
  readonly by: Measure;
  readonly choose: (chosen: Chosen) => void;
  readonly isShort?: "source" | "destination";
}

function EdgeList({ edges, by, choose, isShort }: ListProps) {
  if (edges.length === 0) return <p className="faint">nobody</p>;
  return (
    <ul className="edge-list">
      {edges.map((edge) => (
        <li key={edge.key}>
          <button type="button" onClick={() => choose({ kind: "edge", key: edge.key })}>
            <i className={`swatch health-back-${health(edge)}`} aria-hidden />
            <span>{isShort ? short(edge[isShort]) : <EdgeName edge={edge} />}</span>
            <b className="figure">
              {by === "latency" ? micros(measured(edge, by)) : count(measured(edge, by))}
            </b>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Each figure, and what it was. */
function Figures({ sums, was }: { readonly sums: Sums | null; readonly was: Sums | null | undefined }) {
  const rows: readonly (readonly [string, (of: Sums) => string])[] = [
    ["exchanges", (of) => count(of.exchanges)],
    ["errors", (of) => `${count(of.errors)}  ${share(of.errors, of.exchanges)}`],
    ["client errors", (of) => count(of.clientErrors)],
    ["not answered", (of) => count(of.unanswered)],
    ["p50", (of) => micros(of.latency.p50)],
    ["p95", (of) => micros(of.latency.p95)],
    ["p99", (of) => micros(of.latency.p99)],
    ["bytes", (of) => bytes(of.bytes)],
    ["flows", (of) => count(of.flows)],
  ];
  return (
    <table className="figures">
      {was !== undefined && (
        <thead>
          <tr>
            <td />
            <th scope="col">before</th>
            <th scope="col">now</th>
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map(([name, of]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {was !== undefined && <td className="figure faint">{was ? of(was) : "–"}</td>}
            <td className="figure">{sums ? of(sums) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** From the map to the filter and to the traffic. */
function Ask({ text }: { readonly text: string }) {
  const { q, submit } = useFilter();
  const add = (how: How) => submit(combine(q, text.includes(" or ") ? `(${text})` : text, how));
  const href = linkTo("/", window.location.search, {
    q: combine(q, text, q.includes(text) ? "only" : "and"),
  });
  return (
    <div className="map-ask">
      <Link href={href} className="button button-accent">
        Show the traffic
      </Link>
      <button type="button" className="button" onClick={() => add("and")}>
        And
      </button>
      <button type="button" className="button" onClick={() => add("not")}>
        Not
      </button>
      <button type="button" className="button" onClick={() => add("or")}>
        Or
      </button>
    </div>
  );
}
