// A body: as what it is, as text, as bytes, or as a picture.
import { useMemo, useState } from "react";
import { bytes as size } from "../ui/figures";
import { Truncated } from "../ui/states";
import { type BodyBytes, imageOf, jsonOf, type Look, prettyXml, textOf } from "./bodies";
import { Hex } from "./Hex";
import { Tree } from "./Tree";

/** More text than this the browser lays out too slowly. */
const TEXT_MAX = 200_000;

const NAMES: Readonly<Record<Look, string>> = { pretty: "Pretty", text: "Text", hex: "Hex", image: "Image" };

/** How a body can be looked at, the best first. */
function looksOf(body: BodyBytes): readonly Look[] {
  const text = textOf(body.bytes);
  if (imageOf(body.bytes) !== null) return ["image", "hex"];
  if (text === null) return ["hex"];
  const isPretty = jsonOf(text) !== undefined || /xml|html/i.test(body.mime) || /^\s*<[?!a-z]/i.test(text);
  return isPretty ? ["pretty", "text", "hex"] : ["text", "hex"];
}

export function Body({ body }: { readonly body: BodyBytes }) {
  const looks = useMemo(() => looksOf(body), [body]);
  const [chosen, choose] = useState<Look | null>(null);
  const look = chosen !== null && looks.includes(chosen) ? chosen : (looks[0] ?? "hex");
  return (
    <div className="body">
      <div className="body-head">
        <span className="faint">
          {body.mime === "" ? "unknown type" : body.mime} · {size(body.bytes.length)}
        </span>
        <span className="segmented" role="group" aria-label="How to show the body">
          {looks.map((one) => (
            <button key={one} type="button" aria-pressed={one === look} onClick={() => choose(one)}>
              {NAMES[one]}
            </button>
          ))}
        </span>
      </div>
      {body.cut !== null && <Truncated>Not all of it: {body.cut}.</Truncated>}
      <Shown body={body} look={look} />
    </div>
  );
}

function Shown({ body, look }: { readonly body: BodyBytes; readonly look: Look }) {
  const text = useMemo(() => textOf(body.bytes) ?? "", [body]);
  if (look === "hex") return <Hex bytes={body.bytes} />;
  if (look === "image") return <Picture body={body} />;
  const json = look === "pretty" ? jsonOf(text) : undefined;
  if (json !== undefined) {
    return (
      <div className="body-text">
        <Tree place={[...body.place, { call: "json" }]} value={json} />
      </div>
    );
  }
  const said = look === "pretty" ? prettyXml(text.slice(0, TEXT_MAX)) : text.slice(0, TEXT_MAX);
  return (
    <>
      <pre className="body-text" tabIndex={0} aria-label="Body">
        {said}
      </pre>
      {text.length > TEXT_MAX && (
        <Truncated>The first {size(TEXT_MAX)} are shown; the download has all.</Truncated>
      )}
    </>
  );
}

function Picture({ body }: { readonly body: BodyBytes }) {
  const src = useMemo(() => {
    const characters = Array.from(body.bytes, (byte) => String.fromCharCode(byte));
    return `data:${imageOf(body.bytes) ?? "image/png"};base64,${btoa(characters.join(""))}`;
  }, [body]);
  return <img className="body-image" src={src} alt="The body as a picture" />;
}
