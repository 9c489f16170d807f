"""Running a program and knowing what it cost; the table of what came out."""

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Cost:
    """What a finished program cost, with the children it waited for."""

    status: int
    wall_s: float
    cpu_s: float
    resident_bytes: int


class Running:
    """A program under measurement. Memory is sampled over it and its descendants, added up."""

    def __init__(self, command, **options):
        self.began = time.monotonic()
        self.resident_bytes = 0
        self.process = subprocess.Popen([str(part) for part in command], **options)
        self.done = threading.Event()
        self.sampling = threading.Thread(target=self.sample, daemon=True)
        self.sampling.start()

    def sample(self):
        while not self.done.wait(0.2):
            pids = [self.process.pid, *descendants(self.process.pid)]
            self.resident_bytes = max(self.resident_bytes, sum(map(resident, pids)))

    def wait(self):
        """Waits for its end. wait4 counts what the program itself waited for, so a worker counts."""
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self.began
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.done.set()
        self.sampling.join()
        return Cost(self.process.returncode, wall, usage.ru_utime + usage.ru_stime, self.resident_bytes)


def run(command, **options):
    return Running(command, **options).wait()


def descendants(pid):
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    except OSError:
        pass  # it has just ended
    return found


def resident(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def programs(release):
    """Our programs, as built."""
    built = {name: release / name for name in ("remora", "remora-recorder")}
    for path in built.values():
        if not path.exists():
            sys.exit(f"bench: {path} is missing: run make build")
    return built


def missing(*tools):
    """Those of the tools that are not installed."""
    return [tool for tool in tools if shutil.which(tool) is None]


class Table:
    """The rows to print: what, ours, theirs, ratio, aim."""

    def __init__(self):
        self.rows = []

    def compare(self, what, ours, theirs, unit, aim, *, against, faster=False):
        """Medians of both. `aim` is the most the ratio may be, or with `faster` the least; None is no aim."""
        mine, other = statistics.median(ours), statistics.median(theirs)
        ratio = other / mine if faster else mine / other
        held = aim is None or (ratio >= aim if faster else ratio <= aim)
        verdict = "held" if held else f"missed by {(aim / ratio if faster else ratio / aim):.2f} times"
        self.rows.append({
            "what": what, "against": against, "unit": unit, "ours": ours, "theirs": theirs, "ratio": round(ratio, 3),
            "aim": "" if aim is None else f"at {'least' if faster else 'most'} {aim:g}",
            "verdict": "" if aim is None else verdict,
        })

    def limit(self, what, ours, unit, most):
        worst = max(ours)
        self.rows.append({
            "what": what, "against": "—", "unit": unit, "ours": ours, "theirs": [], "ratio": None,
            "aim": f"at most {most:g}", "verdict": "held" if worst <= most else f"missed: {worst:g}",
        })

    def least(self, what, ours, unit, least):
        worst = min(ours)
        self.rows.append({
            "what": what, "against": "—", "unit": unit, "ours": ours, "theirs": [], "ratio": None,
            "aim": f"at least {least:g}", "verdict": "held" if worst >= least else f"missed: {worst:g}",
        })

    def note(self, what, values, unit):
        self.rows.append({"what": what, "against": "—", "unit": unit, "ours": values, "theirs": [], "ratio": None,
                          "aim": "", "verdict": ""})

    def skip(self, what, why):
        self.rows.append({"what": what, "against": "—", "unit": "", "ours": [], "theirs": [], "ratio": None, "aim": "",
                          "verdict": f"SKIPPED: {why}"})

    def show(self):
        lines = [("what", "ours", "theirs", "against", "ratio", "aim", "")]
        for row in self.rows:
            lines.append((row["what"], median(row["ours"], row["unit"]), median(row["theirs"], row["unit"]), row["against"],
                          "" if row["ratio"] is None else f"{row['ratio']:.2f}", row["aim"], row["verdict"]))
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        print()
        for line in lines:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        print()


def median(values, unit):
    return f"{statistics.median(values):.4g} {unit}" if values else ""
