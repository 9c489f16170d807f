// What changed between two stretches of time, with the test that says so.
import { ArrowLeftRight } from "lucide-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { useDiff, type Windows } from "../api/queries";
import type { Change, Diff, Stretch } from "../api/types";
import { halves } from "../map/MapView";
import { combine, equals } from "../filter/compose";
import { useZone } from "../state/preferences";
import { useQuestion } from "../state/question";
import { clock, day, parseInstant, toText } from "../state/time";
import { linkTo, useUrl } from "../state/url";
import { beside } from "../traffic/row";
import { count, micros, rate, share } from "../ui/figures";
import { Answered, Empty } from "../ui/states";
import { Table, type TableColumn } from "../ui/Table";
import { Covered, Frame } from "./Frame";
import { WindowPicker } from "./WindowPicker";

/** A value in the unit that it is told in. */
export function told(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (unit === "share") return value === 0 ? "0 %" : share(value, 1);
  if (unit === "us") return micros(value);
  return unit === "perSecond" ? rate(value) : count(value);
}

/** Whether a change is for the worse: more errors, more time. */
export function isWorse({ what, before, after }: Change): boolean | null {
  if (before === null || after === null) return null;
  if (/error|latency|unanswered|retrans|reset/.test(what)) return after > before;
  return null;
}

export function subjectOf({ subject }: Change): string {
  const { source, destination, method, endpoint, name, field, protocol } = subject;
  if (source != null) return `${source} → ${destination ?? ""}${protocol == null ? "" : `  ${protocol}`}`;
  if (endpoint != null)
    return `${destination ?? ""}  ${method ?? ""} ${beside(method ?? "", endpoint)}${field == null ? "" : `  ${field}`}`;
  return name ?? destination ?? "";
}

function filterOf({ subject }: Change): string {
  const side = (which: "src" | "dst", name: string) =>
    equals([which, /^[\d.]+$/.test(name) || name.includes(":") ? "ip" : "name"], name);
  const { source, destination, name } = subject;
  if (source != null && destination != null) return `${side("src", source)} and ${side("dst", destination)}`;
  if (destination != null) return side("dst", destination);
  return name == null ? "" : `${side("src", name)} or ${side("dst", name)}`;
}

function useWindows(): Windows | null {
  const url = useUrl();
  const { range, recorded } = useQuestion();
  return useMemo(() => {
    const said = ["aFrom", "aTo", "bFrom", "bTo"].map((name) => url.get(name));
    const [aFrom, aTo, bFrom, bTo] = said;
    if (aFrom != null && aTo != null && bFrom != null && bTo != null) return { aFrom, aTo, bFrom, bTo };
    if (range === null) return null;
    const { before, after } = halves(range, recorded);
    return {
      aFrom: toText(before.from),
      aTo: toText(before.to),
      bFrom: toText(after.from),
      bTo: toText(after.to),
    };
  }, [url, range, recorded]);
}

export default function DiffView() {
  const { q, recorded } = useQuestion();
  const windows = useWindows();
  const answer = useDiff(q, windows);
  return (
    <Frame>
      {windows && recorded && <WindowPicker windows={windows} recorded={recorded} />}
      <Answered answer={answer} what="the comparison; this may take some seconds">
        {(diff) => <Changes diff={diff} q={q} />}
      </Answered>
    </Frame>
  );
}

function useColumns(q: string, windows: Windows | null): readonly TableColumn<Change>[] {
  return [
    { key: "what", title: "What", by: ({ what }) => what, cell: ({ what }) => what },
    {
      key: "subject",
      title: "Of what",
      className: "wide",
      by: subjectOf,
      cell: (change) => (
        <Link
          className="what plain"
          title="Show the traffic of the second stretch"
          href={linkTo("/", "", {
            q: combine(q, filterOf(change), "and"),
            from: windows?.bFrom ?? null,
            to: windows?.bTo ?? null,
          })}
        >
          {subjectOf(change)}
        </Link>
      ),
    },
    {
      key: "before",
      title: "Before",
      isFigure: true,
      by: ({ before }) => before ?? -1,
      cell: ({ before, unit }) => told(before, unit),
    },
    {
      key: "after",
      title: "After",
      isFigure: true,
      by: ({ after }) => after ?? -1,
      cell: (change) => {
        const worse = isWorse(change);
        const tone = worse === null ? "" : worse ? "tone-bad" : "tone-good";
        return <span className={tone}>{told(change.after, change.unit)}</span>;
      },
    },
    {
      key: "counts",
      title: "Exchanges",
      isFigure: true,
      by: ({ exchangesAfter }) => exchangesAfter,
      cell: ({ exchangesBefore, exchangesAfter }) => `${count(exchangesBefore)} → ${count(exchangesAfter)}`,
    },
    {
      key: "chance",
      title: "Chance",
      isFigure: true,
      by: ({ test }) => test?.q ?? 1,
      cell: ({ test }) =>
        test === null ? (
          <span className="tone-faint">not tested</span>
        ) : (
          <span title={`${test.name}: p = ${test.p?.toExponential(1) ?? "?"}`}>
            {(test.q ?? 1) < 1e-9 ? "< 10⁻⁹" : (test.q ?? 1).toPrecision(2)}
          </span>
        ),
    },
    {
      key: "score",
      title: "Score",
      isFigure: true,
      by: ({ score }) => score ?? 0,
      cell: ({ score }) => score?.toFixed(1) ?? "–",
    },
  ];
}

function Changes({ diff, q }: { readonly diff: Diff; readonly q: string }) {
  const windows = useWindows();
  const columns = useColumns(q, windows);
  const rows = useMemo(() => diff.changes.map((change, place) => ({ ...change, place })), [diff]);
  return (
    <>
      <div className="stretches">
        <Said title="Before" stretch={diff.before} />
        <ArrowLeftRight size={14} aria-label="compared with" />
        <Said title="After" stretch={diff.after} />
        <span className="faint">
          {count(diff.changes.length)} changes in {count(diff.tests)} tests
        </span>
      </div>
      {diff.notes.map((note) => (
        <p key={note} className="notice covered">
          {note}
        </p>
      ))}
      <Covered coverage={diff.after.coverage} />
      {rows.length === 0 ? (
        <Empty title="Nothing changed">No difference between the two stretches is more than chance.</Empty>
      ) : (
        <Table
          label="Changes"
          rows={rows}
          columns={columns}
          rowKey={({ place }) => String(place)}
          sortFirst="-score"
          rowsMax={300}
        />
      )}
    </>
  );
}

function Said({ title, stretch }: { readonly title: string; readonly stretch: Stretch }) {
  const zone = useZone();
  const from = parseInstant(stretch.from ?? "");
  const to = parseInstant(stretch.to ?? "");
  return (
    <span>
      <span className="faint">{title}</span>{" "}
      {from !== null && to !== null ? (
        <time>
          {day(from, zone)} {clock(from, zone, 0)} – {clock(to, zone, 0)}
        </time>
      ) : (
        "nothing recorded"
      )}{" "}
      <span className="faint">{count(stretch.sampled.of)} exchanges</span>
    </span>
  );
}
