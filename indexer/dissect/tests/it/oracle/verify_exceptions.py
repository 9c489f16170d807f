#!/usr/bin/env python3
"""Verifies the lists of exceptions beside this file against the captures, with tshark 4.

    verify_exceptions.py [--write] CORPUS [PROTOCOL...]

A line is verified when all of this holds:

- What it is about is so: the oracle has the message that is "missing" or the field that differs, and has none where
  ours is "extra".
- Its reason agrees with the bytes. A reason that can be worked out (a message behind a hole, a message cut short)
  must be the very sentence that `worked_out` finds. Every other reason quotes the bytes that it rests upon between
  backticks, as escaped text or as `0x..`, and the quotes are looked for in the packet and its flow.
- What it says of tshark is so: a value between double quotes is the oracle's, `tshark has it NAME` is tried
  with the settings that `capture.SETTINGS` has by that name, and a number of bytes is one that was counted.

Prints how many lines of each list are verified, and every line that is not; then the exit status is 1. With
`--write` the reasons that can be worked out are written into the lists.
"""

import argparse
import codecs
import collections
import json
import pathlib
import re
import sys
import zlib

from capture import SETTINGS, Capture

LISTS = pathlib.Path(__file__).parent / "exceptions"
SIDES = ("ours", "theirs", "both")
QUOTED_BYTES_MAX = 40
LAYERS = {"redis": "resp"}

Line = collections.namedtuple("Line", "file proto kind packet number field reason")


def read_list(path):
    """The lines of a list; a comment is given as text."""
    for text in path.read_text(encoding="utf-8").splitlines():
        if text.startswith("#"):
            yield text
            continue
        file, message, field, reason = text.split("\t")
        proto, kind, place = message.split(" ")
        packet, number = place.split(".")
        yield Line(file, proto, kind, int(packet), int(number), field, reason)


def written(line):
    message = f"{line.proto} {line.kind} {line.packet}.{line.number}"
    return "\t".join((line.file, message, line.field, line.reason))


# Reasons that can be worked out.

def worked_out(capture, line):
    """The reason by the bytes for a message that only ours has, or None where a person has to say it."""
    if line.field != "extra":
        return None
    if line.proto == "http":
        return http_reason(capture, line)
    if line.proto == "dns" and capture.stream(line.packet):
        return dns_reason(capture, line)
    return None


def http_reason(capture, line):
    stream, message = http_message(capture, line)
    if message is None:
        return None
    end = message.head_end or message.stop
    head = stream.packets(message.start, end)
    lost = message.start - stream.count(0, message.start)
    got = stream.count(end, message.stop)
    whole = message.head_end is not None and (message.want == got or ends_by_itself(stream, message))
    shown = shown_by(capture, line, line.packet, head[-1])
    if shown is None or whole and not lost:
        return None
    behind = f" behind {lost} lost bytes" if lost else ""
    if whole:
        what = f"in {packets(head)} begins a whole message{behind}"
    elif message.head_end is None:
        what = f"in {packets(head)} begins a head{behind}, cut after {end - message.start} bytes"
    else:
        what = f"and its head in {packets(head)}{behind}, with {body_part(message, end, got)}"
    return f"ours: `{quoted(message.line)}` {what}; tshark has it {shown}"


def body_part(message, start, got):
    if message.want not in ("chunked", "close"):
        return f"{got} of {message.want} body bytes"
    holes = message.stop - start - got
    return f"{got} bytes of a body and {holes} lost" if holes else f"{got} bytes of a body without its end"


def ends_by_itself(stream, message):
    """Whether a chunked body has its last chunk."""
    tail = bytes(stream.data[max(message.head_end, message.stop - 7):message.stop])
    return message.want == "chunked" and tail.endswith(b"0\r\n\r\n")


def http_message(capture, line):
    """The message that ends in the line's packet, and its stream."""
    stream = capture.stream(line.packet)
    if stream is None:
        return None, None
    ending = [
        message for message in stream.messages()
        if message.kind == line.kind and max(stream.packets(message.start, message.stop)) == line.packet
    ]
    return stream, ending[line.number - 1] if line.number <= len(ending) else None


def shown_by(capture, line, *places):
    """The mildest change of settings under which tshark shows the message in one of `places`."""
    for words in SETTINGS:
        if any(line.kind in capture.shown(words).get(packet, ()) for packet in places):
            return words
    return None


def dns_reason(capture, line):
    """A message over TCP: two bytes that give its length, then the message."""
    stream, payload = capture.stream(line.packet), capture.payloads[line.packet]
    start = next((a for a, _, packet in stream.pieces if packet == line.packet), None)
    if start is None:
        return None
    if int.from_bytes(payload[:2], "big") == len(payload) - 2:
        start, payload = start + 2, payload[2:]
    length = bytes(stream.data[max(start - 2, 0):start])
    is_response = payload[2] >> 7 == 1
    if int.from_bytes(length, "big") != len(payload) or is_response != (line.kind == "response"):
        return None
    lost = start - stream.count(0, start)
    first = next(iter(stream.packets(0, start)))
    behind = f"{lost} bytes are lost before" if lost else f"the stream is there from packet {first} on only"
    return (f"ours: the length `0x{length.hex()}` in packet {stream.packets(start - 2, start)[0]} is that of the "
            f"{len(payload)} bytes behind it, id `0x{payload[:2].hex()}`; {behind}, and tshark gives up")


def packets(numbers):
    numbers = sorted(set(numbers))
    return f"packet {numbers[0]}" if len(numbers) == 1 else f"packets {numbers[0]} to {numbers[-1]}"


def quoted(data):
    return data[:QUOTED_BYTES_MAX].decode("latin-1").encode("unicode_escape").decode().replace("`", "\\x60")


# Reasons that a person has written.

def problems(capture, line):
    """What is wrong with a line; nothing where it is verified."""
    found = []
    if line.reason.split(":")[0] not in SIDES:
        found.append("says not who is right")
    records = capture.oracle[line.proto, line.kind, line.packet]
    if line.field == "extra" and len(records) >= line.number:
        found.append("the oracle has this message")
    if line.field == "extra" and line.number == 1 and line.kind in capture.shown("").get(line.packet, ()):
        found.append("tshark shows this message")
    if line.field != "extra" and len(records) < line.number:
        found.append("the oracle has no such message")
    reason = worked_out(capture, line)
    if reason is not None:
        return found + ([] if reason == line.reason else [f"by the bytes: {reason}"])
    record = records[line.number - 1] if len(records) >= line.number else {}
    return found + quote_problems(capture, line) + tshark_problems(capture, line, record) + [
        f"{number} bytes are not what was counted"
        for number in re.findall(r"(\d+) bytes", line.reason)
        if int(number) not in counts(capture, line, record)
    ]


def quote_problems(capture, line):
    quotes = re.findall(r"`([^`]+)`", line.reason)
    places = [capture.payloads.get(line.packet, b"")]
    places += [bytes(stream.data) for stream in capture.flow(line.packet)]
    places.append(capture.path.read_bytes()[:64])
    if not quotes:
        return ["quotes no bytes"]
    return [f"`{quote}` is not there" for quote in quotes if not any(unquoted(quote) in place for place in places)]


def unquoted(quote):
    if quote.startswith("0x"):
        return bytes.fromhex(quote[2:])
    return codecs.decode(quote.encode("latin-1", "backslashreplace"), "unicode_escape").encode("latin-1")


def tshark_problems(capture, line, record):
    found = []
    for value in re.findall(r'"([^"]*)"', line.reason):
        tells = json.dumps(record.get(line.field, record if line.field == "missing" else ""), ensure_ascii=False)
        if json.dumps(value, ensure_ascii=False).strip('"') not in tells:
            found.append(f'the oracle does not say "{value}"')
    for words in SETTINGS:
        layers = capture.shown(words).get(line.packet, ()) if f"tshark has it {words}" in line.reason else None
        if layers is not None and LAYERS.get(line.proto, line.proto) not in layers:
            found.append(f"not shown {words}")
    return found


def counts(capture, line, record):
    """Every number of bytes that a reason may speak of."""
    payload = capture.payloads.get(line.packet, b"")
    found = {len(payload), *(v for v in record.values() if isinstance(v, int))}
    stream = capture.stream(line.packet)
    if stream is None:
        return found
    found |= {len(stream.data), stream.count(0, len(stream.data))}
    for message in stream.messages() if line.proto == "http" else ():
        if message.head_end and stream.count(message.start, message.stop):
            body = bytes(stream.data[message.head_end:message.stop])
            found |= {len(body), stream.count(message.head_end, message.stop)}
            found |= {len(decoded) for decoded in decodings(body, message.headers)}
    return found


def decodings(body, headers):
    """The body after each of its codings is undone, transfer coding first."""
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        body = b"".join(chunk for chunk in dechunked(body))
        yield body
    codings = headers.get(b"content-encoding", b"").lower().split(b",")
    for coding in (coding.strip() for coding in reversed(codings)):
        if coding in (b"gzip", b"deflate"):
            try:
                body = zlib.decompressobj(31 if coding == b"gzip" else -15).decompress(body)
            except zlib.error:
                return
            yield body


def dechunked(body):
    while (size := re.match(rb"([0-9a-fA-F]+)[^\n]*\n", body)) and int(size[1], 16):
        end = size.end() + int(size[1], 16)
        yield body[size.end():end]
        body = body[end:].lstrip(b"\r\n")


# The lists.

def verify(path, corpus, write):
    """Prints what is not verified; gives the counts by file and field."""
    rows = collections.defaultdict(lambda: [0, 0])
    out, file, capture = [], None, None
    for line in read_list(path):
        if isinstance(line, str):
            out.append(line)
            continue
        if line.file != file:
            file, capture = line.file, Capture(corpus / line.file)
        if write and (reason := worked_out(capture, line)):
            line = line._replace(reason=reason)
        out.append(written(line))
        wrong = problems(capture, line)
        row = rows[line.file, line.kind, line.field, line.reason.split(":")[0]]
        row[bool(wrong)] += 1
        if wrong:
            print(f"not verified: {written(line)}: {'; '.join(wrong)}", flush=True)
    if write:
        path.write_text("".join(f"{text}\n" for text in out), encoding="utf-8")
    return rows


def main():
    parser = argparse.ArgumentParser(description="Verifies the lists of exceptions with tshark.")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("protocols", nargs="*")
    parser.add_argument("--write", action="store_true", help="write the reasons that can be worked out")
    arguments = parser.parse_args()
    totals = collections.Counter()
    for path in sorted(LISTS.glob("*.tsv")):
        if arguments.protocols and path.stem not in arguments.protocols:
            continue
        for (file, kind, field, side), (right, wrong) in verify(path, arguments.corpus, arguments.write).items():
            print(f"{path.stem:6} {side:6} {right + wrong:5} lines {right:5} verified {wrong:5} not  {kind} {field}  {file}")
            totals[path.stem, side, "verified"] += right
            totals[path.stem, side, "not verified"] += wrong
    for (proto, side, verdict), number in sorted(totals.items()):
        if number:
            print(f"{proto:6} {side:6} {verdict:12} {number:5}")
    return any(number for (_, _, verdict), number in totals.items() if verdict == "not verified")


if __name__ == "__main__":
    sys.exit(main())
