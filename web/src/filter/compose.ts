// Puts filters together as a person would write them: no parentheses that aren't needed, none missing.
import type { Json } from "../api/types";

export type How = "and" | "not" | "or" | "only";

/** The place of a value in an exchange: keys, indexes, and functions that look into a text, such as `json`. */
export type Step = string | number | { readonly call: string };
export type Place = readonly Step[];

const WORD = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `request.headers["User-Agent"]`. */
export function pathOf(place: Place): string {
  return place.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (typeof step === "object") return `${text}.${step.call}()`;
    if (!WORD.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

export function literal(value: Json): string {
  if (value === null) return "nil";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return JSON.stringify(typeof value === "string" ? value : JSON.stringify(value));
}

export const equals = (place: Place, value: Json): string => `${pathOf(place)} == ${literal(value)}`;

type Word = "and" | "or" | "&&" | "||";

/** The connectives that stand outside every parenthesis and string. */
export function connectives(text: string): ReadonlySet<Word> {
  const found = new Set<Word>();
  let depth = 0;
  for (const [token] of text.matchAll(
    /"(?:[^"\\]|\\.)*"?|'[^']*'?|`[^`]*`?|[A-Za-z_][\w.]*|&&|\|\||[()[\]]/g,
  )) {
    if (token === "(" || token === "[") depth += 1;
    else if (token === ")" || token === "]") depth -= 1;
    else if (depth === 0 && (token === "and" || token === "or" || token === "&&" || token === "||")) {
      found.add(token);
    }
  }
  return found;
}

/** `filter`, and `predicate` joined to it. Both dialects of KFL go on as they began. */
export function combine(filter: string, predicate: string, how: How): string {
  const negated = `!(${predicate})`;
  const before = filter.trim();
  if (how === "only" || (before === "" && how !== "not")) return predicate;
  if (before === "") return negated;
  const said = connectives(before);
  const isCel = said.has("&&") || said.has("||");
  const hasOr = said.has("or") || said.has("||");
  const hasAnd = said.has("and") || said.has("&&");
  if (how === "or") return `${hasAnd ? `(${before})` : before} ${isCel ? "||" : "or"} ${predicate}`;
  return `${hasOr ? `(${before})` : before} ${isCel ? "&&" : "and"} ${how === "not" ? negated : predicate}`;
}
