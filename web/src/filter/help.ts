// What the server says of a filter while it is typed: what may come next, and what is wrong.
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { Diagnostic } from "@codemirror/lint";
import { ask } from "../api/client";
import type { Completion, Validation } from "../api/types";
import { bytesOf, unitsOf } from "./bytes";

/** Completions of the server for where the cursor stands. */
export async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const text = context.state.doc.toString();
  const before = context.matchBefore(/[\w.[\]"]+/);
  if (!context.explicit && before === null && !/[=<>~]\s*$/.test(text.slice(0, context.pos))) return null;
  try {
    const answer = await ask<Completion>("/kfl/complete", {
      q: text || " ",
      cursor: bytesOf(text, context.pos),
    });
    return {
      from: Math.min(unitsOf(text, answer.start), context.pos),
      to: Math.max(unitsOf(text, answer.end), context.pos),
      options: answer.items.map((item, place) => ({
        label: item.text,
        // `.*` stands for any key: what is typed goes on there.
        apply: item.text.replace(/\.\*$/, "."),
        // The space parts the two for who hears them.
        detail: ` ${item.documentation}`,
        type: item.kind,
        boost: -place / 10,
      })),
    };
  } catch {
    return null;
  }
}

export interface Judgement {
  readonly isRight: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** What is wrong with a filter, as the editor underlines it. */
export function judge(text: string, said: Validation): Judgement {
  const place = (start: number, end: number) => {
    const from = Math.min(unitsOf(text, start), text.length);
    const to = Math.min(unitsOf(text, end), text.length);
    // An error at the end has nothing to underline but what stands before it.
    return from < to ? { from, to } : { from: Math.max(0, from - 1), to: Math.max(to, from) };
  };
  if (!said.ok) {
    const { message, start, end, suggestion } = said.error;
    const hint = suggestion == null || suggestion === "" ? "" : `; ${suggestion}`;
    return {
      isRight: false,
      diagnostics: [{ ...place(start, end), severity: "error", message: `${message}${hint}` }],
    };
  }
  const diagnostics = said.warnings.map((warning): Diagnostic => {
    const hint = warning.suggestion == null ? "" : `; did you mean ${warning.suggestion}?`;
    return {
      ...place(warning.start, warning.end),
      severity: "warning",
      message: `${warning.message}${hint}`,
    };
  });
  return { isRight: true, diagnostics };
}

export const validate = (text: string, signal?: AbortSignal): Promise<Validation> =>
  ask<Validation>("/kfl/validate", { q: text }, signal);
