import { expect, test } from "vitest";
import { judge } from "./help";

test("an error is underlined where its bytes lie", () => {
  const text = 'name == "é" and (';
  const said = {
    ok: false,
    error: { message: "`(` is never closed", start: 17, end: 18, suggestion: null },
  } as const;
  expect(judge(text, said).diagnostics[0]).toMatchObject({ from: 16, to: 17, severity: "error" });
});

test("an error behind the end underlines what stands before it", () => {
  const said = {
    ok: false,
    error: { message: "something is missing", start: 4, end: 4, suggestion: null },
  } as const;
  expect(judge("http", said)).toMatchObject({ isRight: false, diagnostics: [{ from: 3, to: 4 }] });
});

test("a field that isn't there is a warning with a suggestion", () => {
  const said = {
    ok: true,
    canonical: "",
    needsBodies: false,
    warnings: [
      { path: "respons.status", suggestion: "response.status", message: "no such field", start: 9, end: 23 },
    ],
  } as const;
  const { isRight, diagnostics } = judge("http and respons.status == 500", said);
  expect(isRight).toBe(true);
  expect(diagnostics[0]).toMatchObject({ from: 9, to: 23, severity: "warning" });
  expect(diagnostics[0]?.message).toContain("response.status");
});
