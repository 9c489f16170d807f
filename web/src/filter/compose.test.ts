import { expect, test } from "vitest";
import { combine, connectives, equals, literal, pathOf } from "./compose";

test("paths quote what is no word", () => {
  expect(pathOf(["request", "headers", "User-Agent"])).toBe('request.headers["User-Agent"]');
  expect(pathOf(["response", "content", "text", { call: "json" }, "id"])).toBe(
    "response.content.text.json().id",
  );
  expect(pathOf(["request", "questions", 0, "name"])).toBe("request.questions[0].name");
});

test("values are written so that KFL reads them back", () => {
  expect(equals(["request", "path"], 'a "b"')).toBe('request.path == "a \\"b\\""');
  expect([404, true, null, "x"].map(literal)).toEqual(["404", "true", "nil", '"x"']);
});

test("joining adds no parentheses that aren't needed", () => {
  expect(combine("", "dns", "and")).toBe("dns");
  expect(combine("", "dns", "not")).toBe("!(dns)");
  expect(combine("http", "response.status == 500", "and")).toBe("http and response.status == 500");
  expect(combine("http and tls", "dns", "or")).toBe("(http and tls) or dns");
  expect(combine("http or dns", "tls", "and")).toBe("(http or dns) and tls");
  expect(combine("(http or dns)", "tls", "not")).toBe("(http or dns) and !(tls)");
  expect(combine("http && status_code >= 500", "tls", "and")).toBe("http && status_code >= 500 && tls");
  expect(combine("http", "dns", "only")).toBe("dns");
});

test("connectives inside strings and fields don't count", () => {
  expect([...connectives('request.path == "this or that" and x.or == 1')]).toEqual(["and"]);
});
