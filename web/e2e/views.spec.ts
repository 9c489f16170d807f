// Each view in both colours, at a desk and on a phone: it draws, axe finds nothing serious, nothing is wider than the screen.
import { accessible, expect, picture, test } from "./remora";

const VIEWS = [
  ["traffic", "/", "[data-entry]"],
  ["exchange", "/?q=http+and+response.status+%3E%3D+500&open", "[data-entry]"],
  ["map", "/map", "[data-edge]"],
  ["endpoints", "/analysis/endpoints", "tbody tr"],
  ["top", "/analysis/top?field=protocol.abbr", "tbody tr"],
  ["compare", "/analysis/diff", ".stretches"],
  ["recording", "/recording", "tbody tr"],
] as const;

for (const colours of ["dark", "light"] as const) {
  for (const [screen, width, height] of [
    ["desk", 1280, 800],
    ["phone", 390, 844],
  ] as const) {
    test.describe(`${colours}, ${screen}`, () => {
      test.use({ colorScheme: colours, viewport: { width, height } });
      for (const [name, path, ready] of VIEWS) {
        test(name, async ({ page }) => {
          await page.goto(path);
          await page.locator(ready).first().waitFor();
          if (name === "exchange") {
            await page.locator(ready).first().click();
            await page.getByRole("tabpanel").waitFor();
          }
          await expect(page.locator(".chart path, .facts").first()).toBeVisible();
          await picture(page, `${name}-${colours}-${screen}`);
          await accessible(page);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          expect(wide).toBeLessThanOrEqual(0);
        });
      }
    });
  }
}

test("a page that isn't there says so, and leads back", async ({ page }) => {
  await page.goto("/nowhere");
  await expect(page.getByText("There is no such page")).toBeVisible();
  await page.getByRole("link", { name: "Map" }).click();
  await expect(page).toHaveURL(/\/map/);
});
