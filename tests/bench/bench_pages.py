"""
Whether page requests are answered at a constant rate, and how late.

Run it with `python -m tests.bench.bench_pages [--rate 5000 --seconds 60]`; it prints figures and
passes no judgement. The generator is an open loop in its own process: a request is due at its time
whether or not the ones before it were answered, and its latency is counted from then on.
`--new` makes a connection for each request, as each stream of Tor does.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import os
import resource
import time
from pathlib import Path

from tests.bench.served import describe, serve_line

TICK_SECONDS = 0.001
DRAIN_SECONDS = 10


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._due_at = 0.0
        self._received = bytearray()
        self._needed = 0
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def ask(self, due_at: float) -> None:
        """Send a request that was due at a time."""
        assert self.transport is not None
        self._due_at = due_at
        self._needed = 0
        self._received.clear()
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        self._received += data
        if not self._needed:
            head, found, _ = bytes(self._received).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200 "):
                self._load.errors += 1
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            self._needed = len(head) + 4 + length
        if len(self._received) >= self._needed:
            due_at, self._due_at = self._due_at, 0.0
            self._load.finish(self, due_at)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was not answered."""
        if self._due_at:
            self._load.errors += 1
            self._load.open -= 1


class Load:
    """An open loop of requests."""

    def __init__(self, socket: Path, *, rate: int, seconds: float, new: bool) -> None:
        self._socket = str(socket)
        self._rate = rate
        self._seconds = seconds
        self._new = new
        self._idle: collections.deque[Connection] = collections.deque()
        self._waiting: collections.deque[float] = collections.deque()
        closing = "Connection: close\r\n" if new else ""
        self.request = (
            f"GET /en/ HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n{closing}\r\n".encode()
        )
        self.errors = 0
        self.open = 0
        self.latencies: list[float] = []

    def finish(self, connection: Connection, due_at: float) -> None:
        """Take an answer, and give its connection the next request."""
        self.open -= 1
        self.latencies.append(time.perf_counter() - due_at)
        if self._new:
            assert connection.transport is not None
            connection.transport.close()
        elif self._waiting:
            self._ask(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _ask(self, connection: Connection, due_at: float) -> None:
        self.open += 1
        connection.ask(due_at)

    async def _ask_new(self, due_at: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_unix_connection(
                lambda: Connection(self), self._socket
            )
        except OSError:
            self.errors += 1
            return
        self._ask(connection, due_at)

    async def run(self, *, connections: int) -> float:
        """Send every request at its time; return how long that took."""
        loop = asyncio.get_running_loop()
        for _ in range(0 if self._new else connections):
            _, connection = await loop.create_unix_connection(
                lambda: Connection(self), self._socket
            )
            self._idle.append(connection)
        tasks: set[asyncio.Task[None]] = set()
        began, sent = time.perf_counter(), 0
        total = int(self._rate * self._seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * self._rate))
            for number in range(sent, due):
                due_at = began + number / self._rate
                if self._new:
                    task = asyncio.ensure_future(self._ask_new(due_at))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                elif self._idle:
                    self._ask(self._idle.popleft(), due_at)
                else:
                    self._waiting.append(due_at)
            sent = due
            await asyncio.sleep(TICK_SECONDS)
        took = time.perf_counter() - began
        for _ in range(int(DRAIN_SECONDS / TICK_SECONDS)):
            if not (self.open or self._waiting or tasks):
                break
            await asyncio.sleep(TICK_SECONDS)
        self.errors += self.open + len(self._waiting)
        return took


def main() -> None:
    """Serve a throwaway line and load it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--new", action="store_true", help="a connection for each request")
    options = parser.parse_args()
    with serve_line() as instance:
        load = Load(
            instance / "run" / "source.sock",
            rate=options.rate,
            seconds=options.seconds,
            new=options.new,
        )
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        took = asyncio.run(load.run(connections=options.connections))
        own = resource.getrusage(resource.RUSAGE_SELF)
    served = resource.getrusage(resource.RUSAGE_CHILDREN)
    answered = len(load.latencies)
    print(f"asked {options.rate}/s for {took:.1f} s: {answered} answered, {load.errors} errors")
    print(f"latency from the time due: {describe(load.latencies)}")
    print(
        f"processor: service {served.ru_utime + served.ru_stime:.1f} s,"
        f" generator {own.ru_utime + own.ru_stime:.1f} s;"
        f" service's peak {served.ru_maxrss >> 10} MiB"
    )


if __name__ == "__main__":
    main()
