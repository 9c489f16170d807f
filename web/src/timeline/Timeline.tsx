// The time line over what is recorded, on top of every view: what range is looked at, and what happened in it.
import { type KeyboardEvent, useCallback, useMemo, useRef } from "react";
import { useCoverage, useHistogram, useSegments } from "../api/queries";
import type { Histogram } from "../api/types";
import { useQuestion } from "../state/question";
import { type Range, toText } from "../state/time";
import { useUrl } from "../state/url";
import { count } from "../ui/figures";
import { Failed } from "../ui/states";
import { CLASSES, NAMES } from "./bars";
import { Chart, useWidth } from "./Chart";
import { Overview } from "./Overview";
import { chosen, RangePicker } from "./RangePicker";
import { ReplayControls, useReplay } from "./Replay";
import { panned, zoomed } from "./scale";

const PIXELS_PER_BUCKET = 8;

export function Timeline() {
  const { q, range, recorded } = useQuestion();
  const { set } = useUrl();
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const coverage = useCoverage();
  const segments = useSegments();
  const replay = useReplay(range);
  const buckets = Math.max(20, Math.min(240, Math.round(width / PIXELS_PER_BUCKET)));
  const asked = useMemo(
    () => ({ q, ...(range && { from: toText(range.from), to: toText(range.to) }) }),
    [q, range],
  );
  const histogram = useHistogram(asked, "class", buckets, range !== null && width > 0);
  const choose = useCallback((next: Range) => set({ ...chosen(next), live: null }), [set]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (!range) return;
    const middle = ((range.from + range.to) / 2n) as Range["from"];
    if (event.key === "ArrowLeft") choose(panned(range, -0.25, recorded));
    else if (event.key === "ArrowRight") choose(panned(range, 0.25, recorded));
    else if (event.key === "+") choose(zoomed(range, middle, 0.5, recorded));
    else if (event.key === "-") choose(zoomed(range, middle, 2, recorded));
    else return;
    event.preventDefault();
  };
  return (
    <section className="timeline" aria-label="Time line">
      <div className="timeline-head">
        <RangePicker />
        <span className="bar-space" />
        <Legend histogram={histogram.data} />
        {range && <ReplayControls replay={replay} />}
      </div>
      <div
        ref={box}
        className="timeline-chart"
        tabIndex={0}
        role="group"
        aria-label="Chart"
        onKeyDown={onKeyDown}
      >
        {histogram.error != null && histogram.data === undefined ? (
          <Failed error={histogram.error} />
        ) : range && width > 0 ? (
          <>
            <Chart
              {...{ range, recorded, width, choose }}
              histogram={histogram.data}
              coverage={coverage.data}
              segments={segments.data}
              cursor={replay.at}
              jump={replay.jump}
            />
            {recorded && (
              <Overview {...{ recorded, range, width, choose }} coverage={coverage.data} cursor={replay.at} />
            )}
          </>
        ) : (
          <p className="timeline-none faint">{coverage.isPending ? "" : "Nothing is recorded yet."}</p>
        )}
      </div>
    </section>
  );
}

function Legend({ histogram }: { readonly histogram: Histogram | undefined }) {
  const sums = CLASSES.map((name) => {
    const series = histogram?.series.find(({ label }) => label === name);
    return { name, sum: (series?.exchanges ?? []).reduce((all, one) => all + one, 0) };
  });
  return (
    <ul className="legend" aria-label="Outcomes">
      {[...sums]
        .reverse()
        .filter(({ sum }) => sum > 0)
        .map(({ name, sum }) => (
          <li key={name}>
            <i className={`swatch back-${name}`} aria-hidden /> {NAMES[name]} <b>{count(sum)}</b>
          </li>
        ))}
    </ul>
  );
}
