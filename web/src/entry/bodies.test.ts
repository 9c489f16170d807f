import { expect, test } from "vitest";
import { bodyOf, hexLines, imageOf, jsonOf, prettyXml, textOf } from "./bodies";

test("a body is found where its protocol keeps it, and decoded", () => {
  const found = bodyOf(
    { content: { text: "eyJpZCI6NDJ9", encoding: "base64", mimeType: "application/json" } },
    "response",
  );
  expect(textOf(found?.bytes ?? new Uint8Array())).toBe('{"id":42}');
  expect(found?.place).toEqual(["response", "content", "text"]);
  expect(bodyOf({ postData: { text: "" } }, "request")).toBeNull();
});

test("bytes that are no text are none", () => {
  expect(textOf(new Uint8Array([0xff, 0xfe]))).toBeNull();
  expect(textOf(new Uint8Array([0x61, 0, 0x62]))).toBeNull();
});

test("an image is known by its bytes, and a drawing isn't one", () => {
  expect(imageOf(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1]))).toBe("image/png");
  expect(imageOf(new TextEncoder().encode("<svg onload=alert(1)>"))).toBeNull();
});

test("JSON is JSON, and a word isn't", () => {
  expect(jsonOf(' {"a":[1]} ')).toEqual({ a: [1] });
  expect(jsonOf("true")).toBeUndefined();
  expect(jsonOf("{")).toBeUndefined();
});

test("XML is indented, and what is none comes through", () => {
  expect(prettyXml("<a><b>1</b><c/></a>")).toBe("<a>\n  <b>1</b>\n  <c/>\n</a>");
  expect(prettyXml("no xml at all")).toBe("no xml at all");
});

test("a hex dump has sixteen bytes a line", () => {
  const lines = hexLines(new Uint8Array(40), 1, 5);
  expect(lines.map(({ offset, bytes }) => [offset, bytes.length])).toEqual([
    [16, 16],
    [32, 8],
  ]);
});
