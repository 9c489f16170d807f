// A dialog over the page: the browser's own, which keeps the focus inside and closes on Escape.
import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  readonly title: string;
  readonly close: () => void;
  readonly children: ReactNode;
  readonly className?: string;
  /** Without its heading, for what brings its own. */
  readonly bare?: boolean;
}

export function Dialog({ title, close, children, className = "", bare = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`dialog ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      {!bare && (
        <header className="dialog-head">
          <h2>{title}</h2>
          <button type="button" className="button button-icon" aria-label="Close" onClick={close}>
            <X size={16} aria-hidden />
          </button>
        </header>
      )}
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
