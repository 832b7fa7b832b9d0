"""What happened to the slot file is told to whoever serves the line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retention.errors import SlotError
from retention.log.entry import EntryType
from retention.slot import SlotKind, encode_day_label
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
