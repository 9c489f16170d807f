// What the API answers, by the names that this page calls it. The shapes are generated from the server's own
// description: `npm run types` writes schema.ts anew, and `npm run lint` fails where it is old.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export interface JsonObject {
  readonly [key: string]: Json;
}

export type Loss = Schemas["Loss"];
export type Coverage = Schemas["Coverage"];
export type Outcome = Schemas["Outcome"];
export type Summary = Schemas["Summary"];
export type End = Pick<Known<Schemas["End"]>, "ip" | "port" | "name">;

/** What a shape surely has; that more may come is said by `readonly [key: string]: unknown`, which helps nobody here. */
type Known<T> = { readonly [K in keyof T as string extends K ? never : K]: T[K] };

/** An exchange. What `request`, `response` and `flow` hold depends on the protocol: KFL's fields name it. */
export type Entry = Omit<Known<Schemas["Entry"]>, "request" | "response" | "protocol" | "src" | "dst"> & {
  readonly protocol: Known<Schemas["Protocol"]>;
  readonly src: End & JsonObject;
  readonly dst: End & JsonObject;
  readonly request?: JsonObject | null;
  readonly response?: JsonObject | null;
  readonly flow?: JsonObject | null;
};
export type Entries = Omit<Schemas["EntriesPage"], "entries"> & { readonly entries: readonly Entry[] };

export type Field = Schemas["PacketField"];
export type Packet = Schemas["ExplainedPacket"];
export type Packets = Schemas["Packets"];
export type Chunk = Schemas["Chunk"];
export type StreamAnswer = Schemas["Conversation"];

export type Histogram = Schemas["Timeline"];
export type Latency = Schemas["Latencies"];
export type Tally = Schemas["Tally"];
export type MapEdge = Schemas["EdgeTally"];
export type ServiceMap = Schemas["ServiceMap"];
export type Endpoint = Schemas["EndpointTally"];
export type Endpoints = Schemas["Endpoints"];
export type Top = Schemas["Top"];
export type Change = Schemas["Change"];
export type Stretch = Schemas["Stretch"];
export type Diff = Schemas["Diff"];

export type CoverageAnswer = Schemas["Recorded"];
export type NodeCoverage = Schemas["Node"];
export type Segment = Schemas["Segment"];
export type Segments = Schemas["Segments"];
export type Retention = Schemas["Retention"];
export type Stats = Known<Schemas["ServerStats"]>;

export type Validation = Schemas["Validation"];
export type Completion = Schemas["Completions"];
export type Fields = Schemas["Vocabulary"];
export type ProblemDocument = Known<Schemas["Problem"]>;
