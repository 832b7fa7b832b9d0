"""
The end of an epoch: nothing relates its tips to each other, or to anybody, any more.

1. Its key is destroyed. From then on no number can be tried against its pseudonyms.
2. Its pseudonyms go out of every row: tips', windows', blocks'. Some of them are drawn, and the
   purge looks for their bytes afterwards.
3. Its row goes, and a row that the log is told from takes its place, until the log was told.

Rules: as the purge's (`purge.py`): key first, everything may be done again.
"""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import Callable, Sequence
from typing import Final

from sqlite_utils import Database

from crypto.randomness import system_random
from crypto.strict import parse_day
from retention.slot import SlotKind
from tipline.service.epochs import EPOCH_ID_BYTES, clear_epoch
from tipline.service.purge_report import DeadEpoch
from tipline.service.record_keys import RecordKeys
from tipline.service.writer import GroupWriter

BATCH_ROWS: Final = 200
BREATH_SECONDS: Final = 0.002
DRAWN_PSEUDONYMS: Final = 16  # whose bytes are searched for afterwards

# What still names the epoch, a batch at a time.
_CLEAR: Final = (
    "DELETE FROM handles WHERE tip IN (SELECT tip FROM handles WHERE epoch = ? LIMIT ?)",
    """
    UPDATE windows SET epoch = NULL, pseudonym = NULL
    WHERE id IN (SELECT id FROM windows WHERE epoch = ? LIMIT ?)
    """,
    """
    DELETE FROM blocks WHERE (epoch, pseudonym) IN
        (SELECT epoch, pseudonym FROM blocks WHERE epoch = ? LIMIT ?)
    """,
)


class DyingEpochs:
    """
    Ends the epochs of one store.

    Args:
        database: Of today's version; used in the writer's thread alone.
        writer: Runs what touches it.
        keys: Of the store.
        forget: Told of each epoch when its key is gone.
    """

    def __init__(
        self,
        database: Database,
        *,
        writer: GroupWriter,
        keys: RecordKeys,
        forget: Callable[[bytes], None],
    ) -> None:
        self._database = database
        self._writer = writer
        self._keys = keys
        self._forget = forget

    async def draw(self, epoch_ids: Sequence[bytes]) -> list[bytes]:
        """
        Draw pseudonyms whose bytes are searched for after they went.

        Args:
            epoch_ids: The epochs that die.

        Returns:
            Some of their pseudonyms.
        """

        def find() -> list[bytes]:
            return [
                bytes(row[0])
                for epoch_id in epoch_ids
                for table in ("handles", "windows")
                for row in self._database.execute(
                    f"SELECT pseudonym FROM {table} WHERE epoch = ?"  # noqa: S608  # ours
                    " AND pseudonym IS NOT NULL LIMIT 1000",
                    [epoch_id],
                )
            ]

        found = await self._writer.call(find)
        return random.SystemRandom().sample(found, min(len(found), DRAWN_PSEUDONYMS))

    async def destroy(self, epoch_ids: Sequence[bytes]) -> None:
        """
        Destroy epochs' keys, and let their pseudonyms go.

        Args:
            epoch_ids: Their ids. What is gone already is no error.

        Raises:
            OSError: the disk refuses; nothing may be said to be gone.
        """
        await asyncio.to_thread(self._keys.destroy_epochs, epoch_ids)
        for epoch_id in epoch_ids:
            self._forget(epoch_id)
            for statement in _CLEAR:
                cleared = BATCH_ROWS
                while cleared == BATCH_ROWS:
                    cleared = await self._writer.call(
                        lambda statement=statement, epoch_id=epoch_id: self._clear(  # type: ignore[misc]
                            statement, epoch_id
                        )
                    )
                    await asyncio.sleep(BREATH_SECONDS)

    def note(
        self,
        epoch_id: bytes,
        *,
        begun_on: datetime.date,
        due_on: datetime.date,
        ended_on: datetime.date,
    ) -> None:
        """
        Keep that an epoch ended, until the log was told; in the transaction that takes its row.

        Args:
            epoch_id: Its id.
            begun_on: Its first day.
            due_on: The day on which it had to end.
            ended_on: The day on which it did.
        """
        # A message of its last day may have been kept since: after its row nobody names it.
        clear_epoch(self._database, epoch_id)
        days = [day.isoformat() for day in (begun_on, due_on, ended_on)]
        # Under a name of its own: its old one is looked for, and must be nowhere.
        self._database.execute(
            "INSERT INTO ended_epochs VALUES (?, ?, ?, ?)",
            [system_random(EPOCH_ID_BYTES), *days],
        )

    async def list_ended(self) -> tuple[DeadEpoch, ...]:
        """
        List the epochs that ended and of which the log was not told.

        Returns:
            By their first day.
        """
        method = self._keys.method(SlotKind.EPOCH)

        def find() -> tuple[DeadEpoch, ...]:
            rows = self._database.execute(
                "SELECT id, begun_on, due_on, ended_on FROM ended_epochs ORDER BY begun_on, id"
            )
            return tuple(
                DeadEpoch(
                    id=bytes(row[0]),
                    begun_on=parse_day(row[1]),
                    ended_on=parse_day(row[3]),
                    late_days=(parse_day(row[3]) - parse_day(row[2])).days,
                    method=method,
                )
                for row in rows
            )

        return await self._writer.call(find)

    async def bury(self, ended: Sequence[DeadEpoch]) -> None:
        """
        Let what the log was told of go.

        Args:
            ended: As `list_ended` found it.
        """

        def delete() -> None:
            for one in ended:
                self._database.execute("DELETE FROM ended_epochs WHERE id = ?", [one.id])

        await self._writer.call(delete)

    def _clear(self, statement: str, epoch_id: bytes) -> int:
        return self._database.execute(statement, [epoch_id, BATCH_ROWS]).rowcount
