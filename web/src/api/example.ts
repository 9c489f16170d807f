// An exchange for tests to begin with.
import type { Entry } from "./types";

export const EXAMPLE: Entry = {
  id: "a-0000000000.1.3",
  timestamp: 1_772_409_600_053,
  startTime: "2026-03-02T00:00:00.053895759Z",
  elapsedTime: 3,
  protocol: {
    name: "http",
    abbr: "HTTP",
    macro: "http",
    longName: "Hypertext Transfer Protocol -- HTTP/1.1",
    version: "1.1",
    backgroundColor: "",
    foregroundColor: "",
  },
  src: { ip: "fd00::1", port: "32769", name: "" },
  dst: { ip: "10.0.0.1", port: "80", name: "front-end.shop" },
  node: { name: "a" },
  segment: "a-0000000000",
  stream: "[fd00::1]:32769-10.0.0.1:80",
  request: { method: "GET", url: "/carts" },
  response: { status: 503 },
  requestSize: 833,
  responseSize: 1625,
  summary: { method: "GET", text: "/carts", status: "503", outcome: "bad", class: "5xx" },
};
