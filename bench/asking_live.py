"""Questions asked while recording: how much longer answers take, and that no packet is lost on their account.

A data folder holds an imported synthetic hour. A process that has it open asks the same questions twice: while nothing
else runs, and while `remora record`, recorder and indexer as a user starts them, records steady traffic into it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import day
import live
from daily import DAY_FROM_NS as HOUR_FROM_NS
from daily import HOUR_NS, NS, percentile
from measure import Running, missing

WHAT = "questions asked while recording"
ENTRIES, QUICK_ENTRIES = 1_000_000, 60_000
QUESTIONS, QUICK_QUESTIONS = 1_000, 100
#: Traffic comes at the first of these rates that tcpdump and `remora record` hold while nobody asks.
RATES_MBIT = (50, 25, 10)
#: What is sent, again and again while there are questions: about so long at the highest rate.
TRAFFIC_ENTRIES, QUICK_TRAFFIC_ENTRIES = 150_000, 30_000
#: From the first packet to the first question, so that there is something recorded to ask about.
LEAD_SECONDS = 5
#: The recorder listens, or could not start, after this.
START_SECONDS_MAX = 30


def measure(table, programs, work, entries, quick):
    absent = missing("tcpdump", "tcpreplay", "ip")
    if absent or os.geteuid() != 0:
        return table.skip(WHAT, f"missing {' '.join(absent)}" if absent else "capturing needs root")
    generator, asking = day.built(work, "generate", "remora-generate"), day.built(work, "indexer", "examples/asking")
    folder = work / "asking-live"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    truth, traffic = hour(programs, generator, folder, entries), folder / "traffic.pcapng"
    generate(generator, QUICK_TRAFFIC_ENTRIES if quick else TRAFFIC_ENTRIES, day.SEED + 1, traffic)
    asked = questions(truth, QUICK_QUESTIONS if quick else QUESTIONS)
    try:
        live.network()
        rate = steady_rate(programs, folder, traffic)
        if rate is None:
            return table.skip(WHAT, f"packets are lost at {RATES_MBIT[-1]} Mbit/s while nobody asks")
        idle = ask(asking, folder, asked)
        ledger, busy = recorded(programs, folder / "data", traffic, rate, lambda: ask(asking, folder, asked))
        after = ask(asking, folder, asked)
    finally:
        live.clear(folder / "tcpdump")
    report(table, rate, len(asked), idle, busy, after, ledger)
    shutil.rmtree(folder)


def report(table, rate, count, idle, busy, after, ledger):
    table.note(f"{count:,} questions while {rate} Mbit/s are recorded", [], "")
    for rank, aim in ((50, None), (95, 2)):
        table.compare(f"  p{rank}, while recording", [percentile(times(busy), rank)], [percentile(times(idle), rank)], "ms", aim,
                      against="idle")
    table.note("  p95, idle again, with what was recorded", [percentile(times(after), 95)], "ms")
    for name in sorted({answer["name"] for answer in idle}):
        table.compare(f"  {name}, p95", [percentile(times(busy, name), 95)], [percentile(times(idle, name), 95)], "ms", None,
                      against="idle")
    table.note("  packets sent", [ledger["sent"]], "packets")
    table.note("  packets stored", [ledger["stored"]], "packets")
    table.limit("  packets lost, by the ledger", [ledger["lost"]], "packets", 0)
    table.limit("  packets sent but not stored", [ledger["sent"] - ledger["stored"]], "packets", 0)
    table.limit("  packets seen, neither stored nor lost", [ledger["seen"] - ledger["stored"] - ledger["lost"]], "packets", 0)
    table.note("  entries of them", [ledger["entries"]], "")
    table.note("  from the end of the traffic until all is indexed", [ledger["lag_s"]], "s")
    table.note("  CPU, recorder and indexer", [ledger["cpu_s"]], "s")


def generate(generator, entries, seed, capture):
    """Makes an hour of traffic; what is in it."""
    truth = capture.with_suffix(".truth.json")
    subprocess.run([generator, "--entries", str(entries), "--hours", "1", "--seed", str(seed), "--truth", truth, "-o", capture],
                   check=True)
    return json.loads(truth.read_text())


def hour(programs, generator, folder, entries):
    """Imports an hour into the data folder; what is in it."""
    capture = folder / "hour.pcapng"
    truth = generate(generator, entries, day.SEED, capture)
    subprocess.run([programs["remora"], "--data", folder / "data", "import", capture], check=True, capture_output=True)
    capture.unlink()
    return truth


def questions(truth, count):
    """So many questions, drawn by lot: name, question, and how many answers it must have (None: not known)."""
    chance, needles = random.Random(day.SEED), truth["needles"]
    header = needles["header"]

    def trace():
        chosen = chance.choice(needles["traces"])
        return {"kfl": f'trace("{chosen["id"]}")'}, chosen["exchanges"]

    def five_minutes():
        begin = HOUR_FROM_NS + chance.randrange(HOUR_NS - 300 * NS)
        return {"kfl": "http", "from": begin, "to": begin + 300 * NS, "limit": 100}, None

    # The traffic that is recorded holds the same needles, but not at the same time.
    within = {"from": HOUR_FROM_NS, "to": HOUR_FROM_NS + 2 * HOUR_NS}
    kinds = {
        "trace id": trace,
        "path and status": lambda: (
            {"kfl": f'request.path == "{needles["path"]}" and response.status == {needles["path_status"]}', **within}, 1),
        "header by regex": lambda: (
            {"kfl": 'request.headers["X-Debug-Session"] == r"^zebra-[0-9a-f]+$"', **within}, header["requests"]),
        "full text": lambda: ({"kfl": f'text("{needles["phrase"]["text"]}")', "limit": 50, **within}, None),
        "5 minutes, first 100": five_minutes,
        "histogram by class": lambda: ({"kfl": "", "of": "histogram"}, None),
        "service map": lambda: ({"kfl": "", "of": "map"}, None),
        "first 50 of a common match": lambda: ({"kfl": "http", "limit": 50}, None),
        "last minute, first 100": lambda: ({"kfl": "response.status >= 400", "last": 60 * NS, "limit": 100}, None),
    }
    drawn = (chance.choice(list(kinds)) for _ in range(count))
    return [(name, *kinds[name]()) for name in drawn]


def ask(asking, folder, asked):
    """Asks everything in one process; what each took. An answer that is known must be right."""
    lines = "\n".join(json.dumps({"name": name, **question}) for name, question, _ in asked) + "\n"
    told = subprocess.run([asking, folder / "data", "once"], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in told.stdout.splitlines()][:-1]
    for (name, question, expected), answer in zip(asked, answers, strict=True):
        if expected is not None and answer["entries"] != expected:
            sys.exit(f"bench: {name}: {answer['entries']} entries, not {expected}: {question}")
    print(f"bench: asked {len(answers)}: p95 {percentile(times(answers), 95):.1f} ms", flush=True)
    return answers


def times(answers, name=None):
    return [answer["us"] for answer in answers if name in (None, answer["name"])]


def steady_rate(programs, folder, traffic):
    """The first rate that tcpdump and we hold while nobody asks."""
    for rate in RATES_MBIT:
        theirs = live.record(live.tcpdump, programs, traffic, folder / "tcpdump", rate)
        lost = max(theirs["dropped"], theirs["sent"] - theirs["stored"])
        if lost == 0:
            ours, _ = recorded(programs, folder / "idle", traffic, rate, lambda: time.sleep(LEAD_SECONDS))
            lost = max(ours["lost"], ours["sent"] - ours["stored"])
            shutil.rmtree(folder / "idle")
        print(f"bench: {rate} Mbit/s while nobody asks: {lost} packets lost", flush=True)
        if lost == 0:
            return rate
    return None


def recorded(programs, data, traffic, rate, meanwhile):
    """Records traffic while something is done; the ledger, and what was done."""
    said = data.parent / "said.jsonl"
    before = exchanges(programs, data) if data.exists() else 0
    with said.open("wb") as out:
        record = [programs["remora"], "--data", data, "--json", "record", "--interface", "far"]
        recording = Running(["ip", "netns", "exec", live.FAR, *record], stdout=out, stderr=subprocess.DEVNULL)
        wait_until_up(recording, said)
        send = ["ip", "netns", "exec", live.NEAR, "tcpreplay", "--intf1=near", "--preload-pcap", "--loop=0", f"--mbps={rate}", traffic]
        sending = subprocess.Popen(send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(LEAD_SECONDS)
        done = meanwhile()
        sending.send_signal(signal.SIGINT)
        sent, _ = live.sent(sending.communicate()[0])
        time.sleep(1)
        began = time.monotonic()
        recording.process.send_signal(signal.SIGINT)
        cost = recording.wait()
    lag = time.monotonic() - began
    if cost.status != 0:
        sys.exit(f"bench: remora record ended with {cost.status}")
    stored, lost = ledger(data)
    seen = json.loads((data / "status.json").read_text())["kernel_packets"]
    return {"sent": sent, "stored": stored, "lost": lost, "seen": seen, "entries": exchanges(programs, data) - before,
            "lag_s": lag, "cpu_s": cost.cpu_s}, done


def exchanges(programs, data):
    return day.stored(programs, data)["exchanges"]


def wait_until_up(recording, said):
    deadline = time.monotonic() + START_SECONDS_MAX
    while not any('"interface"' in line and '"up"' in line for line in said.read_text().splitlines()):
        if recording.process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"bench: remora record does not listen: {said.read_text()[-400:]}")
        time.sleep(0.1)


def ledger(data):
    """Packets stored and lost, by the manifests of what was captured."""
    manifests = [json.loads(path.read_text()) for path in data.glob("sealed/*.manifest.json")]
    captured = [manifest for manifest in manifests if manifest["origin"] == "capture"]
    lost = [loss for manifest in captured for loss in manifest["losses"]]
    return sum(manifest["packets"] for manifest in captured), sum(loss.get("packets") or 0 for loss in lost)
