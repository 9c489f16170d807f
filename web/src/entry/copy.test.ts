import { expect, test } from "vitest";
import { EXAMPLE } from "../api/example";
import type { Entry } from "../api/types";
import { copies, curl, grpcurl, quoted, rediscli } from "./copy";
import { traceOf } from "./trace";

const end = (port: string) => ({ ip: "10.0.0.1", port, name: "" });
const http: Entry = {
  ...EXAMPLE,
  src: end("4000"),
  dst: { ...end("80"), name: "cart.shop" },
  request: {
    method: "POST",
    url: "/carts?a=1",
    headers: {
      Host: "shop.example",
      "Content-Length": "9",
      "X-Who": "it's me",
      Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-1-1",
    },
    postData: { text: '{"id":42}', mimeType: "application/json" },
  },
};

test("curl asks the same again, quoted for the shell", () => {
  expect(curl(http)).toBe(
    [
      "curl -X POST 'http://cart.shop:80/carts?a=1'",
      "-H 'Host: shop.example'",
      `-H 'X-Who: it'\\''s me'`,
      `-H 'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-1-1'`.replaceAll("'", "'"),
      `--data-raw '{"id":42}'`,
    ].join(" \\\n  "),
  );
});

test("nothing from the wire gets out of its quotes", () => {
  expect(quoted("$(rm -rf /)`x`;'")).toBe(`'$(rm -rf /)\`x\`;'\\'''`);
});

test("gRPCurl and redis-cli, where they fit", () => {
  const grpc = {
    ...http,
    request: { grpc: { service: "hello.Greeter", method: "SayHello", contents: [{ json: { name: "x" } }] } },
  };
  expect(grpcurl(grpc)).toBe(
    `grpcurl -plaintext \\\n  -d '{"name":"x"}' \\\n  cart.shop:80 hello.Greeter/SayHello`,
  );
  const redis = {
    ...http,
    protocol: { ...http.protocol, name: "redis", abbr: "REDIS" },
    dst: end("6379"),
    request: { command: "SET", key: "a b", value: "1" },
  };
  expect(rediscli(redis)).toBe("redis-cli -h 10.0.0.1 -p 6379 SET 'a b' 1");
  expect(copies(redis).map(({ name }) => name)).toEqual(["redis-cli", "JSON"]);
});

test("the trace is read from the headers", () => {
  expect(traceOf(http)).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  expect(traceOf({ ...http, request: { headers: { b3: "0" } } })).toBeNull();
});
