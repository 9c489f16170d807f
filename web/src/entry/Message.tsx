// One half of an exchange: what its protocol says of it, section by section.
import { type ReactNode, useMemo } from "react";
import type { Entry, Json, JsonObject } from "../api/types";
import type { Place } from "../filter/compose";
import { Value } from "../filter/Value";
import { bodyOf } from "./bodies";
import { Body } from "./Body";
import { Tree } from "./Tree";

/** What has a section of its own, and its title. */
const TABLES: readonly (readonly [string, string])[] = [
  ["queryString", "Query"],
  ["headers", "Headers"],
  ["cookies", "Cookies"],
  ["trailers", "Trailers"],
];

/** What is said elsewhere, or follows from the rest. */
const SAID = new Set([...TABLES.map(([key]) => key), "headersSize", "pathSegments", "targetUri"]);

/** What one looks for first; the rest follows in the order that it came. */
const FIRST = [
  "method",
  "command",
  "amqpMethod",
  "apiKeyName",
  "opCode",
  "type",
  "url",
  "path",
  "key",
  "query",
  "status",
  "statusText",
  "code",
];

const rank = (key: string): number => {
  const place = FIRST.indexOf(key);
  return place < 0 ? FIRST.length : place;
};

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Props {
  readonly entry: Entry;
  readonly side: "request" | "response";
}

export function Message({ entry, side }: Props) {
  const message = entry[side];
  const body = useMemo(() => (message ? bodyOf(message, side) : null), [message, side]);
  const title = side === "request" ? "Request" : "Response";
  if (!message || Object.keys(message).length === 0) {
    return (
      <Section title={title}>
        <p className="absent">{side === "request" ? "The request was not seen." : "No answer was seen."}</p>
      </Section>
    );
  }
  const holder = body?.place[1];
  const rest = Object.entries(message)
    .filter(
      ([key, value]) =>
        !SAID.has(key) && key !== holder && value !== "" && !(isObject(value) && isEmpty(value)),
    )
    .sort(([a], [b]) => rank(a) - rank(b));
  return (
    <Section title={title}>
      <table className="pairs">
        <tbody>
          {rest.map(([key, value]) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td>
                <Said place={[side, key]} value={value} depth={1} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {TABLES.map(([key, name]) => {
        const value = message[key];
        return isObject(value) && !isEmpty(value) ? (
          <Pairs key={key} title={name} of={value} place={[side, key]} isOpen={key !== "cookies"} />
        ) : null;
      })}
      {body && (
        <Fold title="Body" isOpen>
          <Body body={body} />
        </Fold>
      )}
    </Section>
  );
}

const isEmpty = (value: JsonObject): boolean => Object.keys(value).length === 0;

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="section" aria-label={title}>
      <h3 className="section-title">{title}</h3>
      {children}
    </section>
  );
}

interface FoldProps {
  readonly title: string;
  readonly hint?: string;
  readonly isOpen: boolean;
  readonly children: ReactNode;
}

export function Fold({ title, hint, isOpen, children }: FoldProps) {
  return (
    <details className="fold" open={isOpen}>
      <summary>
        {title} {hint !== undefined && <span className="faint">{hint}</span>}
      </summary>
      {children}
    </details>
  );
}

interface PairsProps {
  readonly title: string;
  readonly of: JsonObject;
  readonly place: readonly string[];
  readonly isOpen: boolean;
}

function Pairs({ title, of, place, isOpen }: PairsProps) {
  const pairs = Object.entries(of);
  return (
    <Fold title={title} hint={String(pairs.length)} isOpen={isOpen}>
      <table className="pairs">
        <tbody>
          {pairs.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Said place={[...place, name]} value={value} depth={0} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Fold>
  );
}

/** A value of a table: plain, where it stands alone. */
function Said({
  place,
  value,
  depth,
}: {
  readonly place: Place;
  readonly value: Json;
  readonly depth: number;
}) {
  if (typeof value === "object" && value !== null) return <Tree place={place} value={value} depth={depth} />;
  return <Value place={place} value={value} />;
}
