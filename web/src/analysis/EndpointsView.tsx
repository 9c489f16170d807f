// How often, how fast and with which success each endpoint was asked.
import { Link } from "wouter";
import { useEndpoints } from "../api/queries";
import type { Endpoint } from "../api/types";
import { combine, equals, literal } from "../filter/compose";
import { useSummed } from "../state/question";
import { linkTo, useUrl } from "../state/url";
import { badge, beside } from "../traffic/row";
import { bytes, count, micros, rate, share } from "../ui/figures";
import { Answered, Empty } from "../ui/states";
import { Table, type TableColumn } from "../ui/Table";
import { Covered, Frame } from "./Frame";

/** A template such as `/items/{id}` as a regular expression of KFL. */
export function templatePattern(template: string): string {
  const parts = template.split(/\{[^}]*\}/).map((part) => part.replace(/[.*+?^$()|[\]\\{}]/g, "[$&]"));
  return `r"^${parts.join("[^/?]+").replaceAll('"', ".")}($|[?])"`;
}

/** What asks for the exchanges of an endpoint. */
export function endpointFilter({ destination, protocol, method, endpoint }: Endpoint): string {
  const isName = !/^[\d.]+$/.test(destination) && !destination.includes(":");
  const to = equals(["dst", isName ? "name" : "ip"], destination);
  const isHttp = protocol.startsWith("HTTP") && endpoint.startsWith("/");
  const at = isHttp
    ? `request.method == ${literal(method)} and request.path == ${templatePattern(endpoint)}`
    : `protocol.abbr == ${literal(protocol)}`;
  return `${to} and ${at}`;
}

const failed = (row: Endpoint): number =>
  row.exchanges === 0 ? 0 : (row.errors + row.unanswered) / row.exchanges;

function tone(part: number): string {
  if (part >= 0.05) return "tone-bad";
  return part > 0 ? "tone-warn" : "tone-faint";
}

const latency = (key: "p50" | "p95" | "p99"): TableColumn<Endpoint> => ({
  key,
  title: key,
  isFigure: true,
  by: (row) => row.latency[key] ?? -1,
  cell: (row) => micros(row.latency[key]),
});

const FIGURES: readonly TableColumn<Endpoint>[] = [
  {
    key: "rate",
    title: "Rate",
    isFigure: true,
    by: (row) => row.exchanges,
    cell: (row) => rate(row.ratePerSecond),
  },
  {
    key: "count",
    title: "Exchanges",
    isFigure: true,
    by: (row) => row.exchanges,
    cell: (row) => count(row.exchanges),
  },
  {
    key: "errors",
    title: "Failed",
    isFigure: true,
    by: failed,
    cell: (row) => (
      <span className={tone(failed(row))}>{share(row.errors + row.unanswered, row.exchanges)}</span>
    ),
  },
  {
    key: "clientErrors",
    title: "4xx",
    isFigure: true,
    by: (row) => row.clientErrors / Math.max(1, row.exchanges),
    cell: (row) => (
      <span className={row.clientErrors > 0 ? "" : "tone-faint"}>
        {share(row.clientErrors, row.exchanges)}
      </span>
    ),
  },
  latency("p50"),
  latency("p95"),
  latency("p99"),
  {
    key: "bytes",
    title: "Answered",
    isFigure: true,
    by: (row) => row.responseBytes,
    cell: (row) => bytes(row.responseBytes),
  },
];

function useColumns(): readonly TableColumn<Endpoint>[] {
  const q = useUrl().get("q") ?? "";
  return [
    {
      key: "protocol",
      title: "Protocol",
      by: (row) => row.protocol,
      cell: (row) => <span className={`badge ${badge(row.protocol)}`}>{row.protocol}</span>,
    },
    {
      key: "destination",
      title: "Destination",
      by: (row) => row.destination,
      cell: (row) => row.destination,
    },
    {
      key: "endpoint",
      title: "Endpoint",
      className: "wide",
      by: (row) => `${row.endpoint} ${row.method}`,
      cell: (row) => (
        <Link
          className="what plain"
          href={linkTo("/", window.location.search, { q: combine(q, endpointFilter(row), "and") })}
          title="Show the traffic"
        >
          {row.method !== "" && <b>{row.method}</b>} {beside(row.method, row.endpoint)}
        </Link>
      ),
    },
    ...FIGURES,
  ];
}

export default function EndpointsView() {
  const answer = useEndpoints(useSummed());
  const columns = useColumns();
  return (
    <Frame>
      <Answered answer={answer} what="endpoints">
        {({ endpoints, others, coverage }) =>
          endpoints.length === 0 ? (
            <Empty title="No endpoint was asked">Nothing in this stretch of time matches the filter.</Empty>
          ) : (
            <>
              <Covered coverage={coverage} />
              <Table
                label="Endpoints"
                rows={endpoints}
                columns={columns}
                rowKey={(row) => `${row.destination} ${row.protocol} ${row.method} ${row.endpoint}`}
                sortFirst="-count"
              />
              {others && (
                <p className="table-foot faint">and {count(others.exchanges)} exchanges with others</p>
              )}
            </>
          )
        }
      </Answered>
    </Frame>
  );
}
