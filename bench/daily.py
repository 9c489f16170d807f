"""Questions to a day of traffic, and the same to a column store and to tshark."""

import json
import shutil
import subprocess
import sys
import time

from measure import missing

WARM_RUNS = 60
NS = 1_000_000_000
DAY_FROM_NS = 1_772_409_600 * NS  # 2026-03-02T00:00:00Z
HOUR_NS = 3_600 * NS
#: The most milliseconds at the 95th percentile: warm, cold.
AIMS = {"needle": (50, 300), "range": (20, None), "whole": (300, None), "page": (30, None)}


def questions(truth):
    """What is asked: name, kind of aim, the question, and how many answers it must have (None: not known)."""
    needles = truth["needles"]
    trace = needles["traces"][len(needles["traces"]) // 2]
    header, path = needles["header"], needles["path"]
    noon = DAY_FROM_NS + 12 * HOUR_NS
    return [
        ("needle by trace id", "needle", {"kfl": f'trace("{trace["id"]}")'}, trace["exchanges"]),
        ("needle by path and status", "needle",
         {"kfl": f'request.path == "{path}" and response.status == {needles["path_status"]}'}, 1),
        ("needle by regex on a header", "needle",
         {"kfl": 'request.headers["X-Debug-Session"] == r"^zebra-[0-9a-f]+$"'}, header["requests"]),
        ("needle by full text", "needle", {"kfl": f'text("{needles["phrase"]["text"]}")'}, None),
        ("5 minutes, first 100", "range", {"kfl": "http", "from": noon, "to": noon + 300 * NS, "limit": 100}, None),
        ("histogram by class, whole day", "whole", {"kfl": "", "of": "histogram"}, None),
        ("service map, whole day", "whole", {"kfl": "", "of": "map"}, None),
        ("service map of HTTP", None, {"kfl": "http", "of": "map"}, None),
        ("first 50 of a common match", "page", {"kfl": "http", "limit": 50}, None),
    ]


def ask(table, asking, folder, entries):
    """Asks everything, checks the answers that are known, and gives the warm 95th percentiles in ms by name."""
    truth = json.loads((folder / "truth.json").read_text())
    asked = questions(truth)
    lines = "\n".join(json.dumps({"name": name, **question}) for name, _, question, _ in asked) + "\n"
    told = subprocess.run([str(asking), str(folder / "data"), str(WARM_RUNS)], input=lines, capture_output=True, text=True,
                          check=True)
    found = {}
    table.note(f"questions to {entries:,} exchanges: p95", [], "")
    for (name, aim, _, expected), line in zip(asked, told.stdout.splitlines()):
        answer = json.loads(line)
        if expected is not None and answer["entries"] != expected:
            sys.exit(f"bench: {name}: {answer['entries']} entries, not {expected}")
        warm_most, cold_most = AIMS.get(aim, (None, None))
        warm, cold = percentile(answer["warm_us"], 95), percentile(answer["cold_us"], 95)
        found[name] = warm
        show(table, f"  {name}, warm (p50 {percentile(answer['warm_us'], 50):.3g} ms)", warm, warm_most)
        show(table, f"  {name}, cold (p50 {percentile(answer['cold_us'], 50):.3g} ms)", cold, cold_most)
    table.note("  resident after all of them", [answer["resident_kb"] / 1e3], "MB")
    return found


def show(table, what, millis, most):
    if most is None:
        table.note(what, [millis], "ms")
    else:
        table.limit(what, [millis], "ms", most)


def growth(table, times, sizes):
    """How much longer the same takes with ten times the data."""
    few, many = (times[size] for size in sizes)
    for name in few:
        # Below a millisecond the clock and the machine are most of it.
        table.limit(f"growth, {name}", [max(many[name], 1.0) / max(few[name], 1.0)], "times", 2)


def percentile(micros, rank):
    """In milliseconds."""
    ordered = sorted(micros)
    return ordered[min(len(ordered) - 1, len(ordered) * rank // 100)] / 1e3


def columns(table, programs, folder):
    """The same questions to DuckDB over the exported entries: where a column store is the better one."""
    try:
        import duckdb
    except ImportError:
        table.skip("DuckDB over the exported entries", "Python's duckdb is missing (pip install duckdb)")
        return
    file = folder / "day.parquet"
    began = time.monotonic()
    subprocess.run([str(programs["remora"]), "--data", str(folder / "data"), "query", "", "--format", "parquet", "-o", str(file)],
                   check=True, capture_output=True)
    table.note("export to Parquet", [time.monotonic() - began], "s")
    table.note("  its size", [file.stat().st_size / 1e6], "MB")
    truth = json.loads((folder / "truth.json").read_text())
    database = duckdb.connect()
    source = f"read_parquet('{file}')"
    trace, path = truth["needles"]["traces"][len(truth["needles"]["traces"]) // 2], truth["needles"]["path"]
    asked = {
        "needle by trace id": f"select epoch_ns(time), * exclude (time) from {source} where trace_id = '{trace['id']}'",
        "needle by path and status": f"select epoch_ns(time), * exclude (time) from {source} where summary like '%{path}%' and status = '418'",
        "needle by regex on a header": f"select epoch_ns(time), * exclude (time) from {source} where regexp_matches(request_headers, 'X-Debug-Session\":\"zebra-')",
        "histogram by class, whole day": f"select epoch_ns(time) // 600000000000, status, count(*) from {source} group by all",
        "service map, whole day": "select coalesce(nullif(src_name, ''), src_ip), coalesce(nullif(dst_name, ''), dst_ip), protocol, "
                                  f"count(*), quantile_cont(elapsed_ms, 0.95) from {source} group by all",
        "first 50 of a common match": f"select epoch_ns(time), * exclude (time) from {source} where protocol = 'HTTP' order by time desc limit 50",
    }
    for name, statement in asked.items():
        taken = []
        for _ in range(5):
            began = time.monotonic()
            database.execute(statement).fetchall()
            taken.append((time.monotonic() - began) * 1e3)
        table.note(f"  DuckDB: {name}", taken, "ms")
    file.unlink()


def hour(table, programs, asking, generator, work, day):
    """The same questions to tshark, over one hour's share of the day."""
    if missing("tshark"):
        table.skip("questions to an hour of traffic", "tshark is missing")
        return
    folder = work / "hour"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    capture = folder / "hour.pcapng"
    subprocess.run([str(generator), "--entries", str(max(day // 24, 2_000)), "--hours", "1", "--truth",
                    str(folder / "truth.json"), "-o", str(capture)], check=True)
    subprocess.run([str(programs["remora"]), "--data", str(folder / "data"), "import", str(capture)], check=True,
                   capture_output=True)
    truth = json.loads((folder / "truth.json").read_text())
    trace, path = truth["needles"]["traces"][0]["id"], truth["needles"]["path"]
    asked = {
        "needle by trace id": (f'trace("{trace}")', f'http.request.line contains "{trace}"'),
        "needle by path": (f'request.path == "{path}"', f'http.request.uri == "{path}"'),
        "needle by full text": ('text("flux capacitor overload")', 'frame contains "flux capacitor overload"'),
    }
    for name, (kfl, display) in asked.items():
        line = json.dumps({"name": name, "kfl": kfl}) + "\n"
        told = subprocess.run([str(asking), str(folder / "data"), "20"], input=line, capture_output=True, text=True, check=True)
        answer = json.loads(told.stdout)
        began = time.monotonic()
        subprocess.run(["tshark", "-r", str(capture), "-Y", display], check=True, capture_output=True)
        table.compare(f"an hour: {name}, cold", [percentile(answer["cold_us"], 50)], [(time.monotonic() - began) * 1e3], "ms", None,
                      against="tshark -Y", faster=True)
    capture.unlink()
