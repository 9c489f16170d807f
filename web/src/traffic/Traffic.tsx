// The traffic: what matches, one line each, and the chosen one in full beside it.
import { Columns3, Download, Pause, Play, Radio } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { address } from "../api/client";
import { useCoverage } from "../api/queries";
import { useKeys } from "../app/keys";
import { useQuestion } from "../state/question";
import { ns, now, SECOND, toText } from "../state/time";
import { useUrl } from "../state/url";
import { Caught } from "../ui/Caught";
import { count } from "../ui/figures";
import { MenuButton } from "../ui/MenuButton";
import { Split } from "../ui/Split";
import { Empty, Failed, Loading, NotRecorded, Truncated } from "../ui/states";
import { COLUMNS, columnsOf, toggled } from "./columns";
import { EntryList } from "./EntryList";
import { type LiveRows, useLive } from "./live";
import { type Order, ROWS_MAX, usePages } from "./pages";
import type { Row } from "./row";

const Details = lazy(() => import("../entry/Details"));

/** Exchanges that were on their way when following began are shown too. */
const LIVE_OVERLAP = 5n * SECOND;

function useRows() {
  const url = useUrl();
  const question = useQuestion();
  const isLive = url.get("live") !== null && question.at === null;
  const order: Order = url.get("order") === "asc" && !isLive ? "asc" : "desc";
  const { q, asked } = question;
  const [isAtTop, setAtTop] = useState(true);
  // Where the past ends and the present begins; another question begins anew.
  const since = useMemo(
    () => (isLive ? toText(ns(now() - LIVE_OVERLAP)) : ""),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [isLive, q],
  );
  const pages = usePages(
    isLive ? { ...asked, to: since } : asked,
    order,
    question.recorded !== null || isLive,
  );
  const live = useLive(q, since, isLive, !isAtTop);
  const rows = useMemo(
    () => (isLive ? live.rows.concat(pages.rows) : pages.rows),
    [isLive, live.rows, pages.rows],
  );
  return { question, isLive, order, pages, live, rows, setAtTop, isAtTop };
}

export function Traffic() {
  const url = useUrl();
  const { question, isLive, order, pages, live, rows, setAtTop, isAtTop } = useRows();
  const selected = url.get("entry");
  const columns = useMemo(() => columnsOf(url.get("cols"), selected !== null), [url, selected]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFull } = pages;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFull) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFull, fetchNextPage]);
  const choose = useCallback(
    (row: Row) =>
      url.set({ entry: row.id, packet: null, at_byte: null }, selected === null ? "step" : "replace"),
    [url, selected],
  );
  useListKeys(rows, selected, choose);

  const foot = (
    <div className="list-foot">
      {isFetchingNextPage && "Loading more …"}
      {isFull && (
        <Truncated>The first {count(ROWS_MAX)} are shown. Ask a narrower question for the rest.</Truncated>
      )}
      {!hasNextPage && !isFull && rows.length > 0 && !pages.isPlaceholderData && "That is all."}
    </div>
  );
  const list = (
    <section className="traffic-list" aria-label="Traffic">
      <Bar
        shown={rows.length}
        isLive={isLive}
        order={order}
        live={live}
        isAtTop={isAtTop}
        hasMore={hasNextPage}
      />
      {rows.length > 0 ? (
        <EntryList {...{ rows, columns, selected, choose, more, foot }} scrolled={setAtTop} />
      ) : (
        <Nothing pages={pages} isLive={isLive} question={question} />
      )}
    </section>
  );
  if (selected === null) return list;
  return (
    <Split name="details" first={list}>
      <Caught key={selected}>
        <Suspense fallback={<Loading what="the exchange" />}>
          <Details
            id={selected}
            key={selected}
            close={() => url.set({ entry: null, tab: null, packet: null })}
          />
        </Suspense>
      </Caught>
    </Split>
  );
}

function useListKeys(rows: readonly Row[], selected: string | null, choose: (row: Row) => void) {
  const url = useUrl();
  const step = (by: number) => () => {
    const place = rows.findIndex((row) => row.id === selected);
    const next = rows[place < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, place + by))];
    if (next) choose(next);
  };
  useKeys({
    j: step(1),
    k: step(-1),
    J: step(10),
    K: step(-10),
    Escape: () => url.set({ entry: null, tab: null, packet: null }),
    l: () => url.set({ live: url.get("live") === null ? "1" : null, at: null }),
  });
}

interface NothingProps {
  readonly pages: ReturnType<typeof usePages>;
  readonly isLive: boolean;
  readonly question: ReturnType<typeof useQuestion>;
}

function Nothing({ pages, isLive, question }: NothingProps) {
  const coverage = useCoverage();
  if (pages.error) return <Failed error={pages.error} again={() => void pages.refetch()} />;
  if (coverage.error && coverage.data === undefined) {
    return <Failed error={coverage.error} again={() => void coverage.refetch()} />;
  }
  if (isLive) return <Empty title="Waiting for traffic">What matches appears here as it is recorded.</Empty>;
  if (coverage.isPending || (pages.isPending && question.recorded !== null))
    return <Loading what="exchanges" />;
  const { range, recorded } = question;
  if (recorded === null) {
    return (
      <Empty title="Nothing is recorded yet">
        Start with <code>remora record</code>, or <code>remora import FILE</code>.
      </Empty>
    );
  }
  if (range !== null && (range.to <= recorded.from || range.from >= recorded.to)) return <NotRecorded />;
  return (
    <Empty title="Nothing matches">
      {question.q === ""
        ? "No exchange began in this stretch of time."
        : "No exchange in this stretch of time matches the filter."}
    </Empty>
  );
}

interface BarProps {
  readonly shown: number;
  readonly isLive: boolean;
  readonly isAtTop: boolean;
  readonly order: Order;
  readonly live: LiveRows;
  readonly hasMore: boolean;
}

function Bar({ shown, isLive, isAtTop, order, live, hasMore }: BarProps) {
  const url = useUrl();
  return (
    <div className="bar">
      <span className="bar-count" aria-live="polite">
        <b>{count(shown)}</b>
        {hasMore ? "+" : ""} {shown > 0 && (order === "desc" ? "latest first" : "earliest first")}
      </span>
      {isLive && live.waiting > 0 && (
        <button
          type="button"
          className="button button-accent"
          onClick={() => {
            document.querySelector("[data-list]")?.scrollTo({ top: 0 });
            live.release();
          }}
        >
          {count(live.waiting)} new
        </button>
      )}
      {live.skipped > 0 && isLive && (
        <span className="notice" role="status">
          skipped {count(live.skipped)}: more came than can be shown; they are recorded
        </span>
      )}
      <span className="bar-space" />
      {isLive && (
        <span className={`link link-${live.link}`}>
          {live.link === "live" && !isAtTop ? "held by scrolling" : live.link}
        </span>
      )}
      <button
        type="button"
        className={`button button-quiet ${isLive ? "button-on" : ""}`}
        aria-pressed={isLive}
        onClick={() => url.set({ live: isLive ? null : "1", at: null, to: null })}
      >
        {isLive ? <Pause size={14} aria-hidden /> : <Radio size={14} aria-hidden />} Live
      </button>
      <button
        type="button"
        className="button button-quiet"
        disabled={isLive}
        onClick={() => url.set({ order: order === "desc" ? "asc" : null })}
      >
        <Play size={12} className={order === "desc" ? "down" : "up"} aria-hidden />{" "}
        {order === "desc" ? "Latest" : "Earliest"}
      </button>
      <ColumnMenu />
      <ExportMenu />
    </div>
  );
}

function ColumnMenu() {
  const url = useUrl();
  const text = url.get("cols");
  const shown = columnsOf(text).map((column) => column.key);
  const items = COLUMNS.map(({ key, title }) => ({
    label: title,
    checked: shown.includes(key),
    run: () => url.set({ cols: toggled(text, key) }, "replace"),
  }));
  return (
    <MenuButton label="Columns" items={items}>
      <Columns3 size={15} aria-hidden />
    </MenuButton>
  );
}

const FORMATS: readonly (readonly [string, string])[] = [
  ["pcapng", "packets, for Wireshark"],
  ["har", "HTTP archive, for browsers"],
  ["jsonl", "JSON lines"],
  ["csv", "comma-separated"],
  ["parquet", "for DuckDB, pandas"],
];

function ExportMenu() {
  const { asked } = useQuestion();
  const items = FORMATS.map(([format, hint]) => ({
    label: format,
    hint,
    href: address("/export", { format, ...asked }),
    download: true,
  }));
  return (
    <MenuButton label="Download what matches" items={items}>
      <Download size={15} aria-hidden />
    </MenuButton>
  );
}
