// A value that can be clicked into the filter: and, not, or, alone.
import { type ReactNode, useCallback, useState } from "react";
import type { Json } from "../api/types";
import { linkTo } from "../state/url";
import { type Item, Menu } from "../ui/Menu";
import { combine, equals, type How, pathOf, type Place } from "./compose";
import { useFilter } from "./FilterBar";

/** Longer values make no sensible filter. */
const LENGTH_MAX = 2000;

interface Props {
  readonly place: Place;
  readonly value: Json;
  readonly children?: ReactNode;
  readonly className?: string;
}

const shown = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

export function Value({ place, value, children, className = "" }: Props) {
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  const close = useCallback(() => setAt(null), []);
  const text = shown(value);
  if (text.length > LENGTH_MAX) return <span className={`value-long ${className}`}>{children ?? text}</span>;
  return (
    <>
      <button
        type="button"
        className={`value ${className}`}
        aria-haspopup="menu"
        title={`${pathOf(place)}: into the filter`}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const isKey = event.clientX === 0 && event.clientY === 0;
          setAt({ x: isKey ? box.left : event.clientX, y: box.bottom + 2 });
        }}
      >
        {children ?? (text === "" ? <i className="faint">empty</i> : text)}
      </button>
      {at && <ValueMenu {...{ place, value, at, close }} />}
    </>
  );
}

interface MenuProps {
  readonly place: Place;
  readonly value: Json;
  readonly at: { readonly x: number; readonly y: number };
  readonly close: () => void;
}

export function ValueMenu({ place, value, at, close }: MenuProps) {
  const { q, submit } = useFilter();
  const predicate = equals(place, value);
  const add = (label: string, how: How): Item => ({ label, run: () => submit(combine(q, predicate, how)) });
  const path = pathOf(place);
  const items: (Item | "line")[] = [
    ...(q.trim() === ""
      ? [add("Only this", "only"), add("Not this", "not")]
      : [add("And this", "and"), add("And not this", "not"), add("Or this", "or"), add("Only this", "only")]),
    "line",
    { label: "Copy the value", run: () => void navigator.clipboard.writeText(shown(value)) },
    {
      label: "Copy as a filter",
      hint: predicate.slice(0, 44),
      run: () => void navigator.clipboard.writeText(predicate),
    },
  ];
  if (!path.includes("()")) {
    const href = linkTo("/analysis/top", window.location.search, { field: path });
    items.push({ label: "Most common values", hint: path.slice(0, 44), href });
  }
  return <Menu label={`${path} into the filter`} items={items} at={at} close={close} />;
}
