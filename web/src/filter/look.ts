// How the editor looks. It lives in a shadow root, because only there CodeMirror uses constructed style sheets, which
// the content security policy allows; the colours come in from outside as custom properties.
import { EditorView } from "@codemirror/view";

const MONO = "var(--mono)";

export const look = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--text)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: MONO, padding: "7px 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 2px" },
  ".cm-scroller": { fontFamily: MONO, lineHeight: "18px", overflow: "auto", scrollbarWidth: "none" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-placeholder": { color: "var(--text-3)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--selection)", outline: "none" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textDecorationSkipInk: "none",
    textUnderlineOffset: "3px",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--warn)",
    textDecorationSkipInk: "none",
    textUnderlineOffset: "3px",
  },
  ".cm-lintPoint::after": { display: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: MONO, fontSize: "12.5px", maxHeight: "18em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px", lineHeight: "18px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    "--text-3": "var(--text-2)",
    backgroundColor: "var(--selected)",
    color: "var(--text)",
  },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal", fontFamily: "var(--sans)" },
  ".cm-completionIcon": { display: "none" },
  ".cm-diagnostic": { padding: "5px 10px", fontFamily: "var(--sans)", fontSize: "12.5px", border: "none" },
  ".kfl-keyword": { color: "var(--kfl-keyword)", fontWeight: "600" },
  ".kfl-macro": { color: "var(--kfl-macro)", fontWeight: "600" },
  ".kfl-string": { color: "var(--kfl-string)" },
  ".kfl-regexp": { color: "var(--kfl-regexp)" },
  ".kfl-number": { color: "var(--kfl-number)" },
  ".kfl-operator": { color: "var(--text-2)" },
  ".kfl-function": { color: "var(--kfl-function)" },
  ".kfl-comment": { color: "var(--text-3)" },
});
