// The most common values of a field, whichever.
import { type SyntheticEvent, useState } from "react";
import { useFields, useTop } from "../api/queries";
import type { Json, Top } from "../api/types";
import { ValueMenu } from "../filter/Value";
import { useSummed } from "../state/question";
import { useUrl } from "../state/url";
import { count, share } from "../ui/figures";
import { Placed } from "../ui/Placed";
import { Answered, Empty } from "../ui/states";
import { Table, type TableColumn } from "../ui/Table";
import { Covered, Frame } from "./Frame";

const FIELD_DEFAULT = "dst.name";
const LIMIT = 100;

/** Fields that are asked for most, one click away. */
const USUAL = [
  "dst.name",
  "src.name",
  "response.status",
  "request.path",
  'request.headers["User-Agent"]',
  "protocol.abbr",
  "node.name",
];

type Value = Top["values"][number];

/** A path as the steps that the filter composes it of. */
export function placeOf(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, word, index, quoted] of path.matchAll(/([A-Za-z_*]\w*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/g)) {
    if (index !== undefined) steps.push(Number(index));
    else steps.push(word ?? (JSON.parse(`"${quoted ?? ""}"`) as string));
  }
  return steps;
}

export default function TopView() {
  const url = useUrl();
  const field = url.get("field") ?? FIELD_DEFAULT;
  const answer = useTop(useSummed(), field, LIMIT);
  return (
    <Frame tools={<FieldInput field={field} key={field} />}>
      <div className="usual" role="group" aria-label="Usual fields">
        {USUAL.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === field}
            onClick={() => url.set({ field: one })}
          >
            {one}
          </button>
        ))}
      </div>
      <Answered answer={answer} what="values">
        {(top) =>
          top.values.length === 0 ? (
            <Empty title="No value">No exchange in this range that matches the filter has this field.</Empty>
          ) : (
            <Values top={top} />
          )
        }
      </Answered>
    </Frame>
  );
}

function FieldInput({ field }: { readonly field: string }) {
  const url = useUrl();
  const { data } = useFields();
  const [text, setText] = useState(field);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    url.set({ field: text.trim() === "" ? null : text.trim() });
  };
  return (
    <form className="field-form" onSubmit={submit}>
      <label>
        <span className="faint">Field</span>
        <input
          className="input"
          list="fields"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <datalist id="fields">
        {(data?.fields ?? []).map(({ path, protocol }) => (
          <option key={`${protocol ?? ""}${path}`} value={path} />
        ))}
      </datalist>
    </form>
  );
}

const said = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

function Values({ top }: { readonly top: Top }) {
  const [open, setOpen] = useState<{ value: Json; at: { x: number; y: number } } | null>(null);
  const most = Math.max(1, ...top.values.map(({ entries }) => entries));
  const columns: readonly TableColumn<Value>[] = [
    {
      key: "value",
      title: top.field,
      className: "wide",
      by: ({ value }) => said(value),
      cell: ({ value }) => (
        <button
          type="button"
          className="value"
          aria-haspopup="menu"
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setOpen({ value, at: { x: box.left, y: box.bottom + 2 } });
          }}
        >
          {said(value) === "" ? "(empty)" : said(value)}
        </button>
      ),
    },
    {
      key: "entries",
      title: "Exchanges",
      isFigure: true,
      by: ({ entries }) => entries,
      cell: ({ entries }) => count(entries),
    },
    { key: "share", title: "Share", isFigure: true, cell: ({ entries }) => share(entries, top.entries) },
    {
      key: "bar",
      title: "",
      className: "wide",
      cell: ({ entries }) => <Placed at={{ vars: { "--share": entries / most } }} className="bar-cell" />,
    },
  ];
  return (
    <>
      <Covered coverage={top.coverage} />
      <Table
        label="Values"
        rows={top.values}
        columns={columns}
        rowKey={({ value }) => said(value)}
        sortFirst="-entries"
      />
      <p className="table-foot faint">
        {count(top.distinct)}
        {top.distinctCapped ? " or more" : ""} different values in {count(top.entries)} exchanges;{" "}
        {count(top.without)} have none
      </p>
      {open && (
        <ValueMenu place={placeOf(top.field)} value={open.value} at={open.at} close={() => setOpen(null)} />
      )}
    </>
  );
}
