// A menu at a place: what was clicked, or the pointer. Arrows move, Enter chooses, Escape closes and gives the focus back.
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { Placed } from "./Placed";

export interface Item {
  readonly label: ReactNode;
  readonly hint?: string;
  readonly href?: string;
  readonly download?: boolean;
  readonly checked?: boolean;
  readonly run?: () => void;
}

interface Props {
  readonly label: string;
  readonly items: readonly (Item | "line")[];
  readonly at: { readonly x: number; readonly y: number };
  readonly close: () => void;
}

const MARGIN = 8;

export function Menu({ label, items, at, close }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(MARGIN, Math.min(at.x, window.innerWidth - width - MARGIN))}px`;
    const below = at.y + height + MARGIN <= window.innerHeight;
    element.style.top = `${below ? at.y : Math.max(MARGIN, window.innerHeight - height - MARGIN)}px`;
  }, [at]);

  useEffect(() => {
    const before = document.activeElement;
    box.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) close();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus();
    };
  }, [close]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const place = all.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (step !== undefined) all[(place + step + all.length) % all.length]?.focus();
    else return;
    event.stopPropagation();
    event.preventDefault();
  };

  return createPortal(
    <Placed at={{}} ref={box} className="menu" role="menu" aria-label={label} onKeyDown={onKeyDown}>
      {items.map((item, place) =>
        item === "line" ? (
          <hr key={place} className="menu-line" />
        ) : (
          <MenuItem key={place} item={item} close={close} />
        ),
      )}
    </Placed>,
    document.body,
  );
}

function MenuItem({ item, close }: { readonly item: Item; readonly close: () => void }) {
  const inside = (
    <>
      <span className="menu-label">{item.label}</span>
      {item.hint !== undefined && <span className="menu-hint">{item.hint}</span>}
    </>
  );
  if (item.href !== undefined) {
    return (
      <a
        role="menuitem"
        className="menu-item"
        href={item.href}
        {...(item.download === true && { download: "" })}
        onClick={close}
      >
        {inside}
      </a>
    );
  }
  const choose = () => {
    close();
    item.run?.();
  };
  if (item.checked === undefined) {
    return (
      <button type="button" role="menuitem" className="menu-item" onClick={choose}>
        {inside}
      </button>
    );
  }
  return (
    <button
      type="button"
      role="menuitemcheckbox"
      aria-checked={item.checked}
      className="menu-item"
      onClick={() => item.run?.()}
    >
      {inside}
    </button>
  );
}
