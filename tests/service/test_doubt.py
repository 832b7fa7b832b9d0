"""A commit that was made and said to have failed: the tip is stored once, and whole."""

from __future__ import annotations

import contextlib
import datetime
import errno
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from tests.stored import open_store
from tipline.service import envelope_files
from tipline.service.database import DATABASE_NAME, WAL_NAME
from tipline.service.rows import Rows
from tipline.service.sealed_envelopes import Sealed
from tipline.service.store import Arrival, StoredTip

SLICE_BYTES = 1024 * 1024
ARRIVED = (200, {"state": "arrived"})


class DoubtfulDatabase:
    """Makes each commit, and says of some that they failed, as a disk may."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.conn = database.conn
        self.failures = 0
        self._depth = 0

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        self._depth += 1
        try:
            with self.database.atomic():
                yield
        finally:
            self._depth -= 1
        if self._depth == 0 and self.failures:
            self.failures -= 1
            raise sqlite3.OperationalError("disk I/O error")


async def send_but_last(site: Any, upload_id: str, envelope: bytes) -> int:
    """Send an envelope up to its last slice."""
    await site.put(upload_id, size_bytes=len(envelope))
    last = (len(envelope) - 1) // SLICE_BYTES * SLICE_BYTES
    for offset in range(0, last, SLICE_BYTES):
        data = envelope[offset : offset + SLICE_BYTES]
        assert (await site.patch(upload_id, data, offset=offset))[0] == 200
    return last


def make_envelope(world: Any, file_bytes: int) -> bytes:
    """Text alone, a file in one slice, a file in several."""
    files = (secrets.token_bytes(file_bytes),) if file_bytes else ()
    envelope: bytes = world.seal(files=files)
    return envelope


async def check_stored_once(site: Any, world: Any, envelope: bytes) -> StoredTip:
    """One tip, whole, and nothing beside it."""
    tip: StoredTip
    (tip,) = await site.line.store.tips()
    assert await site.line.store.read_envelope(tip, offset=0, length=1 << 23) == envelope
    assert list((world.directory / "partial").iterdir()) == []
    names = [path.name for path in (world.directory / "envelopes" / "fresh").iterdir()]
    assert names == ([tip.id.hex()] if len(envelope) > 65536 else [])
    return tip


# Text, a file in one slice, a file in several: and how many commits are said to have failed until
# the service cannot find out any more and must say "busy".
@pytest.mark.parametrize(("file_bytes", "failures"), [(0, 2), (100_000, 3), (2_000_000, 3)])
@pytest.mark.parametrize("first", ["GET", "PUT", "PATCH"])
async def test_tip_when_nothing_can_be_found_out_then_the_retry_finds_it_stored_once(
    world: Any, monkeypatch: Any, file_bytes: int, failures: int, first: str
) -> None:
    """INV-05: the client that was told "busy" tries again, and makes no second tip."""
    envelope = make_envelope(world, file_bytes)
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        offset = await send_but_last(site, upload_id, envelope)
        writer = site.line.store._writer
        doubtful = DoubtfulDatabase(writer._database)
        monkeypatch.setattr(writer, "_database", doubtful)
        doubtful.failures = failures
        data = envelope[offset:]
        assert (await site.patch(upload_id, data, offset=offset))[0] == 503
        assert doubtful.failures == 0
        retries = {
            "GET": lambda: site.ask(upload_id),
            "PUT": lambda: site.put(upload_id, size_bytes=len(envelope)),
            "PATCH": lambda: site.patch(upload_id, data, offset=offset),
        }
        assert await retries[first]() == ARRIVED
        assert site.tips == [await check_stored_once(site, world, envelope)]
        for retry in retries.values():
            assert await retry() == ARRIVED
        assert site.tips == [await check_stored_once(site, world, envelope)]


@pytest.mark.parametrize(("file_bytes", "failures"), [(0, 2), (100_000, 3), (2_000_000, 3)])
async def test_tip_when_the_service_is_started_again_in_doubt_then_the_retry_finds_it(
    world: Any, monkeypatch: Any, file_bytes: int, failures: int
) -> None:
    """INV-05: what was committed is remembered by the next run, too, with its file."""
    envelope = make_envelope(world, file_bytes)
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        offset = await send_but_last(site, upload_id, envelope)
        writer = site.line.store._writer
        doubtful = DoubtfulDatabase(writer._database)
        monkeypatch.setattr(writer, "_database", doubtful)
        doubtful.failures = failures
        assert (await site.patch(upload_id, envelope[offset:], offset=offset))[0] == 503
        assert doubtful.failures == 0
        monkeypatch.undo()
    async with world.serve() as site:
        assert await site.patch(upload_id, envelope[offset:], offset=offset) == ARRIVED
        await check_stored_once(site, world, envelope)
        assert site.tips == []


async def test_tip_when_the_disk_is_full_at_the_retry_then_what_was_stored_stays_whole(
    world: Any, monkeypatch: Any
) -> None:
    """A retry never writes into the file of a tip that is stored already."""
    envelope = make_envelope(world, 2_000_000)
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        offset = await send_but_last(site, upload_id, envelope)
        writer = site.line.store._writer
        doubtful = DoubtfulDatabase(writer._database)
        monkeypatch.setattr(writer, "_database", doubtful)
        doubtful.failures = 3
        assert (await site.patch(upload_id, envelope[offset:], offset=offset))[0] == 503

        def refuse(descriptor: int, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "no room")

        monkeypatch.setattr(envelope_files, "write_all", refuse)
        assert await site.patch(upload_id, envelope[offset:], offset=offset) == ARRIVED
        await check_stored_once(site, world, envelope)


@contextlib.contextmanager
def leave_in_wal(directory: Path, copy: Path) -> Iterator[Database]:
    """Leave in the WAL what a commit leaves whose sync failed: SQLite itself forgets it."""
    copy.mkdir()
    for name in (DATABASE_NAME, WAL_NAME):
        shutil.copy(directory / name, copy / name)
    held = (copy / WAL_NAME).stat().st_size
    with contextlib.closing(sqlite3.connect(copy / DATABASE_NAME)) as connection:
        yield Database(connection)
        connection.commit()
        left = (copy / WAL_NAME).read_bytes()[held:]
    assert left
    with (directory / WAL_NAME).open("ab") as wal:
        wal.write(left)


async def test_store_when_a_commit_failed_and_it_crashes_then_nothing_names_a_file_that_is_gone(
    short_path: Path, monkeypatch: Any
) -> None:
    """INV-05: an upload that is remembered after a crash has its envelope, or is not remembered."""
    day = datetime.date(2031, 3, 14)
    directory, crashed = short_path / "line", short_path / "crashed"
    directory.mkdir()
    tip = StoredTip(
        id=b"t" * 16,
        arrived_on=day,
        dies_on=day,
        size_bytes=1 << 18,
        channel="city",
        sealed_by_service=False,
        keyset=1,
    )
    arrival = Arrival(upload_id=b"u" * 16, answer_dies_on=day, tip=tip)
    store = open_store(directory, today=lambda: day)
    rows, add = store._arriving._rows, store._arriving._add_arrival

    def fail(arrival: Arrival, sealed: Sealed) -> None:
        with leave_in_wal(directory, short_path / "copy") as database:
            store._arriving._rows = Rows(database)
            add(arrival, sealed)
        store._arriving._rows = rows
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store._arriving, "_add_arrival", fail)
    with pytest.raises(sqlite3.OperationalError):
        await store.add_whole(arrival, bytes(tip.size_bytes))
    shutil.copytree(directory, crashed)
    store.close()

    store = open_store(crashed, today=lambda: day)
    try:
        assert not await store.remembers(arrival.upload_id)
        assert await store.tips() == []
    finally:
        store.close()
