// What surrounds every view: where one is, what is asked, and of which time.
import { Command, HelpCircle, Moon, Sun, SunMoon } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { navigate } from "wouter/use-browser-location";
import { Problem } from "../api/client";
import { useCoverage, useStats } from "../api/queries";
import { FilterBar, FOCUS_FILTER } from "../filter/FilterBar";
import { applyTheme, themeOf, usePreference, useZone } from "../state/preferences";
import { linkTo } from "../state/url";
import { Timeline } from "../timeline/Timeline";
import { useKeys } from "./keys";
import { Palette } from "./Palette";
import { Shortcuts } from "./Shortcuts";
import { SignIn } from "./SignIn";
import { ANALYSES, isAt, VIEWS } from "./views";

type Overlay = "palette" | "shortcuts" | null;

export function Shell({ children }: { readonly children: ReactNode }) {
  const [overlay, setOverlay] = useState<Overlay>(null);
  const [path] = useLocation();
  const { error } = useCoverage();
  useShellKeys(setOverlay);
  const isRefused = error instanceof Problem && error.document.status === 401;
  if (isRefused) return <SignIn />;
  const hasQuestion = path !== "/recording";
  return (
    <div className="shell">
      <a className="skip" href="#view">
        To the view
      </a>
      <Top open={setOverlay} />
      {hasQuestion && (
        <div className="question">
          <FilterBar />
          <Timeline />
        </div>
      )}
      <main id="view" className="view" tabIndex={-1}>
        {children}
      </main>
      {overlay === "palette" && (
        <Palette close={() => setOverlay(null)} help={() => setOverlay("shortcuts")} />
      )}
      {overlay === "shortcuts" && <Shortcuts close={() => setOverlay(null)} />}
    </div>
  );
}

function useShellKeys(setOverlay: (overlay: Overlay) => void) {
  const go = (to: string) => () => navigate(linkTo(to, window.location.search));
  const bindings = useMemo(
    () => ({
      "?": () => setOverlay("shortcuts"),
      "/": () => window.dispatchEvent(new Event(FOCUS_FILTER)),
      ...Object.fromEntries([...VIEWS, ...ANALYSES].map((view) => [view.keys, go(view.path)])),
    }),
    [setOverlay],
  );
  useKeys(bindings);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      setOverlay("palette");
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [setOverlay]);
}

function Top({ open }: { readonly open: (overlay: Overlay) => void }) {
  const [path] = useLocation();
  const search = useSearch();
  return (
    <header className="top">
      <Link href={linkTo("/", search)} className="brand" aria-label="Remora: traffic">
        <img src="/remora.svg" width="20" height="20" alt="" /> <b>Remora</b>
      </Link>
      <nav aria-label="Views">
        {VIEWS.map((view) => (
          <Link
            key={view.path}
            href={linkTo(view.path, search)}
            className={isAt(view, path) ? "nav nav-here" : "nav"}
            {...(isAt(view, path) && { "aria-current": "page" as const })}
          >
            {view.title}
          </Link>
        ))}
      </nav>
      <span className="bar-space" />
      <State />
      <Zone />
      <Theme />
      <button
        type="button"
        className="button button-icon"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => open("shortcuts")}
      >
        <HelpCircle size={16} aria-hidden />
      </button>
      <button
        type="button"
        className="button button-quiet palette-open"
        onClick={() => open("palette")}
        title="Commands"
      >
        <Command size={13} aria-hidden /> <kbd>Ctrl K</kbd>
      </button>
    </header>
  );
}

/** Whether the server answers, and whether it records. */
function State() {
  const { data, error } = useStats();
  if (error != null) {
    return (
      <span className="state state-bad" role="status">
        <i aria-hidden /> no connection
      </span>
    );
  }
  if (!data) return null;
  return (
    <span className={`state ${data.recording ? "state-recording" : ""}`} role="status">
      <i aria-hidden /> {data.recording ? "recording" : "not recording"}
    </span>
  );
}

function Zone() {
  const zone = useZone();
  const [, set] = usePreference("zone");
  return (
    <button
      type="button"
      className="button button-quiet zone"
      title="Times in UTC or as on this machine"
      onClick={() => set(zone === "utc" ? "local" : "utc")}
    >
      {zone === "utc" ? "UTC" : "Local"}
    </button>
  );
}

function Theme() {
  const [text, set] = usePreference("theme");
  const theme = themeOf(text);
  const next = { system: "dark", dark: "light", light: "system" } as const;
  const Icon = { system: SunMoon, dark: Moon, light: Sun }[theme];
  return (
    <button
      type="button"
      className="button button-icon"
      aria-label={`Colours: ${theme}`}
      title={`Colours: ${theme}`}
      onClick={() => {
        set(next[theme]);
        applyTheme();
      }}
    >
      <Icon size={15} aria-hidden />
    </button>
  );
}
