// When it was, who the two ends were at that moment, and where the evidence lies.
import type { Entry, JsonObject } from "../api/types";
import { Value } from "../filter/Value";
import { useZone } from "../state/preferences";
import { full, type Ns, ns, parseInstant, toText } from "../state/time";
import { bytes, elapsed } from "../ui/figures";
import { Section } from "./Message";
import { Tree } from "./Tree";

export function Circumstances({ entry }: { readonly entry: Entry }) {
  return (
    <>
      <Timing entry={entry} />
      <Section title="Ends, as they were then">
        <div className="ends">
          <Side entry={entry} side="src" title="Source" />
          <Side entry={entry} side="dst" title="Destination" />
        </div>
      </Section>
      {entry.flow && (
        <Section title="Flow">
          <Tree place={["flow"]} value={entry.flow} />
        </Section>
      )}
      <Evidence entry={entry} />
    </>
  );
}

function Timing({ entry }: { readonly entry: Entry }) {
  const zone = useZone();
  const start = parseInstant(entry.startTime) ?? ns(0n);
  const took = entry.elapsedTime ?? null;
  const end: Ns | null = took === null ? null : ns(start + BigInt(Math.round(took * 1000)) * 1000n);
  return (
    <Section title="Timing">
      <table className="pairs">
        <tbody>
          <tr>
            <th scope="row">first byte asked</th>
            <td>
              <time dateTime={toText(start)}>{full(start, zone, 9)}</time>
            </td>
          </tr>
          {end !== null && entry.response != null && (
            <>
              <tr>
                <th scope="row">last byte answered</th>
                <td>
                  <time dateTime={toText(end)}>{full(end, zone, 3)}</time>
                </td>
              </tr>
              <tr>
                <th scope="row">between</th>
                <td>
                  <Value place={["elapsedTime"]} value={took}>
                    {elapsed(took)}
                  </Value>
                </td>
              </tr>
            </>
          )}
          <tr>
            <th scope="row">asked, answered</th>
            <td>
              {bytes(entry.requestSize)} →{" "}
              {entry.responseSize === undefined ? "nothing" : bytes(entry.responseSize)}
            </td>
          </tr>
        </tbody>
      </table>
    </Section>
  );
}

interface SideProps {
  readonly entry: Entry;
  readonly side: "src" | "dst";
  readonly title: string;
}

function Side({ entry, side, title }: SideProps) {
  const known: JsonObject = entry[side];
  const said = Object.entries(known).filter(([, value]) => value !== "" && value !== null);
  return (
    <div className="end-card">
      <h4>{title}</h4>
      <table className="pairs">
        <tbody>
          {said.map(([key, value]) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td>
                <Tree place={[side, key]} value={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {entry[side].name === "" && <p className="faint">no name was known for this address then</p>}
    </div>
  );
}

function Evidence({ entry }: { readonly entry: Entry }) {
  const rows: readonly (readonly [
    string,
    readonly string[],
    string | number | boolean | null | undefined,
  ])[] = [
    ["id", ["id"], entry.id],
    ["protocol", ["protocol", "abbr"], entry.protocol.abbr],
    ["flow", ["stream"], entry.stream],
    ["segment", ["segment"], entry.segment],
    ["node", ["node", "name"], entry.node.name],
    ["bytes never seen", ["gaps"], entry.gaps],
    ["cut by a limit", ["truncated"], entry.truncated],
    ["decrypted", ["tls"], entry.tls],
  ];
  return (
    <Section title="Evidence">
      <table className="pairs">
        <tbody>
          {rows.map(([name, place, value]) =>
            value == null ? null : (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <Value place={place} value={value} />
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </Section>
  );
}
