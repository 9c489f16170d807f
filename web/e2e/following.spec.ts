// What is recorded while one looks: it appears by itself, once, and in order.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  accessible,
  ask,
  BINARY,
  captures,
  emptyData,
  ended,
  expect,
  parameter,
  picture,
  rows,
  started,
  test,
  visit,
} from "./remora";

/** A capture as if it were taken now, begun a moment ago. */
function present(capture: string, place: string): string {
  const first = execFileSync("tshark", ["-r", capture, "-c", "1", "-T", "fields", "-e", "frame.time_epoch"]);
  const path = join(place, "present.pcapng");
  const shift = (Date.now() / 1000 - Number(first.toString())).toFixed(6);
  execFileSync("editcap", ["-t", shift, capture, path]);
  return path;
}

test("what is imported beside the running server appears in the live list", async ({ browser }) => {
  const data = emptyData();
  const { url, process } = await started(["--data", data, "serve", "--listen", "127.0.0.1:0"]);
  const { page, told } = await visit(browser, url);
  await ask(page, "redis");
  await page.getByRole("button", { name: "Live" }).click();
  await expect.poll(() => parameter(page, "live")).toBe("1");
  await expect(page.locator(".link-live")).toBeVisible();
  await expect(page.getByText("Waiting for traffic")).toBeVisible();
  await accessible(page);

  const capture = captures().find((name) => name.endsWith("redis.pcapng")) ?? "";
  execFileSync(BINARY, ["--data", data, "import", present(capture, data)], { stdio: "ignore" });
  await expect(rows(page).first()).toBeVisible();
  await picture(page, "live");
  await accessible(page);
  const ids = await rows(page).evaluateAll((all) => all.map((one) => one.getAttribute("data-entry")));
  expect(new Set(ids).size).toBe(ids.length);

  // A row is opened while the list goes on, and following is ended.
  await rows(page).first().click();
  await expect(page.getByRole("tabpanel")).toBeVisible();
  await page.keyboard.press("l");
  await expect.poll(() => parameter(page, "live")).toBeNull();
  expect(told).toEqual([]);
  await page.context().close();
  await ended(process);
  rmSync(data, { recursive: true, force: true });
});
