// Asks the server. Every failure becomes a `Problem`, so that views draw one kind of it.
import type { ProblemDocument } from "./types";

export const BASE = "/api/v1";

export class Problem extends Error {
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.detail);
    this.name = "Problem";
    this.document = document;
  }
}

export type Params = Readonly<Record<string, string | number | undefined>>;

/** The address of a question; what is undefined is left out. */
export function address(path: string, params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `${BASE}${path}${text === "" ? "" : `?${text}`}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const title = response.statusText || "the server refused";
  const fallback = { type: "about:blank", title, status: response.status, detail: title };
  try {
    const document: unknown = await response.json();
    if (typeof document === "object" && document !== null && "title" in document) {
      return new Problem(document as ProblemDocument);
    }
  } catch {
    // Not ours: a proxy in between answers in its own way.
  }
  return new Problem(fallback);
}

export async function ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address(path, params), {
      headers: { accept: "application/json" },
      credentials: "same-origin",
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Problem({
      type: "about:blank",
      title: "no connection",
      status: 0,
      detail: "the server can't be reached",
    });
  }
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Shows the token of `remora serve` once; the server answers with a cookie that scripts can't read. */
export async function signIn(token: string): Promise<void> {
  const response = await fetch(`${BASE}/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    credentials: "same-origin",
    body: JSON.stringify({ token }),
  });
  if (!response.ok) throw await problemOf(response);
}
