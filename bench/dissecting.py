"""What dissection costs: packets of each protocol into exchanges on one core, against tshark on the same file."""

import json
import struct
import subprocess
import sys
from pathlib import Path

from asking import FIELDS
from measure import missing, run

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "fixtures" / "captures"
#: Real servers' captures are small; each is repeated, an hour later each time, to about so many packets.
PACKETS_MIN = 20_000
#: The aim for packets per second against tshark -T fields.
FASTER_MIN = 50
#: The aim for HTTP/1 with bodies.
BODIES_MB_PER_SECOND = 300
BODY_BYTES = 200_000
PART_BYTES = 1448


def measure(table, capture, work, quick):
    program = built(work)
    against_tshark(table, program, "mixed", capture, 1 if quick else 3)
    bodies = work / "bodies.pcap"
    write_bodies(bodies, 30 if quick else 300)
    against_tshark(table, program, "http1 with bodies", bodies, 3)
    rate = cost(program, bodies, 3)
    table.note("  of which MB/s", [rate["bytes"] / rate["cpu_seconds"] / 1e6], f"MB/s (aim {BODIES_MB_PER_SECOND})")
    if missing("editcap", "mergecap"):
        table.skip("dissection per protocol", "editcap or mergecap is missing")
        return
    for fixture in sorted(CAPTURES.glob("*.pcapng")):
        repeated = repeat(fixture, work, 2000 if quick else PACKETS_MIN)
        against_tshark(table, program, fixture.stem, repeated, 3)
        repeated.unlink()


def built(work):
    """The program that dissects a file and says what it took."""
    example = ["cargo", "build", "--quiet", "--release", "-p", "dissect", "--example", "throughput"]
    subprocess.run(example, cwd=ROOT, check=True)
    return work.parent / "release" / "examples" / "throughput"


def against_tshark(table, program, name, capture, times):
    """CPU seconds for one pass over the file; tshark's include reading it, ours don't (reading is 6 % of an import)."""
    ours = cost(program, capture, times)
    packets, passes = ours["packets"] / times, ours["cpu_seconds"] / times
    print(f"bench: {name}: {packets / passes / 1e6:.2f} M packets/s, {ours['bytes'] / ours['cpu_seconds'] / 1e6:.0f} MB/s", flush=True)
    if missing("tshark"):
        table.note(f"dissect {name}", [packets / passes / 1e6], "M packets/s")
        return
    fields = [part for field in FIELDS for part in ("-e", field)]
    for form, arguments, aim in (("fields", fields, FASTER_MIN), ("ek", [], None)):
        spent = run(["tshark", "-n", "-r", capture, "-T", form, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        table.compare(f"dissect {name}", [passes], [spent.cpu_s], "CPU s", aim, against=f"tshark -T {form}", faster=True)


def cost(program, capture, times):
    told = subprocess.run([str(program), str(capture), str(times)], capture_output=True, text=True)
    if told.returncode != 0:
        sys.exit(f"bench: throughput: {told.stderr.strip()}")
    return json.loads(told.stdout)


def repeat(fixture, work, packets_min):
    """The capture again and again, an hour later each time, so that its flows are new ones."""
    told = subprocess.run(["capinfos", "-TrcM", str(fixture)], capture_output=True, text=True, check=True).stdout
    packets = int(told.split("\t")[1])
    parts = []
    for number in range(max(1, packets_min // max(1, packets))):
        part = work / f"part-{number}.pcap"
        subprocess.run(["editcap", "-F", "nsecpcap", "-t", str(number * 3600), str(fixture), str(part)], check=True)
        parts.append(part)
    repeated = work / f"{fixture.stem}.repeated.pcap"
    subprocess.run(["mergecap", "-a", "-F", "nsecpcap", "-w", str(repeated), *map(str, parts)], check=True)
    for part in parts:
        part.unlink()
    return repeated


def write_bodies(path, responses):
    """One connection that downloads bodies, as raw IPv4 in TCP segments of a usual size."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 101))
    client, server = (b"\x0a\x00\x00\x01", 40000), (b"\x0a\x00\x00\x02", 80)
    sequence = {client: 1000, server: 9000}
    clock = 1_767_225_600_000_000_000

    def send(sender, receiver, flags, data=b""):
        nonlocal clock
        clock += 10_000
        acknowledged = sequence[receiver] if flags & 0x10 else 0
        tcp = struct.pack("!HHIIBBHHH", sender[1], receiver[1], sequence[sender], acknowledged, 0x50, flags, 65535, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, sender[0], receiver[0])
        packet = ip + tcp + data
        out.extend(struct.pack("<IIII", clock // 10**9, clock % 10**9, len(packet), len(packet)) + packet)
        sequence[sender] = (sequence[sender] + len(data) + (flags & 2 > 0)) % 2**32

    send(client, server, 0x02)
    send(server, client, 0x12)
    send(client, server, 0x10)
    body = (b"all work and no play makes a dull body; " * (BODY_BYTES // 40))[:BODY_BYTES]
    for number in range(responses):
        send(client, server, 0x18, f"GET /body/{number} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        for at in range(0, len(answer), PART_BYTES):
            send(server, client, 0x10, answer[at : at + PART_BYTES])
        send(client, server, 0x10)
    path.write_bytes(out)
