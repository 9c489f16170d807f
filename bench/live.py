"""What recording costs: the same packets over a veth pair, recorded by each tool in turn."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from measure import Running, missing

NEAR, FAR = "remora-bench-near", "remora-bench-far"
#: The kernel's buffer, the same for all.
BUFFER_MIB = 64
RATES_MBIT = (400, 200, 100, 50)
#: From starting a tool until it surely listens.
SETTLE_SECONDS = 1.5

WHAT = "recording live"
SMALLER = "remora --compression-level=1"


def measure(table, built, capture, work, runs):
    absent = missing("tcpdump", "tcpreplay", "ip")
    if absent or os.geteuid() != 0:
        return table.skip(WHAT, f"missing {' '.join(absent)}" if absent else "capturing needs root")
    tools = {"tcpdump": tcpdump, "dumpcap": dumpcap, "remora": remora, SMALLER: remora_smaller}
    if missing("dumpcap"):
        del tools["dumpcap"]
        table.skip("CPU per GB recorded, against dumpcap", "dumpcap is missing")
    out = work / "live"
    try:
        network()
        rate = steady_rate(capture, built, out)
        if rate is None:
            return table.skip(WHAT, f"tcpdump itself drops at {RATES_MBIT[-1]} Mbit/s")
        results = {name: [] for name in tools}
        for _ in range(runs):
            for name, tool in tools.items():
                results[name].append(record(tool, built, capture, out, rate))
                print(f"bench: live, {name} at {rate} Mbit/s: {results[name][-1]}", flush=True)
    finally:
        clear(out)
    report(table, results, rate)


def report(table, results, rate):
    ours, smaller = results.pop("remora"), results.pop(SMALLER)
    for name, theirs in results.items():
        aim = 2.5 if name == "tcpdump" else None
        table.compare(f"CPU per GB recorded at {rate} Mbit/s", [r["cpu_s_per_gb"] for r in ours],
                      [r["cpu_s_per_gb"] for r in theirs], "s", aim, against=name)
        table.note(f"  kernel drops, {name}", [r["dropped"] for r in theirs], "packets")
        table.note(f"  resident, {name}", [r["resident_mb"] for r in theirs], "MB")
    table.note(f"  CPU per GB, {SMALLER}", [r["cpu_s_per_gb"] for r in smaller], "s")
    table.limit("  kernel drops, remora-recorder", [r["dropped"] for r in ours], "packets", 0)
    table.limit("  packets sent but not stored", [r["sent"] - r["stored"] for r in ours], "packets", 0)
    table.limit("  resident, remora-recorder", [r["resident_mb"] for r in ours], "MB", 150)


def network():
    """Two network namespaces with a cable between them, and nothing else that talks."""
    for space in (NEAR, FAR):
        subprocess.run(["ip", "netns", "delete", space], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["ip", "netns", "add", space], check=True)
        inside(space, ["sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1"])
    subprocess.run(["ip", "link", "add", "near", "netns", NEAR, "type", "veth", "peer", "name", "far", "netns", FAR], check=True)
    inside(NEAR, ["ip", "link", "set", "near", "up", "mtu", "9000"])
    inside(FAR, ["ip", "link", "set", "far", "up", "mtu", "9000"])
    time.sleep(0.5)


def clear(out):
    """Takes away what `network` and `record` made."""
    for space in (NEAR, FAR):
        subprocess.run(["ip", "netns", "delete", space], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(out, ignore_errors=True)


def inside(space, command):
    subprocess.run(["ip", "netns", "exec", space, *command], check=False)


def steady_rate(capture, built, out):
    """The highest rate at which tcpdump drops nothing on this machine."""
    for rate in RATES_MBIT:
        result = record(tcpdump, built, capture, out, rate)
        if result["dropped"] == 0 and result["stored"] >= result["sent"]:
            return rate
        print(f"bench: live, tcpdump drops {result['dropped']} at {rate} Mbit/s, so slower", flush=True)
    return None


def record(tool, built, capture, out, rate, around=()):
    """Starts a tool, sends the capture, stops the tool; what it cost and what it kept.

    `around` is a command that runs the tool, such as a profiler."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    command, counts = tool(built, out)
    with (out / "said").open("wb") as said:
        running = Running(["ip", "netns", "exec", FAR, *around, *command], stdout=said, stderr=said)
        time.sleep(SETTLE_SECONDS)
        packets, sent_bytes = send(capture, rate)
        time.sleep(1)
        running.process.send_signal(signal.SIGINT)
        cost = running.wait()
    said = (out / "said").read_text(errors="replace")
    if cost.status != 0 and not around:
        raise SystemExit(f"bench: {command[0]} ended with {cost.status}: {said.strip()[-400:]}")
    stored, dropped = counts(said)
    return {"cpu_s_per_gb": round(cost.cpu_s / sent_bytes * 1e9, 3), "sent": packets, "stored": stored, "dropped": dropped,
            "resident_mb": round(cost.resident_bytes / 1e6, 1)}


def send(capture, rate):
    command = ["ip", "netns", "exec", NEAR, "tcpreplay", "--intf1=near", "--preload-pcap", f"--mbps={rate}", str(capture)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return sent(said.stdout + said.stderr)


def sent(said):
    """Packets and bytes, by what tcpreplay said at its end."""
    packets, sent_bytes = re.search(r"Actual: (\d+) packets \((\d+) bytes\)", said).groups()
    return int(packets), int(sent_bytes)


def tcpdump(_, out):
    command = ["tcpdump", "-i", "far", "-n", "-s", "0", "-B", str(BUFFER_MIB * 1024), "-Z", "root", "-w", str(out / "out.pcap")]

    def counts(said):
        return (int(re.search(r"(\d+) packets? captured", said)[1]), int(re.search(r"(\d+) packets? dropped by kernel", said)[1]))

    return command, counts


def dumpcap(_, out):
    command = ["dumpcap", "-q", "-i", "far", "-s", "0", "-B", str(BUFFER_MIB), "-w", str(out / "out.pcapng")]

    def counts(said):
        stored, dropped = re.search(r"received/dropped on interface '?far'?: (\d+)/(\d+)", said).groups()
        return int(stored), int(dropped)

    return command, counts


def remora_smaller(built, out):
    """With the level above the default, to see what compression costs."""
    command, counts = remora(built, out)
    return [*command, "--compression-level=1"], counts


def remora(built, out):
    command = [str(built["remora-recorder"]), "capture", "--data", str(out), "--interface", "far",
               "--buffer-bytes", f"{BUFFER_MIB}MiB"]

    def counts(_):
        manifests = [json.loads(path.read_text()) for path in out.glob("sealed/*.manifest.json")]
        lost = [loss for manifest in manifests for loss in manifest["losses"]]
        return sum(manifest["packets"] for manifest in manifests), sum(loss.get("packets") or 0 for loss in lost)

    return command, counts


