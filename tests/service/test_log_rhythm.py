"""
The log's rhythm, seen from outside: polled every minute over a real line, with a clock of ours.

INV-13: one batch a day, at its hour, the same for a day with tips and for a day without.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from retention.log.checkpoint import verify_checkpoint
from retention.log.entry import Entry, EntryType, decode_entry
from retention.log.tiles import decode_bundle, list_tiles
from retention.policy import RecordClass
from tipline.instance import load_log_signer

LOOPS = 3  # of the line that sleep by our clock: the night's, the log's, and the clocks'
MINUTE = datetime.timedelta(minutes=1)
ONE_DAY = datetime.timedelta(days=1)
NIGHTLY_HOUR, LOG_HOUR = 3, 5
DAY_ENTRIES = 3 + len(RecordClass)
FIRST_ENTRIES = 4  # origin, policy, page, keyset


class Ticker:
    """Sleeps by a clock that the test moves."""

    def __init__(self, clock: Any, *, loops: int = LOOPS) -> None:
        self._clock = clock
        self._loops = loops
        self._sleepers: list[tuple[datetime.datetime, asyncio.Future[None]]] = []
        self._all_sleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock has gone so far."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._clock.now + datetime.timedelta(seconds=seconds)
        self._sleepers.append((until, future))
        if len(self._sleepers) == self._loops:
            self._all_sleep.set()
        await future

    async def settle(self) -> None:
        """Wait until every loop of the line sleeps again."""
        await asyncio.wait_for(self._all_sleep.wait(), 60)

    async def advance(self, by: datetime.timedelta = MINUTE) -> None:
        """Let a minute pass, or more: whoever sleeps until then wakes once."""
        await self.settle()
        self._clock.now += by
        due = [entry for entry in self._sleepers if entry[0] <= self._clock.now]
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self._clock.now]
        if due:
            self._all_sleep.clear()
        for _, future in due:
            future.set_result(None)
        await self.settle()


async def fetch(session: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for something of the log."""
    async with session.get(f"/log/{path}") as response:
        return response.status, dict(response.headers), await response.read()


async def read_log(session: aiohttp.ClientSession, size: int) -> list[Entry]:
    """Read every entry as an auditor does."""
    entries: list[bytes] = []
    for path in list_tiles(size):
        status, _, body = await fetch(session, path.format())
        assert status == 200
        if path.level is None:
            entries += decode_bundle(body, count=path.width)
    return [decode_entry(entry) for entry in entries]


def hide_hashes(entry: Entry) -> tuple[Any, ...]:
    """Leave of an entry what anybody can compare: all but hashes of what is secret."""
    fields = {
        name: value if name not in {"root", "sha256", "commitment", "log"} else len(value)
        for name, value in entry.statement.fields.items()
    }
    return entry.day.isoformat(), str(entry.statement.type), json.dumps(fields)


async def watch(
    world: Any, *, hours: int, act: Callable[[Any, int], Awaitable[None]]
) -> tuple[list[Any], list[Entry], list[datetime.datetime]]:
    """Serve a line for some hours, poll it every minute, and let something happen at times."""
    ticker = Ticker(world.clock)
    seen: list[Any] = []
    changed: list[datetime.datetime] = []
    verifier = load_log_signer(world.directory).verifier()
    last = b""
    async with world.serve(sleep=ticker.sleep) as site:
        await ticker.settle()
        for minute in range(hours * 60):
            await act(site, minute)
            status, headers, body = await fetch(site.source, "checkpoint")
            seen.append((status, sorted(headers.items()), len(body)))
            if body != last:
                changed.append(world.clock.now)
                last = body
            await ticker.advance()
        entries = await read_log(site.source, verify_checkpoint(last, verifier).size)
        assert await fetch(site.desk, "checkpoint") == await fetch(site.source, "checkpoint")
    return seen, entries, changed


async def do_nothing(site: Any, minute: int) -> None:
    """An empty day."""


async def send_tips(site: Any, minute: int) -> None:
    """A busy line: tips at odd minutes of its second day, and a bundle fetched."""
    if 9 * 60 <= minute < 33 * 60 and minute % 77 == 5:
        assert (await site.upload(site.world.seal()))[1]["state"] == "arrived"
    if minute == 32 * 60:
        await site.fetch_bundle()


async def test_log_when_polled_every_minute_then_a_busy_day_looks_like_an_empty_one(
    make_world: Callable[..., Any],
) -> None:
    """Same answers, same lengths, same moments of change, same entries but for random hashes."""
    watched = []
    for act in (do_nothing, send_tips):
        world = make_world()

        async def act_here(site: Any, minute: int, world: Any = world, act: Any = act) -> None:
            site.world = world
            await act(site, minute)

        world.clock.now = world.clock.now.replace(hour=15, minute=9, second=26, microsecond=5)
        watched.append(await watch(world, hours=40, act=act_here))
        shutil.rmtree(world.directory)
    (quiet, quiet_entries, quiet_changes), (busy, busy_entries, busy_changes) = watched

    assert quiet == busy
    assert quiet_changes == busy_changes
    assert [hide_hashes(entry) for entry in quiet_entries] == [
        hide_hashes(entry) for entry in busy_entries
    ]
    # The first batch at the start, then one a day within the first minute of its hour.
    assert len(busy_changes) == 1 + 2
    for moment in busy_changes[1:]:
        assert (moment.hour, moment.minute) == (LOG_HOUR, 0)
    assert len(busy_entries) == FIRST_ENTRIES + 2 * DAY_ENTRIES
    roots = [
        [entry.statement.fields["root"] for entry in entries if "size" in entry.statement.fields]
        for entries in (quiet_entries, busy_entries)
    ]
    assert not set(roots[0]) & set(roots[1])


async def test_log_when_the_line_was_down_then_one_batch_makes_up_for_every_day(
    world: Any,
) -> None:
    """What was missed is told at the start, and how late it was."""
    verifier = load_log_signer(world.directory).verifier()
    async with world.serve() as site:
        first = world.clock.today
        _, _, note = await fetch(site.source, "checkpoint")
        assert verify_checkpoint(note, verifier).size == FIRST_ENTRIES
    world.clock.now += 3 * ONE_DAY - datetime.timedelta(hours=14)  # before the hour of the batch
    ticker = Ticker(world.clock)
    async with world.serve(sleep=ticker.sleep) as site:
        await ticker.settle()
        _, _, note = await fetch(site.source, "checkpoint")
        entries = await read_log(site.source, verify_checkpoint(note, verifier).size)
    told = [
        entry for entry in entries[FIRST_ENTRIES:] if entry.statement.type is not EntryType.CLOCK
    ]
    jumped = [entry for entry in entries if entry.statement.type is EntryType.CLOCK]
    late = {
        entry.statement.about: entry.statement.fields["late_days"]
        for entry in told
        if entry.statement.type is EntryType.PURGE
    }

    assert {entry.day for entry in told} == {world.clock.today}
    assert jumped == []
    assert late == {first: 0, first + ONE_DAY: 2, first + 2 * ONE_DAY: 1}
    assert len(told) == 3 * DAY_ENTRIES
