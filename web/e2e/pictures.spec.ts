// Pictures of each view for the README, over an hour of the made-up cluster. `make pictures` makes them.
import { expect, type Page, test as base } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { BINARY, captures, emptyData, ended, started } from "./remora";

const PLACE = process.env.PICTURES ?? "pictures";
const DATA = join(process.env.REMORA_CLUSTER ?? ".", "data");

/** Payments fail in the last half minute of this one. */
const FAILING = "from=2026-03-02T14:44:00Z&to=2026-03-02T14:49:00Z";

const test = base.extend<object, { readonly url: string }>({
  url: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const { url, process } = await started(["--data", DATA, "serve", "--listen", "127.0.0.1:0"]);
      await use(url);
      await ended(process);
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ url }, use) => use(url),
});

test.describe.configure({ timeout: 180_000 });
test.use({ deviceScaleFactor: 1, viewport: { width: 1280, height: 800 } });

/** Waits until everything is drawn. */
async function drawn(page: Page, ready: string): Promise<void> {
  await page.locator(ready).first().waitFor({ timeout: 120_000 });
  await page.locator(".chart path, .facts").first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => document.fonts.ready);
}

async function taken(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 799);
  await page.screenshot({ path: join(PLACE, `${name}.png`) });
}

test("traffic", async ({ page }) => {
  await page.goto("/?from=2026-03-02T14:43:00Z&to=2026-03-02T14:47:52Z");
  await drawn(page, "[data-entry]");
  await taken(page, "traffic");
});

test("one exchange", async ({ page }) => {
  await page.goto(`/?q=http+and+response.status+%3E%3D+500&${FAILING}`);
  await drawn(page, "[data-entry]");
  await page.locator("[data-entry]").nth(2).click();
  await drawn(page, "[role=tabpanel]");
  await taken(page, "exchange");
  await page.getByRole("tab", { name: "Stream" }).click();
  await drawn(page, ".piece");
  await taken(page, "stream");
  await page.getByRole("tab", { name: "Packets" }).click();
  await page.getByRole("option").nth(1).click();
  await drawn(page, ".hex-bytes");
  await page
    .locator(".field-line", { hasText: /source port/i })
    .first()
    .hover();
  await expect(page.locator(".hex-marked").first()).toBeVisible();
  await page.screenshot({ path: join(PLACE, "packets.png") });
});

test("a filter while it is typed", async ({ page }) => {
  await page.goto(`/?${FAILING}`);
  await drawn(page, "[data-entry]");
  await page.getByRole("textbox", { name: "Filter (KFL)" }).click();
  await page.keyboard.type('dst.name == "payment.shop" and response.s');
  await page.getByRole("option").nth(1).waitFor();
  await taken(page, "filter");
});

test("the map", async ({ page }) => {
  await page.goto(`/map?${FAILING}`);
  await drawn(page, "[data-edge]");
  await taken(page, "map");
  await page.goto("/map?compare=before&from=2026-03-02T14:47:20Z&to=2026-03-02T14:47:55Z");
  await drawn(page, "[data-edge]");
  await taken(page, "map-compare");
});

test("time travel", async ({ page }) => {
  await page.goto(`/map?at=2026-03-02T14:47:40Z&window=10s&${FAILING}`);
  await drawn(page, "[data-edge]");
  await taken(page, "time-travel");
});

test("tables", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`/analysis/endpoints?${FAILING}`);
  await drawn(page, "tbody tr");
  await taken(page, "endpoints");
});

test("the comparison", async ({ page }) => {
  const windows = [
    "aFrom=2026-03-02T14:45:00Z&aTo=2026-03-02T14:47:00Z",
    "bFrom=2026-03-02T14:47:20Z&bTo=2026-03-02T14:47:55Z",
  ];
  await page.goto(`/analysis/diff?${windows.join("&")}&${FAILING}`);
  await drawn(page, ".windows .chart path");
  await drawn(page, ".stretches");
  await taken(page, "compare");
});

test("the recording", async ({ page }) => {
  // Many captures of real servers make many segments.
  const data = emptyData();
  execFileSync(BINARY, ["--data", data, "import", ...captures()], { stdio: "ignore" });
  const { url, process } = await started(["--data", data, "serve", "--listen", "127.0.0.1:0"]);
  await page.goto(`${url}/recording`);
  await drawn(page, "tbody tr");
  await taken(page, "recording");
  await ended(process);
  rmSync(data, { recursive: true, force: true });
});
