// What may stay on the disk, and what goes next.
import type { Retention as Told } from "../api/types";
import { useZone } from "../state/preferences";
import { full, now, parseInstant, SECOND, span } from "../state/time";
import { bytes } from "../ui/figures";

const CAUSES = {
  age: "it is old then",
  bytes: "all together are too large then",
  free: "the disk is full then",
};

/** The limits in words. */
export function limits(told: Told): readonly string[] {
  const said: string[] = [];
  if (told.bytesMax !== null) said.push(`at most ${bytes(told.bytesMax)}`);
  if (told.ageMaxSeconds !== null) said.push(`not longer than ${span(BigInt(told.ageMaxSeconds) * SECOND)}`);
  if (told.freePercentMin > 0) said.push(`while ${told.freePercentMin} % of the disk are free`);
  return said;
}

export function Retention({ told }: { readonly told: Told | null }) {
  if (told === null) {
    return <p className="faint">No recorder ran here: what was imported stays until someone removes it.</p>;
  }
  const said = limits(told);
  return (
    <dl className="retention">
      <dt>Segments are kept</dt>
      <dd>{said.length === 0 ? "for ever" : said.join(", ")}</dd>
      <dt>Recording takes</dt>
      <dd>{told.bytesPerSecond === null ? "not known yet" : `${bytes(told.bytesPerSecond)} a second`}</dd>
      <dt>Next to go</dt>
      <dd>{told.next === null ? "none, as things are" : <Next {...told.next} />}</dd>
    </dl>
  );
}

function Next({ segment, at, cause }: NonNullable<Told["next"]>) {
  const zone = useZone();
  const instant = parseInstant(at);
  const left = instant === null || instant <= now() ? "now" : `in ${span(instant - now())}`;
  return (
    <>
      <code>{segment}</code> {left}
      {instant !== null && <span className="faint"> at {full(instant, zone, 0)}</span>}, because{" "}
      {CAUSES[cause]}
    </>
  );
}
