// Every command, by a few letters of its name.
import { type KeyboardEvent, useMemo, useState } from "react";
import { navigate } from "wouter/use-browser-location";
import { FOCUS_FILTER, useFilter } from "../filter/FilterBar";
import { useHistory, useSaved } from "../filter/shelf";
import { applyTheme, write } from "../state/preferences";
import { linkTo, useUrl } from "../state/url";
import { Dialog } from "../ui/Dialog";
import { type Command, matching } from "./commands";
import { ANALYSES, VIEWS } from "./views";

interface Props {
  readonly close: () => void;
  readonly help: () => void;
}

function useCommands(help: () => void): readonly Command[] {
  const url = useUrl();
  const { submit } = useFilter();
  const { saved } = useSaved();
  const past = useHistory();
  return useMemo(() => {
    const theme = (name: string) => () => {
      write("theme", name);
      applyTheme();
    };
    return [
      ...[...VIEWS.filter((view) => view.group === undefined), ...ANALYSES].map((view) => ({
        name: `Go to ${view.title}`,
        hint: view.keys,
        run: () => navigate(linkTo(view.path, window.location.search)),
      })),
      { name: "Write a filter", hint: "/", run: () => window.dispatchEvent(new Event(FOCUS_FILTER)) },
      { name: "Clear the filter", run: () => submit("") },
      { name: "Follow live", hint: "l", run: () => url.set({ live: "1", at: null, to: null }) },
      { name: "Stop following", run: () => url.set({ live: null }) },
      { name: "All that is recorded", run: () => url.set({ from: null, to: null }) },
      { name: "The last 5 minutes", run: () => url.set({ from: "-5m", to: null }) },
      { name: "The last hour", run: () => url.set({ from: "-1h", to: null }) },
      { name: "End time travel", run: () => url.set({ at: null }) },
      { name: "Times in UTC", run: () => write("zone", "utc") },
      { name: "Times as on this machine", run: () => write("zone", "local") },
      { name: "Dark colours", run: theme("dark") },
      { name: "Light colours", run: theme("light") },
      { name: "Colours of the system", run: theme("system") },
      {
        name: "Copy the address of this page",
        run: () => void navigator.clipboard.writeText(window.location.href),
      },
      { name: "Keys", hint: "?", run: help },
      ...saved.map(({ name, q }) => ({
        name: `Filter: ${name}`,
        hint: q.slice(0, 50),
        run: () => submit(q),
      })),
      ...past.slice(0, 15).map((q) => ({ name: `Ask again: ${q}`, run: () => submit(q) })),
    ];
  }, [url, submit, saved, past, help]);
}

export function Palette({ close, help }: Props) {
  const commands = useCommands(help);
  const [sought, setSought] = useState("");
  const [place, setPlace] = useState(0);
  const found = matching(commands, sought).slice(0, 12);
  const chosen = Math.min(place, Math.max(0, found.length - 1));
  const run = (command: Command | undefined) => {
    close();
    command?.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setPlace((chosen + step + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter") run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" close={close} className="palette" bare>
      <input
        className="palette-input"
        role="combobox"
        aria-label="Command"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={`command-${chosen}`}
        placeholder="What to do?"
        value={sought}
        autoFocus
        onChange={(event) => {
          setSought(event.target.value);
          setPlace(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-list" role="listbox" aria-label="Commands" className="palette-list">
        {found.map((command, index) => (
          <li
            key={command.name}
            id={`command-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseMove={() => setPlace(index)}
            onClick={() => run(command)}
          >
            <span>{command.name}</span>
            {command.hint !== undefined && <span className="menu-hint">{command.hint}</span>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="faint palette-none">No command is called so.</p>}
    </Dialog>
  );
}
