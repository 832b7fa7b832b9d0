"""
The epochs of pseudonyms: begun, found, and lost.

Rules:
1. An epoch begins when the line first serves phones, and when the one before is over: its length is
   the policy's period of `pseudonym_epoch`, so its end is the death of a record like any other.
2. Its key lies in a slot of the kind `epoch`, outside database and backups, and dies there first.
3. An epoch whose key is lost gets no other: its messages are taken and sealed, and have no handle.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from typing import Final

from sqlite_utils import Database

from crypto.pseudonym import EPOCH_SALT_BYTES
from crypto.randomness import RandomSource, system_random
from crypto.strict import parse_day
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.service.record_keys import RecordKeys
from tipline.service.writer import GroupWriter

EPOCH_ID_BYTES: Final = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """
    An epoch.

    Args:
        id: Random, 16 bytes; the label of its key's slot.
        begun_on: Its first day.
        dies_on: The first day after it.
        salt: 16 bytes.
        key_lost: Whether its key was found missing before its day, and the log was told.
    """

    id: bytes
    begun_on: datetime.date
    dies_on: datetime.date
    salt: bytes
    key_lost: bool = False


def list_epochs(database: Database) -> list[Epoch]:
    """
    List the epochs that have a row.

    Args:
        database: Of today's version.

    Returns:
        By the day on which they end.
    """
    rows = database.execute(
        "SELECT id, begun_on, dies_on, salt, key_lost FROM epochs ORDER BY dies_on, id"
    )
    return [
        Epoch(
            id=bytes(row[0]),
            begun_on=parse_day(row[1]),
            dies_on=parse_day(row[2]),
            salt=bytes(row[3]),
            key_lost=bool(row[4]),
        )
        for row in rows
    ]


def clear_epoch(database: Database, epoch_id: bytes) -> None:
    """
    Take an epoch out of all rows at once, when nobody waits for them.

    Args:
        database: In a transaction.
        epoch_id: Its id.
    """
    for statement in (
        "DELETE FROM handles WHERE epoch = ?",
        "DELETE FROM blocks WHERE epoch = ?",
        "UPDATE windows SET epoch = NULL, pseudonym = NULL WHERE epoch = ?",
        "DELETE FROM epochs WHERE id = ?",
    ):
        database.execute(statement, [epoch_id])


class Epochs:
    """
    The epochs of one store.

    Args:
        database: Of today's version; used in the writer's thread alone.
        writer: Runs what touches it.
        keys: Where their keys are.
        random: Where ids and salts come from.
    """

    def __init__(
        self,
        database: Database,
        *,
        writer: GroupWriter,
        keys: RecordKeys,
        random: RandomSource = system_random,
    ) -> None:
        self._database = database
        self._writer = writer
        self._keys = keys
        self._random = random
        self._epochs: list[Epoch] = []
        self._lost: set[bytes] = set()
        self._beginning = asyncio.Lock()

    async def load(self) -> None:
        """Take up what is stored, in the place of what is known."""
        async with self._beginning:
            epochs = await self._writer.call(lambda: list_epochs(self._database))
            known = await asyncio.to_thread(self._keys.epochs)
            self._epochs, self._lost = epochs, {epoch.id for epoch in epochs} - known

    def find_current(self, today: datetime.date) -> Epoch | None:
        """
        Find the epoch that lasts.

        Args:
            today: The day.

        Returns:
            It; None if there is none, or if its key was lost.
        """
        current = self._find(today)
        return None if current is None or current.id in self._lost else current

    def find_by_id(self, epoch_id: bytes) -> Epoch | None:
        """
        Find an epoch whose key is there.

        Args:
            epoch_id: Its id.

        Returns:
            It; None if it is over or its key was lost.
        """
        if epoch_id in self._lost:
            return None
        return next((epoch for epoch in self._epochs if epoch.id == epoch_id), None)

    def is_due(self, today: datetime.date) -> bool:
        """
        Tell whether an epoch is to begin.

        Args:
            today: The day.

        Returns:
            Whether none lasts; one whose key was lost lasts until its day.
        """
        return self._find(today) is None

    async def begin(self, *, today: datetime.date, promises: Promises) -> None:
        """
        Begin an epoch, unless one lasts. It is durable when this returns.

        Args:
            today: The day.
            promises: How long it lasts.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        async with self._beginning:
            if not self.is_due(today):
                return
            epoch = Epoch(
                id=self._random(EPOCH_ID_BYTES),
                begun_on=today,
                dies_on=promises.dies_on(RecordClass.PSEUDONYM_EPOCH, {Event.BEGUN: today}),
                salt=self._random(EPOCH_SALT_BYTES),
            )
            await asyncio.to_thread(self._keys.make_epoch, epoch.id)
            await self._writer.call(lambda: self._insert(epoch))
            self._epochs.append(epoch)

    def forget(self, epoch_id: bytes) -> None:
        """
        Forget an epoch that ends.

        Args:
            epoch_id: Its id.
        """
        self._epochs = [epoch for epoch in self._epochs if epoch.id != epoch_id]

    def _find(self, today: datetime.date) -> Epoch | None:
        # The latest that began: after a clock that was ahead there may be two.
        lasting = [epoch for epoch in self._epochs if epoch.dies_on > today]
        return max(lasting, key=lambda epoch: (epoch.begun_on, epoch.id), default=None)

    def _insert(self, epoch: Epoch) -> None:
        self._database.execute(
            "INSERT INTO epochs VALUES (?, ?, ?, ?, 0)",
            [epoch.id, epoch.begun_on.isoformat(), epoch.dies_on.isoformat(), epoch.salt],
        )
