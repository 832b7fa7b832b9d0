"""What the log is told of a purge, and when its batches are made."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import KeysetError, MalformedError
from crypto.note import Signer
from retention.log.batch import ONE_DAY, DayTold
from retention.log.checkpoint import make_log_name
from retention.log.entry import Entry, EntryType, decode_entry, make_statement
from retention.log.tiles import TilePath, decode_bundle
from retention.plan import Reason
from retention.policy import EVENTS, Policy, RecordClass
from retention.slot_root import Method
from tipline.keysets import KeysetWatch
from tipline.log_store import LogStore
from tipline.service.daily_log import (
    DailyLog,
    Served,
    make_due_batch,
    read_report,
    run_daily,
)
from tipline.service.day_book import Count, Deaths, count_dead
from tipline.service.purge_report import DeadRecords, Failure, PurgeReport
from tipline.service.silence import Faults

DAY = datetime.date(2031, 3, 14)
ROOT = Signer.generate("tipline-root").verifier()
LOG = Signer.generate(make_log_name(ROOT))
POLICY = Policy(periods={name: dict.fromkeys(events, 90) for name, events in EVENTS.items()})
HOUR = 5


def report(on: datetime.date, **changes: Any) -> PurgeReport:
    """Report a purge that went well."""
    good = PurgeReport(
        on=on, method=Method.DESTROYED, days=(), records=(), ended_holds=(), failures=()
    )
    return dataclasses.replace(good, **changes)


def fail(record_class: RecordClass | None) -> Failure:
    """Fail at something."""
    return Failure(
        code="rows", record_class=record_class, due_on=DAY, count=1, error=OSError("disk full")
    )


class Book:
    """What the log asks of the store."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime.date, datetime.date, datetime.date]] = []
        self.counted: list[tuple[Deaths, datetime.date]] = []

    async def write_down(
        self, of: datetime.date, *, logged_on: datetime.date, dies_on: datetime.date
    ) -> DayTold:
        self.asked.append((of, logged_on, dies_on))
        return DayTold(of=of, arrivals_root=hashlib.sha256(b"").digest(), annex_sha256="00" * 32)

    async def add_counts(self, counts: Deaths, *, on: datetime.date) -> None:
        self.counted.append((counts, on))


class Account:
    """What everybody is told beside the log."""

    def __init__(self) -> None:
        self.shown = 0

    async def write_down(self, day: datetime.date) -> bytes:
        return day.isoformat().encode()

    async def show(self) -> None:
        self.shown += 1


class Unsigned(KeysetWatch):
    """A keyset that must not be used."""

    def read(self) -> Any:
        raise KeysetError("keyset_unsigned")


class Endless:
    """A line whose end was never announced."""

    def has_ended(self) -> bool:
        return False

    async def advance(self, today: datetime.date) -> None:
        pass

    async def prepare(self, today: datetime.date) -> bool:
        return False

    def end(self) -> None:
        raise AssertionError("nothing ends")


class World:
    """A log, and a day that the test sets."""

    def __init__(self, directory: Path) -> None:
        self.day = DAY
        self.hour = HOUR
        self.book = Book()
        self.account = Account()
        self.log = LogStore(
            directory, verifier=LOG.verifier(), today=lambda: DAY, mark_folder=directory / "slots"
        )
        self.daily = self.make("build-1")

    def make(self, build: str) -> DailyLog:
        """Prepare the batches of a line that serves this page."""
        return DailyLog(
            log=self.log,
            signer=LOG,
            root=ROOT,
            served=Served(
                policy=POLICY, policy_sha256="11" * 32, build=build, build_sha256="22" * 32
            ),
            keysets=Unsigned(Path("/nowhere"), root=ROOT, minimum=1),
            book=self.book,
            account=self.account,
            today=lambda: self.day,
            ending=Endless(),
        )

    async def catch_up(self) -> bool:
        """Look whether a batch is due."""
        return await self.daily.catch_up(hour=HOUR, now_hour=self.hour)

    def entries(self) -> list[Entry]:
        """Read the log; short enough for one bundle."""
        bundle = self.log.read_tile(TilePath(level=None, number=0, width=self.log.size))
        assert bundle is not None
        return [decode_entry(entry) for entry in decode_bundle(bundle, count=self.log.size)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A log that has not begun."""
    world = World(tmp_path)
    with contextlib.closing(world.log):
        yield world


def test_report_when_all_went_then_the_days_key_alone_is_called_destroyed() -> None:
    """A record may have died before its day by its own secret: no class claims more than that."""
    done = read_report(report(DAY))

    assert done.on == DAY
    assert done.reached.keys() == {None, *RecordClass}
    assert done.reached[None] is Method.DESTROYED
    told = {done.reached[record_class] for record_class in RecordClass}
    assert told == {Method.OVERWRITTEN, Method.NONE_KEPT}


def test_report_when_a_class_has_no_records_then_nothing_is_said_to_be_overwritten() -> None:
    """What nothing purges is never told as purged: the log says that there is none."""
    reached = read_report(report(DAY)).reached
    unkept = {name for name, method in reached.items() if method is Method.NONE_KEPT}

    assert unkept == {
        RecordClass.MAILBOX,
        RecordClass.RECEIPT_COPY,
        RecordClass.BACKUP,
    }


def test_report_when_something_failed_then_nothing_is_claimed_of_it() -> None:
    """A class of which one record stayed is not told; if it is not known of which, none is."""
    done = read_report(report(DAY, failures=(fail(RecordClass.SEALED_TIP),)))

    assert done.reached.keys() == {None, *RecordClass} - {RecordClass.SEALED_TIP}
    assert read_report(report(DAY, failures=(fail(None),))).reached == {}


def test_counts_when_records_died_then_early_ends_are_counted_apart() -> None:
    """The annex knows how many died, and how many of them did not wait for their day."""
    tip, upload = RecordClass.SEALED_TIP, RecordClass.PARTIAL_UPLOAD
    counts = count_dead(
        [
            (tip, Reason.ON_ITS_DAY, 3),
            (tip, Reason.PICKED_UP, 2),
            (tip, Reason.DELETED_EARLY, 1),
            (upload, Reason.OVERDUE, 4),
        ]
    )

    assert counts == {
        (Count.PURGED, tip): 6,
        (Count.EARLY, tip): 3,
        (Count.PURGED, upload): 4,
    }


async def test_purge_when_it_is_told_then_only_what_has_no_row_is_counted_now(
    world: World,
) -> None:
    """A row was counted in the transaction that let it go: counted again, the sums would be off."""
    dead = [
        DeadRecords(
            record_class=record_class,
            due_on=DAY,
            late_days=0,
            method=Method.OVERWRITTEN,
            reasons={Reason.ON_ITS_DAY: 1},
        )
        for record_class in (RecordClass.SEALED_TIP, RecordClass.KEYSET)
    ]
    await world.daily.note_purge(report(DAY, records=tuple(dead)))

    assert world.book.counted == [({(Count.PURGED, RecordClass.KEYSET): 1}, DAY)]


async def test_begin_when_the_clock_was_noted_before_then_the_origin_stands_first(
    world: World,
) -> None:
    """Entry 0 is the origin; without a keyset in force nothing is said of one."""
    world.log.queue(make_statement(EntryType.CLOCK, on=DAY, step="held", until=DAY + 9 * ONE_DAY))
    await world.daily.begin()

    types = [entry.statement.type for entry in world.entries()]
    assert types == [EntryType.ORIGIN, EntryType.CLOCK, EntryType.POLICY, EntryType.PAGE]
    assert world.book.asked == []


async def test_begin_when_the_log_has_begun_then_only_what_changed_is_noted(world: World) -> None:
    """A start says nothing of itself."""
    await world.daily.begin()
    await world.daily.begin()
    assert world.log.read_queue() == []

    await world.make("build-2").begin()
    assert [statement.type for statement in world.log.read_queue()] == [EntryType.PAGE]
    assert world.log.size == 3


@pytest.mark.parametrize(
    ("days", "hour", "made"),
    [(0, 23, False), (1, HOUR - 1, False), (1, HOUR, True), (1, 23, True), (2, 0, True)],
)
async def test_batch_when_its_hour_has_come_then_it_is_made_once(
    world: World, days: int, hour: int, made: bool
) -> None:
    """One a day at its hour; one that was missed, at once."""
    assert await world.catch_up() is False
    await world.daily.begin()
    world.day, world.hour = DAY + days * ONE_DAY, hour

    assert await world.catch_up() is made
    assert await world.catch_up() is False
    dies_on = world.day + 90 * ONE_DAY
    told = [(DAY + number * ONE_DAY, world.day, dies_on) for number in range(days)]
    assert world.book.asked == (told if made else [])


async def test_batch_when_a_purge_failed_for_a_class_then_it_is_told_late(world: World) -> None:
    """Absent while it is not true; with its lateness when it is."""
    await world.daily.begin()
    await world.daily.note_purge(report(DAY, failures=(fail(RecordClass.SEALED_TIP),)))
    world.day = DAY + ONE_DAY
    await world.catch_up()
    first = world.entries()[3:]
    assert "sealed_tip" not in [entry.statement.fields.get("class") for entry in first]
    assert len(first) == 3 + len(RecordClass) - 1

    await world.daily.note_purge(report(DAY + ONE_DAY))
    world.day = DAY + 2 * ONE_DAY
    await world.catch_up()
    second = world.entries()[3 + len(first) :]
    late = [
        (entry.statement.about, entry.statement.fields["late_days"])
        for entry in second
        if entry.statement.fields.get("class") == "sealed_tip"
    ]
    assert late == [(DAY, 1), (DAY + ONE_DAY, 0)]
    assert second[0].statement.about == DAY
    assert len(second) == 3 + len(RecordClass) + 1


async def test_batch_when_it_fails_then_it_is_remembered_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or what nobody foresaw, delays a batch, and is told to the developers."""
    await world.daily.begin()
    world.day = DAY + ONE_DAY
    faults = Faults()

    def clock() -> datetime.datetime:
        return datetime.datetime(2031, 3, 15, HOUR, 0, 59, 500_000, datetime.UTC)

    for error in (OSError("disk full"), MalformedError("a text of the log")):

        def refuse(*_: object, error: Exception = error, **__: object) -> bytes:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(LogStore, "append_batch", refuse)
            await make_due_batch(world.daily, clock=clock, hour=HOUR, faults=faults)
        assert len(faults.take()) == 1

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run_daily(world.daily, clock=clock, hour=HOUR, faults=faults, sleep=sleep)
    assert slept == [0.5, 0.5]
    assert world.log.size == 3 + 2  # no purge was reported: arrivals and annex alone
    assert faults.take() == []


async def test_batches_when_the_clock_was_ahead_and_set_right_then_their_events_stay_in_order(
    world: World,
) -> None:
    """An event that was told by a wrong day does not let those after it fall behind it."""
    await world.daily.begin()
    ahead = DAY + 2 * ONE_DAY
    world.day = ahead
    world.log.queue(make_statement(EntryType.CLOCK, on=ahead, step="stepped_back", until=DAY))
    await world.catch_up()
    world.log.queue(make_statement(EntryType.CLOCK, on=DAY, step="confirmed", until=DAY))
    world.day = ahead + ONE_DAY
    await world.catch_up()

    told = [entry for entry in world.entries() if entry.statement.type is EntryType.CLOCK]
    assert [entry.statement.about for entry in told] == [ahead, ahead]
