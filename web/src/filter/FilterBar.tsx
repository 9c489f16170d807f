// The bar in which one asks: the editor, what is wrong with the text, and what was asked before.
import type { EditorView } from "@codemirror/view";
import { BookOpen, Clock3, CornerDownLeft, Filter, Star, X } from "lucide-react";
import { type SyntheticEvent, useCallback, useEffect, useRef, useState } from "react";
import { useUrl } from "../state/url";
import { Dialog } from "../ui/Dialog";
import { MenuButton } from "../ui/MenuButton";
import { CheatSheet } from "./CheatSheet";
import { mount, show } from "./editor";
import { history, remember, useHistory, useSaved } from "./shelf";

/** Another part of the page wants the cursor in the bar. */
export const FOCUS_FILTER = "remora:focus-filter";

/** Asks a filter, and remembers it. */
export function useFilter() {
  const url = useUrl();
  const q = url.get("q") ?? "";
  const { set } = url;
  const submit = useCallback(
    (text: string) => {
      const trimmed = text.trim();
      if (trimmed !== "") remember(trimmed);
      set({ q: trimmed === "" ? null : trimmed });
    },
    [set],
  );
  return { q, submit };
}

function useEditor(q: string, submit: (text: string) => void) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const [said, setSaid] = useState<{ message: string | null; isRight: boolean }>({
    message: null,
    isRight: true,
  });

  useEffect(() => {
    if (!host.current) return;
    // Where one stands in the history while going through it with the arrows.
    let place = -1;
    const step = (by: number) => () => {
      const past = history();
      const next = Math.max(-1, Math.min(past.length - 1, place + by));
      if (next === place) return null;
      place = next;
      return past[place] ?? "";
    };
    const editor = mount(host.current, q, {
      submit: (text) => {
        place = -1;
        submit(text);
      },
      said: (message, isRight) => setSaid({ message, isRight }),
      older: step(1),
      newer: step(-1),
      leave: () => editor.contentDOM.blur(),
    });
    view.current = editor;
    const focus = () => editor.focus();
    window.addEventListener(FOCUS_FILTER, focus);
    return () => {
      window.removeEventListener(FOCUS_FILTER, focus);
      editor.destroy();
    };
    // The text of the URL is put in below; the editor stays.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [submit]);

  useEffect(() => {
    if (view.current) show(view.current, q);
  }, [q]);
  return { host, view, said };
}

export function FilterBar() {
  const { q, submit } = useFilter();
  const { host, view, said } = useEditor(q, submit);
  const [sheet, setSheet] = useState(false);
  return (
    <div className="filter" role="search" aria-label="Filter">
      <div className={`filter-box ${said.isRight ? "" : "filter-wrong"}`}>
        <Filter size={14} className="filter-sign" aria-hidden />
        <div ref={host} className="filter-editor" />
        {q !== "" && (
          <button
            type="button"
            className="button button-icon"
            aria-label="Clear the filter"
            onClick={() => submit("")}
          >
            <X size={14} aria-hidden />
          </button>
        )}
        <button
          type="button"
          className="button button-quiet filter-ask"
          onClick={() => submit(view.current?.state.doc.toString() ?? "")}
        >
          <CornerDownLeft size={13} aria-hidden /> Ask
        </button>
      </div>
      <History submit={submit} />
      <SavedFilters q={q} submit={submit} />
      <button
        type="button"
        className="button button-quiet"
        aria-label="Cheat sheet"
        title="Cheat sheet"
        onClick={() => setSheet(true)}
      >
        <BookOpen size={15} aria-hidden />
      </button>
      {said.message !== null && (
        <p className={`filter-said ${said.isRight ? "filter-said-warn" : ""}`} role="status">
          {said.message}
        </p>
      )}
      {sheet && <CheatSheet close={() => setSheet(false)} choose={submit} />}
    </div>
  );
}

interface ShelfProps {
  readonly submit: (text: string) => void;
}

function History({ submit }: ShelfProps) {
  const past = useHistory().slice(0, 20);
  const items = past.map((q) => ({ label: <code>{q}</code>, run: () => submit(q) }));
  return (
    <MenuButton label="History" items={items.length === 0 ? [{ label: "Nothing was asked yet" }] : items}>
      <Clock3 size={15} aria-hidden />
    </MenuButton>
  );
}

function SavedFilters({ q, submit }: ShelfProps & { readonly q: string }) {
  const { saved, save, forget } = useSaved();
  const [isNaming, setNaming] = useState(false);
  const known = saved.find((one) => one.q === q);
  const change = known
    ? { label: `Forget “${known.name}”`, run: () => forget(known.name) }
    : { label: "Save this filter …", run: () => setNaming(true) };
  const items = saved.map((one) => ({ label: one.name, hint: one.q.slice(0, 40), run: () => submit(one.q) }));
  const hint = [{ label: "Ask something, then save it here" }];
  const line = q !== "" && items.length > 0 ? (["line"] as const) : [];
  return (
    <>
      <MenuButton
        label="Saved filters"
        items={[...(q === "" ? [] : [change]), ...line, ...(q === "" && items.length === 0 ? hint : items)]}
      >
        <Star size={15} aria-hidden {...(known && { fill: "currentColor" })} />
      </MenuButton>
      {isNaming && <Naming q={q} save={save} close={() => setNaming(false)} />}
    </>
  );
}

interface NamingProps {
  readonly q: string;
  readonly save: (name: string, q: string) => void;
  readonly close: () => void;
}

function Naming({ q, save, close }: NamingProps) {
  const [name, setName] = useState(q.slice(0, 60));
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    save(name.trim(), q);
    close();
  };
  return (
    <Dialog title="Save this filter" close={close} className="narrow">
      <form className="form" onSubmit={submit}>
        <label>
          <span>Name</span>
          <input className="input" value={name} autoFocus onChange={(event) => setName(event.target.value)} />
        </label>
        <code>{q}</code>
        <button type="submit" className="button button-accent" disabled={name.trim() === ""}>
          Save
        </button>
      </form>
    </Dialog>
  );
}
