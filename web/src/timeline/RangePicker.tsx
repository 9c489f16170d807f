// Which stretch of time is looked at, in words: presets, and two instants to type.
import { ChevronLeft, ChevronRight, ZoomOut } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { useZone } from "../state/preferences";
import { useQuestion } from "../state/question";
import { clock, day, now, ns, parseTime, type Range, SECOND, span, toText } from "../state/time";
import { useUrl } from "../state/url";
import { Dialog } from "../ui/Dialog";
import { panned, zoomed } from "./scale";

const PRESETS = [
  ["5m", 300n],
  ["15m", 900n],
  ["1h", 3600n],
  ["6h", 21_600n],
  ["24h", 86_400n],
] as const;

/** What was recorded until a moment ago is being recorded still. */
const PRESENT = 60n * SECOND;

export const chosen = ({ from, to }: Range) => ({ from: toText(from), to: toText(to) });

export function RangePicker() {
  const url = useUrl();
  const { range, recorded, fromText, toText: untilText } = useQuestion();
  const [isOpen, setOpen] = useState(false);
  const go = (next: Range) => url.set({ ...chosen(next), live: null });
  const pick = (name: string, seconds: bigint) => {
    if (recorded === null || now() - recorded.to < PRESENT) url.set({ from: `-${name}`, to: null });
    else go({ from: ns(recorded.to - seconds * SECOND), to: recorded.to });
  };
  const isAll = fromText === null && untilText === null;
  const middle = range && ns((range.from + range.to) / 2n);
  return (
    <div className="range" role="group" aria-label="Range">
      <div className="segmented">
        <button type="button" aria-pressed={isAll} onClick={() => url.set({ from: null, to: null })}>
          All
        </button>
        {PRESETS.map(([name, seconds]) => (
          <button
            key={name}
            type="button"
            aria-pressed={fromText === `-${name}`}
            onClick={() => pick(name, seconds)}
            title={`The last ${span(seconds * SECOND)} that are recorded`}
          >
            {name}
          </button>
        ))}
      </div>
      <button type="button" className="button button-quiet range-text" onClick={() => setOpen(true)}>
        {range ? <RangeText range={range} /> : "choose a range"}
      </button>
      {range && middle && (
        <span className="range-steps">
          <Step
            label="Earlier"
            run={() => go(panned(range, -0.5, recorded))}
            icon={<ChevronLeft size={15} />}
          />
          <Step
            label="Later"
            run={() => go(panned(range, 0.5, recorded))}
            icon={<ChevronRight size={15} />}
          />
          <Step
            label="Zoom out"
            run={() => go(zoomed(range, middle, 2, recorded))}
            icon={<ZoomOut size={14} />}
          />
        </span>
      )}
      {isOpen && <Typed close={() => setOpen(false)} />}
    </div>
  );
}

interface StepProps {
  readonly label: string;
  readonly run: () => void;
  readonly icon: React.ReactNode;
}

function Step({ label, run, icon }: StepProps) {
  return (
    <button type="button" className="button button-icon" aria-label={label} title={label} onClick={run}>
      {icon}
    </button>
  );
}

function RangeText({ range }: { readonly range: Range }) {
  const zone = useZone();
  const length = range.to - range.from;
  const digits = length < 10n * SECOND ? 3 : 0;
  const [first, last] = [day(range.from, zone), day(range.to, zone)];
  return (
    <>
      <span className="faint range-day">{first}</span> <time>{clock(range.from, zone, digits)}</time> –{" "}
      {first !== last && <span className="faint range-day">{last}</span>}{" "}
      <time>{clock(range.to, zone, digits)}</time> <span className="faint">{span(length)}</span>
    </>
  );
}

function Typed({ close }: { readonly close: () => void }) {
  const url = useUrl();
  const { range } = useQuestion();
  const [from, setFrom] = useState(url.get("from") ?? (range ? toText(range.from) : ""));
  const [to, setTo] = useState(url.get("to") ?? (range ? toText(range.to) : ""));
  const isRight = (text: string) => text.trim() === "" || parseTime(text, now()) !== null;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isRight(from) || !isRight(to)) return;
    url.set({ from: from.trim() || null, to: to.trim() || null });
    close();
  };
  return (
    <Dialog title="Range" close={close} className="narrow">
      <form className="form" onSubmit={submit}>
        <TimeInput label="From" value={from} set={setFrom} isRight={isRight(from)} />
        <TimeInput label="To (no longer inside)" value={to} set={setTo} isRight={isRight(to)} />
        <p className="faint">
          RFC 3339 (<code>2026-11-21T10:00:00Z</code>, without an offset UTC), Unix time, <code>now</code>, or
          relative: <code>-15m</code>. Empty: all that is recorded.
        </p>
        <button type="submit" className="button button-accent" disabled={!isRight(from) || !isRight(to)}>
          Show
        </button>
      </form>
    </Dialog>
  );
}

interface InputProps {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly isRight: boolean;
}

function TimeInput({ label, value, set, isRight }: InputProps) {
  return (
    <label>
      <span>{label}</span>
      <input
        className="input"
        value={value}
        aria-invalid={!isRight}
        onChange={(event) => set(event.target.value)}
        spellCheck={false}
      />
    </label>
  );
}
