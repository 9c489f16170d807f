// Drives the dashboard as a person would: Debian's Chromium against a real `remora serve` over real captures.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  // Pictures for the README are no test: `make pictures` makes them.
  ...(process.env.PICTURES === undefined && { testIgnore: "pictures.spec.ts" }),
  outputDir: "test-results",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  workers: 1,
  retries: 0,
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 800 },
    colorScheme: "dark",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    permissions: ["clipboard-read", "clipboard-write"],
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    },
  },
});
