// What the API answers. Names are those of the OpenAPI description, by which `types.check.ts` holds them.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export interface JsonObject {
  readonly [key: string]: Json;
}

export interface Loss {
  readonly from: string;
  readonly to: string;
  readonly interface: string | null;
  readonly cause: string;
  readonly packets: number | null;
  readonly bytes: number | null;
  readonly note: string | null;
}

/** What an answer covers. */
export interface Coverage {
  readonly segmentsSearched: number;
  readonly segmentsPruned: number;
  readonly segmentsMissing: readonly string[];
  readonly losses: readonly Loss[];
  readonly entries: number;
  readonly truncated: boolean;
  readonly stopped: string | null;
  readonly next: string | null;
}

export type Outcome = "good" | "neutral" | "bad" | "unanswered";

export interface Summary {
  readonly method: string;
  readonly text: string;
  readonly status: string;
  readonly outcome: Outcome;
  readonly class: string;
}

export interface End {
  readonly ip: string;
  readonly port: string;
  readonly name: string;
}

/** An exchange: what all have in common; the rest lies in `request` and `response`. */
export interface Entry {
  readonly id: string;
  readonly startTime: string;
  readonly elapsedTime?: number;
  readonly protocol: {
    readonly name: string;
    readonly abbr: string;
    readonly macro?: string;
    readonly longName?: string;
    readonly version?: string;
    readonly layer4?: string;
    readonly referenceLink?: string;
  };
  readonly src: End & JsonObject;
  readonly dst: End & JsonObject;
  readonly node?: { readonly name?: string; readonly ip?: string };
  readonly request?: JsonObject | null;
  readonly response?: JsonObject | null;
  readonly requestSize?: number;
  readonly responseSize?: number;
  readonly stream?: string;
  readonly segment?: string;
  readonly summary?: Summary;
  readonly error?: { readonly type?: string; readonly msg?: string } | null;
  readonly flow?: JsonObject;
  readonly gaps?: number;
  readonly truncated?: boolean;
  readonly tls?: boolean;
  readonly packets?: JsonObject;
}

export interface Entries {
  readonly entries: readonly Entry[];
  readonly coverage: Coverage;
}

export interface Field {
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly length: number;
  readonly fields: readonly Field[];
}

export interface Packet {
  readonly sequence: number;
  readonly frame: number;
  readonly packet: number;
  readonly time: string;
  readonly interface: string | null;
  readonly linkType: number;
  readonly originalLength: number;
  readonly data: string;
  readonly fields?: readonly Field[];
}

export interface Chunk {
  readonly direction: "toServer" | "toClient";
  readonly time: string;
  readonly data: string;
  readonly gapBytes?: number | null;
}

export interface StreamAnswer {
  readonly chunks: readonly Chunk[];
  readonly truncated: boolean;
}

export interface Histogram {
  readonly start: string;
  readonly everyNs: string;
  readonly series: readonly {
    readonly label: string | null;
    readonly exchanges: readonly number[];
    readonly flows: readonly number[];
  }[];
  readonly coverage: Coverage;
}

export interface Latency {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Sums over exchanges and flows; latencies in µs. */
export interface Tally {
  readonly exchanges: number;
  readonly errors: number;
  readonly clientErrors: number;
  readonly unanswered: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly flows: number;
  readonly flowRequestBytes: number;
  readonly flowResponseBytes: number;
  readonly latency: Latency;
}

export interface MapEdge extends Tally {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
}

export interface ServiceMap {
  readonly nodes: readonly { readonly name: string; readonly incoming: Tally; readonly outgoing: Tally }[];
  readonly edges: readonly MapEdge[];
  readonly others: Tally | null;
  readonly coverage: Coverage;
}

export interface Endpoint extends Tally {
  readonly destination: string;
  readonly protocol: string;
  readonly method: string;
  readonly endpoint: string;
  readonly ratePerSecond: number | null;
}

export interface Endpoints {
  readonly endpoints: readonly Endpoint[];
  readonly others: Tally | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly coverage: Coverage;
}

export interface Top {
  readonly field: string;
  readonly values: readonly { readonly value: Json; readonly entries: number }[];
  readonly distinct: number;
  readonly distinctCapped: boolean;
  readonly entries: number;
  readonly without: number;
  readonly coverage: Coverage;
}

export interface Change {
  readonly what: string;
  readonly subject: {
    readonly destination?: string;
    readonly endpoint?: string;
    readonly method?: string;
    readonly protocol?: string;
    readonly source?: string;
    readonly name?: string;
    readonly field?: string;
  };
  readonly unit: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly exchangesBefore: number;
  readonly exchangesAfter: number;
  readonly effect: number | null;
  readonly score: number;
  readonly test: {
    readonly name: string;
    readonly statistic: number;
    readonly p: number;
    readonly q: number;
  } | null;
}

export interface Stretch {
  readonly from: string | null;
  readonly to: string | null;
  readonly sampled: { readonly exchanges: number; readonly bodies: number; readonly of: number };
  readonly coverage: Coverage;
}

export interface Diff {
  readonly changes: readonly Change[];
  readonly tests: number;
  readonly before: Stretch;
  readonly after: Stretch;
  readonly notes: readonly string[];
}

export interface CoverageAnswer {
  readonly from: string | null;
  readonly to: string | null;
  readonly nodes: readonly NodeCoverage[];
}

export interface NodeCoverage {
  readonly node: string;
  readonly ranges: readonly {
    readonly from: string | null;
    readonly to: string | null;
    readonly packets: number;
    readonly bytes: number;
    readonly segments: number;
  }[];
  readonly holes: readonly {
    readonly from: string | null;
    readonly to: string | null;
    readonly missing: readonly number[];
    readonly missingCount?: number;
  }[];
  readonly losses: readonly Loss[];
}

export interface Segment {
  readonly id: string;
  readonly state: "open" | "sealed" | "indexed";
  readonly from: string | null;
  readonly to: string | null;
  readonly packets: number;
  readonly bytes: number;
  readonly fileBytes: number;
  readonly indexBytes: number;
  readonly entries: number;
  readonly losses: readonly Loss[];
  readonly origin: string;
}

export interface Segments {
  readonly segments: readonly Segment[];
  readonly unreadable: readonly Json[];
}

export interface Stats {
  readonly segments: { readonly open: number; readonly sealed: number; readonly indexed: number };
  readonly unreadable: readonly Json[];
  readonly from: string | null;
  readonly to: string | null;
  readonly packets: number;
  readonly capturedBytes: number;
  readonly segmentBytes: number;
  readonly indexBytes: number;
  readonly exchanges: number;
  readonly lostPackets: Readonly<Record<string, number>>;
  readonly lossesOfUnknownSize: Readonly<Record<string, number>>;
  readonly recorder?: Json;
  readonly version?: string;
  readonly dataDir?: {
    readonly path?: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
  } | null;
  readonly indexLag?: { readonly segmentsWaiting: number; readonly oldest: string | null } | null;
  readonly retention?: Json;
  readonly recording?: boolean;
}

export interface KflWarning {
  readonly path: string;
  readonly suggestion: string | null;
  readonly message: string;
  readonly start?: number;
  readonly end?: number;
}

export type Validation =
  | { readonly ok: true; readonly canonical: string; readonly warnings: readonly KflWarning[] }
  | {
      readonly ok: false;
      readonly error: {
        readonly message: string;
        readonly start: number;
        readonly end: number;
        readonly suggestion?: string | null;
      };
    };

export interface Completion {
  readonly items: readonly { readonly text: string; readonly kind: string; readonly documentation: string }[];
  readonly start: number;
  readonly end: number;
}

export interface Fields {
  readonly fields: readonly {
    readonly path: string;
    readonly documentation: string;
    readonly protocol?: string | null;
  }[];
  readonly macros: readonly Json[];
  readonly functions: readonly Json[];
}

/** RFC 9457. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly suggestion?: string | null;
}
