"""The end of an epoch on a line that is served: done on its day, told by the log, seen by audit."""

from __future__ import annotations

import asyncio
import datetime
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.log.entry import EntryType
from retention.policy import EVENTS, Event, RecordClass
from tests.service.phones import NUMBER, call_line, install_webhook, message, open_envelope
from tests.service.test_backup import Backups, ask
from tests.service.test_conversations import (
    BEGIN,
    PROMISES,
    Calendar,
    handles,
    keep,
    open_phones,
    read_all,
    sender,
    settle,
)
from tests.service.test_conversations import EPOCH_DAYS as STORE_EPOCH_DAYS
from tests.service.test_operator import later
from tipline.gateway.numbers import parse_sender
from tipline.service.adopting import date_back

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


class Ticking(Calendar):
    """A calendar on which the day is over when it was asked for so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.left: float = float("inf")

    def __call__(self) -> datetime.date:
        if self.left == 0:
            self.turn(1)
        self.left -= 1
        return self.today


@pytest.mark.parametrize("asked", range(14))
async def test_message_when_midnight_passes_while_it_is_stored_then_it_has_one_days_handle(
    short_path: Path, asked: int
) -> None:
    """However the day turns under it, its handle is of an epoch that lasts on the tip's day."""
    calendar = Ticking()
    async with open_phones(short_path, calendar) as (store, conversations):
        first = await keep(conversations, sender())
        await settle(conversations)
        old = (await handles(store))[first.id]
        calendar.turn(STORE_EPOCH_DAYS - 1)
        edge = calendar.today
        calendar.left = asked
        tip = await keep(conversations, sender())
        calendar.left = float("inf")
        await settle(conversations)
        pseudonym = (await handles(store))[tip.id]
        assert pseudonym is not None
        assert (pseudonym == old) is (tip.arrived_on == edge)
        calendar.today = edge + datetime.timedelta(days=1)
        assert (await store.purge_due(promises=PROMISES, today=calendar())).failures == ()
        expected = None if tip.arrived_on == edge else pseudonym
        assert await handles(store) == {first.id: None, tip.id: expected}
    assert old is not None
    assert old not in read_all(short_path)


@pytest.mark.parametrize("moment", ["before its row goes", "after it"])
async def test_epoch_when_a_message_is_stored_while_it_ends_then_nothing_of_it_stays(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """What was begun on its last day and is kept after its key died, is a tip without a handle."""
    calendar = Calendar()
    async with open_phones(short_path, calendar) as (store, conversations):
        await keep(conversations, sender())
        await settle(conversations)
        (epoch,) = store._keys.epochs()
        calendar.turn(STORE_EPOCH_DAYS - 1)
        reached, go_on = asyncio.Event(), asyncio.Event()
        add, destroy = store._arriving.add_received, store._dying_epochs.destroy

        async def wait(*given: Any, **named: Any) -> bool:
            reached.set()
            await go_on.wait()
            return await add(*given, **named)

        async def destroy_then_keep(*given: Any) -> None:
            await destroy(*given)
            go_on.set()
            await keeping

        monkeypatch.setattr(store._arriving, "add_received", wait)
        keeping = asyncio.create_task(keep(conversations, sender()))
        await reached.wait()
        calendar.turn(1)
        if moment == "before its row goes":
            monkeypatch.setattr(store._dying_epochs, "destroy", destroy_then_keep)
        assert (await store.purge_due(promises=PROMISES, today=calendar())).failures == ()
        go_on.set()
        late = await keeping
        await settle(conversations)
        assert (await handles(store))[late.id] is None
        assert conversations.find(sender(), "city").continues
    assert epoch not in read_all(short_path)


class Clocks:
    """A wall clock that somebody sets, and time that passes."""

    def __init__(self, world: Any) -> None:
        self.world, self.passed = world, datetime.timedelta()

    def boot(self) -> tuple[str, datetime.timedelta]:
        """Tell how long the machine has been up."""
        return "b007", datetime.timedelta(days=70) + self.passed

    def step(self, days: int) -> None:
        """Set the wall clock."""
        later(self.world, days)

    def pass_days(self, days: int) -> None:
        """Let time pass."""
        later(self.world, days)
        self.passed += datetime.timedelta(days=days)


async def read_handles(world: Any, site: Any) -> dict[str, bytes | None]:
    """Of each tip's text the pseudonym of its sender."""
    known = {}
    for stored in await site.line.store.tips():
        sealed = await site.line.store.read_envelope(stored, offset=0, length=stored.size_bytes)
        tip, _ = open_envelope(sealed, reader=world.reader)
        known[tip.text] = stored.pseudonym
    return known


async def write(caller: Any, site: Any, text: str) -> None:
    """Let somebody write, and wait for the handle."""
    assert await caller.post(message(text, number=text)) == 200
    async with asyncio.timeout(30):
        await site.line.store._conversations.handles.wait_empty()


@pytest.mark.parametrize("ahead_days", [1, 40])
async def test_epoch_when_the_clock_is_set_over_its_edge_and_back_then_each_dies_on_its_day(
    make_world: Any, ahead_days: int
) -> None:
    """
    A clock that is wrong ends no epoch early and revives none; what it began lasts no longer than
    was promised, counted from the day on which the clock is right again.
    """
    world = make_world(periods=PERIODS)
    install_webhook(world.directory)
    clocks = Clocks(world)
    async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
        keys = site.line.store._keys
        await write(caller, site, "one")
        (first,) = keys.epochs()
        clocks.pass_days(EPOCH_DAYS - 1)
        await write(caller, site, "two")
        clocks.step(ahead_days)
        await ask(site, "purge")
        (second,) = keys.epochs() - {first}
        known = await read_handles(world, site)
        assert known["one"] == known["two"] is not None
        if ahead_days == 1:  # else nobody knows whether the keyset is in force, and none is taken
            await write(caller, site, "ahead")
            assert (await read_handles(world, site))["ahead"] not in (None, known["one"])
        clocks.step(-ahead_days)
        await write(caller, site, "back")
        assert keys.epochs() == {first, second}
        fresh = (await read_handles(world, site))["back"]
        assert fresh not in (None, known["one"])
        clocks.pass_days(1)  # the end of the first
        promises = await site.line.store.promises()
        moved = await date_back(site.line.store, promises=promises, today=world.clock.today)
        assert moved == (ahead_days == 40)
        await ask(site, "purge")
        assert keys.epochs() == {second}
        ahead = {"ahead": fresh} if ahead_days == 1 else {}
        known = await read_handles(world, site)
        assert known == {"one": None, "two": None, "back": fresh} | ahead
        clocks.pass_days(EPOCH_DAYS - 1)
        await write(caller, site, "last day")
        assert (await read_handles(world, site))["last day"] == fresh
        clocks.pass_days(1)
        await write(caller, site, "next")  # before any purge
        assert (await read_handles(world, site))["next"] not in (None, fresh)
        await ask(site, "purge")
        assert second not in keys.epochs()
        handles_left = await read_handles(world, site)
        assert {text for text, one in handles_left.items() if one is not None} == {"next"}


async def test_message_when_its_provider_repeats_it_for_days_then_it_is_one_tip(
    make_world: Any, tmp_path: Path
) -> None:
    """Over the end of an epoch, restarts and a restore, as long as its mark is kept."""
    mark_days = EPOCH_DAYS
    world = make_world(
        periods={
            **PERIODS,
            RecordClass.RAW_NUMBER: {Event.RECEIVED: mark_days},
            RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: mark_days},
        }
    )
    install_webhook(world.directory)
    backups = Backups(world, tmp_path)
    clocks, first_day = Clocks(world), world.clock.today

    async def bring(caller: Any, text: str, place: int) -> None:
        part = {"reference": "r", "number": place, "of": 2}
        assert await caller.post(message(text, number=text, part=part)) == 200

    async def repeat(caller: Any, site: Any) -> None:
        for _ in range(2):
            assert await caller.post(message("one", number="one")) == 200
            await bring(caller, "half", 2)
            await bring(caller, "first ", 1)
        assert sorted(await read_handles(world, site)) == ["first half", "one"]

    async with world.serve(boot_clock=clocks.boot):
        pass  # the epoch begins
    clocks.pass_days(2)
    async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
        await repeat(caller, site)
        (ended,) = site.line.store._keys.epochs()
        out = await backups.make(site)
    for _ in range(mark_days - 1):
        clocks.pass_days(1)
        async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
            await repeat(caller, site)
            await ask(site, "purge")
            await repeat(caller, site)
    assert world.clock.today > first_day + datetime.timedelta(days=EPOCH_DAYS)
    backups.lose_database()
    await backups.put_back(out)
    async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
        await repeat(caller, site)
        assert ended not in site.line.store._keys.epochs()
        assert set((await read_handles(world, site)).values()) == {None}
    clocks.pass_days(1)
    async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
        # Its mark is gone, as the policy says: what has its id now is a new message.
        assert await caller.post(message("late", number="one")) == 200
        assert sorted(await read_handles(world, site)) == ["first half", "late", "one"]
