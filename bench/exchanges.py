#!/usr/bin/env python3
"""HTTP exchanges at a steady rate over kept connections: a server, and a client that asks it.

    bench/exchanges.py serve ADDRESS:PORT
    bench/exchanges.py ask ADDRESS:PORT --rate 2000 --seconds 60

The client says at its end, as JSON, how many it asked, how many were answered, and how long it took. A connection asks
one at a time. What a slow machine couldn't ask in time is asked later, as long as the time lasts, and is missing then.
"""

import argparse
import asyncio
import json
import signal
import time
from collections import deque

TICK_SECONDS = 0.01
BODY = json.dumps({"items": [{"id": number, "name": f"item {number}", "price": 100 + number} for number in range(6)]}).encode()
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Serving(asyncio.Protocol):
    """Answers every request, in order; those for `/items/…7` aren't there."""

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        answers = [MISSING if request.split(b" ", 2)[1].endswith(b"7") else RESPONSE for request in requests]
        self.transport.write(b"".join(answers))


class Asking(asyncio.Protocol):
    """One connection. It goes back to those that are free once its answer is whole."""

    def __init__(self, client):
        self.client, self.rest = client, b""

    def connection_made(self, transport):
        self.transport = transport
        self.client.free.append(self)

    def ask(self, number):
        self.transport.write(b"GET /items/%d HTTP/1.1\r\nHost: shop\r\nUser-Agent: exchanges\r\nX-Request-Id: %d\r\n\r\n"
                             % (number % 1000, number))

    def data_received(self, data):
        self.rest += data
        head, found, body = self.rest.partition(b"\r\n\r\n")
        if found and len(body) >= (len(BODY) if head.startswith(b"HTTP/1.1 200") else 0):
            self.rest = b""
            self.client.answered += 1
            self.client.free.append(self)
            self.client.go_on()


class Client:
    """So many connections, and what came of them."""

    def __init__(self, rate, seconds):
        self.rate, self.seconds = rate, seconds
        self.free, self.asked, self.answered, self.began = deque(), 0, 0, None

    async def run(self, host, port, connections):
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: Asking(self), host, port)
        self.began = time.monotonic()
        while self.go_on():
            await asyncio.sleep(TICK_SECONDS)
        elapsed = time.monotonic() - self.began
        for _ in range(500):
            if self.answered == self.asked:
                break
            await asyncio.sleep(TICK_SECONDS)
        return {"asked": self.asked, "answered": self.answered, "seconds": round(elapsed, 3)}

    def go_on(self):
        """Asks as many as are due and as connections are free; false once the time is over."""
        passed = time.monotonic() - self.began
        if passed >= self.seconds:
            return False
        while self.free and self.asked < passed * self.rate:
            self.free.popleft().ask(self.asked)
            self.asked += 1
        return True


async def serve(host, port):
    server = await asyncio.get_running_loop().create_server(Serving, host, port, backlog=1024)
    print(json.dumps({"listening": f"{host}:{port}"}), flush=True)
    await server.serve_forever()


def main():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("role", choices=["serve", "ask"])
    parser.add_argument("address", help="ADDRESS:PORT")
    parser.add_argument("--rate", type=float, default=2000, help="exchanges a second (default 2000)")
    parser.add_argument("--seconds", type=float, default=60, help="how long to ask (default 60)")
    parser.add_argument("--connections", type=int, default=64, help="how many ask at once (default 64)")
    arguments = parser.parse_args()
    host, _, port = arguments.address.rpartition(":")
    if arguments.role == "serve":
        asyncio.run(serve(host, int(port)))
    else:
        done = asyncio.run(Client(arguments.rate, arguments.seconds).run(host, int(port), arguments.connections))
        print(json.dumps(done))


if __name__ == "__main__":
    main()
