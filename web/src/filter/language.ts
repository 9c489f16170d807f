// KFL's words for the eye. What a text means only the server knows.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const KEYWORD = /^(?:and|or|not|in|true|false|nil|null)\b/;
const MACRO =
  /^(?:http2?|https|grpc|gql|dns|redis|amqp|kafka|tls|tcp|udp|icmp|ws|mysql|postgresql|postgres|mongodb|flow)\b(?!\s*[.[(])/;

const language = StreamLanguage.define({
  name: "kfl",
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^\/\/.*/) || stream.match(/^\/\*.*?(\*\/|$)/)) return "comment";
    if (stream.match(/^r"(?:[^"\\]|\\.)*"?/)) return "regexp";
    if (stream.match(/^(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`[^`]*`?)/)) return "string";
    if (stream.match(/^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d+)?/)) return "number";
    if (stream.match(/^-?\d[\d_.]*(?:ns|us|ms|s|m|h|d|w|[kKMG]i?B?)?\b/)) return "number";
    if (stream.match(KEYWORD)) return "keyword";
    if (stream.match(MACRO)) return "atom";
    if (stream.match(/^[A-Za-z_]\w*(?=\s*\()/)) return "function";
    if (stream.match(/^[A-Za-z_][\w]*/)) return "propertyName";
    if (stream.match(/^(?:==|!=|>=|<=|&&|\|\||[<>!=~+\-*/%])/)) return "operator";
    stream.next();
    return "punctuation";
  },
  tokenTable: { function: tags.function(tags.variableName), propertyName: tags.propertyName },
});

const style = HighlightStyle.define([
  { tag: tags.keyword, class: "kfl-keyword" },
  { tag: tags.atom, class: "kfl-macro" },
  { tag: tags.string, class: "kfl-string" },
  { tag: tags.regexp, class: "kfl-regexp" },
  { tag: tags.number, class: "kfl-number" },
  { tag: tags.operator, class: "kfl-operator" },
  { tag: tags.punctuation, class: "kfl-operator" },
  { tag: tags.propertyName, class: "kfl-field" },
  { tag: tags.function(tags.variableName), class: "kfl-function" },
  { tag: tags.comment, class: "kfl-comment" },
]);

export const kfl = [language, syntaxHighlighting(style)];
