// One hook per question to the server; answers are kept while their question stands.
import { keepPreviousData, QueryClient, useQuery } from "@tanstack/react-query";
import type { Asked } from "../state/question";
import { ask, type Params, Problem } from "./client";
import type {
  CoverageAnswer,
  Diff,
  Endpoints,
  Entry,
  Fields,
  Histogram,
  Packet,
  Segments,
  ServiceMap,
  Stats,
  StreamAnswer,
  Top,
} from "./types";

/** How often what is recorded is asked for again, while the page is looked at. */
const REFRESH_MS = 5000;

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && (!(error instanceof Problem) || error.document.status === 0),
    },
  },
});

const params = (asked: Asked): Params => ({ q: asked.q, from: asked.from, to: asked.to });

function useAnswer<T>(path: string, of: Params, options: { enabled?: boolean; refresh?: boolean } = {}) {
  return useQuery({
    queryKey: [path, of],
    queryFn: ({ signal }) => ask<T>(path, of, signal),
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
    ...(options.refresh === true && { refetchInterval: REFRESH_MS, staleTime: REFRESH_MS }),
  });
}

export const useCoverage = () => useAnswer<CoverageAnswer>("/coverage", {}, { refresh: true });
export const useStats = () => useAnswer<Stats>("/stats", {}, { refresh: true });
export const useSegments = (enabled = true) =>
  useAnswer<Segments>("/segments", {}, { refresh: true, enabled });
export const useFields = () => useAnswer<Fields>("/fields", {});

export const useHistogram = (asked: Asked, by: string, buckets: number, enabled: boolean) =>
  useAnswer<Histogram>("/histogram", { ...params(asked), by, buckets }, { enabled });
export const useMap = (asked: Asked, enabled = true) =>
  useAnswer<ServiceMap>("/map", params(asked), { enabled });
export const useEndpoints = (asked: Asked) => useAnswer<Endpoints>("/endpoints", params(asked));
export const useTop = (asked: Asked, field: string, limit: number) =>
  useAnswer<Top>("/top", { ...params(asked), field, limit }, { enabled: field !== "" });

export interface Windows {
  readonly aFrom: string;
  readonly aTo: string;
  readonly bFrom: string;
  readonly bTo: string;
}
export const useDiff = (q: string, windows: Windows | null) =>
  useAnswer<Diff>("/diff", { q, ...windows }, { enabled: windows !== null });

/** An exchange and what belongs to it never change: kept as long as there is room. */
function useEvidence<T>(id: string, what: string, enabled = true) {
  const path = `/entries/${encodeURIComponent(id)}${what}`;
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => ask<T>(path, {}, signal),
    staleTime: Infinity,
    enabled,
  });
}

export const useEntry = (id: string) => useEvidence<Entry>(id, "");
export const usePackets = (id: string) => useEvidence<{ packets: readonly Packet[] }>(id, "/packets");
export const useStream = (id: string) => useEvidence<StreamAnswer>(id, "/stream");
