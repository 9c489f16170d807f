// The editor of the filter bar: one line of KFL.
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeCompletion,
  completionKeymap,
  completionStatus,
  selectedCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { linter } from "@codemirror/lint";
import { EditorState, Prec, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";
import { complete, judge, validate } from "./help";
import { kfl } from "./language";
import { look } from "./look";

/** Longer filters are refused by the server too. */
const LENGTH_MAX = 8192;
/** How long the hand rests before the text is checked. */
const CHECK_AFTER_MS = 200;

export interface Callbacks {
  readonly submit: (text: string) => void;
  /** What is wrong, or `null`; and whether it may be asked nevertheless. */
  readonly said: (message: string | null, isRight: boolean) => void;
  readonly older: (text: string) => string | null;
  readonly newer: (text: string) => string | null;
  readonly leave: () => void;
}

function put(view: EditorView, text: string | null): boolean {
  if (text === null) return false;
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
  });
  return true;
}

/** What is pasted over several lines becomes one. */
const oneLine = EditorState.transactionFilter.of((transaction): Transaction | readonly object[] => {
  if (!transaction.docChanged) return transaction;
  const text = transaction.newDoc.toString();
  if (transaction.newDoc.lines === 1 && text.length <= LENGTH_MAX) return transaction;
  const flat = text.replace(/\s*\n\s*/g, " ").slice(0, LENGTH_MAX);
  const { length } = transaction.startState.doc;
  return [{ changes: { from: 0, to: length, insert: flat }, selection: { anchor: flat.length } }];
});

function check(callbacks: Callbacks) {
  return linter(
    async (view) => {
      const text = view.state.doc.toString();
      if (text.trim() === "") {
        callbacks.said(null, true);
        return [];
      }
      try {
        const { isRight, diagnostics } = judge(text, await validate(text));
        // A name that is being completed is no mistake yet.
        const isBegun = isRight && completionStatus(view.state) === "active";
        callbacks.said(isBegun ? null : (diagnostics[0]?.message ?? null), isRight);
        return isBegun ? [] : diagnostics;
      } catch {
        callbacks.said(null, true);
        return [];
      }
    },
    {
      delay: CHECK_AFTER_MS,
      needsRefresh: ({ startState, state }) =>
        (completionStatus(startState) === "active") !== (completionStatus(state) === "active"),
    },
  );
}

/** Whether what is proposed stands there already: then Enter asks. */
function isTyped({ state }: EditorView): boolean {
  const proposed = selectedCompletion(state);
  const text = typeof proposed?.apply === "string" ? proposed.apply : proposed?.label;
  const { head } = state.selection.main;
  return text !== undefined && state.sliceDoc(Math.max(0, head - text.length), head) === text;
}

function keys(callbacks: Callbacks) {
  const submit = (view: EditorView) => {
    closeCompletion(view);
    callbacks.submit(view.state.doc.toString());
    return true;
  };
  const idle = (view: EditorView) => completionStatus(view.state) !== "active";
  return Prec.highest(
    keymap.of([
      { key: "Tab", run: acceptCompletion },
      { key: "Enter", run: (view) => (!isTyped(view) && acceptCompletion(view)) || submit(view) },
      { key: "Mod-Enter", run: submit },
      { key: "ArrowUp", run: (view) => idle(view) && put(view, callbacks.older(view.state.doc.toString())) },
      {
        key: "ArrowDown",
        run: (view) => idle(view) && put(view, callbacks.newer(view.state.doc.toString())),
      },
      {
        key: "Escape",
        run: (view) => {
          if (!idle(view)) return false;
          callbacks.leave();
          return true;
        },
      },
    ]),
  );
}

/** An editor in `host`, and how to end it. */
export function mount(host: HTMLElement, text: string, callbacks: Callbacks): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.replaceChildren();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        keys(callbacks),
        oneLine,
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        kfl,
        look,
        check(callbacks),
        autocompletion({
          override: [complete],
          icons: false,
          maxRenderedOptions: 60,
          activateOnTypingDelay: 60,
        }),
        keymap.of([...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        placeholder("Filter with KFL, e.g.  http and response.status >= 500"),
        EditorView.contentAttributes.of({ "aria-label": "Filter (KFL)", spellcheck: "false", tabindex: "0" }),
      ],
    }),
  });
  return view;
}

/** Replaces the text, where it differs. */
export function show(view: EditorView, text: string): void {
  if (view.state.doc.toString() !== text) put(view, text);
}
