"""What happened to the slot file is told to whoever serves the line."""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.secret import Secret
from crypto.stored import SLICE_BYTES
from retention.errors import SlotError
from retention.log.entry import EntryType, make_statement
from retention.slot import NO_ROOT, Slot, SlotKind, encode_day_label, encode_slot
from tests.service.conftest import World
from tests.stored import open_slots
from tipline.errors import InstanceError

SLOT_BYTES = 4096


async def test_line_when_its_mirror_was_lost_then_it_is_rebuilt_and_said(
    make_world: Callable[..., World], short_path: Path
) -> None:
    """A tip outlives the loss of either disk of keys, and the operator is told."""
    world = make_world(slots__mirror="mirror")
    envelope = world.seal()
    async with world.serve() as site:
        await site.upload(envelope)
        assert len(site.tips) == 1
    for name in ("mirror", "slots"):
        (world.directory / name / "slot-file").unlink()
        told: list[object] = []
        async with world.serve(report=told.append) as site:
            assert envelope in await site.fetch_bundle()
        assert [getattr(one, "code", one) for one in told] == ["slot_file_rebuilt"]


async def test_line_when_a_key_cannot_be_read_then_it_is_said(world: World) -> None:
    """A damaged key is named at the start; the line serves what it still can."""
    descriptor = os.open(world.directory / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, b"x" * SLOT_BYTES, 5 * SLOT_BYTES)
    os.close(descriptor)
    told: list[object] = []
    async with world.serve(report=told.append):
        pass

    assert [(getattr(one, "code", one), getattr(one, "facts", one)) for one in told] == [
        ("slot_damaged", {"slot": 5})
    ]


async def test_line_when_its_slot_file_is_gone_then_it_does_not_start(world: World) -> None:
    """Without keys nothing that is stored opens: nobody serves as if nothing had been."""
    (world.directory / "slots" / "slot-file").unlink()
    with pytest.raises(SlotError) as caught:
        async with world.serve():
            pass

    assert caught.value.code == "slot_file_missing"


@pytest.mark.parametrize("left", [None, b""])
async def test_line_when_its_database_is_gone_then_it_does_not_start_and_no_key_dies(
    world: World, left: bytes | None
) -> None:
    """An empty database in its place would make every key one that no row names."""
    envelope = world.seal()
    async with world.serve() as site:
        await site.upload(envelope)
    database = world.directory / "tipline.db"
    rows = database.read_bytes()
    database.unlink()
    if left is not None:
        database.write_bytes(left)
    with pytest.raises(InstanceError) as caught:
        async with world.serve():
            pass
    assert caught.value.code == "instance_database"

    database.write_bytes(rows)
    database.chmod(0o600)
    async with world.serve() as site:
        assert envelope in await site.fetch_bundle()


async def test_line_when_the_key_of_a_day_to_come_is_missing_then_it_is_named_and_logged(
    world: World,
) -> None:
    """A key that is lost before its day is not replaced in silence; what it opened goes."""
    async with world.serve() as site:
        await site.upload(world.seal())
        (tip,) = site.tips
    slots = open_slots(world.directory)
    number = slots.find(SlotKind.DAY)[encode_day_label(tip.dies_on)]
    slots.close()
    descriptor = os.open(world.directory / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, bytes(SLOT_BYTES), number * SLOT_BYTES)
    os.close(descriptor)
    told: list[object] = []
    async with world.serve(report=told.append) as site:
        assert await site.line.store.tips() == []
        waiting = [statement.type for statement in site.line.log.read_queue()]
    assert [(getattr(one, "code", one), getattr(one, "facts", one)) for one in told] == [
        ("day_key_lost", {"day": tip.dies_on.isoformat(), "count": 1})
    ]
    assert EntryType.LOST_KEYS in waiting
    told = []
    async with world.serve(report=told.append):
        pass
    assert told == []


async def take_secret(world: World, tip_id: bytes, content: bytes) -> None:
    """Write over the slot of a tip's own secret, behind the line's back."""
    (number,) = [row[0] for row in query(world, "SELECT slot FROM tips WHERE id = ?", tip_id)]
    descriptor = os.open(world.directory / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, content, number * SLOT_BYTES)
    os.close(descriptor)


def query(world: World, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask the line's database, which nobody has open."""
    with contextlib.closing(sqlite3.connect(world.directory / "tipline.db")) as database:
        rows = database.execute(text, values).fetchall()
        database.commit()
    return rows


OTHER = encode_slot(
    Slot(kind=SlotKind.RECORD, label=b"x" * 16, root_id=NO_ROOT, body=Secret(b"x" * 32))
)


@pytest.mark.parametrize("content", [bytes(SLOT_BYTES), OTHER, b"torn" * 1024])
async def test_line_when_a_records_own_secret_is_missing_then_it_is_named_and_logged(
    world: World, content: bytes
) -> None:
    """One tip alone is lost, which no day tells; it goes, its neighbours stay, it is told once."""
    async with world.serve() as site:
        envelopes = [world.seal("one"), world.seal("two")]
        for envelope in envelopes:
            await site.upload(envelope)
        bundle = await site.fetch_bundle()
        assert all(envelope in bundle for envelope in envelopes)
        lost = site.tips[0]
    await take_secret(world, lost.id, content)
    told: list[object] = []
    async with world.serve(report=told.append) as site:
        assert lost.id not in {tip.id for tip in await site.line.store.tips()}
        bundle = await site.fetch_bundle()
        assert sum(one in bundle for one in envelopes) == 1
        waiting = [statement.type for statement in site.line.log.read_queue()]
    assert [(getattr(one, "code", one), getattr(one, "facts", one)) for one in told] == [
        ("record_keys_lost", {"count": 1})
    ]
    assert EntryType.LOST_KEYS in waiting
    told = []
    async with world.serve(report=told.append):
        pass
    assert told == []
    assert query(world, "SELECT count(*) FROM tips") == [(1,)]


@pytest.mark.parametrize("ended_by", [None, "deleted"])
async def test_line_when_a_purge_was_cut_short_behind_the_keys_then_nothing_is_lost(
    world: World, ended_by: str | None
) -> None:
    """Keys go before rows: what a purge was letting go when the power went is no loss."""
    async with world.serve() as site:
        await site.upload(world.seal())
        (tip,) = site.tips
    await take_secret(world, tip.id, bytes(SLOT_BYTES))
    today = world.clock.today.isoformat()
    query(world, "UPDATE tips SET dies_on = ?, ended_by = ?", today, ended_by)
    told: list[object] = []
    async with world.serve(report=told.append) as site:
        waiting = [statement.type for statement in site.line.log.read_queue()]
        assert await site.line.store.tips() == []
    assert told == []
    assert EntryType.LOST_KEYS not in waiting


async def test_line_when_a_text_of_the_log_lost_its_secret_then_it_is_named_and_goes(
    world: World,
) -> None:
    """What the auditor would be given for a day cannot be opened any more, and that is told."""
    async with world.serve() as site:
        await site.line.daily.queue(make_statement(EntryType.BACKUP, on=world.clock.today))
        world.clock.now += datetime.timedelta(days=1)
        await site.line.daily.catch_up(hour=0, now_hour=1)
    slots = query(world, "SELECT slot FROM log_texts")
    number, before = slots[0][0], len(slots)
    descriptor = os.open(world.directory / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, bytes(SLOT_BYTES), number * SLOT_BYTES)
    os.close(descriptor)
    told: list[object] = []
    async with world.serve(report=told.append):
        pass
    assert [getattr(one, "code", one) for one in told] == ["record_keys_lost"]
    assert query(world, "SELECT count(*) FROM log_texts") == [(before - 1,)]


async def test_line_when_an_upload_lost_its_secret_then_its_source_begins_again(
    world: World,
) -> None:
    """It cannot be told from one that was being let go; so it goes without a word."""
    envelope = world.seal(files=(bytes(5 << 20),))
    async with world.serve() as site:
        await site.put("ab" * 16, size_bytes=len(envelope))
        await site.patch("ab" * 16, envelope[:SLICE_BYTES], offset=0)
    ((number,),) = query(world, "SELECT slot FROM uploads")
    descriptor = os.open(world.directory / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, bytes(SLOT_BYTES), number * SLOT_BYTES)
    os.close(descriptor)
    told: list[object] = []
    async with world.serve(report=told.append) as site:
        assert EntryType.LOST_KEYS not in [one.type for one in site.line.log.read_queue()]
        assert await site.line.store.partial_uploads() == {}
    assert told == []
