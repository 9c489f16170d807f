// The two stretches that are compared: both are drawn on one line, and each can be dragged out anew.
import { type PointerEvent, useRef, useState } from "react";
import { useHistogram, type Windows } from "../api/queries";
import { useQuestion } from "../state/question";
import { parseInstant, type Range, toText } from "../state/time";
import { useUrl } from "../state/url";
import { Bars, useWidth } from "../timeline/Chart";
import { at, type Scale, x } from "../timeline/scale";

const HEIGHT = 44;
const BUCKETS = 120;

type Which = "a" | "b";

interface Props {
  readonly windows: Windows;
  readonly recorded: Range;
}

export function WindowPicker({ windows, recorded }: Props) {
  const url = useUrl();
  const { q } = useQuestion();
  const [which, setWhich] = useState<Which>("a");
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const histogram = useHistogram(
    { q, from: toText(recorded.from), to: toText(recorded.to) },
    "class",
    BUCKETS,
    true,
  );
  const scale = { range: recorded, width };
  const set = (range: Range) => {
    const [from, to] = [toText(range.from), toText(range.to)];
    url.set({ ...windows, ...(which === "a" ? { aFrom: from, aTo: to } : { bFrom: from, bTo: to }) });
    setWhich(which === "a" ? "b" : "a");
  };
  return (
    <div className="windows">
      <div className="windows-head">
        <span className="faint">Drag out</span>
        <span className="segmented" role="group" aria-label="Which stretch is dragged out">
          {(["a", "b"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={one === which} onClick={() => setWhich(one)}>
              {one === "a" ? "Before" : "After"}
            </button>
          ))}
        </span>
      </div>
      <div ref={box} className="windows-chart">
        {width > 0 && (
          <Line scale={scale} windows={windows} histogram={histogram.data} set={set} which={which} />
        )}
      </div>
    </div>
  );
}

interface LineProps {
  readonly scale: Scale;
  readonly windows: Windows;
  readonly histogram: ReturnType<typeof useHistogram>["data"];
  readonly which: Which;
  readonly set: (range: Range) => void;
}

function Line({ scale, windows, histogram, which, set }: LineProps) {
  const [brush, setBrush] = useState<readonly [number, number] | null>(null);
  const placeOf = (event: PointerEvent) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  return (
    <svg
      className="chart"
      width={scale.width}
      height={HEIGHT}
      role="img"
      aria-label="The two stretches that are compared"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setBrush([placeOf(event), placeOf(event)]);
      }}
      onPointerMove={(event) => {
        // Where it is must be known now: when React asks, the event is over.
        const place = placeOf(event);
        setBrush((before) => before && [before[0], place]);
      }}
      onPointerCancel={() => setBrush(null)}
      onPointerUp={() => {
        if (brush && Math.abs(brush[1] - brush[0]) > 3) {
          set({ from: at(scale, Math.min(...brush)), to: at(scale, Math.max(...brush)) });
        }
        setBrush(null);
      }}
    >
      <Bars histogram={histogram} scale={scale} height={HEIGHT} />
      <Window scale={scale} from={windows.aFrom} to={windows.aTo} name="Before" which="a" />
      <Window scale={scale} from={windows.bFrom} to={windows.bTo} name="After" which="b" />
      {brush && (
        <rect
          className={`window-${which}`}
          x={Math.min(...brush)}
          y={0}
          width={Math.abs(brush[1] - brush[0])}
          height={HEIGHT}
        />
      )}
    </svg>
  );
}

interface WindowProps {
  readonly scale: Scale;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly which: Which;
}

function Window({ scale, from, to, name, which }: WindowProps) {
  const [begins, ends] = [parseInstant(from), parseInstant(to)];
  if (begins === null || ends === null) return null;
  const left = x(scale, begins);
  return (
    <g>
      <rect
        className={`window-${which}`}
        x={left}
        y={0.5}
        width={Math.max(2, x(scale, ends) - left)}
        height={HEIGHT - 1}
      />
      <text className="window-name" x={left + 5} y={13}>
        {name}
      </text>
    </g>
  );
}
