// What every test has: a server of its own data, and a page that tells on itself: whatever it logs as an error, and
// whatever it asks of another host, fails the test.
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, expect, type Page, test as base } from "@playwright/test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
export const BINARY = process.env.REMORA_BIN ?? join(TARGET, "debug/remora");
const CAPTURES = join(ROOT, "fixtures/captures");

export interface Server {
  readonly url: string;
  readonly data: string;
}

/** Captures of real servers that lie in the repository. */
export function captures(): readonly string[] {
  return readdirSync(CAPTURES)
    .filter((name) => name.endsWith(".pcapng"))
    .map((name) => join(CAPTURES, name));
}

export function emptyData(): string {
  return mkdtempSync(join(tmpdir(), "remora-e2e-"));
}

/** Starts `remora ARGS --json` and waits until it says where it serves. */
export async function started(args: readonly string[]): Promise<{ url: string; process: ChildProcess }> {
  const process = spawn(BINARY, ["--json", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: process.stdout });
  for await (const line of lines) {
    const said = JSON.parse(line) as { url?: string };
    if (said.url !== undefined) {
      process.stdout.resume();
      return { url: said.url.replace(/\/$/, ""), process };
    }
  }
  throw new Error("remora ended before it served");
}

export async function ended(process: ChildProcess): Promise<void> {
  const over = new Promise((done) => process.once("exit", done));
  process.kill("SIGTERM");
  await over;
}

export const test = base.extend<{ readonly watched: undefined }, { readonly server: Server }>({
  server: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const data = emptyData();
      execFileSync(BINARY, ["--data", data, "import", ...captures()], { stdio: "ignore" });
      const { url, process } = await started(["--data", data, "serve", "--listen", "127.0.0.1:0"]);
      await use({ url, data });
      await ended(process);
      rmSync(data, { recursive: true, force: true });
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  watched: [
    async ({ page, server }, use) => {
      const told: string[] = [];
      watch(page, server.url, told);
      await use(undefined);
      expect(told).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Notes what a page must not do. */
export function watch(page: Page, url: string, told: string[]): void {
  page.on("pageerror", (error) => told.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refused question is drawn by the page; the browser tells of it besides.
    if (message.type() === "error" && !message.text().includes("status of 4")) told.push(message.text());
  });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(url) && !to.startsWith("data:") && !to.startsWith("blob:")) told.push(`asked ${to}`);
  });
}

/** A page of a server that a test has for itself; `told` is what it must not have done. */
export async function visit(browser: Browser, url: string): Promise<{ page: Page; told: string[] }> {
  const told: string[] = [];
  const page = await (await browser.newContext()).newPage();
  watch(page, url, told);
  await page.goto(url);
  return { page, told };
}

/** Nothing that axe calls serious, on the page or in a part of it. */
export async function accessible(page: Page, within = "html"): Promise<void> {
  const axe = new AxeBuilder({ page }).include(within).options({ resultTypes: ["violations"] });
  const { violations } = await axe.analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const said = serious.map(({ id, nodes }) => ({
    id,
    of: nodes.slice(0, 5).map(({ html }) => html.slice(0, 160)),
  }));
  expect(said).toEqual([]);
}

/** A picture among the artefacts. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(import.meta.dirname, "../test-results/pictures", `${name}.png`) });
}

/** The filter bar's text. */
export const filter = (page: Page) => page.getByRole("textbox", { name: "Filter (KFL)" });

/** Types a filter and asks it. */
export async function ask(page: Page, text: string): Promise<void> {
  await filter(page).click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
  await page.keyboard.press("Control+Enter");
}

export const rows = (page: Page) => page.locator("[data-entry]");
export const parameter = (page: Page, name: string): string | null =>
  new URL(page.url()).searchParams.get(name);
