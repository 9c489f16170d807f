// What is drawn where there is nothing to show, or not everything: empty, loading, refused, no connection, cut.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accessible, emptyData, ended, expect, picture, rows, started, test, visit } from "./remora";

test("where nothing is recorded, each view says so and how to begin", async ({ browser }) => {
  const data = emptyData();
  const { url, process } = await started(["--data", data, "serve", "--listen", "127.0.0.1:0"]);
  const { page, told } = await visit(browser, url);
  await expect(page.getByText("Start with")).toContainText("remora record");
  await picture(page, "empty");
  await accessible(page);
  for (const [path, said] of [
    ["/map", "Nobody spoke"],
    ["/analysis/endpoints", "No endpoint was asked"],
    ["/analysis/top", "No value"],
    ["/recording", "No segments"],
  ] as const) {
    await page.goto(url + path);
    await expect(page.getByText(said)).toBeVisible();
    await accessible(page);
  }
  expect(told).toEqual([]);
  await page.context().close();
  await ended(process);
  rmSync(data, { recursive: true, force: true });
});

test("where nothing matches, it is said that nothing matches", async ({ page }) => {
  await page.goto("/?q=request.path+%3D%3D+%22%2Fno%2Fsuch%2Fpath%22");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await accessible(page);
});

test("what takes its time is announced, and then shown", async ({ page }) => {
  let release = (): void => undefined;
  const held = new Promise<void>((done) => {
    release = done;
  });
  await page.route(/\/api\/v1\/(entries|coverage)(\?|$)/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/");
  await expect(page.getByText("Loading exchanges …")).toBeVisible();
  await expect(page.getByText("Nothing is recorded yet")).toHaveCount(0);
  await picture(page, "loading");
  await accessible(page);
  release();
  await expect(rows(page).first()).toBeVisible();
  await expect(page.getByText("Loading exchanges …")).toHaveCount(0);
});

test("an exchange that isn't there is told, and can be left", async ({ page }) => {
  await page.goto("/?q=http&entry=import-000000000000-0000000000.0");
  await expect(page.getByRole("alert")).toBeVisible();
  await picture(page, "no-such-exchange");
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(rows(page).first()).toBeVisible();
});

test("more than is shown is said to be more", async ({ page }) => {
  await page.goto("/analysis/endpoints");
  await expect(page.getByText(/\d+ more rows: filter/)).toBeVisible();
});

test("a server that goes away is noticed, and found again", async ({ browser, server }) => {
  const args = (listen: string) => ["--data", server.data, "serve", "--no-index", "--listen", listen];
  const { url, process } = await started(args("127.0.0.1:0"));
  const { page } = await visit(browser, url);
  await rows(page).first().waitFor();
  await ended(process);
  await page.getByRole("link", { name: "Map" }).click();
  await expect(page.getByText("This view could not be loaded")).toBeVisible();
  await expect(page.getByText("no connection").first()).toBeVisible();
  await picture(page, "no-connection");
  await accessible(page);
  const again = await started(args(new URL(url).host));
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect(page.locator("[data-edge]").first()).toBeVisible();
  await page.context().close();
  await ended(again.process);
});

test("who needs a token is asked for it once", async ({ browser, server }) => {
  const token = "a-token-of-a-test-0123456789";
  const file = join(server.data, "..", `remora-e2e-token-${process.pid}`);
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const serve = ["serve", "--no-index", "--listen", "127.0.0.1:0", "--token-file", file];
  const { url, process: running } = await started(["--data", server.data, ...serve]);
  const { page, told } = await visit(browser, url);
  const input = page.getByLabel("Token");
  await input.fill("another-token-0123456789");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toBeVisible();
  await accessible(page);
  await input.fill(token);
  await page.keyboard.press("Enter");
  await expect(rows(page).first()).toBeVisible();
  await page.reload();
  await expect(rows(page).first()).toBeVisible();
  expect(told).toEqual([]);
  await page.context().close();
  await ended(running);
  rmSync(file);
});
