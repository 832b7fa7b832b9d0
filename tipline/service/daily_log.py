"""
The log's day: one batch at a fixed hour, and between two batches nothing that anybody can see.

Rules:
1. The first batch is made when the line is served for the first time, before it takes anything.
2. After that there is one batch a day, at the configuration's hour, whatever happened (INV-13).
3. A batch that was missed, because the line was down, is made at the start. It tells of every day
   since the one before.
4. What changes in between (keyset, policy, page, a hold, the clock) waits for the batch.
5. Everything that a batch tells is written down before it, so a crash in between changes nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from crypto.errors import KeysetError
from crypto.note import Signer, Verifier
from retention.hold import state_ended, state_placed
from retention.log.batch import (
    ONE_DAY,
    DayTold,
    PurgeDone,
    list_days,
    make_batch,
)
from retention.log.entry import EntryType, Statement, make_statement
from retention.policy import Event, Policy, RecordClass, format_periods
from retention.slot_root import Method
from tipline.clock import Clock
from tipline.errors import InstanceError
from tipline.keysets import KeysetWatch
from tipline.log_store import LogStore
from tipline.service.day_book import Deaths, count_dead
from tipline.service.nightly import UNKEPT_CLASSES
from tipline.service.purge_report import PurgeReport
from tipline.service.silence import Faults

LOOK_SECONDS: Final = 60.0  # how often the clock is looked at, at most: it may be set meanwhile

Sleep = Callable[[float], Awaitable[None]]


class DayBook(Protocol):
    """What the log asks of the store."""

    async def write_down(
        self, of: datetime.date, *, logged_on: datetime.date, dies_on: datetime.date
    ) -> DayTold:
        """Fix what the log tells of a day that is over; asked again, the same."""
        ...

    async def add_counts(self, counts: Deaths, *, on: datetime.date) -> None:
        """Count what died and had no row, for the next annex."""
        ...


class Ending(Protocol):
    """The end of a line, step by step."""

    def has_ended(self) -> bool:
        """Tell whether the log had its last entry."""
        ...

    async def advance(self, today: datetime.date) -> None:
        """Stop the intake when its day has come."""
        ...

    async def prepare(self, today: datetime.date) -> bool:
        """Tell whether today's batch is the last; if it is, what it says is true and queued."""
        ...

    def end(self) -> None:
        """Say that the last batch was made."""
        ...


class AccountBook(Protocol):
    """What everybody is told beside the log, in its rhythm."""

    async def write_down(self, day: datetime.date) -> bytes:
        """Fix what is told beside the batch of a day."""
        ...

    async def show(self) -> None:
        """Show from now on what was written down beside the last batch."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """
    What is served, as the log names it.

    Args:
        policy: In force.
        policy_sha256: Of the file, in hex.
        build: Of the page.
        build_sha256: Of the file that names the hash of every file of the page, in hex.
    """

    policy: Policy
    policy_sha256: str
    build: str
    build_sha256: str


class DailyLog:
    """
    Makes the log's batches.

    Args:
        log: Where they are kept.
        signer: The log's key.
        root: The desk root.
        served: What is served now.
        keysets: The keyset that is in force.
        book: What happened on a day.
        account: What everybody is told beside the log.
        today: Tells the day that is trusted.
        ending: What comes when the line's end was announced.
    """

    def __init__(
        self,
        *,
        log: LogStore,
        signer: Signer,
        root: Verifier,
        served: Served,
        keysets: KeysetWatch,
        book: DayBook,
        account: AccountBook,
        today: Callable[[], datetime.date],
        ending: Ending,
    ) -> None:
        self._log = log
        self._signer = signer
        self._root = root
        self._served = served
        self._keysets = keysets
        self._book = book
        self._account = account
        self._today = today
        self._ending = ending
        self._turn = asyncio.Lock()  # a day has one batch, whoever asks for it

    async def begin(self) -> None:
        """Make the first batch if there is none, and note what changed while the line was off."""
        if self._log.read_state() is None:
            await self.queue(
                make_statement(
                    EntryType.ORIGIN,
                    on=self._today(),
                    root=self._root.format(),
                    log=self._signer.verifier().format(),
                )
            )
        await self.note_changes()
        if self._log.read_state() is None:
            await self._append(self._today())
        else:
            await self._account.show()

    async def note_changes(self) -> None:
        """Queue what is served now, where it is not what was said last."""
        on = self._today()
        statements = [
            make_statement(
                EntryType.POLICY,
                on=on,
                periods=format_periods(self._served.policy),
                sha256=self._served.policy_sha256,
            ),
            make_statement(
                EntryType.PAGE, on=on, build=self._served.build, sha256=self._served.build_sha256
            ),
        ]
        try:
            installed = self._keysets.read().keyset
        except (KeysetError, InstanceError):
            # None that may be used: there is nothing to say of it, and the page says so.
            pass
        else:
            statements.append(
                make_statement(
                    EntryType.KEYSET,
                    on=on,
                    number=installed.number,
                    sha256=installed.sha256,
                    valid_until=installed.valid_until,
                )
            )
        for statement in statements:
            last = await asyncio.to_thread(self._log.find_last, statement.type)
            if last is None or not _says_the_same(last, statement):
                await self.queue(statement)

    async def queue(self, statement: Statement) -> None:
        """
        Keep a statement for the next batch.

        Args:
            statement: What happened.
        """
        await asyncio.to_thread(self._log.queue, statement)

    async def note_purge(self, report: PurgeReport) -> None:
        """
        Keep what a purge made true, and how much it was.

        Args:
            report: What went and what did not.
        """
        await tell_purge(report, log=self._log, book=self._book)

    async def catch_up(self, *, hour: int, now_hour: int) -> bool:
        """
        Note what changed, and make today's batch if its hour has come and it is not made.

        Args:
            hour: Of the batch.
            now_hour: Of the clock.

        Returns:
            Whether a batch was made.
        """
        async with self._turn:
            return await self._catch_up(hour=hour, now_hour=now_hour)

    async def _catch_up(self, *, hour: int, now_hour: int) -> bool:
        if await asyncio.to_thread(self._log.show):  # what the disk refused to remember before
            await self._account.show()
        state = self._log.read_state()
        today = self._today()
        if state is None or self._ending.has_ended():
            return False
        await self._ending.advance(today)
        await self.note_changes()  # with the day on which it is seen, not that of the batch
        if today <= state.batch_on:
            return False
        # A day that went by without a batch is made up for at once.
        if now_hour < hour and today - state.batch_on <= ONE_DAY:
            return False
        ends = await self._ending.prepare(today)
        await self._append(today)
        if ends:
            self._ending.end()
        return True

    async def _append(self, day: datetime.date) -> None:
        state = self._log.read_state()
        days: list[DayTold] = []
        if state is not None:
            dies_on = self._served.policy.dies_on(RecordClass.LOG_TEXT, {Event.LOGGED: day})
            # The day of a batch is not over, so the next batch tells of it.
            days = [
                await self._book.write_down(of, logged_on=day, dies_on=dies_on)
                for of in list_days(state.batch_on - ONE_DAY, today=day)
            ]
        deaths = self._log.read_deaths(before=day)
        # Stable: only the log's own beginning is put before what was noted earlier.
        statements = sorted(
            self._log.read_queue(), key=lambda statement: statement.type is not EntryType.ORIGIN
        )
        entries = make_batch(
            day=day,
            days=days,
            deaths=deaths,
            events=statements,
            events_since=await asyncio.to_thread(self._log.find_last_event_day),
        )
        await asyncio.to_thread(
            self._log.append_batch,
            entries,
            day=day,
            signer=self._signer,
            deaths=deaths,
            statements=statements,
            account=await self._account.write_down(day),
        )
        await self._account.show()


async def tell_purge(report: PurgeReport, *, log: LogStore, book: DayBook) -> None:
    """
    Keep for the log what a purge made true.

    Args:
        report: What went and what did not.
        log: Where it is kept.
        book: Where what has no row is counted.
    """
    # The only thing that is purged and has no row: a row is counted with its deletion.
    keysets = [
        (dead.record_class, reason, count)
        for dead in report.records
        if dead.record_class is RecordClass.KEYSET
        for reason, count in dead.reasons.items()
    ]
    if keysets:
        await book.add_counts(count_dead(keysets), on=report.on)
    # Again, in case the log could not be told when a hold was placed: it keeps each but once.
    for hold in sorted((*report.holds, *report.ended_holds), key=lambda one: one.placed_on):
        await asyncio.to_thread(log.queue, state_placed(hold))
    for hold in report.ended_holds:
        await asyncio.to_thread(log.queue, state_ended(hold))
    for epoch in report.epochs:
        ended = make_statement(
            EntryType.EPOCH,
            on=epoch.ended_on,
            epoch=epoch.begun_on,
            method=str(epoch.method),
            late_days=epoch.late_days,
        )
        await asyncio.to_thread(log.queue, ended, occasion=epoch.id)
    await asyncio.to_thread(log.note_purge, read_report(report))


async def make_due_batch(daily: DailyLog, *, clock: Clock, hour: int, faults: Faults) -> None:
    """
    Make today's batch if its hour has come and it is not made.

    Args:
        daily: Makes the batches.
        clock: Tells the hour.
        hour: In UTC.
        faults: Told of what failed; it is tried again.
    """
    try:
        await daily.catch_up(hour=hour, now_hour=clock().hour)
    except Exception as exc:
        # Of any kind: a log that stops for good is worse than a batch that is late, and is told.
        faults.add(exc)


async def run_daily(
    daily: DailyLog,
    *,
    clock: Clock,
    hour: int,
    faults: Faults,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """
    Make each day's batch at its hour, until cancelled.

    Args:
        daily: Makes the batches.
        clock: Tells the hour.
        hour: In UTC.
        faults: Told of what failed; it is tried again.
        sleep: Waits.
    """
    while True:
        await make_due_batch(daily, clock=clock, hour=hour, faults=faults)
        now = clock()
        # To the minute: a batch comes when its hour begins, not when somebody looked.
        await sleep(min(LOOK_SECONDS, 60.0 - now.second - now.microsecond / 1_000_000))


def read_report(report: PurgeReport) -> PurgeDone:
    """
    Tell what a purge made true of each class.

    Args:
        report: What went and what did not.

    Returns:
        Nothing of a class of which something failed; nothing at all if it is not known of which.
    """
    failed = {failure.record_class for failure in report.failures}
    if None in failed:
        return PurgeDone(on=report.on, reached={})
    reached: dict[RecordClass | None, Method] = {None: report.method}
    for record_class in RecordClass:
        if record_class in UNKEPT_CLASSES:
            reached[record_class] = Method.NONE_KEPT
        elif record_class not in failed:
            # Whatever seals the day's key: what died before its day died by its own secret alone,
            # or by its row, and the log must not show on which days something did.
            reached[record_class] = Method.OVERWRITTEN
    return PurgeDone(on=report.on, reached=reached)


def _says_the_same(last: Statement, statement: Statement) -> bool:
    return {**last.fields, "on": ""} == {**statement.fields, "on": ""}
