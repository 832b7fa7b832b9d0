"""What is stored has arrived, whatever fails afterwards; what is refused leaves nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import sqlite3
from typing import Any

import pytest

SLICE_BYTES = 1024 * 1024
ARRIVED = (200, {"state": "arrived"})


def fail_once(function: Any, error: Exception, *, after: bool) -> Any:
    """Let the first call fail, before or after it did its work."""
    errors = [error]

    def call(*args: Any, **settings: Any) -> Any:
        if after or not errors:
            result = function(*args, **settings)
        if errors:
            raise errors.pop()
        return result

    return call


async def send(site: Any, upload_id: str, envelope: bytes) -> tuple[int, Any]:
    """Send what an upload still lacks."""
    status, answer = await site.put(upload_id, size_bytes=len(envelope))
    while status == 200 and answer["state"] == "open":
        offset = answer["offset"]
        data = envelope[offset : offset + SLICE_BYTES]
        status, answer = await site.patch(upload_id, data, offset=offset)
    return status, answer


async def test_tip_when_times_cannot_be_set_after_the_commit_then_it_arrives_and_it_is_told(
    world: Any, monkeypatch: Any
) -> None:
    """INV-05: a failure after the commit takes nothing back; the operator hears of it at night."""
    faults: list[Exception] = []
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        writer = site.line.store._writer
        failing = fail_once(writer._after_commit, OSError(5, "I/O error"), after=False)
        monkeypatch.setattr(writer, "_after_commit", failing)
        monkeypatch.setattr(writer, "_on_fault", faults.append)
        assert await site.patch(upload_id, world.seal(), offset=0) == ARRIVED
        assert len(await site.line.store.tips()) == 1
    assert [type(fault) for fault in faults] == [OSError]


@pytest.mark.parametrize("file_bytes", [0, 100_000, 2_000_000])
async def test_tip_when_its_commit_is_made_and_said_to_have_failed_then_it_arrives_once(
    world: Any, monkeypatch: Any, file_bytes: int
) -> None:
    """INV-05: whether a tip is stored is looked up, and never guessed from an error."""
    files = (secrets.token_bytes(file_bytes),) if file_bytes else ()
    envelope = world.seal(files=files)
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        store = site.line.store
        call = store._writer.call
        errors = [sqlite3.OperationalError("disk I/O error")]
        insert = store._arriving._add_arrival
        inserted: list[bool] = []

        def note_insert(*row: Any) -> None:
            insert(*row)
            inserted.append(True)

        monkeypatch.setattr(store._arriving, "_add_arrival", note_insert)

        async def fail_after_arrival(work: Any) -> Any:
            result = await call(work)
            if inserted and errors:
                raise errors.pop()
            return result

        monkeypatch.setattr(store._writer, "call", fail_after_arrival)
        assert await send(site, upload_id, envelope) == ARRIVED
        assert errors == []
        (tip,) = await store.tips()
        assert await store.read_envelope(tip, offset=0, length=1 << 23) == envelope
        assert await site.ask(upload_id) == ARRIVED
        assert list((world.directory / "partial").iterdir()) == []


async def test_tip_when_its_upload_cannot_be_removed_then_it_has_arrived(
    world: Any, monkeypatch: Any
) -> None:
    """A disk that fails while it tidies up makes no arrived tip look lost."""
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:

        def fail(name: bytes) -> None:
            raise OSError(5, "I/O error")

        monkeypatch.setattr(site.line.store._files, "remove_partial", fail)
        envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
        assert await send(site, upload_id, envelope) == ARRIVED
        assert await site.ask(upload_id) == ARRIVED
        assert len(await site.line.store.tips()) == 1


async def test_upload_when_refused_while_a_slice_comes_then_it_leaves_nothing(world: Any) -> None:
    """The refusal waits for the slice, and takes it away."""
    envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
    upload_id = secrets.token_hex(16)
    data = envelope[:SLICE_BYTES]
    async with world.serve() as site:
        await site.put(upload_id, size_bytes=len(envelope))
        reader, writer = await asyncio.open_unix_connection(str(site.line.addresses.source_socket))
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        head = (
            f"PATCH /uploads/{upload_id} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\n"
            f"Upload-Checksum: sha256 {checksum}\r\nContent-Length: {len(data)}\r\n"
        )
        writer.write(head.encode() + b"\r\n" + data[:-5])
        await writer.drain()
        await site.ask(upload_id)
        refusing = asyncio.create_task(site.put(upload_id, size_bytes=65536))
        # The service answers this one after it has read the other.
        await site.ask(secrets.token_hex(16))
        writer.write(data[-5:])
        async with asyncio.timeout(20):
            assert (await refusing)[0] == 422
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert (await site.ask(upload_id))[0] == 404
        assert list((world.directory / "partial").iterdir()) == []
        assert await site.line.store.partial_uploads() == {}


class Stopwatch:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    "settings", [{"limits__open_uploads": 2}, {"limits__partial_bytes": 2 * SLICE_BYTES}]
)
async def test_uploads_when_silent_for_an_hour_then_the_longest_silent_makes_room(
    make_world: Any, settings: dict[str, int]
) -> None:
    """What was begun and given up holds neither places nor bytes against others."""
    world = make_world(**settings)
    watch = Stopwatch()
    envelope = world.seal(files=(secrets.token_bytes(900_000),))
    large = world.seal(files=(secrets.token_bytes(2_000_000),))
    async with world.serve(monotonic=watch) as site:
        old, young = secrets.token_hex(16), secrets.token_hex(16)
        for upload_id in (old, young):
            await site.put(upload_id, size_bytes=len(large))
            assert (await site.patch(upload_id, large[:SLICE_BYTES], offset=0))[0] == 200
            watch.seconds += 1800
        watch.seconds = 3600
        assert (await site.upload(envelope))[0] == 503
        # Asking is not sending: it keeps no place.
        assert (await site.ask(old))[0] == 200
        watch.seconds = 3601
        assert await site.upload(envelope) == ARRIVED
        assert (await site.ask(old))[0] == 404
        assert await site.ask(young) == (200, {"state": "open", "offset": SLICE_BYTES})
        names = [path.name for path in (world.directory / "partial").iterdir()]
        assert names == [young]
        assert [key.hex() for key in await site.line.store.partial_uploads()] == [young]
