// The connection around an exchange, in order, both directions: what "follow stream" is elsewhere.
import { useMemo, useState } from "react";
import { useStream } from "../api/queries";
import type { Chunk } from "../api/types";
import { useZone } from "../state/preferences";
import { clock, ns, parseInstant } from "../state/time";
import { bytes as size } from "../ui/figures";
import { Answered, Empty, Truncated } from "../ui/states";
import { base64, printable, textOf } from "./bodies";
import { Hex } from "./Hex";

/** A chunk that is longer is cut until one asks for it. */
const SHOWN_MAX = 20_000;

export function StreamTab({ id }: { readonly id: string }) {
  const answer = useStream(id);
  const [look, setLook] = useState<"text" | "hex">("text");
  return (
    <Answered answer={answer} what="the stream">
      {({ chunks, truncated }) =>
        chunks.length === 0 ? (
          <Empty title="No bytes">This flow carried no payload around the exchange.</Empty>
        ) : (
          <div className="stream">
            <div className="body-head">
              <span className="faint">
                <i className="dot dot-server" aria-hidden /> to the server{" "}
                <i className="dot dot-client" aria-hidden /> to the client
              </span>
              <span className="segmented" role="group" aria-label="How to show the stream">
                {(["text", "hex"] as const).map((one) => (
                  <button key={one} type="button" aria-pressed={one === look} onClick={() => setLook(one)}>
                    {one === "text" ? "Text" : "Hex"}
                  </button>
                ))}
              </span>
            </div>
            {truncated && <Truncated>Only the part around the exchange is shown.</Truncated>}
            {chunks.map((chunk, place) => (
              <Piece key={place} chunk={chunk} look={look} />
            ))}
          </div>
        )
      }
    </Answered>
  );
}

function Piece({ chunk, look }: { readonly chunk: Chunk; readonly look: "text" | "hex" }) {
  const zone = useZone();
  const [isWhole, setWhole] = useState(false);
  const data = useMemo(() => base64(chunk.data), [chunk.data]);
  const text = useMemo(() => textOf(data) ?? [...data].map(printable).join(""), [data]);
  const at = parseInstant(chunk.time) ?? ns(0n);
  const isServer = chunk.direction === "toServer";
  return (
    <article className={`piece ${isServer ? "piece-server" : "piece-client"}`}>
      <header>
        <time>{clock(at, zone, 6)}</time> <span>{isServer ? "→ server" : "← client"}</span>{" "}
        <span>{size(data.length)}</span>
      </header>
      {(chunk.gapBytes ?? 0) > 0 && <p className="gap">{size(chunk.gapBytes)} before this were never seen</p>}
      {look === "hex" ? (
        <Hex bytes={data} label={`Bytes ${isServer ? "to the server" : "to the client"}`} />
      ) : (
        <pre>{isWhole ? text : text.slice(0, SHOWN_MAX)}</pre>
      )}
      {look === "text" && !isWhole && text.length > SHOWN_MAX && (
        <button type="button" className="button" onClick={() => setWhole(true)}>
          {size(text.length - SHOWN_MAX)} more
        </button>
      )}
    </article>
  );
}
