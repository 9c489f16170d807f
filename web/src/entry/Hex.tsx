// Bytes in hex and as characters. A range of them can be marked, and bytes can be pointed at.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Placed } from "../ui/Placed";
import { HEX_WIDTH, hexLines, printable } from "./bodies";

const LINE_HEIGHT = 18;

export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Props {
  readonly bytes: Uint8Array;
  readonly marked?: Span | null;
  readonly point?: (byte: number) => void;
  readonly label?: string;
}

export function Hex({ bytes, marked = null, point, label = "Bytes" }: Props) {
  const box = useRef<HTMLDivElement>(null);

  const virtual = useVirtualizer({
    count: Math.ceil(bytes.length / HEX_WIDTH),
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 10,
  });
  const start = marked?.start;
  useEffect(() => {
    if (start !== undefined) virtual.scrollToIndex(Math.floor(start / HEX_WIDTH), { align: "auto" });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [start]);
  if (bytes.length === 0) return <p className="faint">no bytes</p>;
  return (
    <div ref={box} className="hex" role="region" aria-label={label} tabIndex={0}>
      <Placed at={{ height: virtual.getTotalSize() }} className="list-all">
        {virtual.getVirtualItems().map((item) => (
          <Placed key={item.key} at={{ top: item.start }} className="hex-line">
            <Line bytes={bytes} line={item.index} marked={marked} {...(point && { point })} />
          </Placed>
        ))}
      </Placed>
    </div>
  );
}

interface LineProps {
  readonly bytes: Uint8Array;
  readonly line: number;
  readonly marked: Span | null;
  readonly point?: (byte: number) => void;
}

function Line({ bytes, line, marked, point }: LineProps) {
  const [found] = hexLines(bytes, line, 1);
  if (!found) return null;
  const classOf = (place: number) =>
    marked && found.offset + place >= marked.start && found.offset + place < marked.end
      ? "hex-marked"
      : undefined;
  const on = (place: number) => (point ? { onMouseEnter: () => point(found.offset + place) } : {});
  return (
    <>
      <span className="hex-offset">{found.offset.toString(16).padStart(4, "0")}</span>
      <span className="hex-bytes">
        {found.bytes.map((byte, place) => (
          <span key={place} className={classOf(place)} {...on(place)}>
            {byte.toString(16).padStart(2, "0")}
          </span>
        ))}
      </span>
      <span className="hex-text" aria-hidden>
        {found.bytes.map((byte, place) => (
          <span key={place} className={classOf(place)} {...on(place)}>
            {printable(byte)}
          </span>
        ))}
      </span>
    </>
  );
}
