// The distributed trace that an exchange belongs to, as its headers tell.
import type { Entry, Json } from "../api/types";

const isId = (text: string): boolean => /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i.test(text) && /[^0]/.test(text);

function header(headers: Json | undefined, sought: string): string {
  if (typeof headers !== "object" || headers === null) return "";
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== sought) continue;
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === "string" ? first : "";
  }
  return "";
}

/** The id in `traceparent` (W3C Trace Context), else in `b3` or `X-B3-TraceId` (Zipkin). */
export function traceOf(entry: Entry): string | null {
  for (const message of [entry.request, entry.response]) {
    const headers = message?.headers;
    const found = [
      header(headers, "traceparent").split("-")[1] ?? "",
      header(headers, "b3").split("-")[0] ?? "",
      header(headers, "x-b3-traceid"),
    ].find(isId);
    if (found !== undefined) return found.toLowerCase();
  }
  return null;
}
