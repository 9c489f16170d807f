// What a body is, and how it reads best. Everything here takes hostile bytes: nothing is run, nothing is fetched.
import type { Json, JsonObject } from "../api/types";

export interface BodyBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mime: string;
  /** Where its text lies in the exchange. */
  readonly place: readonly string[];
  /** Why bytes are missing, if they are. */
  readonly cut: string | null;
}

export type Look = "pretty" | "text" | "hex" | "image";

export function base64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The body of a message, wherever its protocol keeps it. */
export function bodyOf(message: JsonObject, side: "request" | "response"): BodyBytes | null {
  for (const key of ["content", "postData", "payload", "body"]) {
    const holder = message[key];
    if (!isObject(holder) || typeof holder.text !== "string" || holder.text === "") continue;
    const bytes =
      holder.encoding === "base64"
        ? base64(holder.text)
        : new Uint8Array(new TextEncoder().encode(holder.text));
    const cut = holder.truncated === true ? "a limit cut it" : null;
    const mime = typeof holder.mimeType === "string" ? holder.mimeType : "";
    return { bytes, mime, place: [side, key, "text"], cut };
  }
  return null;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The text of bytes that are text. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    const text = decoder.decode(bytes);
    // A few control characters occur in text; a zero doesn't.
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

const MAGIC: readonly (readonly [string, readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

/** The kind of an image, told by its bytes. Drawings (SVG) are shown as text: they can hold scripts. */
export function imageOf(bytes: Uint8Array): string | null {
  const found = MAGIC.find(([, magic]) => magic.every((byte, place) => bytes[place] === byte));
  return found?.[0] ?? null;
}

export function jsonOf(text: string): Json | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** One element a line, indented. Lines are not read by a parser: what is no XML stays as it is. */
export function prettyXml(text: string): string {
  let depth = 0;
  const tokens = text.replace(/>\s*</g, ">\n<").split("\n");
  return tokens
    .map((line) => {
      const trimmed = line.trim();
      const isEnd = trimmed.startsWith("</");
      const isStart = /^<[^!?/][^>]*[^/]>$/.test(trimmed) || /^<[^!?/]>$/.test(trimmed);
      if (isEnd) depth = Math.max(0, depth - 1);
      const said = "  ".repeat(Math.min(depth, 40)) + trimmed;
      if (isStart && !trimmed.includes("</")) depth += 1;
      return said;
    })
    .join("\n");
}

export interface HexLine {
  readonly offset: number;
  readonly bytes: readonly number[];
}

export const HEX_WIDTH = 16;

/** The lines of a hex dump from `first` on, at most `max`. */
export function hexLines(bytes: Uint8Array, first: number, max: number): readonly HexLine[] {
  const lines: HexLine[] = [];
  for (let offset = first * HEX_WIDTH; offset < bytes.length && lines.length < max; offset += HEX_WIDTH) {
    lines.push({ offset, bytes: [...bytes.subarray(offset, offset + HEX_WIDTH)] });
  }
  return lines;
}

export const printable = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
