// Values within values, each of which can be clicked into the filter.
import { useState } from "react";
import type { Json } from "../api/types";
import type { Place } from "../filter/compose";
import { Value } from "../filter/Value";

/** Longer lists are shown in steps. */
const STEP = 100;
/** What is nested deeper than this is closed at first. */
const OPEN_DEPTH = 3;

interface Props {
  readonly place: Place;
  readonly value: Json;
  readonly depth?: number;
}

const isNested = (value: Json): value is readonly Json[] | { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null;

function kindOf(value: Json): string {
  if (value === null) return "nil";
  return typeof value;
}

/** `{ a, b, c }` or `[ 12 ]`: what a closed one holds. */
function hint(value: readonly Json[] | { readonly [key: string]: Json }): string {
  if (Array.isArray(value)) return `[ ${value.length} ]`;
  const keys = Object.keys(value);
  return `{ ${keys.slice(0, 4).join(", ")}${keys.length > 4 ? ", …" : ""} }`;
}

export function Tree({ place, value, depth = 0 }: Props) {
  const [shown, setShown] = useState(STEP);
  if (!isNested(value)) return <Value place={place} value={value} className={`json-${kindOf(value)}`} />;
  const members: readonly (readonly [string | number, Json])[] = Array.isArray(value)
    ? value.map((member: Json, index) => [index, member] as const)
    : Object.entries(value);
  if (members.length === 0) return <span className="faint">{Array.isArray(value) ? "[ ]" : "{ }"}</span>;
  return (
    <ul className="tree">
      {members.slice(0, shown).map(([step, member]) => (
        <Branch key={String(step)} step={step} place={[...place, step]} value={member} depth={depth} />
      ))}
      {members.length > shown && (
        <li>
          <button type="button" className="button" onClick={() => setShown(shown + STEP * 5)}>
            {members.length - shown} more
          </button>
        </li>
      )}
    </ul>
  );
}

function Branch({ step, place, value, depth }: Required<Props> & { readonly step: string | number }) {
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH);
  const key = <span className="tree-key">{String(step)}</span>;
  if (!isNested(value) || Object.keys(value).length === 0) {
    return (
      <li className="leaf">
        {key} <Tree place={place} value={value} depth={depth + 1} />
      </li>
    );
  }
  return (
    <li>
      <button type="button" className="tree-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {key} <span className="faint">{hint(value)}</span>
      </button>
      {isOpen && <Tree place={place} value={value} depth={depth + 1} />}
    </li>
  );
}
