// The columns of the list: which there are, how wide, and what a cell of each shows.
import type { ReactNode } from "react";
import { clock, type Zone } from "../state/time";
import { bytes, hueOf, latency } from "../ui/figures";
import { badge, host, namespace, type Row } from "./row";
import type { End } from "../api/types";

export interface Column {
  readonly key: string;
  readonly title: string;
  /** As in `grid-template-columns`. */
  readonly width: string;
  readonly isFigure?: boolean;
  readonly cell: (row: Row, zone: Zone) => ReactNode;
}

function Side({ of }: { readonly of: End }) {
  const space = namespace(of);
  return (
    <span className="end">
      {space !== "" && <i className={`ns ns-${hueOf(space)}`} aria-hidden />}
      <span className="end-name">{space === "" ? host(of) : of.name.slice(0, of.name.indexOf("."))}</span>
      {space !== "" && <span className="end-space">.{space}</span>}
      <span className="end-port">:{of.port}</span>
    </span>
  );
}

/** From this on a bar is as long as it gets. */
const SLOW_MS = 3000;

function Latency({ ms }: { readonly ms: number | null }) {
  if (ms === null) return <span className="faint">–</span>;
  const level = Math.min(8, Math.round((Math.log10(1 + ms) / Math.log10(1 + SLOW_MS)) * 8));
  return (
    <span className={`latency latency-${level}`}>
      <span>{latency(ms)}</span>
    </span>
  );
}

export const COLUMNS: readonly Column[] = [
  { key: "time", title: "Time", width: "104px", cell: (row, zone) => <time>{clock(row.time, zone)}</time> },
  {
    key: "protocol",
    title: "Protocol",
    width: "76px",
    cell: (row) => <span className={`badge ${badge(row.abbr)}`}>{row.abbr}</span>,
  },
  { key: "source", title: "Source", width: "minmax(120px, 1.1fr)", cell: (row) => <Side of={row.src} /> },
  {
    key: "destination",
    title: "Destination",
    width: "minmax(120px, 1.1fr)",
    cell: (row) => <Side of={row.dst} />,
  },
  {
    key: "summary",
    title: "What",
    width: "minmax(140px, 2.4fr)",
    cell: (row) => (
      <span className="what">
        {row.method !== "" && <b>{row.method}</b>} {row.text}
      </span>
    ),
  },
  {
    key: "status",
    title: "Status",
    width: "minmax(62px, 0.6fr)",
    cell: (row) => <span className={`status class-${row.class}`}>{row.status}</span>,
  },
  {
    key: "elapsed",
    title: "Latency",
    width: "78px",
    isFigure: true,
    cell: (row) => <Latency ms={row.elapsed} />,
  },
  {
    key: "size",
    title: "Size",
    width: "70px",
    isFigure: true,
    cell: (row) => bytes((row.requestBytes ?? 0) + (row.responseBytes ?? 0)),
  },
  { key: "asked", title: "Asked", width: "70px", isFigure: true, cell: (row) => bytes(row.requestBytes) },
  {
    key: "answered",
    title: "Answered",
    width: "74px",
    isFigure: true,
    cell: (row) => bytes(row.responseBytes),
  },
  { key: "node", title: "Node", width: "130px", cell: (row) => row.node },
  { key: "stream", title: "Flow", width: "250px", cell: (row) => row.stream },
  { key: "id", title: "Id", width: "250px", cell: (row) => row.id },
];

export const COLUMNS_DEFAULT = [
  "time",
  "protocol",
  "source",
  "destination",
  "summary",
  "status",
  "elapsed",
  "size",
];

/** What is shown beside an opened exchange. */
const COLUMNS_NARROW = ["time", "protocol", "destination", "summary", "status", "elapsed"];

/** The columns that the URL names, else the usual ones. */
export function columnsOf(text: string | null, isNarrow = false): readonly Column[] {
  const keys = text === null ? (isNarrow ? COLUMNS_NARROW : COLUMNS_DEFAULT) : text.split(",");
  const chosen = COLUMNS.filter((column) => keys.includes(column.key));
  return chosen.length === 0 ? COLUMNS.filter((column) => COLUMNS_DEFAULT.includes(column.key)) : chosen;
}

/** The list with one column more or less, as the URL names it. */
export function toggled(text: string | null, key: string): string | null {
  const shown = columnsOf(text).map((column) => column.key);
  const next = shown.includes(key) ? shown.filter((other) => other !== key) : [...shown, key];
  const ordered = COLUMNS.map((column) => column.key).filter((other) => next.includes(other));
  return ordered.join(",") === COLUMNS_DEFAULT.join(",") ? null : ordered.join(",");
}
