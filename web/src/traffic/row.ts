// What a list keeps of an exchange: a hundred thousand rows fit, a hundred thousand exchanges wouldn't.
import type { End, Entry, Outcome } from "../api/types";
import { type Ns, ns, parseInstant } from "../state/time";

export interface Row {
  readonly id: string;
  readonly time: Ns;
  readonly abbr: string;
  readonly src: End;
  readonly dst: End;
  readonly method: string;
  readonly text: string;
  readonly status: string;
  readonly outcome: Outcome;
  readonly class: string;
  /** Milliseconds; `null` without an answer. */
  readonly elapsed: number | null;
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;
  readonly node: string;
  readonly stream: string;
  readonly isCut: boolean;
}

const end = ({ ip, port, name }: End): End => ({ ip, port, name });

/** What is said beside the method: SQL begins with it, and says it only once. */
export function beside(method: string, text: string): string {
  const isTwice = method !== "" && text.toUpperCase().startsWith(`${method.toUpperCase()} `);
  return isTwice ? text.slice(method.length + 1) : text;
}

export function rowOf(entry: Entry): Row {
  const said = entry.summary;
  const isAnswered = entry.response != null && Object.keys(entry.response).length > 0;
  return {
    id: entry.id,
    time: parseInstant(entry.startTime) ?? ns(0n),
    abbr: entry.protocol.abbr || entry.protocol.name.toUpperCase(),
    src: end(entry.src),
    dst: end(entry.dst),
    method: said.method,
    text: beside(said.method, said.text),
    status: said.status,
    outcome: said.outcome,
    class: said.class,
    elapsed: isAnswered ? (entry.elapsedTime ?? null) : null,
    requestBytes: entry.requestSize ?? null,
    responseBytes: isAnswered ? (entry.responseSize ?? null) : null,
    node: entry.node.name,
    stream: entry.stream,
    isCut: entry.truncated === true || (entry.gaps ?? 0) > 0,
  };
}

/** Its name, or its address with IPv6 in brackets. */
export function host(of: End): string {
  if (of.name !== "") return of.name;
  return of.ip.includes(":") ? `[${of.ip}]` : of.ip;
}

/** What stands behind the first dot of a name: `shop` of `front-end.shop`. */
export function namespace(of: End): string {
  const dot = of.name.indexOf(".");
  return dot < 0 ? "" : of.name.slice(dot + 1).replace(/\.svc(\.cluster\.local)?$/, "");
}

/** The colour class of a protocol's badge. */
export function badge(abbr: string): string {
  const known: Readonly<Record<string, string>> = {
    HTTP: "http",
    "HTTP/2": "http2",
    gRPC: "grpc",
    GQL: "gql",
    DNS: "dns",
    TLS: "tls",
    DTLS: "tls",
    REDIS: "redis",
    AMQP: "amqp",
    KAFKA: "kafka",
    MySQL: "mysql",
    PGSQL: "pgsql",
    PostgreSQL: "pgsql",
    MongoDB: "mongo",
    WS: "ws",
    TCP: "flow",
    UDP: "flow",
    ICMP: "icmp",
    ICMPv6: "icmp",
  };
  return `badge-${known[abbr] ?? known[abbr.toUpperCase()] ?? "other"}`;
}
