// The recording itself: who records, what there is, what was lost, and how much room is left.
import type { ReactNode } from "react";
import "../ui/table.css";
import "./recording.css";
import { useCoverage, useSegments, useStats } from "../api/queries";
import type { CoverageAnswer, Loss, NodeCoverage, Segment, Stats } from "../api/types";
import { useZone } from "../state/preferences";
import { recordedRange } from "../state/question";
import { full, ns, now, parseInstant, type Range, SECOND, span } from "../state/time";
import { bytes, count, share } from "../ui/figures";
import { Placed } from "../ui/Placed";
import { Answered, Empty } from "../ui/states";
import { Table, type TableColumn } from "../ui/Table";
import { Retention } from "./Retention";
import { Settings } from "./Settings";

export default function RecordingView() {
  const stats = useStats();
  const coverage = useCoverage();
  const segments = useSegments();
  return (
    <div className="recording">
      <Answered answer={stats} what="figures">
        {(data) => (
          <>
            <Figures stats={data} />
            <Disk stats={data} />
          </>
        )}
      </Answered>
      <Answered answer={coverage} what="what is covered">
        {(data) => (
          <>
            <Nodes coverage={data} />
            <Losses coverage={data} />
          </>
        )}
      </Answered>
      <Answered answer={segments} what="segments">
        {(data) => (
          <Block title="Segments" hint={count(data.segments.length)}>
            {data.segments.length === 0 ? (
              <Empty title="No segments">
                Start with <code>remora record</code>, or <code>remora import FILE</code>.
              </Empty>
            ) : (
              <SegmentTable segments={data.segments} />
            )}
            {data.unreadable.length > 0 && (
              <p className="notice">{count(data.unreadable.length)} can't be read: run remora verify</p>
            )}
          </Block>
        )}
      </Answered>
      <Answered answer={stats} what="retention">
        {(data) => (
          <Block title="Retention">
            <Retention told={data.retention} />
          </Block>
        )}
      </Answered>
      <Answered answer={stats} what="settings">
        {(data) => (
          <Block title="Settings">
            <Settings stats={data} />
          </Block>
        )}
      </Answered>
    </div>
  );
}

interface BlockProps {
  readonly title: string;
  readonly hint?: string;
  readonly children: ReactNode;
}

function Block({ title, hint, children }: BlockProps) {
  return (
    <section className="block" aria-label={title}>
      <h2>
        {title} {hint !== undefined && <span className="faint">{hint}</span>}
      </h2>
      {children}
    </section>
  );
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

function Figures({ stats }: { readonly stats: Stats }) {
  const lost = sum(stats.lostPackets);
  const unknown = sum(stats.lossesOfUnknownSize);
  const figures: readonly (readonly [string, string, string, string?])[] = [
    ["Exchanges", count(stats.exchanges), ""],
    ["Packets", count(stats.packets), bytes(stats.capturedBytes)],
    [
      "Lost",
      count(lost),
      unknown > 0 ? `and ${count(unknown)} losses of unknown size` : share(lost, lost + stats.packets),
      lost + unknown > 0 ? "tone-warn" : "",
    ],
    ["Segments", count(stats.segments.open + stats.segments.sealed), `${count(stats.segments.open)} open`],
    [
      "Index lag",
      count(stats.indexLag.segmentsWaiting),
      stats.indexLag.oldest === null ? "segments wait" : `since ${lag(stats.indexLag.oldest)}`,
      stats.indexLag.segmentsWaiting > 0 ? "tone-warn" : "",
    ],
    ["State", stats.recording ? "recording" : "at rest", `remora ${stats.version}`],
  ];
  return (
    <dl className="facts">
      {figures.map(([name, value, hint, tone]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={tone}>{value}</dd>
          <dd className="faint">{hint}</dd>
        </div>
      ))}
    </dl>
  );
}

function lag(oldest: string): string {
  const at = parseInstant(oldest);
  return at === null ? "?" : span(now() > at ? now() - at : 0n);
}

/** How long the disk lasts, if it fills as it did. */
function lasts(stats: Stats): string | null {
  const range = recordedRange({ from: stats.from, to: stats.to, nodes: [] });
  const used = stats.segmentBytes + stats.indexBytes;
  const free = stats.dataDir.freeBytes;
  if (range === null || used === 0 || free == null || !stats.recording) return null;
  const seconds = Number(range.to - range.from) / 1e9;
  return span(BigInt(Math.round((free / used) * seconds)) * SECOND);
}

function Disk({ stats }: { readonly stats: Stats }) {
  const total = stats.dataDir.totalBytes ?? 0;
  const free = stats.dataDir.freeBytes ?? 0;
  const parts = [
    ["segments", stats.segmentBytes],
    ["indexes", stats.indexBytes],
    ["others", Math.max(0, total - free - stats.segmentBytes - stats.indexBytes)],
    ["free", free],
  ] as const;
  const left = lasts(stats);
  return (
    <Block title="Disk" hint={stats.dataDir.path}>
      {total > 0 && (
        <div className="disk" aria-hidden>
          {parts.map(([name, size]) => (
            <Placed key={name} at={{ width: `${(size / total) * 100}%` }} className={`disk-${name}`} />
          ))}
        </div>
      )}
      <ul className="legend">
        {parts.map(([name, size]) => (
          <li key={name}>
            <i className={`swatch disk-${name}`} aria-hidden /> {name} <b>{bytes(size)}</b>
          </li>
        ))}
        <li>
          packets shrank to <b>{share(stats.segmentBytes, stats.capturedBytes)}</b>
        </li>
        {left !== null && (
          <li>
            full in <b>{left}</b> at this rate
          </li>
        )}
      </ul>
    </Block>
  );
}

function Nodes({ coverage }: { readonly coverage: CoverageAnswer }) {
  const all = recordedRange(coverage);
  if (all === null) return null;
  return (
    <Block title="Nodes" hint={count(coverage.nodes.length)}>
      <ul className="nodes">
        {coverage.nodes.map((node) => (
          <NodeLine key={node.node} node={node} all={all} />
        ))}
      </ul>
    </Block>
  );
}

function NodeLine({ node, all }: { readonly node: NodeCoverage; readonly all: Range }) {
  const packets = node.ranges.reduce((sums, range) => sums + range.packets, 0);
  const size = node.ranges.reduce((sums, range) => sums + range.bytes, 0);
  const width = 1000;
  const place = (text: string | null) => {
    const at = parseInstant(text ?? "");
    return at === null ? 0 : (Number(at - all.from) / Number(all.to - all.from)) * width;
  };
  const piece = (from: string | null, to: string | null, name: string, key: string) => (
    <rect
      key={key}
      className={name}
      x={place(from)}
      width={Math.max(1.5, place(to) - place(from))}
      y={0}
      height={10}
    />
  );
  return (
    <li>
      <span className="node-name">{node.node}</span>
      <svg
        viewBox={`0 0 ${width} 10`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`What ${node.node} recorded`}
      >
        {node.ranges.map((range, index) => piece(range.from, range.to, "overview-recorded", `r${index}`))}
        {node.holes.map((hole, index) => piece(hole.from, hole.to, "node-hole", `h${index}`))}
        {node.losses.map((loss, index) => piece(loss.from, loss.to, "node-loss", `l${index}`))}
      </svg>
      <span className="figure">{count(packets)} packets</span>
      <span className="figure">{bytes(size)}</span>
      <span className={`figure ${node.holes.length > 0 ? "tone-warn" : "tone-faint"}`}>
        {node.holes.length} holes
      </span>
    </li>
  );
}

type LossOf = Loss & { readonly node: string; readonly key: string };

function Losses({ coverage }: { readonly coverage: CoverageAnswer }) {
  const zone = useZone();
  const losses: readonly LossOf[] = coverage.nodes.flatMap(({ node, losses: of }) =>
    of.map((loss, place) => ({ ...loss, node, key: `${node}${place}` })),
  );
  const time = (text: string) => full(parseInstant(text) ?? ns(0n), zone);
  const columns: readonly TableColumn<LossOf>[] = [
    { key: "from", title: "From", cell: (loss) => <time>{time(loss.from)}</time> },
    { key: "to", title: "To", cell: (loss) => <time>{time(loss.to)}</time> },
    { key: "cause", title: "Cause", cell: (loss) => loss.cause },
    { key: "node", title: "Node", cell: (loss) => loss.node },
    { key: "interface", title: "Interface", cell: (loss) => loss.interface ?? "" },
    {
      key: "packets",
      title: "Packets",
      isFigure: true,
      cell: (loss) => (loss.packets === null ? "unknown" : count(loss.packets)),
    },
    { key: "note", title: "Note", cell: (loss) => loss.note },
  ];
  return (
    <Block title="Losses" hint={losses.length === 0 ? "none" : count(losses.length)}>
      {losses.length === 0 ? (
        <p className="faint">Every packet that the kernel showed is recorded.</p>
      ) : (
        <Table
          label="Losses"
          rows={losses}
          columns={columns}
          rowKey={(loss) => loss.key}
          sortFirst="from"
          rowsMax={200}
        />
      )}
    </Block>
  );
}

function SegmentTable({ segments }: { readonly segments: readonly Segment[] }) {
  const zone = useZone();
  const time = (text: string | null) => {
    const at = parseInstant(text ?? "");
    return at === null ? "" : <time>{full(at, zone, 0)}</time>;
  };
  const figure = (key: keyof Segment, title: string, of: (segment: Segment) => number, show = count) =>
    ({ key, title, isFigure: true, by: of, cell: (segment: Segment) => show(of(segment)) }) as const;
  const columns: readonly TableColumn<Segment>[] = [
    { key: "id", title: "Segment", by: ({ id }) => id, cell: ({ id }) => <code>{id}</code> },
    {
      key: "state",
      title: "State",
      by: ({ state }) => state,
      cell: ({ state }) => <span className={`segment-${state}`}>{state}</span>,
    },
    { key: "from", title: "From", by: ({ from }) => from ?? "", cell: ({ from }) => time(from) },
    { key: "to", title: "To", by: ({ to }) => to ?? "", cell: ({ to }) => time(to) },
    figure("packets", "Packets", (segment) => segment.packets),
    figure("entries", "Exchanges", (segment) => segment.entries),
    figure("bytes", "Captured", (segment) => segment.bytes, bytes),
    figure("fileBytes", "On disk", (segment) => segment.fileBytes, bytes),
    figure("indexBytes", "Index", (segment) => segment.indexBytes, bytes),
    figure("losses", "Losses", (segment) => segment.losses.length),
    { key: "origin", title: "Origin", by: ({ origin }) => origin, cell: ({ origin }) => origin },
  ];
  return (
    <Table label="Segments" rows={segments} columns={columns} rowKey={({ id }) => id} sortFirst="-from" />
  );
}
