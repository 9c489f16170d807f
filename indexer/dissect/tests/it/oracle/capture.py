"""What tshark shows of a capture, and the bytes of its streams, for verify_exceptions.py.

tshark is asked for packets and payloads only; streams are put together and HTTP is read here, so that the bytes
speak for themselves beside what tshark's dissectors say. HTTP is read strictly by RFC 9112, in few lines.
"""

import bisect
import collections
import json
import re
import subprocess

# The settings that the oracles were made with.
PREFERENCES = (
    "tcp.reassemble_out_of_order:TRUE", "tcp.check_checksum:FALSE", "ip.check_checksum:FALSE", "ip.defragment:TRUE",
    "ipv6.defragment:TRUE", "http.desegment_body:TRUE", "http.dechunk_body:TRUE", "http.decompress_body:TRUE",
    "tls.desegment_ssl_records:TRUE", "tls.desegment_ssl_application_data:TRUE",
)
# Other settings, by the words that stand for them in reasons.
SETTINGS = {
    "without reordering": ("tcp.reassemble_out_of_order:FALSE",),
    "without waiting for bodies": ("tcp.reassemble_out_of_order:FALSE", "http.desegment_body:FALSE"),
    "packet by packet": ("tcp.desegment_tcp_streams:FALSE",),
}
FIELDS = (
    "frame.number", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tcp.seq_raw", "tcp.len", "tcp.flags.syn",
    "tcp.payload", "udp.payload",
)
START_LINE = re.compile(rb"HTTP/\d\.\d \d{3}|[!#$%&'*+.^_`|~0-9A-Za-z-]{2,24} [^\r\n]* ?HTTP/\d\.\d\r?\n")
HEAD_END = re.compile(rb"\r?\n\r?\n")
CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")

Message = collections.namedtuple("Message", "kind line start head_end stop want headers")
Message.__doc__ = """An HTTP message by its places in a stream.

`head_end` is None where the head is cut. `want` is the length that the head gives the body, or "chunked", or
"close" where the end of the stream ends it.
"""


def tshark(path, fields, preferences=()):
    """The values of `fields` for every packet; of nested layers the innermost."""
    command = ["tshark", "-n", "-2", "-r", str(path), "-T", "fields", "-E", "occurrence=l", "-E", "separator=/t"]
    for preference in (*PREFERENCES, *preferences):
        command += ["-o", preference]
    for field in fields:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    for line in text.split("\n"):
        values = line.split("\t")
        if len(values) == len(fields):
            yield values


class Stream:
    """The bytes of one direction: pieces in order, each byte from the packet that brought it first."""

    def __init__(self):
        self.segments = []
        self.pieces = []
        self.data = bytearray()
        self.known = []
        self.http = None

    def add(self, packet, sequence, payload):
        base = self.segments[0][0] if self.segments else sequence
        unwrapped = base + (sequence - base + (1 << 31)) % (1 << 32) - (1 << 31)
        self.segments.append((unwrapped, packet, payload))

    def build(self, bytes_max=1 << 28):
        origin = min(sequence for sequence, _, _ in self.segments)
        end = 0
        for sequence, packet, payload in sorted(self.segments, key=lambda segment: segment[:2]):
            start = sequence - origin
            if start + len(payload) <= end or start > bytes_max:
                continue
            fresh = max(start, end)
            self.pieces.append((fresh, start + len(payload), packet))
            self.data += bytes(fresh - len(self.data)) + payload[fresh - start:]
            if self.known and self.known[-1][1] == fresh:
                self.known[-1][1] = len(self.data)
            else:
                self.known.append([fresh, len(self.data)])
            end = len(self.data)

    def run(self, start):
        """The first stretch of known bytes that reaches beyond `start`, from there on."""
        index = bisect.bisect_right(self.known, start, key=lambda known: known[1])
        return None if index == len(self.known) else (max(start, self.known[index][0]), self.known[index][1])

    def count(self, start, stop):
        return sum(max(0, min(stop, b) - max(start, a)) for a, b in self.known)

    def packets(self, start, stop):
        first = bisect.bisect_right(self.pieces, start, key=lambda piece: piece[1])
        return [packet for a, b, packet in self.pieces[first:] if a < stop] if stop > start else []

    def messages(self):
        """Every HTTP message; after a hole reading goes on at the next start line."""
        if self.http is None:
            self.http = self.read_messages()
        return self.http

    def read_messages(self):
        found = []
        position = 0
        while run := self.run(position):
            start, end = run
            text = bytes(self.data[start:end])
            if not (line := START_LINE.match(text)):
                line = self.next_line(start, end)
                if line is None:
                    position = end
                    continue
                start += line
                text = text[line:]
            found.append(self.message(start, text))
            position = max(found[-1].stop, start + 1)
        return found

    def next_line(self, start, end):
        """How far behind `start` the next start line is: at the beginning of a packet or of a line."""
        edges = [a for a, _, _ in self.pieces if start < a < end and START_LINE.match(self.data, a, end)]
        lines = [start + m.end() for m in re.finditer(rb"\n(?=HTTP/\d\.\d \d{3})", bytes(self.data[start:end]))]
        request = re.search(rb"\n(?=[A-Z]{3,10} [^\r\n]* HTTP/\d\.\d\r?\n)", bytes(self.data[start:end]))
        places = edges[:1] + lines[:1] + ([start + request.end()] if request else [])
        return min(places) - start if places else None

    def message(self, start, text):
        kind = "response" if text.startswith(b"HTTP/") else "request"
        line = re.match(rb"[^\r\n]*", text)[0]
        if not (end := HEAD_END.search(text)):
            return Message(kind, line, start, None, start + len(text), 0, {})
        head_end = start + end.end()
        headers = head_fields(text[:end.end()])
        status = int(line[9:12]) if kind == "response" else 0
        length = headers.get(b"content-length", b"")
        if status // 100 == 1 or status in (204, 304):
            want, stop = 0, head_end
        elif b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            want, stop = "chunked", self.chunks(head_end)
        elif length.isdigit():
            want, stop = int(length), head_end + int(length)
        elif kind == "response" and not START_LINE.match(self.data, head_end):
            want, stop = "close", len(self.data)
        else:
            want, stop = 0, head_end
        return Message(kind, line, start, head_end, stop, want, headers)

    def chunks(self, start):
        """Where a chunked body ends, or the bytes of it that are known."""
        while (run := self.run(start)) and run[0] == start:
            size = CHUNK.match(self.data, start, run[1])
            if size is None:
                return run[1]
            if int(size[1], 16) == 0:
                blank = re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n").match(self.data, size.end(), run[1])
                return blank.end() if blank else size.end()
            start = size.end() + int(size[1], 16)
            line_end = re.compile(rb"\r?\n").match(self.data, start)
            start = line_end.end() if line_end else start + 2
        return min(start, len(self.data))


def head_fields(head):
    """Field values by lower-case name; folded lines are joined by a space (RFC 9112 section 5.2)."""
    fields = {}
    for line in re.split(rb"\r?\n", re.sub(rb"\r?\n[ \t]+", b" ", head))[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            name = name.strip().lower()
            fields[name] = fields[name] + b", " + value.strip() if name in fields else value.strip()
    return fields


class Capture:
    """A capture file with its oracle."""

    def __init__(self, path):
        self.path = path
        self.streams = collections.defaultdict(Stream)
        self.payloads = {}
        self.of_packet = {}
        for values in tshark(path, FIELDS):
            self.add(dict(zip(FIELDS, values)))
        for stream in self.streams.values():
            stream.build()
        self.shown_by = {}
        self.oracle = collections.defaultdict(list)
        with open(f"{path}.oracle.jsonl", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if "frame" in record and not record.get("over_tls"):
                    self.oracle[record["proto"], record["kind"], record["frame"]].append(record)

    def add(self, values):
        packet = int(values["frame.number"])
        carrier = "tcp" if values["tcp.seq_raw"] else "udp"
        payload = bytes.fromhex(values[f"{carrier}.payload"].replace(":", ""))
        self.payloads[packet] = payload
        if carrier == "udp":
            return
        syn = values["tcp.flags.syn"] in ("1", "True")
        key = values["tcp.stream"], values["ip.src"] + values["ipv6.src"], values["tcp.srcport"]
        self.of_packet[packet] = key
        if payload or syn:
            self.streams[key].add(packet, int(values["tcp.seq_raw"]) + syn, payload)

    def stream(self, packet):
        return self.streams.get(self.of_packet.get(packet))

    def flow(self, packet):
        """Both streams of the packet's flow."""
        number = self.of_packet.get(packet, ("",))[0]
        return [stream for key, stream in self.streams.items() if key[0] == number]

    def shown(self, words):
        """For every packet the layers and kinds of HTTP message that tshark shows with the settings of `words`."""
        if words not in self.shown_by:
            fields = ("frame.number", "frame.protocols", "http.request.method", "http.response.code")
            self.shown_by[words] = {
                int(number): layers.split(":") + ["request"] * bool(method) + ["response"] * bool(status)
                for number, layers, method, status in tshark(self.path, fields, SETTINGS.get(words, ()))
            }
        return self.shown_by[words]
