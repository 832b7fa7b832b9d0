"""
How fast messages from phones are taken, and who is still served when somebody floods the line.

Run it with `python -m tests.bench.bench_gateway [--directory DIR] [--seconds N]`; it prints figures
and passes no judgement. The line is served by the real command in its own process; messages come
over the signed webhook at a fixed rate, whether answers come or not, and what is told to come back
is sent again after a second, as a provider does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from crypto.secret import Secret
from tests.bench.served import TODAY, describe
from tests.service.phones import KEY, install_webhook
from tipline.demonstration.line import CHANNEL, make_line
from tipline.gateway.kinds.webhook import INCOMING_LINE, make_signed
from tipline.gateway.signatures import sign_sha256
from tipline.gateway.typed import STATE_OPERATION
from tipline.served_line import ask_service

RATE = 200  # messages a second that are to be taken
FLOOD = 1000  # messages a second that are too many
HONEST = 5  # of others, meanwhile
BURST = 1000
TRIES = 30
AGAIN_SECONDS = 1.0
TEXT = "El puente de la calle 12 está hueco por dentro y nadie lo revisa desde hace tres años."


@contextlib.contextmanager
def serve_phones(parent: Path | None) -> Iterator[tuple[Path, int]]:
    """Serve a throwaway line with a webhook while the block runs."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        line = make_line(Path(name), today=TODAY, translate=lambda text: text)
        install_webhook(line.instance, channel=CHANNEL)
        command = [sys.executable, "-m", "tipline", "serve", str(line.instance), "--no-tor"]
        process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield line.instance, process.pid
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def make_request(number: str) -> bytes:
    """Sign a message from a number."""
    message = {"id": secrets.token_hex(12), "from": number, "text": TEXT}
    body = json.dumps(message).encode()
    timestamp = str(int(time.time()))
    signature = sign_sha256(
        Secret(KEY.encode()), make_signed(INCOMING_LINE, "hook", timestamp, body)
    )
    head = (
        "POST /hook HTTP/1.1\r\nHost: x\r\n"
        f"Tipline-Timestamp: {timestamp}\r\nTipline-Signature: v1={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def make_numbers(count: int) -> list[str]:
    """Make different numbers of Mexico City."""
    return [f"+5255{number:08}" for number in random.sample(range(12_000_000, 89_999_999), count)]


class Caller:
    """Calls the listener over connections that are kept."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, request: bytes) -> int:
        """Send one request; tell the status, or 0 if the connection broke."""
        try:
            reader, writer = (
                self._free.pop() if self._free else await asyncio.open_unix_connection(self._socket)
            )
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            return 0
        if b"Connection: close" in head:
            writer.close()
        else:
            self._free.append((reader, writer))
        return int(head[9:12])

    def close(self) -> None:
        """Close what is kept."""
        for _reader, writer in self._free:
            writer.close()


class Tally:
    """What became of messages."""

    def __init__(self) -> None:
        self.seconds: list[float] = []  # of those that were taken, of the last try
        self.since_first: list[float] = []  # of the same, from the first try on
        self.statuses: Counter[int] = Counter()
        self.lost = 0

    async def send(self, caller: Caller, request: bytes, *, tries: int = TRIES) -> None:
        """Send one message as a provider does."""
        first = time.perf_counter()
        for _ in range(tries):
            began = time.perf_counter()
            status = await caller.call(request)
            self.statuses[status] += 1
            if status == 200:
                ended = time.perf_counter()
                self.seconds.append(ended - began)
                self.since_first.append(ended - first)
                return
            await asyncio.sleep(AGAIN_SECONDS)
        self.lost += 1


async def send_at(
    rate: float, requests: list[bytes], tally: Tally, caller: Caller, *, tries: int = TRIES
) -> float:
    """Send at a fixed rate; tell how long all of it took."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for index, request in enumerate(requests):
            late = began + index / rate - time.perf_counter()
            if late > 0:
                await asyncio.sleep(late)
            group.create_task(tally.send(caller, request, tries=tries))
    return time.perf_counter() - began


def read_processor(process: int) -> float:
    """Tell how many seconds of processor a process has used, with those that compute beside it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(read_processor(int(child)) for child in children)


async def wait_for_handles(instance: Path) -> float:
    """Wait until every pseudonym is computed; tell how long that took."""
    began = time.perf_counter()
    operator = instance / "run" / "operator.sock"
    while (await ask_service(operator, STATE_OPERATION, {}))["handles_waiting"]:  # noqa: ASYNC110
        await asyncio.sleep(0.25)
    return time.perf_counter() - began


async def measure(instance: Path, process: int, seconds: int, *, waits: bool) -> None:
    """Print the figures."""
    socket = instance / "run" / "gateway"

    async def tell_handles() -> None:
        if waits:
            print(f"  handles complete {await wait_for_handles(instance):.1f} s later", flush=True)

    async def run(title: str, rate: float, requests: list[bytes], *, tries: int = TRIES) -> Tally:
        caller, tally = Caller(socket), Tally()
        used = read_processor(process)
        took = await send_at(rate, requests, tally, caller, tries=tries)
        caller.close()
        each = (read_processor(process) - used) / max(len(requests), 1) * 1000
        print(f"{title}: {len(tally.seconds)} of {len(requests)} taken in {took:.1f} s", flush=True)
        if tally.seconds:
            print(f"  each: {describe(tally.seconds)}; answers {dict(tally.statuses)}", flush=True)
        print(f"  processor, for each message sent: {each:.1f} ms", flush=True)
        return tally

    await run("warming up", 50, [make_request(one) for one in make_numbers(50)])
    await tell_handles()
    known = make_numbers(200)
    steady = [make_request(random.choice(known)) for _ in range(RATE * seconds)]
    await run(f"{RATE} a second, of {len(known)} numbers", RATE, steady)
    await tell_handles()
    burst = [make_request(one) for one in make_numbers(BURST)]
    await run(f"burst of {BURST}, each of another number", RATE, burst)
    await tell_handles()
    for many in (1, 10_000):
        numbers = make_numbers(many)
        flood = [make_request(random.choice(numbers)) for _ in range(FLOOD * seconds)]
        honest = [make_request(one) for one in make_numbers(HONEST * seconds)]
        caller, tally = Caller(socket), Tally()
        # Whoever floods does not wait for answers, and does not come back.
        flooding = asyncio.create_task(
            run(f"flood of {FLOOD} a second, of {many} numbers", FLOOD, flood, tries=1)
        )
        await send_at(HONEST, honest, tally, caller)
        await flooding
        caller.close()
        print(f"  honest: {len(tally.seconds)} of {len(honest)} taken, {tally.lost} lost")
        print(f"  honest, with coming back: {describe(tally.since_first)}", flush=True)
        await tell_handles()


def main() -> None:
    """Serve a throwaway line and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="where the line is made")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument(
        "--no-handles", action="store_true", help="on a busy machine: do not wait for handles"
    )
    options = parser.parse_args()
    with serve_phones(options.directory) as (instance, process):
        asyncio.run(measure(instance, process, options.seconds, waits=not options.no_handles))


if __name__ == "__main__":
    main()
