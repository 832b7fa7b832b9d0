"""The end of a line: announced, called off, taken by itself, and what is served afterwards."""

from __future__ import annotations

import asyncio
import datetime
import os
from collections.abc import Callable
from typing import Any

import pytest

from retention.log.entry import CloseStep, EntryType, encode_entry
from retention.policy import EVENTS, Event, RecordClass
from tests.service.conftest import World, open_session
from tests.service.test_operator import ask, hold, later, send, stored
from tipline.audit.findings import Kind
from tipline.audit.replay import Replay
from tipline.closing import Closing, load_closing, save_closing
from tipline.ending_operations import MAX_AHEAD_DAYS
from tipline.errors import InstanceError
from tipline.instance import Instance, load_log_signer, load_signer
from tipline.keysets import KEYSET_NAME
from tipline.log_store import LogStore
from tipline.service.closed_line import open_closed_line
from tipline.service.day_book import DayBook
from tipline.service.ending import LineEnding, is_shut, shut

SHORT = (RecordClass.PARTIAL_UPLOAD, RecordClass.UPLOAD_ANSWER)
ON_DAYS = 3
TIP_DAYS = 6
PERIODS = {
    **{
        record_class: dict.fromkeys(events, 2 if record_class in SHORT else TIP_DAYS)
        for record_class, events in EVENTS.items()
    },
    # Longer than the line lives: when it ends, there are texts whose day is still to come.
    RecordClass.LOG_TEXT: {Event.LOGGED: 30},
}


async def sleep_for_good(seconds: float) -> None:
    """Let the line's own loops sleep: the test makes the batches."""
    await asyncio.Event().wait()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A line whose days are soon over."""
    return make_world(periods=PERIODS)


def list_steps(site: Any) -> list[str]:
    """Tell what the log says of the end."""
    told = list(site.line.log.read_told(since=datetime.date.min))
    return [
        entry.statement.fields["step"] for entry in told if entry.statement.type is EntryType.CLOSE
    ]


async def batch(world: Any, site: Any) -> None:
    """Purge and make today's batch, as the night does."""
    await ask(site, "purge")
    await site.line.daily.catch_up(hour=0, now_hour=1)


async def reach_last_day(world: Any, site: Any) -> None:
    """Go through the end of a line without tips, up to the last batch's day."""
    await announce(world, site)
    later(world, ON_DAYS)
    await batch(world, site)
    later(world, TIP_DAYS)
    await ask(site, "purge")


def list_told(site: Any) -> list[str]:
    """Tell the last batch's events, by type or step."""
    told = [entry.statement for entry in site.line.log.read_told(since=datetime.date.max)]
    return [str(one.fields.get("step", one.type)) for one in told]


def judge(world: Any, site: Any) -> set[Kind]:
    """Let the auditor's verifier judge the log, but for the days that the test leaps over."""
    log = site.line.log
    replay = Replay(log=log.verifier.format(), root=None, today=world.clock.today)
    for entry in log.read_entries():
        replay.take(encode_entry(entry))
    replay.end_batch()
    return {one.kind for one in replay.judge().listed} - {Kind.DOWNTIME, Kind.LATE}


async def announce(world: Any, site: Any) -> str:
    """Announce the end in ten days."""
    on = (world.clock.today + datetime.timedelta(days=ON_DAYS)).isoformat()
    await ask(site, "close-announce", on=on)
    return on


async def test_close_when_announced_then_it_can_be_called_off_until_its_day(world: Any) -> None:
    """Both are said in the notice and in the log; on the day it is too late."""
    async with world.serve(sleep=sleep_for_good) as site:
        with pytest.raises(InstanceError, match="close_not_begun"):
            await ask(site, "close-cancel")
        with pytest.raises(InstanceError, match="close_day_past"):
            await ask(site, "close-announce", on=world.clock.today.isoformat())
        on = await announce(world, site)
        async with site.source.get("/notice") as response:
            assert await response.json() == {"v": 1, "step": "announced", "on": on}
        assert (await ask(site, "close-cancel"))["on"] == on
        async with site.source.get("/notice") as response:
            assert (await response.json())["step"] == "cancelled"
        later(world, ON_DAYS + 1)
        await batch(world, site)
        await send(world, site)  # it goes on
        on = await announce(world, site)
        later(world, ON_DAYS)
        with pytest.raises(InstanceError, match="close_too_late"):
            await ask(site, "close-cancel")
        await batch(world, site)
        assert list_steps(site) == ["announced", "cancelled", "announced", "intake_stopped"]


async def test_close_when_its_day_comes_then_nothing_is_taken_and_all_dies_in_its_time(
    world: Any,
) -> None:
    """Intake stops by itself; tips live on to their day; then keys go, and the log ends once."""
    async with world.serve(sleep=sleep_for_good) as site:
        ids = await send(world, site, 2)
        await announce(world, site)
        await send(world, site)  # until then it takes tips
        later(world, ON_DAYS)
        assert await site.upload(world.seal()) == (409, {"error": "keyset"})
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped"]
        assert set(ids) <= await stored(site)
        assert not site.line.ended.is_set()
        later(world, TIP_DAYS - 1)
        await batch(world, site)
        assert await stored(site) == set()
        assert list_steps(site) == ["announced", "intake_stopped"]
        later(world, 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped", "keys_destroyed", "closed"]
        assert judge(world, site) == set()
        assert site.line.ended.is_set()
        size = site.line.log.size
        later(world, 1)
        await batch(world, site)
        assert site.line.log.size == size  # the last entry was the last
    verifier = load_log_signer(world.directory).verifier()
    secrets = [
        signer.format().reveal()
        for signer in (load_signer(world.directory), load_log_signer(world.directory))
    ]
    for _ in range(2):  # a crash in between: done again
        shut(world.directory, day=world.clock.today, environment=os.environ)
    assert is_shut(world.directory)
    slots = (world.directory / "slots" / "slot-file").read_bytes()
    assert sum(1 for start in range(0, len(slots), 4096) if any(slots[start : start + 4096])) == 2
    everything = b"".join(
        path.read_bytes() for path in world.directory.rglob("*") if path.is_file()
    )
    assert not any(secret in everything for secret in secrets)
    closing = load_closing(world.directory)
    assert closing is not None
    assert closing.step is CloseStep.CLOSED
    with pytest.raises(InstanceError, match="line_ended"):
        Instance.open(world.directory)
    async with (
        open_closed_line(world.directory, pages={}, day=world.clock.today) as path,
        open_session(path) as client,
    ):
        async with client.get("/log/checkpoint") as response:
            assert verifier.name.encode() in await response.read()
        async with client.get("/en/accountability") as response:
            page = await response.read()
            assert b"This line is closed" in page
            assert b"Every backup still has these keys" in page
            assert b"The keys under which it stores sealed tips" not in page
        async with client.put(f"/uploads/{32 * 'a'}", json={}) as response:
            assert response.status == 409
            assert await response.json() == {"error": "keyset"}


async def test_close_when_nothing_was_stored_then_the_log_ends_on_the_same_day(
    world: Any,
) -> None:
    """The day of the last entry tells nothing of tips: it comes of the policy alone."""
    async with world.serve(sleep=sleep_for_good) as site:
        await announce(world, site)
        later(world, ON_DAYS)
        await batch(world, site)
        later(world, TIP_DAYS - 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped"]
        later(world, 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped", "keys_destroyed", "closed"]


async def test_close_when_something_is_held_then_the_log_ends_after_the_hold(world: Any) -> None:
    """A hold, which everybody sees, and nothing else makes the end later."""
    async with world.serve(sleep=sleep_for_good) as site:
        ids = await send(world, site)
        await announce(world, site)
        later(world, ON_DAYS)
        await batch(world, site)
        until = world.clock.today + datetime.timedelta(days=TIP_DAYS + 3)
        await hold(site, tips=ids, until=until.isoformat())
        later(world, TIP_DAYS + 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped"]
        later(world, 2)
        await batch(world, site)
        assert list_steps(site)[-1] == "closed"
        assert judge(world, site) == set()


async def test_close_when_announced_again_on_the_same_day_then_the_log_says_so(
    world: Any,
) -> None:
    """A command that was called off and given again is told like the first: the page agrees."""
    async with world.serve(sleep=sleep_for_good) as site:
        on = await announce(world, site)
        for _ in range(2):
            await ask(site, "close-cancel")
            await announce(world, site)
        later(world, 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", *2 * ["cancelled", "announced"]]
        async with site.source.get("/en/accountability") as response:
            assert f"This line closes on {on}" in await response.text()
        later(world, ON_DAYS - 1)
        await batch(world, site)
        assert list_steps(site)[-2:] == ["announced", "intake_stopped"]
        assert judge(world, site) == set()


@pytest.mark.parametrize("steps", [("announced",), ("announced", "cancelled")])
async def test_close_when_a_crash_kept_a_step_from_the_log_then_it_is_made_up_for(
    world: Any, steps: tuple[str, ...]
) -> None:
    """What sources see in the notice stands in the log of the next batch, too."""
    async with world.serve(sleep=sleep_for_good) as site:
        await ask(site, "purge")  # meanwhile the line's own loops come to their sleep
        on = world.clock.today + datetime.timedelta(days=ON_DAYS)
        for step in steps[:-1]:
            assert step == "announced"
            await announce(world, site)
        closing = Closing(step=CloseStep(steps[-1]), on=on)
        save_closing(world.directory, closing, day=world.clock.today)  # the crash comes here
        later(world, 1)
        await batch(world, site)
        assert list_steps(site) == list(steps)


@pytest.mark.parametrize("moment", ["destroyed", "queued", "written down"])
async def test_close_when_it_crashes_before_the_last_batch_then_nothing_follows_the_end(
    world: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """An honest end is not accused of keys that it took itself, and `closed` is the last entry."""
    place = {
        "destroyed": (LineEnding, "_queue"),
        "queued": (DayBook, "write_down"),
        "written down": (LogStore, "append_batch"),
    }[moment]

    def crash(*_: Any, **__: Any) -> Any:
        raise OSError("the crash")

    async with world.serve(sleep=sleep_for_good) as site:
        await send(world, site)
        later(world, 1)
        await batch(world, site)
        await reach_last_day(world, site)
        with monkeypatch.context() as patch:
            patch.setattr(*place, crash)
            with pytest.raises(OSError, match="the crash"):
                await site.line.daily.catch_up(hour=0, now_hour=1)
            await ask(site, "backup-end")  # after `closed` was said
        yesterday = world.clock.today - datetime.timedelta(days=1)
        annex = await site.line.store.read_annex(yesterday)
        assert (annex is None) == (moment != "written down")
    reported: list[Any] = []
    async with world.serve(sleep=sleep_for_good, report=reported.append) as site:
        await batch(world, site)
        assert site.line.ended.is_set()
        assert list_told(site)[-4:] == ["intake_stopped", "backup", "keys_destroyed", "closed"]
        assert judge(world, site) == set()
        assert annex in (None, await site.line.store.read_annex(yesterday))  # told as written
    assert reported == []


async def test_close_when_keys_are_missing_long_before_the_end_then_it_is_said(world: Any) -> None:
    """Only at the end itself nothing needs a key any more."""
    async with world.serve(sleep=sleep_for_good) as site:
        await send(world, site)
        await announce(world, site)
        later(world, ON_DAYS)
        await batch(world, site)
        await site.line.store.destroy_keys()
    async with world.serve(sleep=sleep_for_good, report=lambda what: None) as site:
        assert EntryType.LOST_KEYS in [one.type for one in site.line.log.read_queue()]


async def test_close_when_the_day_is_far_then_it_is_refused(world: Any) -> None:
    """A mistyped year is no announcement."""
    async with world.serve(sleep=sleep_for_good) as site:
        far = world.clock.today + datetime.timedelta(days=MAX_AHEAD_DAYS)
        assert (await ask(site, "plan-close", on=far.isoformat()))["ends_on"] == (
            far + datetime.timedelta(days=TIP_DAYS)
        ).isoformat()
        with pytest.raises(InstanceError, match="close_day_far"):
            await ask(site, "close-announce", on=(far + datetime.timedelta(days=1)).isoformat())


async def test_cancel_when_only_planned_then_the_end_stays_announced(world: Any) -> None:
    """Calling off is shown first, as everything else."""
    async with world.serve(sleep=sleep_for_good) as site:
        with pytest.raises(InstanceError, match="close_not_begun"):
            await ask(site, "plan-close-cancel")
        on = await announce(world, site)
        assert await ask(site, "plan-close-cancel") == {"on": on}
        closing = load_closing(world.directory)
        assert closing is not None
        assert closing.step is CloseStep.ANNOUNCED


def test_shut_when_a_key_is_put_there_again_then_it_goes_again(world: World) -> None:
    """A key of an ended line that comes out of a backup does not stay beside its log."""
    keys = world.directory / "keys"
    for name in ("answers.key", "gateway-modem"):
        (keys / name).write_bytes(b"of its phones")
    key = keys / "log.key"
    content = key.read_bytes()
    shut(world.directory, day=world.clock.today, environment=os.environ)
    assert is_shut(world.directory)
    key.write_bytes(content)
    assert not is_shut(world.directory)
    shut(world.directory, day=world.clock.today, environment=os.environ)
    assert is_shut(world.directory)
    assert list(keys.iterdir()) == []


async def test_close_when_the_last_keyset_is_gone_then_the_line_comes_to_its_end(
    world: Any,
) -> None:
    """Nobody signs one for a line that ends: after a new start its tips die, and its log ends."""
    async with world.serve(sleep=sleep_for_good) as site:
        await send(world, site)
        await announce(world, site)
        later(world, ON_DAYS)
        await batch(world, site)
    (world.directory / KEYSET_NAME).unlink()  # its period is over
    later(world, TIP_DAYS)
    async with world.serve(sleep=sleep_for_good) as site:
        assert await stored(site) == set()
        await batch(world, site)
        assert site.line.ended.is_set()
        assert judge(world, site) == set()
