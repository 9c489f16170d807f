// Field trees of packets: which field a byte belongs to, and which bytes a field has.
import type { Field } from "../api/types";

/** Where a field stands in its tree: the place at each level. */
export type FieldPlace = readonly number[];

export const key = (place: FieldPlace): string => place.join(".");

/** The innermost field that holds a byte. */
export function fieldAt(fields: readonly Field[], byte: number): FieldPlace | null {
  for (const [index, field] of fields.entries()) {
    if (byte < field.start || byte >= field.start + field.length) continue;
    return [index, ...(fieldAt(field.fields, byte) ?? [])];
  }
  return null;
}

export function fieldOf(fields: readonly Field[], place: FieldPlace): Field | null {
  const [first, ...rest] = place;
  const field = first === undefined ? undefined : fields[first];
  if (!field) return null;
  return rest.length === 0 ? field : fieldOf(field.fields, rest);
}

/** What a list of packets says of one: the innermost layer, what it says of itself, and how much it carries. */
export function lineOf(fields: readonly Field[]): string {
  const last = fields.filter(({ name }) => name !== "payload").at(-1);
  if (!last) return "";
  const said = (name: string) => last.fields.find((field) => field.name === name)?.value ?? "";
  const [from, to] = [said("source port"), said("destination port")];
  const carried = fields.find(({ name }) => name === "payload")?.length;
  return [
    last.name,
    last.value,
    from === "" ? "" : `${from} → ${to}`,
    said("flags"),
    carried === undefined ? "" : `${carried} B`,
  ]
    .filter((text) => text !== "")
    .join("  ");
}
