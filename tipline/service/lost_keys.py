"""
What is lost with a key that is missing before its time.

Rules:
1. A row whose day is still to come needs that day's key, and a secret of its own. Where one of them
   is missing, somebody or something took it: that is said, and what it opened goes.
2. What a purge is just letting go is not lost: it destroys keys before rows, and a crash can come
   in between. The plan tells the two apart. So does the row of what a phone lets go: its wrapped
   key goes first.
3. Of every row no more is looked at than the label of its slot. Only where that is another's is the
   key tried: a hold may open a tip whose day's key is gone, but nothing opens it without its own.

Limitations: an upload that was begun and whose own secret is missing is not told from one that was
being let go; it goes, and its source begins again. A slot that is damaged behind its label is named
when it is used.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from sqlite_utils import Database

from retention.plan import Waiting, plan_purge
from retention.promise import Promises
from retention.slot import LABEL_BYTES
from retention.slot_file import SlotFile
from tipline.service.due_tables import KEYED_TABLES
from tipline.service.epochs import Epoch, clear_epoch, list_epochs
from tipline.service.holdings import Holdings
from tipline.service.placing import find_wrapped_key
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.rows import KEY_LOST, Rows
from tipline.service.sealed_envelopes import SealedEnvelopes
from tipline.service.writer import GroupWriter

_WITH_DAYS: Final = (*KEYED_TABLES, "holds")
# A hold whose words are lost holds all the same, and says so: tipline hold list.
_WITH_SLOTS: Final = KEYED_TABLES
_BOTH_NAMED: Final = frozenset({"tips", "uploads"})  # what is not counted with all others


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """
    What lies under the key of one day.

    Args:
        tips: Their ids. A hold over one may open it all the same.
        uploads: Ids of those that are begun.
        text_count: Of the log's private texts, of holds' words, and of what came from phones.
    """

    tips: list[bytes]
    uploads: list[bytes]
    text_count: int


def find_missing_days(
    database: Database, *, today: datetime.date, known: Collection[datetime.date]
) -> list[datetime.date]:
    """
    Find days to come on which something is to die and that have no key. Walks through the indexes.

    Args:
        database: Of today's version.
        today: By the clock that is trusted: its key, and those before it, are gone or going.
        known: The days that have a key.

    Returns:
        The days, in their order.
    """
    needed = {
        datetime.date.fromisoformat(row[0])
        for table in _WITH_DAYS
        for row in database.execute(
            f"SELECT DISTINCT dies_on FROM {table} WHERE dies_on > ?",  # noqa: S608  # ours
            [today.isoformat()],
        )
    }
    return sorted(needed.difference(known))


def find_dependent(database: Database, day: datetime.date) -> Dependent:
    """
    Find what lies under the key of a day.

    Args:
        database: Of today's version.
        day: The day.

    Returns:
        What dies on it.
    """
    ids = {
        table: [
            row[0]
            for row in database.execute(
                f"SELECT id FROM {table} WHERE dies_on = ?",  # noqa: S608  # a name of ours
                [day.isoformat()],
            )
        ]
        for table in _WITH_DAYS
    }
    return Dependent(
        tips=ids["tips"],
        uploads=ids["uploads"],
        text_count=sum(len(found) for table, found in ids.items() if table not in _BOTH_NAMED),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LostRecords:
    """
    What nobody can open before its day, because its own secret is missing.

    Args:
        tips: Their ids.
        uploads: Ids of those that are begun.
        others: Ids of the others, by table: the log's private texts, and what came from phones.
    """

    tips: Sequence[bytes] = ()
    uploads: Sequence[bytes] = ()
    others: Mapping[str, Sequence[bytes]] = dataclasses.field(default_factory=dict)

    def count(self) -> int:
        """Tell how many are named: an upload is begun again by its source."""
        return len(self.tips) + sum(map(len, self.others.values()))


class Losses:
    """
    Finds what is lost in one store, and lets it go.

    Args:
        database: Of today's version; used in the writer's thread alone.
        writer: Runs what touches it.
        rows: The same database's.
        holdings: The same database's.
        keys: Of the store.
        slots: Where they lie.
        envelopes: Opens the data keys.
        discard_upload: Lets an upload go.
    """

    def __init__(
        self,
        database: Database,
        *,
        writer: GroupWriter,
        rows: Rows,
        holdings: Holdings,
        keys: RecordKeys,
        slots: SlotFile,
        envelopes: SealedEnvelopes,
        discard_upload: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._database = database
        self._writer = writer
        self._rows = rows
        self._holdings = holdings
        self._keys = keys
        self._slots = slots
        self._envelopes = envelopes
        self._discard_upload = discard_upload

    async def end_all(self, *, today: datetime.date) -> int:
        """
        Let every tip go whose key is lost. Tries the key of each.

        Args:
            today: By the clock that is trusted.

        Returns:
            How many; the next purge takes them.
        """
        lost = await self._find_lost(await self._writer.call(self._rows.tip_ids))
        return await self._end(lost, today=today)

    async def find_days(self, *, today: datetime.date) -> dict[datetime.date, int]:
        """
        Find days to come whose key is missing.

        Args:
            today: By the clock that is trusted.

        Returns:
            For each, how much cannot be opened because of it.
        """
        days = await self._writer.call(
            lambda: find_missing_days(self._database, today=today, known=self._keys.days())
        )
        lost = {}
        for day in days:
            found = await self._writer.call(lambda day=day: find_dependent(self._database, day))  # type: ignore[misc]
            tips = await self._find_lost(found.tips)
            lost[day] = len(tips) + len(found.uploads) + found.text_count
        return {day: count for day, count in lost.items() if count}

    async def end_days(self, days: Collection[datetime.date], *, today: datetime.date) -> None:
        """
        Let go what cannot be opened because these days' keys are missing; make new keys.

        Args:
            days: As `find_days` found them.
            today: By the clock that is trusted.
        """
        for day in days:
            found = await self._writer.call(lambda day=day: find_dependent(self._database, day))  # type: ignore[misc]
            await self._end(await self._find_lost(found.tips), today=today)
            for upload_id in found.uploads:
                await self._discard_upload(upload_id)
            await asyncio.to_thread(self._keys.make_days, day, day)

    async def find_records(
        self, *, promises: Promises, today: datetime.date, waiting: Waiting | None
    ) -> LostRecords:
        """
        Find what has lost its own secret. Walks through all rows, and reads the slots they name.

        Args:
            promises: What was promised.
            today: By the clock that is trusted.
            waiting: A jump of the clock.

        Returns:
            What is lost, without what a purge is just letting go.
        """

        def find() -> LostRecords:
            suspects = _find_suspects(self._database, self._slots, self._rows)
            holds = {hold.id: hold.ends_on for hold in self._holdings.all().values()}
            lost: dict[str, list[bytes]] = {}
            for table, ids in suspects.items():
                records = [one.record for one in self._rows.find_records(table, ids)]
                decisions = plan_purge(
                    records, promises=promises, today=today, waiting=waiting, holds=holds
                )
                lost[table] = [
                    one.record.id
                    for one in decisions
                    if not one.purge and self._is_lost(table, one.record.id)
                ]
            return LostRecords(tips=lost.pop("tips"), uploads=lost.pop("uploads"), others=lost)

        return await self._writer.call(find)

    async def end_records(self, lost: LostRecords, *, today: datetime.date) -> None:
        """
        Let go what has lost its own secret.

        Args:
            lost: As `find_records` found it.
            today: By the clock that is trusted.
        """
        await self._end(lost.tips, today=today)
        for table, ids in lost.others.items():
            await self._writer.call(lambda table=table, ids=ids: self._rows.delete(table, ids))  # type: ignore[misc]
        for upload_id in lost.uploads:
            await self._discard_upload(upload_id)

    async def find_epochs(self, *, today: datetime.date) -> list[Epoch]:
        """
        Find epochs that last and whose key is missing.

        Args:
            today: By the clock that is trusted.

        Returns:
            The epochs.
        """
        known = self._keys.epochs()
        epochs = await self._writer.call(lambda: list_epochs(self._database))
        return [one for one in epochs if one.dies_on > today and one.id not in known]

    async def note_epochs(self, epochs: Collection[Epoch]) -> None:
        """
        Note that the log was told of epochs whose key is missing.

        Args:
            epochs: As `find_epochs` found them.
        """

        def note() -> None:
            for epoch in epochs:
                self._database.execute("UPDATE epochs SET key_lost = 1 WHERE id = ?", [epoch.id])

        await self._writer.call(note)

    async def end_epochs(self) -> None:
        """Let every epoch go whose key went with a slot file that was in memory."""

        def end() -> None:
            for epoch in list_epochs(self._database):
                clear_epoch(self._database, epoch.id)

        await self._writer.call(end)

    async def _end(self, tip_ids: Sequence[bytes], *, today: datetime.date) -> int:
        return await self._writer.call(lambda: self._rows.end(tip_ids, ended_by=KEY_LOST, on=today))

    async def _find_lost(self, tip_ids: Collection[bytes]) -> list[bytes]:
        return [
            tip_id
            for tip_id in tip_ids
            if await self._writer.call(lambda tip_id=tip_id: self._is_lost("tips", tip_id))  # type: ignore[misc]
        ]

    def _is_lost(self, table: str, record_id: bytes) -> bool:
        found = find_wrapped_key(self._rows, self._holdings, table, record_id)
        if found is None:
            return False
        try:
            self._envelopes.open_key(found)
        except KeyUnavailableError:
            return True
        return False


def _find_suspects(database: Database, slots: SlotFile, rows: Rows) -> Mapping[str, list[bytes]]:
    labels = slots.read_labels(rows.slots())
    suspects: dict[str, list[bytes]] = {}
    for table in _WITH_SLOTS:
        suspects[table] = []
        # Without its wrapped key it was being let go when a crash came (`PhoneRows.let_go`).
        query = f"SELECT id, slot, data_id FROM {table} WHERE wrapped <> x''"  # noqa: S608  # ours
        for record_id, slot, data_id in database.execute(query):
            start = slot * LABEL_BYTES
            if labels[start : start + LABEL_BYTES] != data_id:
                suspects[table].append(record_id)
    return suspects
