// Two thousand exchanges a second while the page follows them: a real server and its client speak over a cable of
// their own (veth), which `remora record` records. The recorder loses nothing, the page shows each exchange or says
// that it skipped it, and memory stays bounded. How fast it all was is printed and not asserted: that is the machine's.
// Once more with a browser that is made twenty times slower, which can't keep up.
//
// REMORA_LIVE_SECONDS (60) and REMORA_LIVE_RATE (2000) make it longer and harder.
import { type CDPSession, expect, type Page, test } from "@playwright/test";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { BINARY, emptyData, ended, started, watch } from "./remora";

const SECONDS = Number(process.env.REMORA_LIVE_SECONDS ?? 60);
const RATE = Number(process.env.REMORA_LIVE_RATE ?? 2000);
const EXCHANGES = resolve(import.meta.dirname, "../../bench/exchanges.py");
const MB = 1_000_000;
/** The page keeps 20 000 rows; what it takes for them, and for being drawn. */
const PAGE_BYTES_MAX = 300 * MB;
/** The server indexes what comes and tells the page; some three times what it was measured to take. */
const SERVER_BYTES_MAX = 600 * MB;
/** The recorder's two processes, their buffers included. */
const RECORDER_BYTES_MAX = 200 * MB;
/** What grows by less than this from the middle to the end is not growing with what came. */
const GROWTH_BYTES_MAX = 40 * MB;
const SAMPLE_EVERY_MS = 2000;
const SLOWER = 20;
const SLOW_SECONDS = Math.min(20, SECONDS);

const space = `remora-live-${process.pid}`;
const [near, far] = [`rl${process.pid}n`, `rl${process.pid}f`];
// Addresses for documentation (RFC 5737): no network here has them.
const [client, server] = ["198.51.100.1", "198.51.100.2:8080"];

function ip(...args: readonly string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Why it can't be done here, or null. */
function obstacle(): string | null {
  if (process.getuid?.() !== 0) return "recording and laying a cable need root";
  const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(chromium)) return `there is no ${chromium}`;
  for (const program of ["ip", "python3"]) {
    if (spawnSync(program, ["-V"]).error) return `${program} is not installed`;
  }
  const made = spawnSync("ip", ["netns", "add", space], { encoding: "utf8" });
  if (made.status !== 0) return `no network namespace can be made: ${made.stderr.trim()}`;
  ip("netns", "delete", space);
  return null;
}

const missing = obstacle();
if (missing !== null) say(`SKIPPED, live: ${missing}`);
test.skip(missing !== null, missing ?? "");
// Pictures for a trace, taken all the time, would be most of what is measured.
test.use({ trace: "off" });
test.setTimeout((SECONDS + 240) * 1000);

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A cable into a network namespace. Nothing else speaks on it. */
function layCable(): void {
  ip("netns", "add", space);
  ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space);
  spawnSync("sysctl", ["-q", "-w", `net.ipv6.conf.${near}.disable_ipv6=1`]);
  ip("netns", "exec", space, "sysctl", "-q", "-w", `net.ipv6.conf.${far}.disable_ipv6=1`);
  ip("address", "add", `${client}/30`, "dev", near);
  ip("-n", space, "address", "add", `${server.split(":")[0] ?? ""}/30`, "dev", far);
  ip("link", "set", near, "up");
  ip("-n", space, "link", "set", far, "up");
}

/** Packets that went over the cable in both directions, as the kernel counts them. */
function packetsSent(): number {
  interface Link {
    readonly stats64: Record<"rx" | "tx", { readonly packets: number }>;
  }
  const [link] = JSON.parse(ip("-s", "-j", "link", "show", "dev", near)) as readonly Link[];
  return link === undefined ? 0 : link.stats64.rx.packets + link.stats64.tx.packets;
}

/** A JSON line that a program says. */
async function said(program: ChildProcess): Promise<Record<string, number | string>> {
  if (!program.stdout) throw new Error("a program without output");
  for await (const line of createInterface({ input: program.stdout })) {
    return JSON.parse(line) as Record<string, number | string>;
  }
  throw new Error("a program ended without a word");
}

/** A file of `/proc`; empty where the process or thread has gone meanwhile. */
function proc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** Resident bytes of a process and of those that it started. */
function resident(pid: number): { readonly own: number; readonly others: number } {
  const ownOf = (one: number) => Number(/VmRSS:\s+(\d+) kB/.exec(proc(`${one}/status`))?.[1] ?? 0) * 1024;
  const children = (one: number): number[] =>
    readdirSync(`/proc/${one}/task`)
      .flatMap((task) => proc(`${one}/task/${task}/children`).trim().split(" "))
      .filter((text) => text !== "")
      .flatMap((text) => [Number(text), ...children(Number(text))]);
  return { own: ownOf(pid), others: children(pid).reduce((sum, one) => sum + ownOf(one), 0) };
}

interface Shown {
  readonly rows: number;
  readonly skipped: number;
  /** When the first row's exchange began, as Unix time in ms; 0 without rows. */
  readonly latest: number;
}

/** What the page says of itself. */
function shown(page: Page): Promise<Shown> {
  return page.evaluate(() => {
    const figure = (text: string | null | undefined) => Number((text ?? "").replace(/\D/g, ""));
    const skipped = [...document.querySelectorAll("[role=status]")].find((one) =>
      one.textContent.startsWith("skipped"),
    );
    const time = document.querySelector("[data-entry] time");
    const clock = time?.textContent.trim() ?? "";
    const today = new Date().toISOString().slice(0, 10);
    return {
      rows: figure(document.querySelector(".bar-count b")?.textContent),
      skipped: figure(/skipped ([\d\s]+)/.exec(skipped?.textContent ?? "")?.[1]),
      latest: clock === "" ? 0 : Date.parse(`${today}T${clock}Z`),
    };
  });
}

/** Bytes in use on the page's heap; what nobody holds any more is thrown away first, where `isExact`. */
async function heap(cdp: CDPSession, isExact: boolean): Promise<number> {
  if (isExact) await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
}

interface Sample extends Shown {
  readonly heap: number;
  readonly server: number;
  readonly recorder: number;
  readonly lagMs: number;
}

async function sample(page: Page, cdp: CDPSession, pid: number, isExact = false): Promise<Sample> {
  const [state, heapBytes, { own, others }] = [await shown(page), await heap(cdp, isExact), resident(pid)];
  const lagMs = state.latest === 0 ? 0 : Date.now() - state.latest;
  return { ...state, heap: heapBytes, server: own, recorder: others, lagMs };
}

const most = (samples: readonly Sample[], of: (one: Sample) => number) => Math.max(...samples.map(of));
const mb = (bytes: number) => `${Math.round(bytes / MB)} MB`;

/** What a `remora` command answers in JSON. */
function answer(data: string, ...args: readonly string[]): unknown {
  const text = execFileSync(BINARY, ["--data", data, "--json", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(text);
}

let data = "";
let serving: ChildProcess | undefined;
let remora: { readonly url: string; readonly process: ChildProcess } | undefined;

test.beforeEach(async () => {
  layCable();
  data = emptyData();
  serving = spawn("ip", ["netns", "exec", space, "python3", EXCHANGES, "serve", server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await said(serving);
  remora = await started(["--data", data, "record", "-i", near, "--listen", "127.0.0.1:0"]);
});

test.afterEach(async () => {
  serving?.kill("SIGTERM");
  if (remora?.process.exitCode === null) await ended(remora.process);
  spawnSync("ip", ["netns", "delete", space]);
  if (data !== "") rmSync(data, { recursive: true, force: true });
});

test(`the page follows ${RATE} exchanges a second for ${SECONDS} s`, async ({ page }) => {
  await follow(page, SECONDS, 1);
});

test("a page that is too slow says how many it missed", async ({ page }) => {
  await follow(page, SLOW_SECONDS, SLOWER);
});

async function follow(page: Page, seconds: number, slower: number): Promise<void> {
  if (!remora) throw new Error("nothing records");
  const { url, process: recording } = remora;
  const pid = recording.pid ?? 0;
  const told: string[] = [];
  watch(page, url, told);
  await page.goto(`${url}/?live=1&q=http`);
  await page.getByText("Waiting for traffic").waitFor();
  await expect(page.locator(".link")).toHaveText("live");
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: slower });

  const began = Date.now();
  const asking = spawn(
    "python3",
    [EXCHANGES, "ask", server, "--rate", String(RATE), "--seconds", String(seconds)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const asked = said(asking);
  const samples: Sample[] = [];
  let middle: Sample | undefined;
  while (asking.exitCode === null) {
    const isMiddle = middle === undefined && Date.now() - began > seconds * 500;
    const one = await sample(page, cdp, pid, isMiddle);
    if (isMiddle) middle = one;
    samples.push(one);
    await page.waitForTimeout(SAMPLE_EVERY_MS);
  }
  const load = await asked;
  expect(load.answered).toBe(load.asked);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });

  // Each exchange is in the list, or was counted as skipped, on a slow machine some seconds later.
  const all = Number(load.answered);
  const accounted = async () => {
    const { rows, skipped } = await shown(page);
    return rows + skipped;
  };
  await expect.poll(accounted, { timeout: 120_000, intervals: [1000] }).toBe(all);
  const settledMs = Date.now() - began - Number(load.seconds) * 1000;
  const last = await sample(page, cdp, pid, true);
  const sent = packetsSent();
  const leftOut = await skippedByServer(url);
  expect(told).toEqual([]);
  await page.close();
  await ended(recording);

  say(
    `live: ${all} exchanges in ${load.seconds} s (${Math.round(all / Number(load.seconds))}/s), ${sent} packets`,
  );
  say(
    `live: page shows ${last.rows}, says that it skipped ${last.skipped}, ${leftOut} of them left out by the server;` +
      ` all told ${Math.round(settledMs)} ms after the last`,
  );
  report(samples, middle, last);
  checkLedger(sent, all);
  checkMemory([...samples, last], middle, last);
}

/** What the server counts of entries that readers were too slow for. */
async function skippedByServer(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^remora_stream_skipped_entries_total (\d+)$/m.exec(metrics)?.[1]);
}

function report(samples: readonly Sample[], middle: Sample | undefined, last: Sample): void {
  say(`live: newest row at most ${most(samples, ({ lagMs }) => lagMs)} ms old when looked at`);
  for (const [name, of] of [
    ["page's heap", ({ heap: bytes }: Sample) => bytes],
    ["server", ({ server: bytes }: Sample) => bytes],
    ["recorder", ({ recorder: bytes }: Sample) => bytes],
  ] as const) {
    const [half, end] = [middle === undefined ? "?" : mb(of(middle)), mb(of(last))];
    say(`live: ${name}: at most ${mb(most(samples, of))}, ${half} in the middle, ${end} at the end`);
  }
}

/** The recorder lost nothing: what it stored is what went over the cable. */
function checkLedger(sent: number, exchanges: number): void {
  interface Stats {
    readonly lostPackets: Record<string, number>;
    readonly lossesOfUnknownSize: Record<string, number>;
    readonly recorder: { readonly restarts: number };
  }
  interface Segments {
    readonly segments: readonly { readonly packets: number; readonly losses: readonly unknown[] }[];
  }
  interface Count {
    readonly series: readonly { readonly exchanges: readonly number[] }[];
  }
  const stats = answer(data, "stats") as Stats;
  const { segments } = answer(data, "segments") as Segments;
  const { series } = answer(data, "count", "http") as Count;
  const sum = (numbers: readonly number[]) => numbers.reduce((before, one) => before + one, 0);
  const stored = sum(segments.map(({ packets }) => packets));
  say(`live: ${stored} packets stored of ${sent}, ${JSON.stringify(stats.lostPackets)} lost`);
  expect(stats.lostPackets).toEqual({});
  expect(stats.lossesOfUnknownSize).toEqual({});
  expect(stats.recorder.restarts).toBe(0);
  expect(segments.flatMap(({ losses }) => losses)).toEqual([]);
  expect(stored).toBe(sent);
  expect(sum(series.flatMap((one) => one.exchanges))).toBe(exchanges);
}

function checkMemory(samples: readonly Sample[], middle: Sample | undefined, last: Sample): void {
  expect(most(samples, ({ heap: bytes }) => bytes)).toBeLessThan(PAGE_BYTES_MAX);
  expect(most(samples, ({ server: bytes }) => bytes)).toBeLessThan(SERVER_BYTES_MAX);
  expect(most(samples, ({ recorder: bytes }) => bytes)).toBeLessThan(RECORDER_BYTES_MAX);
  if (middle !== undefined) expect(last.heap).toBeLessThan(middle.heap + GROWTH_BYTES_MAX);
}
