// All that is recorded on one thin line, with the range that is looked at: it can be dragged along.
import { type PointerEvent, useRef } from "react";
import type { CoverageAnswer } from "../api/types";
import { type Ns, ns, parseInstant, type Range } from "../state/time";
import { at, panned, x } from "./scale";

const HEIGHT = 12;

interface Props {
  readonly recorded: Range;
  readonly range: Range;
  readonly width: number;
  readonly coverage: CoverageAnswer | undefined;
  readonly cursor: Ns | null;
  readonly choose: (range: Range) => void;
}

export function Overview({ recorded, range, width, coverage, cursor, choose }: Props) {
  const scale = { range: recorded, width };
  const grabbed = useRef<{ place: number; range: Range } | null>(null);
  const clip = (value: number) => Math.max(0, Math.min(width, value));
  const [from, to] = [clip(x(scale, range.from)), clip(x(scale, range.to))];
  const placeOf = (event: PointerEvent) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const isAll = to - from >= width - 1;
  return (
    <svg
      className={`overview ${isAll ? "" : "overview-part"}`}
      width={width}
      height={HEIGHT}
      role="img"
      aria-label="All that is recorded"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const place = placeOf(event);
        const inside = place >= from && place <= to;
        const half = (range.to - range.from) / 2n;
        const middle = at(scale, place);
        grabbed.current = {
          place,
          range: inside ? range : panned({ from: ns(middle - half), to: ns(middle + half) }, 0, recorded),
        };
        if (!inside) choose(grabbed.current.range);
      }}
      onPointerMove={(event) => {
        const start = grabbed.current;
        if (!start || event.buttons !== 1) return;
        const by = Number(at(scale, placeOf(event)) - at(scale, start.place));
        choose(panned(start.range, by / Number(start.range.to - start.range.from), recorded));
      }}
      onPointerUp={() => {
        grabbed.current = null;
      }}
    >
      <rect width={width} height={HEIGHT} rx={2} className="overview-ground" />
      {(coverage?.nodes ?? []).flatMap(({ node, ranges, holes, losses }) => [
        ...ranges.map((one, place) => piece(scale, `${node}${place}`, one.from, one.to, "overview-recorded")),
        ...holes.map((one, place) => piece(scale, `${node}h${place}`, one.from, one.to, "band-hole")),
        ...losses.map((one, place) => piece(scale, `${node}l${place}`, one.from, one.to, "band-loss")),
      ])}
      {!isAll && (
        <rect
          x={from}
          y={0.5}
          width={Math.max(3, to - from)}
          height={HEIGHT - 1}
          rx={2}
          className="overview-window"
        />
      )}
      {cursor !== null && (
        <line x1={x(scale, cursor)} x2={x(scale, cursor)} y1={0} y2={HEIGHT} className="cursor-line" />
      )}
    </svg>
  );
}

function piece(
  scale: { range: Range; width: number },
  key: string,
  from: string | null,
  to: string | null,
  name: string,
) {
  const [begins, ends] = [parseInstant(from ?? ""), parseInstant(to ?? "")];
  if (begins === null || ends === null) return null;
  const left = x(scale, begins);
  return (
    <rect key={key} x={left} y={3} width={Math.max(1, x(scale, ends) - left)} height={6} className={name} />
  );
}
