// A button that opens a menu under itself.
import { type ReactNode, useCallback, useState } from "react";
import { type Item, Menu } from "./Menu";

interface Props {
  readonly label: string;
  readonly children: ReactNode;
  readonly items: readonly (Item | "line")[];
  readonly className?: string;
}

export function MenuButton({ label, children, items, className = "button button-quiet" }: Props) {
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  const close = useCallback(() => setAt(null), []);
  return (
    <>
      <button
        type="button"
        className={className}
        aria-haspopup="menu"
        aria-expanded={at !== null}
        aria-label={label}
        title={label}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setAt({ x: box.left, y: box.bottom + 4 });
        }}
      >
        {children}
      </button>
      {at && <Menu label={label} items={items} at={at} close={close} />}
    </>
  );
}
