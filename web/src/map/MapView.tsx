// The service map: who spoke with whom in the range, how much, how well and how fast.
import { useCallback, useMemo } from "react";
import "./map.css";
import { useMap } from "../api/queries";
import type { ServiceMap } from "../api/types";
import { useQuestion, useSummed } from "../state/question";
import { ns, parseInstant, type Range, toText } from "../state/time";
import { useUrl } from "../state/url";
import { count } from "../ui/figures";
import { Answered, Empty, NotRecorded, Truncated } from "../ui/states";
import { Canvas, type Chosen } from "./Canvas";
import { fold, type Grouping, GROUPINGS, type Measure, MEASURES } from "./graph";
import { layout } from "./layout";
import { SidePanel } from "./SidePanel";

/** What the range is compared with: what was as long before it; at the beginning, its first half with its second. */
export function halves(range: Range, recorded: Range | null): { before: Range; after: Range } {
  const length = range.to - range.from;
  const before = { from: ns(range.from - length), to: range.from };
  if (recorded !== null && before.from >= recorded.from) return { before, after: range };
  const middle = ns(range.from + length / 2n);
  return { before: { from: range.from, to: middle }, after: { from: middle, to: range.to } };
}

const asked = (q: string, range: Range) => ({ q, from: toText(range.from), to: toText(range.to) });

/** What is looked at, and what it is compared with. */
function useCompared() {
  const url = useUrl();
  const question = useQuestion();
  const summed = useSummed();
  const isCompared = url.get("compare") !== null;
  const both = useMemo(() => {
    const from = parseInstant(summed.from ?? "");
    const to = parseInstant(summed.to ?? "");
    const range = question.at !== null && from !== null && to !== null ? { from, to } : question.range;
    return isCompared && range ? halves(range, question.recorded) : null;
  }, [isCompared, question, summed]);
  const after = useMap(both ? asked(question.q, both.after) : summed);
  const before = useMap(both ? asked(question.q, both.before) : summed, both !== null);
  return { after, before: both ? before.data : undefined, both };
}

export default function MapView() {
  const url = useUrl();
  const { q, range, recorded } = useQuestion();
  const grouping = GROUPINGS.find((one) => one === url.get("group")) ?? "workload";
  const by = MEASURES.find((one) => one === url.get("by")) ?? "traffic";
  const { after, before, both } = useCompared();
  const whole = useMap({ q });
  const isOutside =
    range !== null && recorded !== null && (range.to <= recorded.from || range.from >= recorded.to);
  return (
    <div className="map-view">
      <Bar grouping={grouping} by={by} both={both} />
      {isOutside ? (
        <NotRecorded />
      ) : (
        <Answered answer={after} what="the map">
          {(map) =>
            map.edges.length === 0 && before === undefined ? (
              <Empty title="Nobody spoke">Nothing in this stretch of time matches the filter.</Empty>
            ) : (
              <Drawn map={map} before={before} whole={whole.data ?? map} grouping={grouping} by={by} />
            )
          }
        </Answered>
      )}
    </div>
  );
}

interface BarProps {
  readonly grouping: Grouping;
  readonly by: Measure;
  readonly both: { before: Range; after: Range } | null;
}

function Bar({ grouping, by, both }: BarProps) {
  const url = useUrl();
  return (
    <div className="bar">
      <span className="faint">Nodes</span>
      <span className="segmented" role="group" aria-label="Nodes by">
        {GROUPINGS.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === grouping}
            onClick={() => url.set({ group: one === "workload" ? null : one, chosen: null }, "replace")}
          >
            {one}
          </button>
        ))}
      </span>
      <span className="faint">Edges</span>
      <span className="segmented" role="group" aria-label="Edges by">
        {MEASURES.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === by}
            onClick={() => url.set({ by: one === "traffic" ? null : one }, "replace")}
          >
            {one}
          </button>
        ))}
      </span>
      <span className="bar-space" />
      {both && (
        <ul className="legend" aria-label="Colours">
          {["new", "more", "less", "gone"].map((one) => (
            <li key={one}>
              <i className={`swatch diff-back-${one}`} aria-hidden /> {one}
            </li>
          ))}
        </ul>
      )}
      <button
        type="button"
        className={`button button-quiet ${both ? "button-on" : ""}`}
        aria-pressed={both !== null}
        onClick={() => url.set({ compare: both ? null : "before" }, "replace")}
      >
        Compare with before
      </button>
    </div>
  );
}

interface DrawnProps {
  readonly map: ServiceMap;
  readonly before: ServiceMap | undefined;
  readonly whole: ServiceMap;
  readonly grouping: Grouping;
  readonly by: Measure;
}

const written = (chosen: Chosen): string | null => (chosen === null ? null : `${chosen.kind}:${chosen.key}`);

function chosenOf(text: string | null): Chosen {
  if (text === null) return null;
  const [kind, ...rest] = text.split(":");
  return kind === "edge" || kind === "node" ? { kind, key: rest.join(":") } : null;
}

function Drawn({ map, before, whole, grouping, by }: DrawnProps) {
  const url = useUrl();
  const base = useMemo(() => fold(whole, grouping), [whole, grouping]);
  const placed = useMemo(() => layout(base), [base]);
  const graph = useMemo(() => fold(map, grouping), [map, grouping]);
  const was = useMemo(() => (before ? fold(before, grouping) : null), [before, grouping]);
  const text = url.get("chosen");
  const chosen = useMemo(() => chosenOf(text), [text]);
  const choose = useCallback((next: Chosen) => url.set({ chosen: written(next) }, "replace"), [url]);
  return (
    <div className="map-drawn">
      <Canvas
        graph={graph}
        before={was}
        base={base}
        layout={placed}
        by={by}
        chosen={chosen}
        choose={choose}
      />
      <SidePanel graph={graph} before={was} by={by} chosen={chosen} choose={choose} />
      {base.hidden > 0 && (
        <div className="map-notice">
          <Truncated>{count(base.hidden)} quiet nodes are left out; filter, or group by namespace.</Truncated>
        </div>
      )}
    </div>
  );
}
