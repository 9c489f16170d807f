// Two panes side by side with a bar between them that can be dragged, or moved with the arrow keys; on a narrow
// screen the second one covers the first.
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";
import { usePreference } from "../state/preferences";
import { Placed } from "./Placed";

interface Props {
  readonly name: string;
  readonly first: ReactNode;
  readonly children: ReactNode;
}

const [SHARE_MIN, SHARE_MAX, SHARE_DEFAULT] = [22, 78, 52];

export function Split({ name, first, children }: Props) {
  const [kept, keep] = usePreference(`split.${name}`);
  const box = useRef<HTMLDivElement>(null);
  const share = Math.max(SHARE_MIN, Math.min(SHARE_MAX, Number(kept ?? SHARE_DEFAULT) || SHARE_DEFAULT));
  const move = (event: PointerEvent) => {
    const outer = box.current?.getBoundingClientRect();
    if (!outer || event.buttons !== 1) return;
    keep(String(Math.round(((event.clientX - outer.left) / outer.width) * 1000) / 10));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (step !== undefined) keep(String(share + step));
  };
  return (
    <Placed at={{ vars: { "--share": `${share}%` } }} ref={box} className="split">
      <div className="split-first">{first}</div>
      <div
        className="split-bar"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the list"
        aria-valuenow={share}
        aria-valuemin={SHARE_MIN}
        aria-valuemax={SHARE_MAX}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={move}
      />
      <div className="split-second">{children}</div>
    </Placed>
  );
}
