"""What finding costs: import and index, ask for one request, and how much disk it all takes."""

import shutil
import subprocess
import sys
import time

from measure import missing, run

NEEDLE = 'http and request.path == "/needle"'
#: The generated captures are of the first of January 2026.
RANGE = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z"]
FIELDS = ["frame.time_epoch", "ip.src", "ip.dst", "http.request.uri", "http.response.code", "dns.qry.name"]
#: An import that isn't searchable a minute after it ended has failed.
SEARCHABLE_SECONDS_MAX = 60


def measure(table, built, capture, work, runs):
    data = work / "data"
    imports = [import_until_searchable(built, data, capture) for _ in range(runs)]
    print(f"bench: import to searchable: {[round(seconds, 2) for seconds in imports]} s", flush=True)
    asked = [ask(built, data) for _ in range(max(5, runs))]
    print(f"bench: needle: {[round(seconds, 4) for seconds in asked]} s", flush=True)
    kept = {kind: sum(path.stat().st_size for path in data.glob(f"sealed/*.{kind}"))
            for kind in ("pcapng.zst", "index", "manifest.json")}

    if missing("tshark"):
        table.skip("import until searchable; one needle", "tshark is missing")
    else:
        fields = [part for field in FIELDS for part in ("-e", field)]
        table.compare("import until searchable", imports, [tshark(capture, ["-T", "fields", *fields])[0]], "s", 20,
                      against="tshark -T fields", faster=True)
        seconds, found = tshark(capture, ["-Y", 'http.request.uri == "/needle"'])
        if found != 1:
            sys.exit(f"bench: tshark finds {found} needles, not one")
        table.compare("one needle", asked, [seconds], "s", 500, against="tshark -Y", faster=True)

    if missing("zstd"):
        table.skip("segments and index on disk", "zstd is missing")
    else:
        packed = work / "packed.zst"
        subprocess.run(["zstd", "-3", "-q", "-f", str(capture), "-o", str(packed)], check=True)
        table.compare("segments and index on disk", [sum(kept.values()) / 1e6], [packed.stat().st_size / 1e6], "MB", 1.25,
                      against="zstd -3")
        packed.unlink()
        table.note("  of which index", [kept["index"] / 1e6], "MB")
    shutil.rmtree(data, ignore_errors=True)


def import_until_searchable(built, data, capture):
    """Seconds until the needle, which lies two thirds into the capture, and everything else can be found."""
    shutil.rmtree(data, ignore_errors=True)
    began = time.monotonic()
    cost = run([built["remora"], "--data", data, "import", capture], stdout=subprocess.DEVNULL)
    if cost.status != 0:
        sys.exit(f"bench: remora import ended with {cost.status}")
    while found(built, data) == 0:
        if time.monotonic() - began > cost.wall_s + SEARCHABLE_SECONDS_MAX:
            sys.exit("bench: the import is not searchable")
    return time.monotonic() - began


def query(data):
    return ["--data", str(data), "query", NEEDLE, *RANGE, "--format", "jsonl"]


def found(built, data):
    asked = subprocess.run([built["remora"], *query(data)], capture_output=True, text=True, check=True)
    return sum('"/needle"' in line for line in asked.stdout.splitlines())


def ask(built, data):
    """Seconds from starting the program to its end."""
    began = time.monotonic()
    answers = found(built, data)
    seconds = time.monotonic() - began
    if answers != 1:
        sys.exit(f"bench: remora finds {answers} needles, not one")
    return seconds


def tshark(capture, arguments):
    """Seconds that tshark takes, and the lines it prints."""
    began = time.monotonic()
    asked = subprocess.run(["tshark", "-n", "-r", str(capture), *arguments], capture_output=True, check=True)
    seconds = time.monotonic() - began
    print(f"bench: tshark {arguments[0]}: {seconds:.1f} s", flush=True)
    return seconds, asked.stdout.count(b"\n")
