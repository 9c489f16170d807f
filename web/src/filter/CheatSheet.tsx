// KFL on one page, each line to be tried with a click; and every field, to be searched.
import { useDeferredValue, useState } from "react";
import { useFields } from "../api/queries";
import { Dialog } from "../ui/Dialog";

const LINES: readonly (readonly [string, string])[] = [
  ["http and response.status >= 500", "requests that a server failed at"],
  ["elapsedTime > 250ms", "slow exchanges, whatever protocol"],
  ['request.path.startsWith("/carts")', "paths that begin so"],
  ['request.headers["User-Agent"] == r"curl.*"', "a header by a regular expression"],
  ['src.name == "front-end.shop" and dst.name == "cart.shop"', "from one service to another"],
  ["src.ip in 10.0.0.0/8", "addresses of a network"],
  ['dns and response.code != "No Error"', "names that could not be resolved"],
  ['redis and request.command == "SET"', "a command of Redis"],
  ['text("connection refused")', "words anywhere in what was said, bodies included"],
  ['trace("4bf92f3577b34da6a3ce929d0e0e4736")', "one distributed trace"],
  ['error.type == "pair-not-found"', "what was never answered, or never asked"],
  ['http && status_code >= 500 && path.contains("/cart")', "the newer dialect works as well"],
  ["!(http or dns)", "everything else"],
];

interface Props {
  readonly close: () => void;
  readonly choose: (q: string) => void;
}

export function CheatSheet({ close, choose }: Props) {
  const take = (q: string) => {
    close();
    choose(q);
  };
  return (
    <Dialog title="KFL, the filter language" close={close} className="sheet">
      <p className="sheet-intro">
        A filter compares fields of an exchange. Join comparisons with <code>and</code>, <code>or</code>,{" "}
        <code>!</code> and parentheses; <kbd>Tab</kbd> completes, <kbd>↑</kbd> brings back what was asked
        before.
      </p>
      <ul className="sheet-lines">
        {LINES.map(([q, meaning]) => (
          <li key={q}>
            <button type="button" className="sheet-line" onClick={() => take(q)}>
              <code>{q}</code>
              <span>{meaning}</span>
            </button>
          </li>
        ))}
      </ul>
      <AllFields />
    </Dialog>
  );
}

const SHOWN_MAX = 60;

function AllFields() {
  const { data } = useFields();
  const [text, setText] = useState("");
  const sought = useDeferredValue(text.toLowerCase());
  const found = (data?.fields ?? []).filter(
    ({ path, documentation }) =>
      path.toLowerCase().includes(sought) || documentation.toLowerCase().includes(sought),
  );
  return (
    <section>
      <label className="sheet-search">
        <span>Fields</span>
        <input
          className="input"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="search"
        />
      </label>
      <dl className="sheet-fields">
        {found.slice(0, SHOWN_MAX).map(({ path, documentation, protocol }) => (
          <div key={`${protocol ?? ""}${path}`}>
            <dt>
              <code>{path}</code> {protocol != null && <small>{protocol}</small>}
            </dt>
            <dd>{documentation}</dd>
          </div>
        ))}
      </dl>
      {found.length > SHOWN_MAX && (
        <p className="notice">{found.length - SHOWN_MAX} more: search for a part of the name</p>
      )}
    </section>
  );
}
