// One exchange in full.
import "./entry.css";
import { Copy as CopyIcon, Download, Ellipsis, X } from "lucide-react";
import { address } from "../api/client";
import { useEntry } from "../api/queries";
import type { Entry } from "../api/types";
import { combine, equals } from "../filter/compose";
import { useFilter } from "../filter/FilterBar";
import { toText } from "../state/time";
import { useUrl } from "../state/url";
import { badge, host, rowOf } from "../traffic/row";
import { latency } from "../ui/figures";
import type { Item } from "../ui/Menu";
import { MenuButton } from "../ui/MenuButton";
import { Answered } from "../ui/states";
import { Circumstances } from "./Circumstances";
import { copies } from "./copy";
import { Message } from "./Message";
import { Packets } from "./Packets";
import { StreamTab } from "./StreamTab";
import { traceOf } from "./trace";
import { Tree } from "./Tree";

const TABS = [
  ["exchange", "Exchange"],
  ["circumstances", "Timing & ends"],
  ["stream", "Stream"],
  ["packets", "Packets"],
  ["json", "JSON"],
] as const;
type Tab = (typeof TABS)[number][0];

interface Props {
  readonly id: string;
  readonly close: () => void;
}

export default function Details({ id, close }: Props) {
  const answer = useEntry(id);
  const url = useUrl();
  const tab: Tab = TABS.find(([key]) => key === url.get("tab"))?.[0] ?? "exchange";
  return (
    <section className="details" aria-label="Exchange in full">
      <Answered answer={answer} what="the exchange">
        {(entry) => (
          <>
            <Head entry={entry} close={close} />
            <div className="tabs" role="tablist" aria-label="Parts of the exchange">
              {TABS.map(([key, title]) => (
                <button
                  key={key}
                  type="button"
                  role="tab"
                  id={`tab-${key}`}
                  aria-selected={key === tab}
                  aria-controls="tab-panel"
                  onClick={() => url.set({ tab: key === "exchange" ? null : key, packet: null }, "replace")}
                >
                  {title}
                </button>
              ))}
            </div>
            <div
              id="tab-panel"
              role="tabpanel"
              aria-labelledby={`tab-${tab}`}
              className="details-body"
              tabIndex={0}
            >
              <Panel tab={tab} entry={entry} />
            </div>
          </>
        )}
      </Answered>
    </section>
  );
}

function Panel({ tab, entry }: { readonly tab: Tab; readonly entry: Entry }) {
  if (tab === "circumstances") return <Circumstances entry={entry} />;
  if (tab === "stream") return <StreamTab id={entry.id} />;
  if (tab === "packets") return <Packets id={entry.id} />;
  if (tab === "json") return <Tree place={[]} value={JSON.parse(JSON.stringify(entry)) as never} />;
  return (
    <>
      <Message entry={entry} side="request" />
      <Message entry={entry} side="response" />
    </>
  );
}

function Head({ entry, close }: { readonly entry: Entry; readonly close: () => void }) {
  const row = rowOf(entry);
  return (
    <header className="details-head">
      <div className="details-title">
        <span className={`badge ${badge(row.abbr)}`}>{row.abbr}</span>
        <h2>
          {row.method !== "" && <b>{row.method}</b>} {row.text}
        </h2>
        <span className="bar-space" />
        <Actions entry={entry} />
        <button
          type="button"
          className="button button-icon"
          aria-label="Close"
          title="Close (Esc)"
          onClick={close}
        >
          <X size={16} aria-hidden />
        </button>
      </div>
      <p className="details-line">
        <span className={`status class-${row.class}`}>{row.status === "" ? row.class : row.status}</span>
        <span>{row.elapsed === null ? "no answer" : latency(row.elapsed)}</span>
        <span className="details-ends">
          {host(row.src)}:{row.src.port} → {host(row.dst)}:{row.dst.port}
        </span>
      </p>
    </header>
  );
}

function Actions({ entry }: { readonly entry: Entry }) {
  const { submit } = useFilter();
  const url = useUrl();
  const only = equals(["id"], entry.id);
  const trace = traceOf(entry);
  const copy = copies(entry).map(({ name, text }) => ({
    label: `Copy as ${name}`,
    run: () => void navigator.clipboard.writeText(text),
  }));
  const link = () => {
    const to = new URL(window.location.href);
    to.search = new URLSearchParams({ entry: entry.id }).toString();
    void navigator.clipboard.writeText(to.href);
  };
  const more: (Item | "line")[] = [
    { label: "Every exchange of this flow", run: () => submit(equals(["stream"], entry.stream)) },
    ...(trace === null
      ? []
      : [{ label: "The same trace", hint: trace, run: () => submit(`trace("${trace}")`) }]),
    { label: "The same two ends", run: () => submit(sameEnds(entry)) },
    {
      label: "Travel to this moment",
      run: () => url.set({ at: toText(rowOf(entry).time), live: null }),
    },
  ];
  const save: Item[] = (["pcapng", "har"] as const)
    .filter((format) => format === "pcapng" || entry.protocol.name === "http")
    .map((format) => ({
      label: `Download ${format}`,
      hint: format === "pcapng" ? "its packets, for Wireshark" : "for browsers",
      href: address("/export", { format, q: only }),
      download: true,
    }));
  return (
    <>
      <MenuButton label="Copy" items={[{ label: "Copy a permanent link", run: link }, "line", ...copy]}>
        <CopyIcon size={15} aria-hidden />
      </MenuButton>
      <MenuButton label="Download this exchange" items={save}>
        <Download size={15} aria-hidden />
      </MenuButton>
      <MenuButton label="What belongs to it" items={more}>
        <Ellipsis size={16} aria-hidden />
      </MenuButton>
    </>
  );
}

function sameEnds(entry: Entry): string {
  const side = (which: "src" | "dst") =>
    entry[which].name === ""
      ? equals([which, "ip"], entry[which].ip)
      : equals([which, "name"], entry[which].name);
  return combine(side("src"), side("dst"), "and");
}
