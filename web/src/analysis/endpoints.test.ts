import { expect, test } from "vitest";
import type { Endpoint } from "../api/types";
import { endpointFilter, templatePattern } from "./EndpointsView";

test("a template asks for the paths that it stands for", () => {
  expect(templatePattern("/items/{id}")).toBe('r"^/items/[^/?]+($|[?])"');
  expect(templatePattern("/a.b")).toBe('r"^/a[.]b($|[?])"');
});

test("an endpoint becomes a filter", () => {
  const endpoint = {
    destination: "cart.shop",
    protocol: "HTTP",
    method: "GET",
    endpoint: "/carts/{id}",
  } as Endpoint;
  expect(endpointFilter(endpoint)).toBe(
    'dst.name == "cart.shop" and request.method == "GET" and request.path == r"^/carts/[^/?]+($|[?])"',
  );
  expect(endpointFilter({ ...endpoint, destination: "10.0.0.1", protocol: "DNS", endpoint: "A" })).toBe(
    'dst.ip == "10.0.0.1" and protocol.abbr == "DNS"',
  );
});
