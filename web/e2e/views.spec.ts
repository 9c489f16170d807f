// Each view in both colours, at a desk and on a phone: it draws, axe finds nothing serious, nothing is wider than the
// screen, and reloading changes nothing of what the address says.
import { accessible, expect, picture, test } from "./remora";

const VIEWS = [
  ["traffic", "/?q=http", "[data-entry]"],
  ["exchange", "/?q=http+and+response.status+%3E%3D+500", "[data-entry]"],
  ["map", "/map", "[data-edge]"],
  ["endpoints", "/analysis/endpoints?q=http", "tbody tr"],
  ["top", "/analysis/top?field=protocol.abbr", "tbody tr"],
  ["compare", "/analysis/diff?q=http", ".stretches"],
  ["recording", "/recording", "tbody tr"],
] as const;

const SCREENS = [
  ["desk", 1280, 800],
  ["phone", 390, 844],
] as const;

for (const [name, path, ready] of VIEWS) {
  test(`${name}, in both colours, at a desk and on a phone`, async ({ page }) => {
    await page.goto(path);
    await page.locator(ready).first().waitFor();
    if (name === "exchange") {
      await page.locator(ready).first().click();
      await page.getByRole("tabpanel").waitFor();
    }
    await expect(page.locator(".chart path, .facts").first()).toBeVisible();
    for (const [screen, width, height] of SCREENS) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `${name}-${colorScheme}-${screen}`);
        await accessible(page);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide).toBeLessThanOrEqual(0);
    }
    const url = page.url();
    await page.reload();
    await page.locator(ready).first().waitFor();
    expect(page.url()).toBe(url);
  });
}

test("a page that isn't there says so, and leads back", async ({ page }) => {
  await page.goto("/nowhere");
  await expect(page.getByText("There is no such page")).toBeVisible();
  await page.getByRole("link", { name: "Map" }).click();
  await expect(page).toHaveURL(/\/map/);
});

test("colours are chosen, and stay chosen", async ({ page }) => {
  await page.goto("/recording");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await ground();
  await page.getByRole("button", { name: "Colours: system" }).click();
  await page.getByRole("button", { name: "Colours: dark" }).click();
  await expect(page.getByRole("button", { name: "Colours: light" })).toBeVisible();
  expect(await ground()).not.toBe(dark);
  await page.reload();
  await page.getByRole("button", { name: "Colours: light" }).waitFor();
  expect(await ground()).not.toBe(dark);
});
