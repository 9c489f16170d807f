// The drawing of the time line: bars, what is missing, marks, the brush and the cursor.
import { type PointerEvent, type RefObject, useEffect, useRef, useState, type WheelEvent } from "react";
import type { CoverageAnswer, Histogram, Segments } from "../api/types";
import { useZone } from "../state/preferences";
import { clamp, clock, type Ns, parseInstant, type Range } from "../state/time";
import { count } from "../ui/figures";
import { bands, NAMES, shapes } from "./bars";
import { at, panned, type Scale, ticks, x, zoomed } from "./scale";

export const HEIGHT = 62;
const AXIS = 16;
/** Less than this is a click, not a brush. */
const BRUSH_MIN = 4;

export function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

interface Props {
  readonly range: Range;
  readonly recorded: Range | null;
  readonly histogram: Histogram | undefined;
  readonly coverage: CoverageAnswer | undefined;
  readonly segments: Segments | undefined;
  readonly cursor: Ns | null;
  readonly width: number;
  readonly choose: (range: Range) => void;
  readonly jump: (to: Ns) => void;
}

function useBrush(scale: Scale, props: Props) {
  const [brush, setBrush] = useState<readonly [number, number] | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const from = useRef<number | null>(null);
  const placeOf = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(scale.width, event.clientX - box.left));
  };
  return {
    brush,
    pointed,
    handlers: {
      onPointerDown: (event: PointerEvent) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = placeOf(event);
      },
      onPointerMove: (event: PointerEvent) => {
        const place = placeOf(event);
        setPointed(place);
        if (from.current !== null) setBrush([Math.min(from.current, place), Math.max(from.current, place)]);
      },
      onPointerUp: (event: PointerEvent) => {
        const place = placeOf(event);
        const begun = from.current;
        from.current = null;
        setBrush(null);
        if (begun === null) return;
        if (Math.abs(place - begun) >= BRUSH_MIN) {
          props.choose({ from: at(scale, Math.min(begun, place)), to: at(scale, Math.max(begun, place)) });
        } else if (props.cursor !== null) props.jump(at(scale, place));
      },
      onPointerCancel: () => {
        from.current = null;
        setBrush(null);
      },
      onPointerLeave: () => setPointed(null),
    },
  };
}

export function Chart(props: Props) {
  const { range, recorded, width, cursor } = props;
  const scale = { range, width };
  const { brush, pointed, handlers } = useBrush(scale, props);
  const svg = useRef<SVGSVGElement>(null);
  const onWheel = (event: WheelEvent) => {
    const left = svg.current?.getBoundingClientRect().left ?? 0;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      const by = event.deltaX !== 0 ? event.deltaX : event.deltaY;
      props.choose(panned(range, by / width, recorded));
    } else
      props.choose(zoomed(range, at(scale, event.clientX - left), event.deltaY > 0 ? 1.25 : 0.8, recorded));
  };
  return (
    <svg
      ref={svg}
      className="chart"
      width={width}
      height={HEIGHT + AXIS}
      role="img"
      aria-label="Exchanges over time by outcome. Drag to choose a range."
      onWheel={onWheel}
      {...handlers}
    >
      <defs>
        <pattern
          id="hatch-hole"
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="6" height="6" className="hatch-ground" />
          <rect width="2" height="6" className="hatch-hole" />
        </pattern>
        <pattern
          id="hatch-loss"
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(-45)"
        >
          <rect width="1.5" height="5" className="hatch-loss" />
        </pattern>
      </defs>
      <Bands {...props} scale={scale} />
      <Bars histogram={props.histogram} scale={scale} />
      <Marks segments={props.segments} scale={scale} />
      <Axis scale={scale} />
      {cursor !== null && <Cursor scale={scale} cursor={cursor} range={range} />}
      {brush && <rect className="brush" x={brush[0]} y={0} width={brush[1] - brush[0]} height={HEIGHT} />}
      {pointed !== null && <Pointed scale={scale} place={pointed} />}
    </svg>
  );
}

export function Bars({
  histogram,
  scale,
  height = HEIGHT,
}: {
  readonly histogram: Histogram | undefined;
  readonly scale: Scale;
  readonly height?: number;
}) {
  if (!histogram) return null;
  return shapes(histogram, scale, height).map(({ name, path, total }) => (
    <path key={name} d={path} className={`fill-${name}`}>
      <title>{`${NAMES[name] ?? name}: ${count(total)}`}</title>
    </path>
  ));
}

function Bands({ coverage, recorded, range, scale }: Props & { readonly scale: Scale }) {
  return bands(coverage, recorded, range).map((band, place) => {
    const from = Math.max(0, x(scale, band.range.from));
    const to = Math.min(scale.width, x(scale, band.range.to));
    return (
      <rect
        key={place}
        x={from}
        y={0}
        width={Math.max(2, to - from)}
        height={HEIGHT}
        className={`band band-${band.kind}`}
      >
        <title>{band.title}</title>
      </rect>
    );
  });
}

function Marks({ segments, scale }: { readonly segments: Segments | undefined; readonly scale: Scale }) {
  const all = segments?.segments ?? [];
  // Where they lie closer than pixels, marks say nothing.
  if (all.length > scale.width / 4) return null;
  return all.map((segment) => {
    const from = segment.from === null ? null : parseInstant(segment.from);
    if (from === null || from < scale.range.from || from >= scale.range.to) return null;
    const place = x(scale, from);
    return (
      <path key={segment.id} className={`mark mark-${segment.state}`} d={`M${place} ${HEIGHT}l3 4h-6z`}>
        <title>{`${segment.id} (${segment.state}) begins`}</title>
      </path>
    );
  });
}

const LETTER_WIDTH = 6.7;

/** Where a label's middle stands so that all of it is seen. */
function labelPlace(place: number, label: string, width: number): number {
  const half = (label.length * LETTER_WIDTH) / 2;
  return Math.max(half, Math.min(width - half, place));
}

function Axis({ scale }: { readonly scale: Scale }) {
  const zone = useZone();
  return (
    <g className="axis">
      <line x1={0} x2={scale.width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
      {ticks(scale, zone).map((tick) => (
        <g key={tick.x}>
          <line x1={tick.x} x2={tick.x} y1={HEIGHT} y2={HEIGHT + 4} />
          <text x={labelPlace(tick.x, tick.label, scale.width)} y={HEIGHT + 14}>
            {tick.label}
          </text>
        </g>
      ))}
    </g>
  );
}

interface CursorProps {
  readonly scale: Scale;
  readonly cursor: Ns;
  readonly range: Range;
}

function Cursor({ scale, cursor, range }: CursorProps) {
  const place = x(scale, clamp(cursor, range));
  return (
    <g className="cursor">
      <rect
        x={place}
        y={0}
        width={Math.max(0, scale.width - place)}
        height={HEIGHT}
        className="cursor-future"
      />
      <line x1={place} x2={place} y1={0} y2={HEIGHT} />
      <path d={`M${place - 5} 0h10l-5 6z`} />
    </g>
  );
}

function Pointed({ scale, place }: { readonly scale: Scale; readonly place: number }) {
  const zone = useZone();
  const isRight = place > scale.width - 90;
  return (
    <g className="pointed">
      <line x1={place} x2={place} y1={0} y2={HEIGHT} />
      <text x={place + (isRight ? -4 : 4)} y={10} textAnchor={isRight ? "end" : "start"}>
        {clock(at(scale, place), zone)}
      </text>
    </g>
  );
}
