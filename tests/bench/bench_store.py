"""
How long it takes until a tip of text alone is stored, fsync included, over the real socket.

Run it with `python -m tests.bench.bench_store [--directory DIR]`; it prints figures and passes no
judgement. A tip is a PUT and a PATCH of 64 KiB; "arrived" is said after the database's fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import secrets
import tempfile
import time
from pathlib import Path

from tests.bench.served import describe, seal_text, serve_line


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bytes:
    """Send a request and read its answer's body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


def make_requests(envelope: bytes) -> tuple[bytes, bytes]:
    """Make the two requests of a tip."""
    path = f"/uploads/{secrets.token_hex(16)} HTTP/1.1\r\nHost: x\r\n"
    body = json.dumps({"channel": "everything", "keyset": 1, "size_bytes": len(envelope)}).encode()
    checksum = base64.b64encode(hashlib.sha256(envelope).digest()).decode()
    opening = f"PUT {path}Content-Length: {len(body)}\r\n\r\n".encode() + body
    headers = f"Upload-Offset: 0\r\nUpload-Checksum: sha256 {checksum}\r\n"
    sending = f"PATCH {path}{headers}Content-Length: {len(envelope)}\r\n\r\n".encode() + envelope
    return opening, sending


async def send_tips(socket: Path, envelope: bytes, count: int) -> tuple[list[float], list[float]]:
    """Send tips one after the other; time each PATCH, and each tip as a whole."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    stored, whole = [], []
    for _ in range(count):
        opening, sending = make_requests(envelope)
        began = time.perf_counter()
        assert b"open" in await exchange(reader, writer, opening)
        opened = time.perf_counter()
        assert b"arrived" in await exchange(reader, writer, sending)
        ended = time.perf_counter()
        stored.append(ended - opened)
        whole.append(ended - began)
    writer.close()
    return stored, whole


def measure_fsync(directory: Path, count: int) -> list[float]:
    """Time an append of 64 KiB and its fsync: what the disk itself takes."""
    seconds = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(count):
            began = time.perf_counter()
            os.write(file.fileno(), bytes(65536))
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return seconds


async def measure(instance: Path, count: int) -> None:
    """Print the figures."""
    socket = instance / "run" / "source.sock"
    envelope = seal_text(instance)
    print(f"disk alone (64 KiB and fsync):  {describe(measure_fsync(instance, count))}")
    await send_tips(socket, envelope, 20)
    stored, whole = await send_tips(socket, envelope, count)
    print(f"one source, stored (PATCH):     {describe(stored)}")
    print(f"one source, PUT and PATCH:      {describe(whole)}; {count / sum(whole):.0f} tips/s")
    began = time.perf_counter()
    results = await asyncio.gather(*(send_tips(socket, envelope, count // 8) for _ in range(32)))
    seconds = time.perf_counter() - began
    many = [value for _, whole in results for value in whole]
    print(f"32 sources, PUT and PATCH:      {describe(many)}; {len(many) / seconds:.0f} tips/s")


def main() -> None:
    """Serve a throwaway line and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="where the line is made")
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    with serve_line(options.directory) as instance:
        asyncio.run(measure(instance, options.count))


if __name__ == "__main__":
    main()
