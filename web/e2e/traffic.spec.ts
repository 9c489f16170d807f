// Asking, opening, following: what one does first.
import { execFileSync } from "node:child_process";
import { accessible, ask, expect, filter, parameter, picture, rows, test } from "./remora";

test("a filter is typed with completion", async ({ page }) => {
  await page.goto("/");
  await rows(page).first().waitFor();
  await filter(page).click();
  await page.keyboard.type("http and response.sta");
  await page
    .getByRole("option", { name: /^response\.status\b/ })
    .first()
    .waitFor();
  await picture(page, "completion");
  await page.keyboard.press("Tab");
  await page.keyboard.type(" == 404");
  // What is proposed is what is typed: Enter asks.
  await page.getByRole("option", { name: /^404\b/ }).waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(() => parameter(page, "q")).toBe("http and response.status == 404");
  await expect(rows(page).first().locator(".status")).toHaveText("404");
});

test("an error is underlined with its reason while typing, and mended", async ({ page }) => {
  await page.goto("/");
  await filter(page).click();
  await page.keyboard.insertText("http and (response.status >= 500");
  await expect(page.locator(".filter-said")).toContainText("never closed");
  await expect(page.locator(".cm-lintRange-error")).toBeVisible();
  await picture(page, "error");
  await accessible(page);
  await page.keyboard.type(")");
  await expect(page.locator(".filter-said")).toHaveCount(0);
  await page.keyboard.press("Control+Enter");
  await expect(rows(page).first().locator(".status")).toHaveText(/^5\d\d$/);
});

test("a wrong field is told with the one that may be meant", async ({ page }) => {
  await page.goto("/");
  await filter(page).click();
  await page.keyboard.insertText("respons.status == 500");
  await expect(page.locator(".filter-said")).toContainText("response.status");
});

test("a wrong filter in the address is told as what it is", async ({ page }) => {
  await page.goto("/?q=http+and+(");
  await expect(page.locator(".said-bad").first()).toContainText("never closed");
});

test("an exchange is opened, its connection followed, its packets taken apart", async ({ page }) => {
  await page.goto("/?q=http+and+response.status+%3E%3D+500");
  await rows(page).first().click();
  await expect(page.getByRole("region", { name: "Response" })).toContainText("status");
  await expect.poll(() => parameter(page, "entry")).not.toBeNull();

  await page.getByRole("tab", { name: "Timing & ends" }).click();
  await expect(page.getByRole("heading", { name: "Destination" })).toBeVisible();
  await accessible(page, ".details");

  await page.getByRole("tab", { name: "Stream" }).click();
  await expect(page.locator(".piece-server").first()).toContainText("HTTP/1.1");
  await expect(page.locator(".piece-client").first()).toContainText("HTTP/1.1 5");
  await picture(page, "stream");
  await accessible(page, ".details");

  await page.getByRole("tab", { name: "Packets" }).click();
  await page.getByRole("option").nth(1).click();
  await expect.poll(() => parameter(page, "packet")).toBe("1");
  const address = page.locator(".field-line", { hasText: /source/i }).first();
  await address.hover();
  await expect(page.locator(".hex-bytes .hex-marked").first()).toBeVisible();
  await page.locator(".hex-bytes span").first().hover();
  await expect(page.locator(".field-chosen")).toHaveCount(1);
  await picture(page, "packets");
  await accessible(page, ".details");

  const before = page.url();
  await page.reload();
  await expect(page.getByRole("tab", { name: "Packets" })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("option").nth(1)).toHaveAttribute("aria-selected", "true");
  expect(page.url()).toBe(before);
});

test("a value is clicked into the filter: and, not, or", async ({ page }) => {
  await page.goto("/?q=http");
  await rows(page).first().click();
  const method = page
    .getByRole("region", { name: "Request" })
    .locator("tr", { hasText: "method" })
    .locator(".value");
  const said = (await method.textContent()) ?? "";
  await method.click();
  await accessible(page, "[role=menu]");
  await page.getByRole("menuitem", { name: "And this" }).click();
  await expect.poll(() => parameter(page, "q")).toBe(`http and request.method == "${said}"`);
  await method.click();
  await page.getByRole("menuitem", { name: "Or this" }).click();
  await expect.poll(() => parameter(page, "q")).toContain(`(http and request.method == "${said}") or`);
  await method.click();
  await page.getByRole("menuitem", { name: "And not this" }).click();
  await expect.poll(() => parameter(page, "q")).toMatch(/ and (not |!)/);
  await page.goBack();
  await page.goBack();
  await expect(filter(page)).toHaveText(`http and request.method == "${said}"`);
});

test("every exchange of a flow, and of a trace", async ({ page }) => {
  await page.goto("/?q=http");
  await rows(page).first().click();
  await page.getByRole("button", { name: "What belongs to it" }).click();
  await page.getByRole("menuitem", { name: "Every exchange of this flow" }).click();
  await expect.poll(() => parameter(page, "q")).toMatch(/^stream == /);
  await expect(rows(page).first()).toBeVisible();

  const trace = 'trace("4bf92f3577b34da6a3ce929d0e0e4736")';
  await page.goto(`/?q=${encodeURIComponent(`grpc and ${trace}`)}`);
  await rows(page).first().click();
  await page.getByRole("button", { name: "What belongs to it" }).click();
  await page.getByRole("menuitem", { name: "The same trace" }).click();
  await expect.poll(() => parameter(page, "q")).toBe(trace);
  await expect(rows(page).first()).toBeVisible();
});

test("an exchange is copied as curl, and as a permanent link that leads back to it", async ({ page }) => {
  await page.goto("/?q=http+and+request.method+%3D%3D+%22GET%22");
  await rows(page).first().click();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("menuitem", { name: "Copy as curl" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^curl /);
  const title = await page.locator(".details-title h2").textContent();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("menuitem", { name: "Copy a permanent link" }).click();
  await page.goto(await page.evaluate(() => navigator.clipboard.readText()));
  await expect(page.locator(".details-title h2")).toHaveText(title ?? "");
});

test("packets are downloaded, and tshark reads them", async ({ page }) => {
  await page.goto("/?q=http+and+response.status+%3E%3D+500");
  await rows(page).first().waitFor();
  await page.getByRole("button", { name: "Download what matches" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: /pcapng/ }).click(),
  ]);
  const path = await download.path();
  const told = execFileSync("tshark", [
    "-r",
    path,
    "-Y",
    "http.response.code >= 500",
    "-T",
    "fields",
    "-e",
    "http.response.code",
  ]);
  expect(told.toString()).toMatch(/^5\d\d$/m);
});

test("the keyboard is enough", async ({ page }) => {
  await page.goto("/");
  await rows(page).first().waitFor();
  await page.keyboard.press("j");
  await expect(rows(page).nth(0)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(rows(page).nth(2)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("k");
  await expect(rows(page).nth(1)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("tabpanel")).toHaveCount(0);
  await page.keyboard.press("/");
  await expect(filter(page)).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await expect(page).toHaveURL(/\/map/);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("recording");
  await picture(page, "palette");
  await accessible(page);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/recording/);
});

test("columns are chosen, filters are saved, remembered and looked up", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Node" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("columnheader", { name: "Node" })).toBeVisible();
  await ask(page, "dns");
  await page.getByRole("button", { name: "Saved filters" }).click();
  await page.getByRole("menuitem", { name: /Save this filter/ }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("names");
  await page.keyboard.press("Enter");
  await ask(page, "redis");
  await page.getByRole("button", { name: "Saved filters" }).click();
  await page.getByRole("menuitem", { name: /^names/ }).click();
  await expect.poll(() => parameter(page, "q")).toBe("dns");
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("menuitem", { name: "redis" }).click();
  await expect.poll(() => parameter(page, "q")).toBe("redis");
  await page.getByRole("button", { name: "Cheat sheet" }).click();
  await accessible(page);
  await page.getByRole("button", { name: /dns and response.code/ }).click();
  await expect.poll(() => parameter(page, "q")).toContain("dns and response.code");
});

test("the list pages on to its end", async ({ page }) => {
  await page.goto("/?order=asc");
  await rows(page).first().waitFor();
  const further = async () => {
    await page.locator("[data-list]").evaluate((list) => list.scrollBy(0, 20_000));
    return page.getByText("That is all.").isVisible();
  };
  await expect.poll(further).toBe(true);
});
