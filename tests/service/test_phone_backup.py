"""A line with phones, backed up and put back: nothing that died of a sender comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retention.log.entry import EntryType
from retention.slot import SlotKind
from tests.service.phones import NUMBER, call_line, install_webhook, message, open_tips
from tests.service.test_backup import Backups
from tests.service.test_operator import later
from tipline.doctor import examine
from tipline.gateway.numbers import parse_sender
from tipline.gateway.settings import GATEWAYS_NAME

EPOCH_DAYS = 90  # of the line in conftest.py
SENDER = parse_sender(NUMBER, "MX")


@pytest.fixture
def backups(world: Any, tmp_path: Path) -> Backups:
    """Of the line of the test."""
    return Backups(world, tmp_path)


def known(site: Any) -> Any:
    """The conversations of a running line."""
    return site.line.store._conversations


def look(world: Any) -> set[str]:
    """Tell what the doctor finds."""
    return {one.code for one in examine(world.directory, clock=world.clock)}


async def test_restore_when_nothing_died_then_the_conversation_goes_on(
    world: Any, backups: Backups
) -> None:
    """Settings, secrets, windows, handles and marks of messages come back."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        conversation = known(site).find(SENDER, "city").conversation
        out = await backups.make(site)
        (before,) = await site.line.store.tips()
    backups.lose_database()
    (world.directory / GATEWAYS_NAME).unlink()
    done = await backups.put_back(out)
    assert (done.kept, dict(done.dead)) == (1, {})
    async with world.serve() as site, call_line(world) as caller:
        assert await site.line.store.tips() == [before]
        assert before.pseudonym is not None
        standing = known(site).find(SENDER, "city")
        assert (standing.conversation, standing.continues) == (conversation, True)
        assert await caller.post(message("one")) == 200  # its provider repeats it
        assert await caller.post(message("two", number="a2")) == 200
        await known(site).handles.wait_empty()
        tips = await site.line.store.tips()
        assert [tip.pseudonym for tip in tips] == [before.pseudonym] * 2
        assert [tip.text for tip in await open_tips(world, site)] == ["one", "two"]


async def test_restore_when_a_sender_ended_it_since_then_the_number_does_not_come_back(
    world: Any, backups: Backups
) -> None:
    """STOP after the backup: its row is in there, its secret is nowhere."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        conversation = known(site).find(SENDER, "city").conversation
        out = await backups.make(site)
        assert await caller.post(message("STOP", number="a2")) == 200
    backups.lose_database()
    done = await backups.put_back(out)
    assert done.dead == {"raw_number": 1}
    async with world.serve() as site:
        assert await known(site).read_sender(conversation) is None
        assert not known(site).find(SENDER, "city").continues
        assert len(await site.line.store.tips()) == 1


async def test_restore_when_the_epoch_ended_since_then_no_tip_has_a_handle_and_another_begins(
    world: Any, backups: Backups
) -> None:
    """The pseudonyms of an epoch whose key is gone are taken out before anything is served."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        out = await backups.make(site)
        (before,) = await site.line.store.tips()
        slots = site.line.store._slots
        (ended,) = slots.find(SlotKind.EPOCH)
        slots.destroy([(0, SlotKind.EPOCH, ended)])
    backups.lose_database()
    await backups.put_back(out)
    assert before.pseudonym is not None
    assert before.pseudonym not in (world.directory / "tipline.db").read_bytes()
    async with world.serve() as site, call_line(world) as caller:
        assert [tip.pseudonym for tip in await site.line.store.tips()] == [None]
        (fresh,) = site.line.store._slots.find(SlotKind.EPOCH)
        assert fresh != ended
        assert await caller.post(message("two", number="a2")) == 200
        await known(site).handles.wait_empty()
        assert known(site).find(SENDER, "city").continues


async def test_line_when_its_epoch_key_is_missing_then_it_is_loud_and_takes_messages(
    world: Any,
) -> None:
    """Each start says it, the log says it once, and who writes is taken without a handle."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        slots = site.line.store._slots
        slots.destroy([(0, SlotKind.EPOCH, one) for one in slots.find(SlotKind.EPOCH)])
    assert "keys_lost" not in look(world)
    for count in (1, 2):
        told: list[Any] = []
        async with world.serve(report=told.append) as site, call_line(world) as caller:
            assert await caller.post(message("two", number=f"b{count}")) == 200
            waiting = [statement.type for statement in site.line.log.read_queue()]
            tips = await site.line.store.tips()
        assert [getattr(one, "code", one) for one in told] == ["epoch_key_lost"]
        assert waiting.count(EntryType.LOST_KEYS) == 1
        assert [tip.pseudonym for tip in tips].count(None) == count
    assert "keys_lost" in look(world)
    later(world, EPOCH_DAYS)
    assert "keys_lost" not in look(world)
