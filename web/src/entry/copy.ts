// An exchange as the command that would ask again.
import type { Entry, Json, JsonObject } from "../api/types";
import { bodyOf, textOf } from "./bodies";

export interface Copy {
  readonly name: string;
  readonly text: string;
}

/** A word that the shell takes as it is. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const object = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

function hostOf(entry: Entry): string {
  const { ip, port, name } = entry.dst;
  return `${name !== "" ? name : ip.includes(":") ? `[${ip}]` : ip}:${port}`;
}

/** What curl says by itself, or must say by itself. */
const OWN = /^(?::.*|host|content-length|connection|transfer-encoding|accept-encoding)$/i;

export function curl(entry: Entry): string | null {
  const request = entry.request;
  if (!request || entry.protocol.name !== "http" || text(request.method) === "") return null;
  const headers = object(request.headers);
  const host = Object.entries(headers).find(([name]) => /^(host|:authority)$/i.test(name))?.[1];
  const url = text(request.url) || text(request.path);
  const scheme = entry.tls === true || text(headers[":scheme"]) === "https" ? "https" : "http";
  const words = ["curl"];
  const method = text(request.method);
  if (method !== "GET") words.push("-X", quoted(method));
  if (entry.protocol.version.startsWith("2")) words.push("--http2-prior-knowledge");
  words.push(quoted(url.includes("://") ? url : `${scheme}://${hostOf(entry)}${url}`));
  const lines = [words.join(" ")];
  if (typeof host === "string") lines.push(`-H ${quoted(`Host: ${host}`)}`);
  for (const [name, value] of Object.entries(headers)) {
    if (OWN.test(name)) continue;
    const values = Array.isArray(value) ? value : [value];
    for (const one of values)
      lines.push(`-H ${quoted(`${name}: ${typeof one === "string" ? one : JSON.stringify(one)}`)}`);
  }
  const body = bodyOf(request, "request");
  const said = body && textOf(body.bytes);
  if (said != null) lines.push(`--data-raw ${quoted(said)}`);
  return lines.join(" \\\n  ");
}

export function grpcurl(entry: Entry): string | null {
  const grpc = object(entry.request?.grpc);
  const [service, method] = [text(grpc.service), text(grpc.method)];
  if (service === "" || method === "") return null;
  const lines = [entry.tls === true ? "grpcurl" : "grpcurl -plaintext"];
  for (const [name, value] of Object.entries(object(grpc.metadata))) {
    if (!/^(?:te|content-type|grpc-.*|user-agent)$/i.test(name))
      lines.push(`-H ${quoted(`${name}: ${text(value)}`)}`);
  }
  const [first] = Array.isArray(grpc.contents) ? (grpc.contents as readonly Json[]) : [];
  const { json } = object(first);
  if (json !== undefined) lines.push(`-d ${quoted(JSON.stringify(json))}`);
  lines.push(`${quoted(hostOf(entry))} ${quoted(`${service}/${method}`)}`);
  return lines.join(" \\\n  ");
}

export function rediscli(entry: Entry): string | null {
  const request = entry.request;
  if (!request || entry.protocol.name !== "redis" || text(request.command) === "") return null;
  const { ip, port } = entry.dst;
  const words = ["redis-cli", "-h", ip, "-p", port, text(request.command)];
  if (text(request.subcommand) !== "") words.push(text(request.subcommand));
  const args = Array.isArray(request.args)
    ? (request.args as readonly Json[])
    : [request.key, request.value].filter((one): one is Json => one !== undefined && one !== "");
  for (const one of args) words.push(typeof one === "string" ? one : JSON.stringify(one));
  return words.map(quoted).join(" ");
}

/** Every command that this exchange can be asked again with. */
export function copies(entry: Entry): readonly Copy[] {
  const all: readonly (readonly [string, string | null])[] = [
    ["curl", entry.request?.grpc === undefined ? curl(entry) : null],
    ["gRPCurl", grpcurl(entry)],
    ["redis-cli", rediscli(entry)],
    ["JSON", JSON.stringify(entry, null, 2)],
  ];
  return all.flatMap(([name, said]) => (said === null ? [] : [{ name, text: said }]));
}
