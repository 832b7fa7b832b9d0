"""A policy that changes, and a clock that was ahead: what was promised is kept."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from retention.plan import Move
from retention.policy import EVENTS, Event, RecordClass
from tipline.clock import Clock
from tipline.errors import InstanceError
from tipline.example import format_policy
from tipline.service.answers import NOT_IN_FORCE
from tipline.service.sqlite_store import SqliteStore

DAY = datetime.timedelta(days=1)


def write_policy(world: Any, *, arrived: int, picked_up: int) -> None:
    """Put the operator's policy into the line's directory."""
    periods = {name: dict.fromkeys(events, 90) for name, events in EVENTS.items()}
    for name in (RecordClass.SEALED_TIP, RecordClass.ATTACHMENT):
        periods[name] = {Event.ARRIVED: arrived, Event.PICKED_UP: picked_up}
    for name in (RecordClass.PARTIAL_UPLOAD, RecordClass.UPLOAD_ANSWER):
        periods[name] = dict.fromkeys(EVENTS[name], 2)
    text = format_policy(periods, translate=lambda text: text)
    (world.directory / "policy.toml").write_bytes(text)


async def find_days(world: Any) -> list[int]:
    """Serve the line and tell in how many days each tip dies."""
    async with world.serve() as site:
        return sorted(
            (tip.dies_on - world.clock.today).days for tip in await site.line.store.tips()
        )


async def test_policy_when_it_becomes_shorter_then_what_is_stored_dies_earlier_and_still_opens(
    world: Any,
) -> None:
    """INV-14: at the next start the shorter policy reaches texts and files; both can be fetched."""
    text, large = world.seal(), world.seal(files=(secrets.token_bytes(300_000),))
    async with world.serve() as site:
        await site.upload(text)
        await site.upload(large)
    write_policy(world, arrived=30, picked_up=7)
    world.clock.now += 5 * DAY
    assert await find_days(world) == [25, 25]
    async with world.serve() as site:
        held = [
            await site.line.store.read_envelope(tip, offset=0, length=tip.size_bytes)
            for tip in await site.line.store.tips()
        ]
    assert sorted(map(len, held)) == sorted([len(text), len(large)])
    assert set(held) == {text, large}


async def test_policy_when_it_becomes_shorter_than_what_has_passed_then_it_goes_at_the_start(
    world: Any,
) -> None:
    """What is past its new day is never served again."""
    async with world.serve() as site:
        await site.upload(world.seal())
    write_policy(world, arrived=14, picked_up=7)
    world.clock.now += 20 * DAY
    assert await find_days(world) == []


async def test_policy_when_it_becomes_longer_then_only_what_comes_is_kept_longer(
    world: Any,
) -> None:
    """INV-14: a longer period, of arrival or of pick-up, reaches nothing that came before."""
    write_policy(world, arrived=30, picked_up=7)
    async with world.serve() as site:
        await site.upload(world.seal())
    world.clock.now += 1 * DAY
    write_policy(world, arrived=60, picked_up=40)
    async with world.serve():
        pass
    world.clock.now += 1 * DAY
    async with world.serve() as site:
        await site.upload(world.seal())
        store: SqliteStore = site.line.store
        promises = await store.promises()
        assert promises is not None
        tips = await store.tips()
        assert sorted((tip.dies_on - world.clock.today).days for tip in tips) == [28, 60]
        await store.pick_up([tip.id for tip in tips], promises=promises, today=world.clock.today)
        tips = await store.tips()
        assert sorted((tip.dies_on - world.clock.today).days for tip in tips) == [7, 40]


async def test_policy_when_nothing_changed_then_no_second_one_is_noted(world: Any) -> None:
    """Each start reads the policy; only a change is noted."""
    for _ in range(3):
        async with world.serve() as site:
            promises = await site.line.store.promises()
    assert len(promises.adopted) == 1
    write_policy(world, arrived=30, picked_up=7)
    async with world.serve() as site:
        promises = await site.line.store.promises()
    assert [adopted.on for adopted in promises.adopted] == [world.clock.today] * 2


async def test_policy_when_the_start_breaks_off_then_the_next_one_moves_the_rest(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy is noted last: until then every start moves what is not moved yet."""
    async with world.serve() as site:
        await site.upload(world.seal("one"))
        await site.upload(world.seal("two"))
    write_policy(world, arrived=30, picked_up=7)
    move = SqliteStore.move

    async def break_off(self: SqliteStore, moves: Sequence[Move]) -> None:
        await move(self, moves[:1])
        raise InstanceError("instance_checkpoint")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "move", break_off)
        with pytest.raises(InstanceError):
            await find_days(world)
    assert await find_days(world) == [30, 30]


class Jumping:
    """A wall clock beside a world's boot clock, which a test sets ahead."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ahead = datetime.timedelta()

    def __call__(self) -> datetime.datetime:
        return self.clock() + self.ahead


async def test_clock_when_it_was_ahead_and_is_set_right_then_what_it_dated_is_dated_back(
    world: Any,
) -> None:
    """A tip that came under a wrong clock dies as if it came on the day of the mending."""
    wall = Jumping(world.clock)
    async with world.serve(clock=wall) as site:
        await site.upload(world.seal("before"))
        wall.ahead = 20 * DAY
        await site.upload(world.seal("meanwhile"))
        days = [(tip.arrived_on - world.clock.today).days for tip in await site.line.store.tips()]
        assert sorted(days) == [0, 20]
    world.clock.now += 1 * DAY
    async with world.serve(clock=wall) as site:
        assert len(await site.line.store.tips()) == 2
    wall.ahead = 0 * DAY
    assert await find_days(world) == [89, 90]


async def test_clock_when_it_is_a_year_ahead_then_nothing_dies_and_the_keyset_is_not_taken(
    world: Any,
) -> None:
    """A wrong clock ends no tip; but a keyset that it calls expired is not used."""
    wall = Jumping(world.clock)
    async with world.serve(clock=wall) as site:
        await site.upload(world.seal())
    wall.ahead = 365 * DAY
    async with world.serve(clock=wall) as site:
        assert len(await site.line.store.tips()) == 1
        assert (await site.put(secrets.token_hex(16)))[0] == NOT_IN_FORCE.status
