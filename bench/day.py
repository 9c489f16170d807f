"""What a day of many exchanges costs: imported and indexed from a pipe, on disk, and to ask."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import daily
from measure import Running

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (20_000, 60_000)
SEED = 1


def measure(table, programs, work, sizes):
    generator = built(work, "generate", "remora-generate")
    asking = built(work, "indexer", "examples/asking")
    times = {}
    for entries in sizes:
        folder = work / f"day-{entries}"
        import_day(table, programs, generator, folder, entries)
        times[entries] = daily.ask(table, asking, folder, entries)
    daily.growth(table, times, sizes)
    daily.columns(table, programs, work / f"day-{sizes[0]}")
    daily.hour(table, programs, asking, generator, work, sizes[0])


def import_day(table, programs, generator, folder, entries):
    """Generates a day into `remora import -`, which ends when all is indexed. The data stay in the folder until next time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    truth, cost, generated = imported(programs, generator, folder, entries)
    stats = stored(programs, folder / "data")
    if stats["packets"] != truth["packets"] or stats["segments"]["indexed"] != stats["segments"]["sealed"]:
        sys.exit(f"bench: of {truth['packets']} packets made, {stats['packets']} are stored: {stats['segments']}")
    flows = stats["exchanges"] - truth["exchanges"]
    if flows < truth["tcp_flows"]:
        sys.exit(f"bench: of {truth['exchanges']} exchanges and {truth['tcp_flows']} flows made, {stats['exchanges']} are found")
    raw, segments, index = truth["file_bytes"], stats["segmentBytes"], stats["indexBytes"]
    table.note(f"day of {entries:,} exchanges: import until indexed", [cost.wall_s], "s")
    table.least("  exchanges per second", [entries / cost.wall_s], "/s", 50_000)
    table.note("  raw per second", [raw / cost.wall_s / 1e6], "MB/s")
    table.note("  CPU, recorder and indexer", [cost.cpu_s], "s")
    table.note("  CPU of the generator", [generated.cpu_s], "s")
    table.note("  resident, recorder and indexer", [cost.resident_bytes / 1e6], "MB")
    table.note("  raw", [raw / 1e6], "MB")
    table.note("  entries of flows besides", [flows], "")
    table.note("  segments", [segments / 1e6], "MB")
    table.note("  index", [index / 1e6], "MB")
    table.limit("  index, of raw", [100 * index / raw], "%", 15)
    table.note("  index, per exchange", [index / entries], "bytes")
    print(f"bench: day of {entries:,}: {cost.wall_s:.1f} s, {entries / cost.wall_s:.0f} exchanges/s, "
          f"index {100 * index / raw:.1f} % of {raw / 1e6:.0f} MB", flush=True)


def imported(programs, generator, folder, entries):
    """What was made, what importing it cost and what making it cost."""
    truth = folder / "truth.json"
    make = [generator, "--entries", entries, "--seed", SEED, "--truth", truth]
    making = Running(make, stdout=subprocess.PIPE)
    take = [programs["remora"], "--data", folder / "data", "import", "-"]
    taking = Running(take, stdin=making.process.stdout, stdout=subprocess.DEVNULL)
    making.process.stdout.close()  # so that the generator notices when nobody reads any more
    cost, generated = taking.wait(), making.wait()
    if cost.status != 0 or generated.status != 0:
        sys.exit(f"bench: remora import ended with {cost.status}, remora-generate with {generated.status}")
    return json.loads(truth.read_text()), cost, generated


def stored(programs, data):
    told = subprocess.run([programs["remora"], "--data", data, "stats", "--json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def built(work, package, path):
    """A program that only the benches need."""
    target = ["--example", Path(path).name] if "/" in path else []
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", package, *target], cwd=ROOT, check=True)
    return work.parent / "release" / path
