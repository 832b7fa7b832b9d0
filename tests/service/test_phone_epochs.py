"""The end of an epoch on a line that is served: done on its day, told by the log, seen by audit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.log.entry import EntryType
from retention.policy import EVENTS, Event, RecordClass
from tests.service.phones import NUMBER, call_line, install_webhook, message
from tests.service.test_backup import ask
from tests.service.test_conversations import (
    BEGIN,
    PROMISES,
    Calendar,
    keep,
    open_phones,
    sender,
    settle,
)
from tests.service.test_conversations import EPOCH_DAYS as STORE_EPOCH_DAYS
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


@pytest.mark.parametrize("step", range(6))
async def test_epoch_when_its_end_fails_at_any_step_then_the_next_run_ends_it(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The key dies first; what is left then is unlinkable, and is finished by the next purge."""
    calendar = Calendar()
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        await settle(conversations)
        calendar.turn(STORE_EPOCH_DAYS)
        dying, keys = store._dying_epochs, store._keys
        reached = itertools.count()

        def fail(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                if next(reached) == step:
                    raise OSError(5, "Input/output error")
                return real(*given, **named)

            return call

        monkeypatch.setattr(keys, "destroy_epochs", fail(keys.destroy_epochs))
        monkeypatch.setattr(dying, "_clear", fail(dying._clear))
        monkeypatch.setattr(dying, "note", fail(dying.note))
        report = await store.purge_due(promises=PROMISES, today=calendar())
        happened = next(reached) > step
        assert bool(report.failures) == happened
        assert bool(report.epochs) != happened
        assert report.failed_count == int(happened)
        if step > 0:
            assert len(keys.epochs()) == 1  # of the next epoch
        monkeypatch.undo()
    async with open_phones(short_path, calendar) as (store, _):
        again = await store.purge_due(promises=PROMISES, today=calendar())
        assert again.failures == ()
        assert [ended.begun_on for ended in again.epochs] == [BEGIN]
        assert {one.id: one.pseudonym for one in await store.tips()} == {tip.id: None}
        assert len(store._keys.epochs()) == 1
        assert store._database.execute("SELECT count(*) FROM epochs").fetchone() == (1,)
