// Time travel: a cursor that runs over the range. While it runs, its place is known here; once a second it goes into
// the URL, and what the page asks follows.
import { Pause, Play, Square, Timer } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useZone } from "../state/preferences";
import { useQuestion, WINDOW_DEFAULT, WINDOWS } from "../state/question";
import { clamp, clock, fromMs, type Ns, ns, type Range, toText } from "../state/time";
import { useUrl } from "../state/url";

export const SPEEDS = [1, 10, 60, 100, 300, 1000] as const;
const SPEED_DEFAULT = 60;
const STEP_MS = 50;
const ASK_EVERY_MS = 1000;

export interface Replay {
  /** Where the cursor is; `null` when time doesn't travel. */
  readonly at: Ns | null;
  readonly isRunning: boolean;
  readonly speed: number;
  readonly start: () => void;
  readonly pause: () => void;
  readonly stop: () => void;
  readonly jump: (to: Ns) => void;
}

/** How far the cursor gets in `elapsedMs` of a person's time. */
export const advanced = (at: Ns, elapsedMs: number, speed: number, range: Range): Ns =>
  clamp(ns(at + fromMs(elapsedMs * speed)), range);

export function useReplay(range: Range | null): Replay {
  const url = useUrl();
  const { at: asked } = useQuestion();
  const speed = Number(url.get("speed") ?? SPEED_DEFAULT) || SPEED_DEFAULT;
  const [running, setRunning] = useState<Ns | null>(null);
  const place = useRef<Ns | null>(null);
  const { set } = url;
  const isRunning = running !== null;
  const isOver = asked === null;

  useEffect(() => {
    if (!isRunning || range === null || isOver) return;
    let [last, toldAt] = [performance.now(), performance.now()];
    const timer = setInterval(() => {
      const time = performance.now();
      const next = advanced(place.current ?? range.from, time - last, speed, range);
      last = time;
      place.current = next;
      setRunning(next);
      if (time - toldAt >= ASK_EVERY_MS || next >= range.to) {
        toldAt = time;
        set({ at: toText(next) }, "replace");
      }
      if (next >= range.to) setRunning(null);
    }, STEP_MS);
    return () => clearInterval(timer);
  }, [isRunning, isOver, range, speed, set]);

  const start = useCallback(() => {
    if (range === null) return;
    const from = asked === null || asked >= range.to || asked < range.from ? range.from : asked;
    place.current = from;
    set({ at: toText(from), live: null }, asked === null ? "step" : "replace");
    setRunning(from);
  }, [asked, range, set]);
  const pause = useCallback(() => {
    if (place.current !== null) set({ at: toText(place.current) }, "replace");
    setRunning(null);
  }, [set]);
  const stop = useCallback(() => {
    setRunning(null);
    set({ at: null, speed: null, window: null });
  }, [set]);
  const jump = useCallback(
    (to: Ns) => {
      place.current = to;
      setRunning((before) => (before === null ? null : to));
      set({ at: toText(to), live: null }, "replace");
    },
    [set],
  );
  return {
    at: isOver ? null : (running ?? asked),
    isRunning: isRunning && !isOver,
    speed,
    start,
    pause,
    stop,
    jump,
  };
}

export function ReplayControls({ replay }: { readonly replay: Replay }) {
  const zone = useZone();
  const url = useUrl();
  const { at, isRunning, speed } = replay;
  if (at === null) {
    return (
      <button type="button" className="button button-quiet" onClick={replay.start} title="Replay this range">
        <Timer size={14} aria-hidden /> Time travel
      </button>
    );
  }
  return (
    <span className="replay" role="group" aria-label="Time travel">
      <button
        type="button"
        className="button button-icon"
        aria-label={isRunning ? "Pause" : "Run"}
        onClick={isRunning ? replay.pause : replay.start}
      >
        {isRunning ? <Pause size={14} aria-hidden /> : <Play size={14} aria-hidden />}
      </button>
      <time className="replay-at">{clock(at, zone)}</time>
      <label>
        <span className="hidden">Speed</span>
        <select value={speed} onChange={(event) => url.set({ speed: event.target.value }, "replace")}>
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
      </label>
      <label title="How much before the cursor maps and tables sum up">
        <span className="hidden">Window</span>
        <select
          value={url.get("window") ?? WINDOW_DEFAULT}
          onChange={(event) => url.set({ window: event.target.value }, "replace")}
        >
          {WINDOWS.map((one) => (
            <option key={one} value={one}>
              last {one}
            </option>
          ))}
        </select>
      </label>
      <button type="button" className="button button-icon" aria-label="End time travel" onClick={replay.stop}>
        <Square size={13} aria-hidden />
      </button>
    </span>
  );
}
