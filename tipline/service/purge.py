"""
The purge: what is due dies, and is looked for afterwards.

1. The keys of the days that are over are destroyed, those of holds that ended, and those that
   cannot be read: nobody could say that the key of a day is not among them.
2. In batches: the records' own secrets are destroyed, then their files go, then their rows. Between
   batches others have their turn.
3. The WAL is emptied into the database, what is unused of its pages is overwritten, and SQLite's
   answer is checked.
4. Every page that was written meanwhile is looked at: no unused part of it may hold anything, and
   the ids, wrapped keys and ciphertext of what went (of some drawn records, if it were many) must
   be nowhere in it. Neither may a file of theirs, a journal or a temporary file be left.
5. The holds that ended are noted as such. Their rows go when the log was told
   (`SqliteStore.bury_holds`).

Rules:
1. Keys first: what is left by a crash at any step cannot be opened, and the next run removes it.
2. What failed stays in its row, is not claimed to be gone, and is tried again.
3. What is due is found through indexes: work grows with what dies.
4. Everything may be done again.
5. Nothing dies that a hold was placed over before its turn came: holds are read with each batch,
   and nobody places one while a batch dies.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
import random
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from retention.hold import Hold
from retention.plan import Decision, Reason, Record, Waiting
from retention.policy import Event, RecordClass
from retention.slot import SlotKind
from retention.slot_root import Method
from tipline.errors import InstanceError
from tipline.service.checkpoints import Checkpoints
from tipline.service.database import JOURNAL_NAME, TEMPORARY_PREFIX
from tipline.service.database_pages import find_remnants
from tipline.service.day_book import Deaths, count_dead
from tipline.service.due_tables import DUE_TABLES
from tipline.service.dying_epochs import DyingEpochs
from tipline.service.envelope_files import EnvelopeFiles
from tipline.service.holdings import Holdings
from tipline.service.purge_report import DeadDay, DeadRecords, Failure, PurgeReport
from tipline.service.record_keys import RecordKeys
from tipline.service.rows import Rows, StoredRecord
from tipline.service.writer import GroupWriter

BATCH_ROWS: Final = 50  # measured: an arrival beside a larger batch waits too long
BREATH_SECONDS: Final = 0.002
BATCHES_OF_LOOK: Final = 10  # emptying the WAL and looking, for so many batches together
DRAWN_RECORDS: Final = 16  # whose bytes are searched for: all of a small purge
DRAWN_BATCHES: Final = 5  # and one of each so many further batches
LOOK_PAGES: Final = 64  # looked at in one go, before others have their turn
SAMPLE_BYTES: Final = 24  # of a stored envelope
WITH_THEIR_DAY: Final = frozenset({Reason.ON_ITS_DAY, Reason.OVERDUE, Reason.HOLD_RELEASED})

_Batch = list[StoredRecord]
_Holds = dict[bytes, datetime.date]  # of each hold the first day on which it no longer holds
_Tally = dict[tuple[RecordClass, datetime.date, int], collections.Counter[Reason]]


class Plan(Protocol):
    """What decides."""

    def __call__(
        self, records: Sequence[Record], *, holds: Mapping[bytes, datetime.date]
    ) -> Sequence[Decision]:
        """Decide for each record whether it dies."""
        ...


class DeathBook(Protocol):
    """What counts the dead for the auditor."""

    def insert_counts(self, counts: Deaths, *, on: datetime.date) -> None:
        """Count what died; in the writer's thread, beside the deletion of its row."""
        ...


class Phones(Protocol):
    """What keeps windows and keys of days in memory."""

    def forget_windows(self, window_ids: Sequence[bytes]) -> None:
        """Forget windows before their keys go."""
        ...

    def forget_days(self, until: datetime.date) -> None:
        """Forget what came from the keys of days."""
        ...


class Purge:
    """
    One run.

    Args:
        directory: The instance.
        writer: Runs what touches the database.
        rows: The rows.
        holdings: The holds.
        keys: The keys.
        files: The files.
        checkpoints: The database's.
        book: Counts the dead.
        conversations: Told what of theirs dies; None if no phones are served.
        epochs: Ends epochs.
        turn: Held while keys or a batch die, so that nobody places a hold over what is dying.
        plan: Decides.
        today: By the clock that is trusted.
        waiting: A jump of the clock that waits for a person.
        forget: Told of partial uploads that go, before they do; returns when none of them is on
            its way to become a tip.
    """

    def __init__(
        self,
        *,
        directory: Path,
        writer: GroupWriter,
        rows: Rows,
        holdings: Holdings,
        keys: RecordKeys,
        files: EnvelopeFiles,
        checkpoints: Checkpoints,
        book: DeathBook,
        conversations: Phones | None,
        epochs: DyingEpochs,
        turn: asyncio.Lock,
        plan: Plan,
        today: datetime.date,
        waiting: Waiting | None,
        forget: Callable[[Sequence[bytes]], Awaitable[None]],
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._rows = rows
        self._holdings = holdings
        self._keys = keys
        self._files = files
        self._checkpoints = checkpoints
        self._book = book
        self._conversations = conversations
        self._epochs = epochs
        self._turn = turn
        self._plan = plan
        self._today = today
        self._waiting = waiting
        self._forget = forget
        self._tally: _Tally = {}
        self._failures: list[Failure] = []
        self._lasting: list[Hold] = []
        self._drawn: list[bytes] = []
        self._died = 0
        self._batches = 0

    async def run(self) -> PurgeReport:
        """
        Run it.

        Returns:
            What was done, and what was not.
        """
        async with self._turn:
            dead_days, ended = await self._destroy_keys()
        if not self._failures:
            await self._writer.call_alone(self._checkpoints.note_pages)
            for table in DUE_TABLES:
                await self._empty_table(table)
            await self._look()
        return PurgeReport(
            on=self._today,
            method=self._keys.method(SlotKind.DAY),
            days=tuple(dead_days),
            records=tuple(
                DeadRecords(
                    record_class=record_class,
                    due_on=due_on,
                    late_days=late_days,
                    method=self._find_method(record_class, set(reasons)),
                    reasons=dict(reasons),
                )
                for (record_class, due_on, late_days), reasons in self._tally.items()
            ),
            ended_holds=tuple(ended),
            failures=tuple(self._failures),
            holds=tuple(self._lasting),
            epochs=await self._epochs.list_ended(),
        )

    async def _destroy_keys(self) -> tuple[list[DeadDay], list[Hold]]:
        days = sorted(day for day in self._keys.days() if day <= self._today)
        holds = await self._writer.call(self._holdings.all)
        self._lasting = [hold for hold in holds.values() if hold.lasts(self._today)]
        ended = [hold.id for hold in holds.values() if not hold.lasts(self._today)]
        try:
            await self._writer.call(self._holdings.drop_unknown)
            if ended:
                await asyncio.to_thread(self._keys.destroy_holds, ended)
            if self._conversations is not None:
                self._conversations.forget_days(self._today)
            if days:
                await asyncio.to_thread(self._keys.destroy_days, days)
            if self._conversations is not None:
                # Again: who read meanwhile what dies with these days had their keys made anew.
                self._conversations.forget_days(self._today)
            # Which keys they were cannot be read: of days that are over, or of ended holds.
            await asyncio.to_thread(self._keys.destroy_unreadable)
            gone = await self._writer.call(lambda: self._holdings.mark_gone(ended, on=self._today))
        except (OSError, sqlite3.Error) as exc:
            # Whatever goes on now would claim what is not so.
            self._fail("keys", exc, count=len(days) + len(ended))
            return [], []
        method = self._keys.method(SlotKind.DAY)
        dead = [DeadDay(day=day, late_days=(self._today - day).days, method=method) for day in days]
        return dead, gone

    async def _empty_table(self, table: str) -> None:
        last: Record | None = None
        batches = 0
        while True:
            async with self._turn:
                batch, holds = await self._writer.call(
                    lambda last=last: self._find_due(table, last)  # type: ignore[misc]
                )
                if not batch:
                    return
                last = batch[-1].record
                decisions = self._plan([stored.record for stored in batch], holds=holds)
                dying = [
                    (stored, decision)
                    for stored, decision in zip(batch, decisions, strict=True)
                    if decision.purge
                ]
                if dying:
                    await self._let_die(table, dying)
            batches += 1
            if batches % BATCHES_OF_LOOK == 0:
                await self._look(go_on=True)
            await asyncio.sleep(BREATH_SECONDS)

    def _find_due(self, table: str, after: Record | None) -> tuple[_Batch, _Holds]:
        batch = self._rows.due(
            table, today=self._today, waiting=self._waiting, after=after, limit=BATCH_ROWS
        )
        # With each batch anew: one may have been placed since the last.
        return batch, {hold.id: hold.ends_on for hold in self._holdings.all().values()}

    async def _let_die(self, table: str, dying: list[tuple[StoredRecord, Decision]]) -> None:
        step = "keys"
        try:
            if table == "uploads":
                dying = await self._pass_over_arrived(dying)
            stored = [one for one, _ in dying]
            ids = [one.record.id for one in stored]
            drawn = await self._draw(table, stored)
            if table == "windows" and self._conversations is not None:
                self._conversations.forget_windows(ids)
            elif table == "epochs":
                await self._epochs.destroy(ids)
            await asyncio.to_thread(
                self._keys.destroy, [one.key for one in stored if one.key is not None]
            )
            step = "files"
            if table == "uploads":
                await asyncio.to_thread(self._files.remove_partial, ids)
            elif table == "tips":
                await asyncio.to_thread(self._files.remove, ids)
            step = "rows"
            await self._writer.call(lambda: self._bury(table, dying))
        except Exception as exc:  # not swallowed: in the report, whatever it is
            if len(dying) > 1:
                # One that cannot go keeps no other.
                for one in dying:
                    await self._let_die(table, [one])
                return
            decision = dying[0][1]
            self._fail(
                step,
                exc,
                record_class=decision.record.record_class,
                due_on=self._today - datetime.timedelta(days=decision.late_days),
            )
            return
        self._drawn += drawn
        for _, decision in dying:
            due_on = self._today - datetime.timedelta(days=decision.late_days)
            key = (decision.record.record_class, due_on, decision.late_days)
            self._tally.setdefault(key, collections.Counter())[decision.reason] += 1

    def _bury(self, table: str, dying: list[tuple[StoredRecord, Decision]]) -> None:
        # In one transaction: what died must be in the next annex, whatever crash comes. And once:
        # a commit that was said to have failed may have been made all the same.
        gone = self._rows.delete(table, [stored.record.id for stored, _ in dying])
        if table == "epochs":
            for stored, _ in dying:
                if stored.record.id in gone:
                    self._epochs.note(
                        stored.record.id,
                        begun_on=stored.record.events[Event.BEGUN],
                        due_on=stored.record.dies_on,
                        ended_on=self._today,
                    )
        dead = [
            (decision.record.record_class, decision.reason, 1)
            for stored, decision in dying
            if stored.record.id in gone
        ]
        self._book.insert_counts(count_dead(dead), on=self._today)

    async def _pass_over_arrived(
        self, dying: list[tuple[StoredRecord, Decision]]
    ) -> list[tuple[StoredRecord, Decision]]:
        """Leave out uploads that became a tip meanwhile: the tip keeps the upload's secret."""
        ids = [stored.record.id for stored, _ in dying]
        await self._forget(ids)
        left = await self._writer.call(
            lambda: {one for one in ids if self._rows.has("uploads", one)}
        )
        return [one for one in dying if one[0].record.id in left]

    async def _draw(self, table: str, stored: list[StoredRecord]) -> list[bytes]:
        """Draw records whose bytes are searched for after they went."""
        wanted = max(0, DRAWN_RECORDS - self._died)
        if wanted == 0 and self._batches % DRAWN_BATCHES == 0:
            wanted = 1
        self._died += len(stored)
        self._batches += 1
        drawn = random.SystemRandom().sample(stored, min(wanted, len(stored)))
        needles: list[bytes] = []
        if table == "epochs":
            needles += await self._epochs.draw([one.record.id for one in stored])
        for one in drawn:
            needles.append(one.record.id)
            if one.key is not None and one.key.wrapped:
                needles.append(one.key.wrapped)  # its data id stands beside it, in the same row
            if table == "tips":
                sealed = await self._writer.call(
                    lambda one=one: self._rows.read_sealed(one.record.id)  # type: ignore[misc]
                )
                if sealed is not None:
                    # The first lies in the row's own page, the second in an overflow page.
                    places = (0, len(sealed) // 2)
                    needles += [sealed[at : at + SAMPLE_BYTES] for at in places]
        return needles

    async def _look(self, *, go_on: bool = False) -> None:
        try:
            await self._writer.call_alone(self._checkpoints.empty)
        except (InstanceError, OSError, sqlite3.Error) as exc:
            self._fail("wal", exc)
            return
        pages = sorted(await self._writer.call_alone(self._checkpoints.take_noted_pages))
        if go_on:
            await self._writer.call_alone(self._checkpoints.note_pages)
        found = 0
        for start in range(0, len(pages), LOOK_PAGES):
            part = pages[start : start + LOOK_PAGES]
            found += await self._writer.call_alone(lambda part=part: self._search(part))  # type: ignore[misc]
            await asyncio.sleep(0)
        found += await asyncio.to_thread(self._search_files)
        self._drawn = []
        if found:
            self._fail("remnant", InstanceError("purge_remnant", count=found), count=found)

    def _search(self, numbers: Sequence[int]) -> int:
        found = 0
        for number in numbers:
            page = self._checkpoints.read_page(number)
            if page.count(0) == len(page):
                continue  # freed, and overwritten by SQLite
            if find_remnants(page, number=number) or any(one in page for one in self._drawn):
                found += 1
        return found

    def _search_files(self) -> int:
        ids = [needle for needle in self._drawn if len(needle) == 16]
        left = self._files.find_left(ids)
        temporary = list(self._directory.glob(f"{TEMPORARY_PREFIX}*"))
        journal = self._directory / JOURNAL_NAME
        return len(left) + len(temporary) + journal.exists()

    def _find_method(self, record_class: RecordClass, reasons: set[Reason]) -> Method:
        if record_class in (RecordClass.UPLOAD_ANSWER, RecordClass.GATEWAY_MESSAGE):
            return Method.OVERWRITTEN  # a row without a key of its own, and some with one
        if record_class is RecordClass.PSEUDONYM_EPOCH:
            return self._keys.method(SlotKind.EPOCH)
        # What dies before its day dies by its own secret: copies of its row may name a later day,
        # whose key is still there.
        by_day = reasons <= WITH_THEIR_DAY
        return self._keys.method(SlotKind.DAY if by_day else SlotKind.RECORD)

    def _fail(
        self,
        code: str,
        error: Exception,
        *,
        record_class: RecordClass | None = None,
        due_on: datetime.date | None = None,
        count: int = 1,
    ) -> None:
        self._failures.append(
            Failure(code=code, record_class=record_class, due_on=due_on, count=count, error=error)
        )
