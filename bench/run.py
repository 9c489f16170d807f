#!/usr/bin/env python3
"""Measures Remora against tcpdump, dumpcap, tshark and zstd, in one run, as ratios.

Sources of chance are seeded, captures are generated (never downloaded, never checked in) under
target/bench, and everything is bounded: a run takes about three quarters of an hour, most of it for a day of ten
million exchanges. What can't be measured here (a tool that's missing, no root for capturing) says SKIPPED and why.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import asking
import asking_live
import day
import dissecting
import live
import profiling
from measure import Table, programs

ROOT = Path(__file__).resolve().parent.parent
os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"


def main():
    arguments = parse()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    work = target / "bench"
    work.mkdir(parents=True, exist_ok=True)
    built = programs(target / "release")
    table = Table()
    began = time.monotonic()
    print(f"bench: {host()}; commit {commit()}; {'quick' if arguments.quick else 'full'} size", flush=True)

    sizes = (60_000_000, 30_000_000) if arguments.quick else (1_000_000_000, 500_000_000)
    runs = 1 if arguments.quick else 3
    if "asking" in arguments.only:
        asking.measure(table, built, mixed(work, sizes[0]), work, runs)
    if "live" in arguments.only:
        live.measure(table, built, mixed(work, sizes[1]), work, runs)
    if "dissecting" in arguments.only:
        dissecting.measure(table, mixed(work, 60_000_000), work, arguments.quick)
    if "day" in arguments.only:
        sizes = arguments.entries or (day.QUICK_SIZES if arguments.quick else day.SIZES)
        day.measure(table, built, work, sizes)
    if "asking-live" in arguments.only:
        entries = arguments.entries[0] if arguments.entries else asking_live.QUICK_ENTRIES if arguments.quick else asking_live.ENTRIES
        asking_live.measure(table, built, work, entries, arguments.quick)
    if "profile" in arguments.only:
        profiling.show(built, mixed(work, sizes[0]), mixed(work, sizes[1]), work)

    if table.rows:
        table.show()
    result = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "host": host(), "commit": commit(),
              "quick": arguments.quick, "rows": table.rows}
    with (work / "results.jsonl").open("a") as results:
        results.write(json.dumps(result) + "\n")
    print(f"bench: took {time.monotonic() - began:.0f} s; raw figures in {work / 'results.jsonl'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small captures, once: to see that it runs")
    parser.add_argument("--only", action="append", choices=["live", "asking", "dissecting", "day", "asking-live", "profile"],
                        help="one part (may be repeated); profile shows where the time goes")
    parser.add_argument("--entries", action="append", type=int, metavar="N", help="how many exchanges a day has (may be repeated), or the hour that is asked while recording")
    arguments = parser.parse_args()
    arguments.only = arguments.only or ["live", "asking", "dissecting", "day", "asking-live"]
    return arguments


def mixed(work, size_bytes):
    """The mixed capture of this size; made when it isn't there yet."""
    path = work / f"mixed-{size_bytes}.pcap"
    if not path.exists():
        print(f"bench: generating {path.name}", flush=True)
        unfinished = path.with_suffix(".unfinished")
        generator = ["cargo", "run", "--quiet", "--release", "-p", "bench", "--"]
        subprocess.run([*generator, str(unfinished), str(size_bytes)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        unfinished.rename(path)
    return path


def host():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}"


def commit():
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
