// The list: only the rows that are seen exist.
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, type UIEvent, useEffect, useRef } from "react";
import type { Zone } from "../state/time";
import { useZone } from "../state/preferences";
import { Placed } from "../ui/Placed";
import type { Column } from "./columns";
import type { Row } from "./row";

export const ROW_HEIGHT = 26;
/** How many rows before the end the next page is asked for. */
const AHEAD = 80;

interface Props {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
  readonly selected: string | null;
  readonly choose: (row: Row) => void;
  readonly more: () => void;
  readonly scrolled?: (isAtTop: boolean) => void;
  readonly foot: ReactNode;
}

export function EntryList({ rows, columns, selected, choose, more, scrolled, foot }: Props) {
  const zone = useZone();
  const box = useRef<HTMLDivElement>(null);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    getItemKey: (place) => rows[place]?.id ?? place,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - AHEAD) more();
  }, [last, rows.length, more]);

  const place = selected === null ? -1 : rows.findIndex((row) => row.id === selected);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place, { align: "auto" });
    // Only when another row is chosen: new rows on top must not take the list along.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);

  const onScroll = (event: UIEvent<HTMLDivElement>) =>
    scrolled?.(event.currentTarget.scrollTop < ROW_HEIGHT / 2);
  const template = { vars: { "--columns": columns.map((column) => column.width).join(" ") } } as const;
  return (
    <Placed at={template} className="list" role="grid" aria-label="Exchanges" aria-rowcount={rows.length + 1}>
      <div className="list-head" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <span
            key={column.key}
            role="columnheader"
            className={column.isFigure === true ? "figure" : undefined}
          >
            {column.title}
          </span>
        ))}
      </div>
      <div
        ref={box}
        className="list-body"
        role="rowgroup"
        tabIndex={0}
        onScroll={onScroll}
        data-list
        aria-label="Rows"
      >
        <Placed at={{ height: virtual.getTotalSize() }} className="list-all" role="presentation">
          {items.map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <Placed
                  key={item.key}
                  at={{ top: item.start }}
                  className={`row outcome-${row.outcome} ${row.id === selected ? "row-chosen" : ""}`}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={row.id === selected}
                  data-entry={row.id}
                  onClick={() => choose(row)}
                >
                  <Cells row={row} columns={columns} zone={zone} />
                </Placed>
              )
            );
          })}
        </Placed>
        {foot}
      </div>
    </Placed>
  );
}

interface CellsProps {
  readonly row: Row;
  readonly columns: readonly Column[];
  readonly zone: Zone;
}

const Cells = memo(function Cells({ row, columns, zone }: CellsProps) {
  return columns.map((column) => (
    <span key={column.key} role="gridcell" className={`cell ${column.isFigure === true ? "figure" : ""}`}>
      {column.cell(row, zone)}
    </span>
  ));
});
