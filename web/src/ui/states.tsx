// What is drawn where there is nothing to show (yet): loading, empty, failed, cut, not recorded.
import { AlertTriangle, CircleSlash, Inbox, LoaderCircle, Scissors } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "../api/client";

interface SaidProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly tone?: "bad" | "quiet";
}

function Said({ icon, title, children, tone = "quiet" }: SaidProps) {
  return (
    <div className={`said said-${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <span className="said-icon">{icon}</span>
      <p className="said-title">{title}</p>
      {children != null && <div className="said-text">{children}</div>}
    </div>
  );
}

/** Says nothing for a moment: what comes at once needs no announcement. */
export function Loading({ what }: { readonly what: string }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 250);
    return () => clearTimeout(timer);
  }, []);
  if (!isSlow) return <div className="said" aria-busy="true" />;
  return (
    <Said icon={<LoaderCircle className="turning" size={20} aria-hidden />} title={`Loading ${what} …`} />
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Said icon={<Inbox size={20} aria-hidden />} title={title}>
      {children}
    </Said>
  );
}

/** Nothing was recorded in the range: another thing than nothing having happened. */
export function NotRecorded({ children }: { readonly children?: ReactNode }) {
  return (
    <Said icon={<CircleSlash size={20} aria-hidden />} title="Not recorded then">
      {children ?? "Nothing was recorded in this stretch of time, so nothing can be said about it."}
    </Said>
  );
}

export function Failed({ error, again }: { readonly error: unknown; readonly again?: () => void }) {
  const title = error instanceof Problem ? error.document.title : "Something went wrong";
  const text = error instanceof Error ? error.message : String(error);
  return (
    <Said icon={<AlertTriangle size={20} aria-hidden />} title={title} tone="bad">
      <p>{text}</p>
      {again && (
        <button type="button" className="button" onClick={again}>
          Try again
        </button>
      )}
    </Said>
  );
}

export function Truncated({ children }: { readonly children: ReactNode }) {
  return (
    <p className="notice" role="note">
      <Scissors size={13} aria-hidden />
      <span>{children}</span>
    </p>
  );
}

interface Answer<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

interface AnsweredProps<T> {
  readonly answer: Answer<T>;
  readonly what: string;
  readonly children: (data: T) => ReactNode;
}

/** Draws an answer, or why there is none. */
export function Answered<T>({ answer, what, children }: AnsweredProps<T>) {
  if (answer.data !== undefined) return children(answer.data);
  if (answer.error != null) return <Failed error={answer.error} again={() => void answer.refetch()} />;
  return <Loading what={what} />;
}
