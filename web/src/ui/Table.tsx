// A table that can be sorted by its columns; the order is part of the URL.
import { ArrowDown, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";
import { useUrl } from "../state/url";

export interface TableColumn<T> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: T) => ReactNode;
  /** What it is sorted by; a column without one isn't. */
  readonly by?: (row: T) => number | string;
  readonly isFigure?: boolean;
  readonly className?: string;
}

interface Props<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly TableColumn<T>[];
  readonly rowKey: (row: T) => string;
  readonly sortFirst: string;
  readonly rowsMax?: number;
}

export interface Sort {
  readonly key: string;
  readonly isDescending: boolean;
}

export function sortOf(text: string | null, first: string): Sort {
  const said = text ?? first;
  return said.startsWith("-")
    ? { key: said.slice(1), isDescending: true }
    : { key: said, isDescending: false };
}

export function sorted<T>(
  rows: readonly T[],
  by: ((row: T) => number | string) | undefined,
  isDescending: boolean,
) {
  if (!by) return rows;
  const compare = (a: T, b: T): number => {
    const [left, right] = [by(a), by(b)];
    if (left === right) return 0;
    return left < right ? -1 : 1;
  };
  return [...rows].sort((a, b) => (isDescending ? compare(b, a) : compare(a, b)));
}

export function Table<T>({ label, rows, columns, rowKey, sortFirst, rowsMax = 500 }: Props<T>) {
  const url = useUrl();
  const sort = sortOf(url.get("sort"), sortFirst);
  const by = columns.find(({ key }) => key === sort.key)?.by;
  const shown = sorted(rows, by, sort.isDescending).slice(0, rowsMax);
  const turn = (column: TableColumn<T>) => {
    const isDescending = sort.key === column.key ? !sort.isDescending : column.isFigure === true;
    const text = `${isDescending ? "-" : ""}${column.key}`;
    url.set({ sort: text === sortFirst ? null : text }, "replace");
  };
  return (
    <div className="table-box" role="region" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {columns.map((column) => {
              const isHere = column.key === sort.key;
              return (
                <th
                  key={column.key}
                  scope="col"
                  className={column.isFigure === true ? "right" : undefined}
                  {...(isHere && {
                    "aria-sort": sort.isDescending ? ("descending" as const) : ("ascending" as const),
                  })}
                >
                  {column.by ? (
                    <button type="button" onClick={() => turn(column)}>
                      {column.title}
                      {isHere && (sort.isDescending ? <ArrowDown size={11} /> : <ArrowUp size={11} />)}
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td
                  key={column.key}
                  className={`${column.isFigure === true ? "figure" : ""} ${column.className ?? ""}`}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > rowsMax && (
        <p className="notice">{rows.length - rowsMax} more rows: filter, or sort otherwise</p>
      )}
    </div>
  );
}
