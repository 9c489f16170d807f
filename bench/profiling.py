"""Where the time goes: samples of the recorder, of an import and of dissection, by function."""

import os
import shutil
import subprocess

import dissecting
import live
from measure import missing, run

KAFKA = dissecting.CAPTURES / "kafka.pcapng"
#: Often enough to see what takes a hundredth of the time, rarely enough not to be seen itself.
PER_SECOND = 499
#: Functions below this share are not listed.
PERCENT_MIN = 1.5


def show(built, capture, live_capture, work):
    if missing("perf"):
        print("bench: SKIPPED profile: perf is missing (Debian: linux-perf)")
        return
    data, samples = work / "data", work / "perf.data"
    sampling = ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", str(PER_SECOND), "-o", str(samples), "--"]
    shutil.rmtree(data, ignore_errors=True)
    run([*sampling, built["remora"], "--data", data, "import", capture], stdout=subprocess.DEVNULL)
    report("import", samples)
    throughput = dissecting.built(work)
    for what, file, times in (("dissecting the mixed capture", capture, 1), ("dissecting Kafka, the slowest", KAFKA, 200)):
        run([*sampling, throughput, file, str(times)], stdout=subprocess.DEVNULL)
        report(what, samples)
    shutil.rmtree(data, ignore_errors=True)

    if os.geteuid() != 0 or missing("tcpreplay", "ip"):
        print("bench: SKIPPED profile of recording: needs root, tcpreplay and ip")
        return
    try:
        live.network()
        live.record(live.remora, built, live_capture, work / "live", live.RATES_MBIT[1], around=sampling)
    finally:
        live.clear(work / "live")
    report("recording", samples)
    samples.unlink()


def report(what, samples):
    for by in ("comm,dso", "comm,dso,symbol"):
        command = ["perf", "report", "-i", str(samples), "--stdio", "--no-children", "--sort", by,
                   "--percent-limit", str(PERCENT_MIN)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = [line.rstrip() for line in told.splitlines() if line.strip() and not line.startswith("#")]
        print(f"\nbench: where the time of {what} goes, by {by}")
        print("\n".join(lines))
