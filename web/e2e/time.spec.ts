// The time line: choosing, zooming, travelling.
import { accessible, expect, parameter, picture, rows, test } from "./remora";
import type { Page } from "@playwright/test";

const chart = (page: Page) => page.getByRole("img", { name: /Exchanges over time/ });

async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await chart(page).boundingBox();
  if (!box) throw new Error("no time line");
  await page.mouse.move(box.x + box.width * from, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * ((from + to) / 2), box.y + 30, { steps: 4 });
  await page.mouse.move(box.x + box.width * to, box.y + 30, { steps: 4 });
  await page.mouse.up();
}

test("a range is brushed, zoomed and panned, and stays over a reload", async ({ page }) => {
  await page.goto("/");
  await chart(page).waitFor();
  await drag(page, 0.6, 0.8);
  await expect.poll(() => parameter(page, "from")).not.toBeNull();
  const length = () => Date.parse(parameter(page, "to") ?? "") - Date.parse(parameter(page, "from") ?? "");
  const brushed = length();
  await page.getByRole("button", { name: "Zoom out" }).click();
  await expect.poll(length).toBeGreaterThan(brushed);
  const from = parameter(page, "from");
  await page.getByRole("button", { name: "Earlier" }).click();
  await expect.poll(() => parameter(page, "from")).not.toBe(from);
  await chart(page).hover();
  const before = length();
  await page.mouse.wheel(0, -200);
  await expect.poll(length).toBeLessThan(before);
  const url = page.url();
  await page.reload();
  await chart(page).waitFor();
  expect(page.url()).toBe(url);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await expect.poll(() => parameter(page, "from")).toBeNull();
});

test("the last minutes that are recorded are one click away", async ({ page }) => {
  await page.goto("/");
  await chart(page).waitFor();
  const end = (await (await page.request.get("/api/v1/coverage")).json()) as { to: string };
  await page.getByRole("button", { name: "15m", exact: true }).click();
  await expect.poll(() => parameter(page, "from")).not.toBeNull();
  const [from, to] = ["from", "to"].map((name) => Date.parse(parameter(page, name) ?? ""));
  expect((to ?? 0) - (from ?? 0)).toBe(900_000);
  expect(Math.abs((to ?? 0) - Date.parse(end.to))).toBeLessThanOrEqual(1);
  await expect(rows(page).first()).toBeVisible();
});

test("the time line is moved and zoomed by keys", async ({ page }) => {
  await page.goto("/");
  await chart(page).waitFor();
  await page.getByRole("group", { name: "Chart" }).focus();
  await page.keyboard.press("+");
  await expect.poll(() => parameter(page, "from")).not.toBeNull();
  const from = Date.parse(parameter(page, "from") ?? "");
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => Date.parse(parameter(page, "from") ?? "")).toBeGreaterThan(from);
});

test("a range is typed, and what isn't recorded is said to be so", async ({ page }) => {
  await page.goto("/");
  await page.locator(".range-text").click();
  await page.getByLabel("From").fill("yesterday");
  await expect(page.getByRole("button", { name: "Show" })).toBeDisabled();
  await page.getByLabel("From").fill("2001-01-01T00:00:00Z");
  await page.getByLabel("To (no longer inside)").fill("2001-01-01T01:00:00Z");
  await accessible(page);
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByText("Not recorded then")).toBeVisible();
  await picture(page, "not-recorded");
  await accessible(page);
});

test("times are shown in UTC or as on the machine", async ({ page }) => {
  await page.goto("/");
  const first = rows(page).first().locator("time");
  const utc = await first.textContent();
  await page.getByRole("button", { name: "UTC", exact: true }).click();
  await expect(first).not.toHaveText(utc ?? "");
});

test("time travels: the list, the map and the tables follow", async ({ page }) => {
  // The shop's quarter of a minute.
  await page.goto("/?q=http");
  await chart(page).waitFor();
  await page.getByRole("button", { name: "Time travel" }).click();
  await page.getByLabel("Speed").selectOption("1000");
  await expect.poll(() => parameter(page, "at")).not.toBeNull();
  const begun = parameter(page, "at");
  await expect.poll(() => parameter(page, "at")).not.toBe(begun);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.locator(".cursor")).toBeVisible();
  await picture(page, "time-travel");
  await accessible(page);

  // What is shown lies before the cursor.
  const box = await chart(page).boundingBox();
  if (!box) throw new Error("no time line");
  await page.mouse.click(box.x + box.width * 0.75, box.y + 30);
  const at = parameter(page, "at");
  // Not the answer for the first place: the page no longer wants it, and its body may be gone.
  const rowsBefore = page.waitForResponse((answer) => {
    const to = new URL(answer.url()).searchParams.get("to");
    return answer.url().includes("/entries?") && to !== null && to !== at;
  });
  await page.mouse.click(box.x + box.width * 0.78, box.y + 30);
  const answer = (await (await rowsBefore).json()) as { entries: { startTime: string }[] };
  expect(parameter(page, "at")).not.toBe(at);
  for (const { startTime } of answer.entries) {
    expect(Date.parse(startTime)).toBeLessThanOrEqual(Date.parse(parameter(page, "at") ?? ""));
  }
  const asked = page.waitForRequest(
    (request) => request.url().includes("/map?") && request.url().includes("from="),
  );
  await page.getByRole("link", { name: "Map" }).click();
  await asked;
  const tables = page.waitForRequest(
    (request) => request.url().includes("/endpoints?") && request.url().includes("from="),
  );
  await page.getByRole("link", { name: "Analysis" }).click();
  await tables;
  await page.reload();
  await expect(page.locator(".cursor")).toBeVisible();
  await page.getByRole("button", { name: "End time travel" }).click();
  await expect.poll(() => parameter(page, "at")).toBeNull();
});
