// The past, page by page: each page goes on where the one before ended, whatever came meanwhile.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { ask } from "../api/client";
import type { Coverage, Entries } from "../api/types";
import type { Asked } from "../state/question";
import { type Row, rowOf } from "./row";

const FIRST_PAGE = 200;
const PAGE = 1000;
/** More rows than this nobody reads; then a narrower filter is asked for. */
export const ROWS_MAX = 200_000;

interface Page {
  readonly rows: readonly Row[];
  readonly coverage: Coverage;
}

export type Order = "asc" | "desc";

export function usePages(asked: Asked, order: Order, enabled: boolean) {
  const query = useInfiniteQuery({
    queryKey: ["/entries", asked, order],
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const limit = pageParam === null ? FIRST_PAGE : PAGE;
      const params = { ...asked, order, limit, ...(pageParam !== null && { cursor: pageParam }) };
      const { entries, coverage } = await ask<Entries>("/entries", params, signal);
      return { rows: entries.map(rowOf), coverage };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => (last.rows.length === 0 ? null : last.coverage.next),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
    enabled,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => (pages ?? []).flatMap((page) => page.rows), [pages]);
  return { ...query, rows, coverage: pages?.at(-1)?.coverage ?? null, isFull: rows.length >= ROWS_MAX };
}
