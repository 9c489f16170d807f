// The keys there are.
import { Dialog } from "../ui/Dialog";
import { ANALYSES, VIEWS } from "./views";

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["Go to", [...VIEWS, ...ANALYSES].map((view) => [view.keys, view.title] as const)],
  [
    "Ask",
    [
      ["/", "write a filter"],
      ["Ctrl K", "every command"],
      ["?", "this list"],
    ],
  ],
  [
    "List",
    [
      ["j  k", "next, previous"],
      ["J  K", "ten further"],
      ["l", "live, or not"],
      ["Esc", "close the exchange"],
    ],
  ],
  [
    "Time line",
    [
      ["← →", "earlier, later"],
      ["+ −", "closer, further"],
      ["wheel", "zoom; with Shift pan"],
      ["drag", "choose a range"],
    ],
  ],
];

export function Shortcuts({ close }: { readonly close: () => void }) {
  return (
    <Dialog title="Keys" close={close} className="keys">
      <div className="keys-groups">
        {KEYS.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, meaning]) => (
                <div key={key}>
                  <dt>
                    {key.split(" ").map((one, place) => (
                      <kbd key={place}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
