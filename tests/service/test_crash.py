"""A process killed between any two steps loses nothing it acknowledged, and leaves no litter."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stored import open_store
from tipline.service.envelope_files import EnvelopeFiles

DAY = datetime.date(2031, 3, 14)
ROOT = Path(__file__).resolve().parents[2]
LISTENING = "00010000"  # the flag of a listening socket in /proc/net/unix

# Runs the store's operations; before the step given, the process kills itself.
CHILD = """
import asyncio, datetime, hashlib, os, pathlib, signal, sqlite3, sys
from tests.stored import open_store
from tipline.service.store import Arrival, PartialUpload, StoredTip

directory, kill_at = pathlib.Path(sys.argv[1]), int(sys.argv[2])
day = datetime.date(2031, 3, 14)
steps = 0

def counted(function):
    def step(*args, **kw):
        global steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kw)
    return step

def arrival(upload_id, size):
    return Arrival(upload_id=upload_id, answer_dies_on=day, tip=StoredTip(
        id=hashlib.sha256(upload_id).digest()[:16], arrived_on=day, dies_on=day, size_bytes=size,
        channel="city", sealed_by_service=False, keyset=1))

def partial(upload_id, size):
    return PartialUpload(id=upload_id, begun_on=day, dies_on=day, size_bytes=size,
                         channel="city", keyset=1)

def say(*words):
    print(*words, flush=True)

async def main():
    store = open_store(directory, today=lambda: day)
    for name in "fsync fdatasync pwrite ftruncate unlink rename link utime write".split():
        setattr(os, name, counted(getattr(os, name)))
    data = (directory.parent / "data").read_bytes()
    mib = 1 << 20
    for number, size in enumerate((1 << 16, 1 << 18, mib)):
        upload_id = bytes([number]) * 16
        await store.add_whole(arrival(upload_id, size), data[:size])
        say("arrived", upload_id.hex(), size)
    upload_id = b"\\x77" * 16
    for offset in range(0, 3 * mib, mib):
        await store.add_slice(partial(upload_id, 4 * mib), data[offset:offset + mib], offset=offset)
        say("open", upload_id.hex(), offset + mib)
    await store.complete(arrival(upload_id, 4 * mib), data[3 * mib:4 * mib], offset=3 * mib)
    say("arrived", upload_id.hex(), 4 * mib)
    left = b"\\x99" * 16
    await store.add_slice(partial(left, 4 * mib), data[:mib], offset=0)
    say("open", left.hex(), mib)
    await store.rewrite()
    say("rewritten")
    store.close()

asyncio.run(main())
"""


def run_child(directory: Path, kill_at: int) -> tuple[bool, list[list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(directory), str(kill_at)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == 0, [line.split() for line in done.stdout.splitlines()]


async def check(directory: Path, data: bytes, told: list[list[str]]) -> None:
    store = open_store(directory, today=lambda: DAY)
    try:
        tips = {tip.id: tip for tip in await store.tips()}
        partial = await store.partial_uploads()
        arrived = {bytes.fromhex(words[1]) for words in told if words[0] == "arrived"}
        for upload_id in arrived:
            tip = tips[hashlib.sha256(upload_id).digest()[:16]]
            held = await store.read_envelope(tip, offset=0, length=1 << 23)
            assert held == data[: tip.size_bytes]
            assert await store.remembers(upload_id)
            assert upload_id not in partial
        offsets = {bytes.fromhex(words[1]): int(words[2]) for words in told if words[0] == "open"}
        for upload_id, offset in offsets.items():
            # Killed while the last slice was stored, it may be further than the client was told.
            if not await store.remembers(upload_id):
                assert partial[upload_id][1] >= min(offset, 3 << 20)
        files = [path for path in (directory / "envelopes").rglob("*") if path.is_file()]
        assert {bytes.fromhex(path.name) for path in files} == {
            tip.id for tip in tips.values() if tip.size_bytes > 1 << 16
        }
        assert len(files) == len({path.name for path in files})
        assert {bytes.fromhex(path.name) for path in (directory / "partial").iterdir()} == set(
            partial
        )
    finally:
        store.close()


def test_store_when_killed_between_any_two_steps_then_nothing_acknowledged_is_lost(
    short_path: Path,
) -> None:
    """INV-05: for every step of storing and rewriting, kill -9 before it, start again, compare."""
    data = secrets.token_bytes(4 << 20)
    (short_path / "data").write_bytes(data)
    finished, kill_at = False, 0
    while not finished:
        kill_at += 1
        directory = short_path / f"line{kill_at}"
        directory.mkdir(mode=0o700)
        finished, told = run_child(directory, kill_at)
        asyncio.run(check(directory, data, told))
    assert kill_at > 40


async def test_upload_when_the_service_restarts_under_way_then_it_goes_on(world: Any) -> None:
    """A partial upload survives a restart, and the client goes on where it was."""
    envelope = world.seal(files=(secrets.token_bytes(3_000_000),))
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        await site.put(upload_id, size_bytes=len(envelope))
        await site.patch(upload_id, envelope[: 1 << 20], offset=0)
    async with world.serve() as site:
        assert await site.ask(upload_id) == (200, {"state": "open", "offset": 1 << 20})
        for offset in range(1 << 20, len(envelope), 1 << 20):
            status, answer = await site.patch(
                upload_id, envelope[offset : offset + (1 << 20)], offset=offset
            )
        assert (status, answer) == (200, {"state": "arrived"})
        (tip,) = await site.line.store.tips()
        assert await site.line.store.read_envelope(tip, offset=0, length=1 << 23) == envelope


async def test_answer_when_the_service_restarts_then_it_still_knows_what_arrived(
    world: Any,
) -> None:
    """The memory that an upload arrived survives a restart."""
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        await site.put(upload_id)
        await site.patch(upload_id, world.seal(), offset=0)
    async with world.serve() as site:
        assert await site.ask(upload_id) == (200, {"state": "arrived"})


async def take_turns() -> None:
    """Let everything else in this event loop go on for a while."""
    for _ in range(100):
        await asyncio.sleep(0)


def is_listening(path: Path) -> bool:
    # Asked of the kernel: a connection to find out would itself be cut off by the stop.
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return any(row[-1] == str(path) and row[3] == LISTENING for row in rows[1:])


async def test_stop_when_a_slice_is_being_received_then_it_is_finished_first(world: Any) -> None:
    """A source that is in the middle of its slice when the line stops still gets its answer."""
    envelope = world.seal()
    upload_id = secrets.token_hex(16)
    checksum = base64.b64encode(hashlib.sha256(envelope).digest()).decode()
    head = (
        f"PATCH /uploads/{upload_id} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\n"
        f"Upload-Checksum: sha256 {checksum}\r\nContent-Length: 65536\r\n\r\n"
    )
    async with contextlib.AsyncExitStack() as stack:
        site = await stack.enter_async_context(world.serve())
        await site.put(upload_id)
        reader, writer = await asyncio.open_unix_connection(str(site.line.addresses.source_socket))
        writer.write(head.encode() + envelope[:30_000])
        await writer.drain()
        await take_turns()  # for the service to begin to receive it
        stopping = asyncio.create_task(stack.aclose())
        async with asyncio.timeout(10):
            while is_listening(site.line.addresses.source_socket):  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0)
            await take_turns()  # for the stop to cut this slice off, if it would
            writer.write(envelope[30_000:])
            answer = await reader.read()
            await stopping
        writer.close()
        await writer.wait_closed()
    assert answer.endswith(b'{"state":"arrived"}')
    assert len(site.tips) == 1


async def test_slice_when_its_upload_was_purged_meanwhile_then_it_is_not_brought_back(
    short_path: Path,
) -> None:
    """A slice that comes for an upload that was purged makes no new file."""
    files = EnvelopeFiles(short_path, today=lambda: DAY)
    files.write_slice(bytes(16), b"x" * (1 << 20), offset=0)
    files.remove_partial([bytes(16)])
    with pytest.raises(FileNotFoundError):
        files.write_slice(bytes(16), b"x", offset=1 << 20)
    assert list((short_path / "partial").iterdir()) == []


async def test_slice_when_a_former_try_was_cut_off_then_its_rest_does_not_stay(
    short_path: Path,
) -> None:
    """Bytes that a failed try left behind the offset are not part of the upload."""
    files = EnvelopeFiles(short_path, today=lambda: DAY)
    files.write_slice(bytes(16), b"x" * 100, offset=0)
    files.write_slice(bytes(16), b"y" * 40, offset=0)
    assert files.partial_len(bytes(16)) == 40
