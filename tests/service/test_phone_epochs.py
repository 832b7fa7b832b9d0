"""The end of an epoch on a line that is served: done on its day, told by the log, seen by audit."""

from __future__ import annotations

from typing import Any

from retention.log.entry import EntryType
from retention.policy import EVENTS, Event, RecordClass
from tests.service.phones import NUMBER, call_line, install_webhook, message
from tests.service.test_backup import ask
from tests.service.test_operator import later
from tipline.gateway.numbers import parse_sender

EPOCH_DAYS = 5
PERIODS = {
    **{name: dict.fromkeys(events, 90) for name, events in EVENTS.items()},
    RecordClass.RAW_NUMBER: {Event.RECEIVED: 3},
    RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: 2},
    RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: EPOCH_DAYS},
}


async def test_epoch_when_it_ends_then_the_log_tells_it_once_and_the_next_begins_by_itself(
    make_world: Any,
) -> None:
    """The log names the day on which the epoch began, and says nothing of who wrote in it."""
    world = make_world(periods=PERIODS)
    install_webhook(world.directory)
    begun_on = world.clock.today
    async with world.serve() as site, call_line(world) as caller:
        conversations = site.line.store._conversations
        assert await caller.post(message("one")) == 200
        await conversations.handles.wait_empty()
        (first,) = site.line.store._keys.epochs()
        later(world, EPOCH_DAYS + 1)
        await ask(site, "purge")
        await ask(site, "purge")
        told = [one for one in site.line.log.read_queue() if one.type is EntryType.EPOCH]
        assert [dict(one.fields) for one in told] == [
            {
                "on": world.clock.today.isoformat(),
                "epoch": begun_on.isoformat(),
                "method": "overwritten",
                "late_days": 1,
            }
        ]
        (second,) = site.line.store._keys.epochs()
        assert second != first
        assert [tip.pseudonym for tip in await site.line.store.tips()] == [None]
        assert not conversations.find(parse_sender(NUMBER, "MX"), "city").continues
    async with world.serve() as site:
        assert len(site.line.log.list_statements(EntryType.EPOCH)) == 1


async def test_line_when_it_has_no_phones_then_it_has_no_epoch(world: Any) -> None:
    """Without gateways nothing of theirs comes into being."""
    async with world.serve() as site:
        later(world, 1)
        await ask(site, "purge")
        assert site.line.store._keys.epochs() == set()
