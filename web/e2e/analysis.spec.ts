// The map, the tables, the comparison, the recording.
import { accessible, expect, parameter, picture, rows, test } from "./remora";

test("an edge of the map is clicked, and leads to its traffic", async ({ page }) => {
  await page.goto("/map?q=http");
  const edge = page.locator("[data-edge]").first();
  await edge.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => parameter(page, "chosen")).toMatch(/^edge:/);
  await expect(page.getByRole("complementary")).toContainText("exchanges");
  await picture(page, "map-edge");
  await page.reload();
  await expect(page.getByRole("complementary")).toContainText("exchanges");
  await page.getByRole("link", { name: "Show the traffic" }).click();
  await expect.poll(() => parameter(page, "q")).toMatch(/src\..* and .*dst\./);
  await expect(rows(page).first()).toBeVisible();
});

test("nodes and edges are shown by what one asks", async ({ page }) => {
  await page.goto("/map");
  await page.locator("[data-node]").first().waitFor();
  const places = () =>
    page.locator("[data-node]").evaluateAll((all) => all.map((one) => one.getAttribute("transform")));
  const before = await places();
  await page.getByRole("button", { name: "latency" }).click();
  await expect.poll(() => parameter(page, "by")).toBe("latency");
  // Another range, another filter: nodes stay where they are.
  expect(await places()).toEqual(before);
  await page.getByRole("button", { name: "address" }).click();
  await expect.poll(() => parameter(page, "group")).toBe("address");
  await page.getByRole("button", { name: "Compare with before" }).click();
  await expect(page.getByRole("list", { name: "Colours" })).toBeVisible();
  // The first half of what is recorded knows edges that the second doesn't, and the other way round.
  await expect(page.locator(".diff-new").first()).toBeAttached();
  await expect(page.locator(".diff-gone").first()).toBeAttached();
  await picture(page, "map-compare");
  await accessible(page);
  await page.reload();
  await expect(page.locator(".diff-new").first()).toBeAttached();
});

test("an endpoint leads to its traffic, and the order is kept", async ({ page }) => {
  await page.goto("/analysis/endpoints?q=http");
  await page.getByRole("button", { name: "p95" }).click();
  await expect.poll(() => parameter(page, "sort")).toBe("-p95");
  await page.reload();
  await expect(page.getByRole("columnheader", { name: "p95" })).toHaveAttribute("aria-sort", "descending");
  await page.locator("tbody a").first().click();
  await expect(rows(page).first()).toBeVisible();
});

test("the most common values of a field, into the filter", async ({ page }) => {
  await page.goto("/analysis/top");
  await page.getByRole("combobox", { name: "Field" }).fill("protocol.abbr");
  await page.keyboard.press("Enter");
  await expect.poll(() => parameter(page, "field")).toBe("protocol.abbr");
  await page.getByRole("button", { name: "REDIS" }).click();
  await page.getByRole("menuitem", { name: "Only this" }).click();
  await expect.poll(() => parameter(page, "q")).toBe('protocol.abbr == "REDIS"');
});

test("two stretches are dragged out and compared", async ({ page }) => {
  await page.goto("/analysis/diff");
  const line = page.getByRole("img", { name: "The two stretches that are compared" });
  await line.waitFor();
  const drag = async (from: number, to: number) => {
    const box = await line.boundingBox();
    if (!box) throw new Error("no line");
    await page.mouse.move(box.x + box.width * from, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, box.y + 20, { steps: 5 });
    await page.mouse.up();
  };
  await drag(0.0, 0.1);
  await drag(0.6, 0.72);
  await expect.poll(() => parameter(page, "bTo")).not.toBeNull();
  await expect(page.locator(".stretches")).toContainText("changes in");
  await picture(page, "compare");
  const url = page.url();
  await page.reload();
  await expect(page.locator(".stretches")).toContainText("changes in");
  await expect(line).toBeVisible();
  expect(page.url()).toBe(url);
});

test("the recording is told in figures", async ({ page }) => {
  await page.goto("/recording");
  await expect(page.getByRole("region", { name: "Nodes" })).toBeVisible();
  await expect(
    page.getByRole("region", { name: "Segments", exact: true }).locator("tbody tr").first(),
  ).toContainText("indexed");
  await expect(page.getByText("Every packet that the kernel showed is recorded.")).toBeVisible();
});
