"""
Holds: what must be kept beyond its day, and until when.

Rules:
1. A hold has a key of its own. It wraps what it holds once more, so that the day's key dies on time
   all the same, and the hold's end is the death of one key.
2. A hold ends on a day that is fixed when it is placed, or earlier; it is never extended.
3. A hold over a channel holds what arrives there later, too, as long as it lasts.
4. All of this runs in the writer's thread, but for what is said to run elsewhere.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from crypto.data_key import DataKey
from tipline.service.record_keys import RecordKey, RecordKeys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """
    A hold.

    Args:
        id: Random, 16 bytes.
        placed_on: The day on which it was placed.
        until_on: The first day on which it no longer holds.
        ended_on: The day on which it was released, until that is carried out; None before.
        channel: Whose tips it holds, those to come, too; None if it names tips.
        first_person: Who asked for it.
        second_person: Who agreed.
        reason: Why.
    """

    id: bytes
    placed_on: datetime.date
    until_on: datetime.date
    ended_on: datetime.date | None = None
    channel: str | None
    first_person: str
    second_person: str
    reason: str

    def lasts(self, today: datetime.date) -> bool:
        """
        Tell whether it holds.

        Args:
            today: In UTC.

        Returns:
            Whether.
        """
        return today < self.ends_on

    @property
    def ends_on(self) -> datetime.date:
        """The first day on which it no longer holds."""
        return self.until_on if self.ended_on is None else min(self.until_on, self.ended_on)


class Holdings:
    """
    The holds of one store.

    Args:
        database: Used in the writer's thread.
        keys: Where their keys are.
    """

    def __init__(self, database: Database, keys: RecordKeys) -> None:
        self._database = database
        self._keys = keys
        self._holds = {hold.id: hold for hold in self._read()}

    def all(self) -> dict[bytes, Hold]:
        """
        List the holds, those too that ended and whose end is not carried out yet.

        Returns:
            By id.
        """
        return dict(self._holds)

    def count_held(self) -> dict[bytes, int]:
        """
        Count what each hold holds.

        Returns:
            How many tips, by hold; a hold without any is not in it.
        """
        query = "SELECT hold, count(*) FROM hold_wraps GROUP BY hold"
        return dict(self._database.execute(query).fetchall())

    def find_tips(self, channel: str) -> list[bytes]:
        """
        Find the tips of a channel. Walks through all tips.

        Args:
            channel: As the client named it.

        Returns:
            Their ids.
        """
        query = "SELECT id FROM tips WHERE channel = ? AND ended_by IS NULL"
        return [row[0] for row in self._database.execute(query, [channel])]

    def add(self, hold: Hold, *, slot: int, wraps: Mapping[bytes, bytes]) -> int:
        """
        Place a hold.

        Args:
            hold: The hold.
            slot: Of its key.
            wraps: By tip, its data key wrapped under the hold.

        Returns:
            How many tips it holds: those that are still there.
        """
        self._database.execute(
            "INSERT INTO holds VALUES (?, ?, ?, NULL, ?, ?, ?, ?, ?)",
            [
                hold.id,
                hold.placed_on.isoformat(),
                hold.until_on.isoformat(),
                hold.channel,
                hold.first_person,
                hold.second_person,
                hold.reason,
                slot,
            ],
        )
        held = 0
        for tip_id, wrapped in wraps.items():
            query = "SELECT 1 FROM tips WHERE id = ?"
            if self._database.execute(query, [tip_id]).fetchone() is not None:
                self._add_wrap(hold.id, tip_id, wrapped)
                held += 1
        return held

    def know(self, hold: Hold) -> None:
        """
        Hold what arrives from now on, after the hold's row was committed.

        Args:
            hold: The hold.
        """
        self._holds[hold.id] = hold

    def wrap_arrival(
        self,
        tip_id: bytes,
        key: RecordKey,
        data_key: DataKey,
        *,
        channel: str,
        today: datetime.date,
    ) -> None:
        """
        Put a tip that arrives under the holds over its channel.

        Args:
            tip_id: The tip.
            key: Of its envelope.
            data_key: The same, opened.
            channel: The tip's.
            today: In UTC.

        Raises:
            KeyUnavailableError: the hold's key cannot be read.
        """
        for hold in self._holds.values():
            if hold.channel == channel and hold.lasts(today):
                wrapped = self._keys.wrap_held(key, data_key, hold_id=hold.id)
                self._add_wrap(hold.id, tip_id, wrapped)

    def find_wraps(self, tip_id: bytes) -> list[tuple[bytes, bytes]]:
        """
        Find under which holds a tip is.

        Args:
            tip_id: The tip.

        Returns:
            Of each: its id, and the data key wrapped under it.
        """
        query = "SELECT hold, wrapped FROM hold_wraps WHERE tip = ?"
        return self._database.execute(query, [tip_id]).fetchall()

    def end(self, hold_id: bytes, *, on: datetime.date) -> Hold:
        """
        Note that a hold was released. The next purge carries it out.

        Args:
            hold_id: The hold.
            on: The day.

        Returns:
            The hold, ended.
        """
        self._database.execute(
            "UPDATE holds SET ended_on = coalesce(ended_on, ?) WHERE id = ?",
            [on.isoformat(), hold_id],
        )
        row = next(self._database.query("SELECT * FROM holds WHERE id = ?", [hold_id]))
        return _parse_hold(row)

    def remove(self, hold_ids: Sequence[bytes]) -> None:
        """
        Let holds go whose keys are destroyed and whose end is carried out.

        Args:
            hold_ids: Their ids.
        """
        for hold_id in hold_ids:
            self._database.execute("DELETE FROM hold_wraps WHERE hold = ?", [hold_id])
            self._database.execute("DELETE FROM holds WHERE id = ?", [hold_id])
            self._holds.pop(hold_id, None)

    def _add_wrap(self, hold_id: bytes, tip_id: bytes, wrapped: bytes) -> None:
        self._database.execute(
            "INSERT INTO hold_wraps VALUES (?, ?, ?)", [hold_id, tip_id, wrapped]
        )

    def _read(self) -> list[Hold]:
        return [_parse_hold(row) for row in self._database.query("SELECT * FROM holds")]


def _parse_hold(row: Mapping[str, Any]) -> Hold:
    ended_on = row["ended_on"]
    return Hold(
        id=row["id"],
        placed_on=datetime.date.fromisoformat(row["placed_on"]),
        until_on=datetime.date.fromisoformat(row["until_on"]),
        ended_on=None if ended_on is None else datetime.date.fromisoformat(ended_on),
        channel=row["channel"],
        first_person=row["first_person"],
        second_person=row["second_person"],
        reason=row["reason"],
    )
