"""
The holds of a store: their rows, and what lies under their keys.

Rules:
1. A hold has a key of its own. It wraps what it holds once more, so that the day's key dies on time
   all the same, and the hold's end is the death of one key.
2. A hold's words lie sealed. While it lasts their key belongs to a day that comes after its end;
   then they become a text of the log's private half (`day_book.py`), and die as one.
3. A hold over a channel holds what arrives there later, too, as long as it lasts.
4. Its end has steps, each of which may be done again: its key dies (`purge.py`), its row says on
   which day that was, the log is told, its row goes.
5. A hold is placed in parts, its row last. What no row names (its key, what lies under it) was
   left by a crash while the hold was placed, and goes.
6. All of this runs in the writer's thread, but for what is said to run elsewhere.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from crypto.data_key import DataKey
from crypto.errors import CryptoError
from retention.hold import Hold, HoldWords, format_hold_text, parse_hold_words
from retention.log.entry import SALT_BYTES
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.service.day_book import DayBook, TextKind, open_text, seal_text
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SealedWords:
    """
    A hold's words as they are stored.

    Args:
        key: Of the words.
        dies_on: The day under whose key they lie.
        sealed: Salt and text, sealed.
    """

    key: RecordKey
    dies_on: datetime.date
    sealed: bytes


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
        self._placing: dict[bytes, Hold] = {}
        self.drop_unknown()

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

    def find_tips(self, channel: str, *, after: bytes, limit: int) -> list[tuple[bytes, bool]]:
        """
        Walk through the tips, a part at a time.

        Args:
            channel: As the client named it.
            after: The last one of the part before; empty for the first part.
            limit: How many tips to walk through.

        Returns:
            Their ids, in order, each with whether it is one of the channel that has not ended.
        """
        query = "SELECT id, channel = ? AND ended_by IS NULL FROM tips WHERE id > ? ORDER BY id"
        rows = self._database.execute(f"{query} LIMIT ?", [channel, after, limit])
        return [(row[0], bool(row[1])) for row in rows]

    def drop_unknown(self) -> None:
        """Take away what lies under holds that were not placed. Not while one is being placed."""
        self._database.execute("DELETE FROM hold_wraps WHERE hold NOT IN (SELECT id FROM holds)")

    def begin(self, hold: Hold) -> None:
        """
        Hold what arrives from now on, before the hold has its row.

        Args:
            hold: One that is being placed: `add` or `forget` comes after it.
        """
        self._placing[hold.id] = hold

    def add_wraps(self, hold_id: bytes, wraps: Mapping[bytes, bytes]) -> None:
        """
        Put tips under a hold, as far as they are still there and not under it already.

        Args:
            hold_id: The hold.
            wraps: By tip, its data key wrapped under the hold.
        """
        for tip_id, wrapped in wraps.items():
            query = "SELECT 1 FROM tips WHERE id = ?"
            if self._database.execute(query, [tip_id]).fetchone() is not None:
                self._database.execute(
                    "INSERT OR IGNORE INTO hold_wraps VALUES (?, ?, ?)", [hold_id, tip_id, wrapped]
                )

    def add(self, hold: Hold, words: SealedWords) -> int:
        """
        Place a hold, after everything it holds was put under it; if the commit fails, `forget` it.

        Args:
            hold: The hold.
            words: As `seal_words` made them.

        Returns:
            How many tips it holds.
        """
        self._database.execute(
            "INSERT INTO holds VALUES (?, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, ?)",
            [
                hold.id,
                hold.placed_on.isoformat(),
                hold.until_on.isoformat(),
                hold.commitment,
                words.dies_on.isoformat(),
                words.key.data_id,
                words.key.slot,
                words.key.wrapped,
                words.sealed,
            ],
        )
        self._holds[hold.id] = self._placing.pop(hold.id)
        return self.count_held().get(hold.id, 0)

    def forget(self, hold_id: bytes) -> None:
        """
        Hold nothing, after the hold could not be placed.

        Args:
            hold_id: The hold.
        """
        self._holds.pop(hold_id, None)
        self._placing.pop(hold_id, None)
        self._database.execute("DELETE FROM hold_wraps WHERE hold = ?", [hold_id])

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
        for hold in (*self._holds.values(), *self._placing.values()):
            if hold.covers(channel) and hold.lasts(today):
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

    def end(self, hold_id: bytes, *, on: datetime.date) -> None:
        """
        Note that a hold was released. The next purge carries it out.

        Args:
            hold_id: The hold.
            on: The day.
        """
        self._mark("ended_on", hold_id, on)

    def mark_gone(self, hold_ids: Iterable[bytes], *, on: datetime.date) -> list[Hold]:
        """
        Note that the keys of holds are destroyed, if that was not noted before.

        Args:
            hold_ids: The holds.
            on: The day.

        Returns:
            The holds, each with the day on which its key went.
        """
        return [self._mark("gone_on", hold_id, on) for hold_id in hold_ids]

    def find_words_keys(self, hold_ids: Iterable[bytes]) -> list[RecordKey]:
        """
        Find the keys of the words of holds.

        Args:
            hold_ids: The holds.

        Returns:
            Of each that is there.
        """
        query = "SELECT data_id, slot, wrapped FROM holds WHERE id = ?"
        rows = [row for one in hold_ids for row in self._database.execute(query, [one])]
        return [RecordKey(data_id=row[0], slot=row[1], wrapped=row[2]) for row in rows]

    def bury(self, holds: Iterable[Hold], *, book: DayBook, promises: Promises) -> None:
        """
        Let holds go whose keys are destroyed and whose end is carried out; keep their words.

        Args:
            holds: What is gone already is no error: its text is there.
            book: Where the words are kept from now on.
            promises: How long.

        Raises:
            KeyUnavailableError: the slot file does not take the key of a text.
        """
        for hold in holds:
            if hold.id not in self._holds or hold.gone_on is None:
                continue
            if hold.words is not None:
                book.insert(
                    TextKind.HOLD,
                    join_words(hold),
                    of=hold.placed_on,
                    logged_on=hold.gone_on,
                    dies_on=find_text_end(promises, hold.gone_on),
                )
            self._database.execute("DELETE FROM hold_wraps WHERE hold = ?", [hold.id])
            self._database.execute("DELETE FROM holds WHERE id = ?", [hold.id])
            self._holds.pop(hold.id)

    def _mark(self, column: str, hold_id: bytes, on: datetime.date) -> Hold:
        self._database.execute(
            f"UPDATE holds SET {column} = coalesce({column}, ?) WHERE id = ?",  # noqa: S608
            [on.isoformat(), hold_id],
        )
        row = next(self._database.query("SELECT * FROM holds WHERE id = ?", [hold_id]))
        # Its words are in memory already; their key may be dead by now.
        hold = _parse_hold(row, words=self._holds[hold_id].words)
        self._holds[hold_id] = hold
        return hold

    def _add_wrap(self, hold_id: bytes, tip_id: bytes, wrapped: bytes) -> None:
        self._database.execute(
            "INSERT INTO hold_wraps VALUES (?, ?, ?)", [hold_id, tip_id, wrapped]
        )

    def _read(self) -> list[Hold]:
        rows = self._database.query("SELECT * FROM holds")
        return [_parse_hold(row, words=self._open_words(row)) for row in rows]

    def _open_words(self, row: Mapping[str, Any]) -> HoldWords | None:
        key = RecordKey(data_id=row["data_id"], slot=row["slot"], wrapped=row["wrapped"])
        dies_on = datetime.date.fromisoformat(row["dies_on"])
        try:
            data_key = self._keys.open(key, dies_on=dies_on)
            text = open_text(data_key, row["sealed"], data_id=key.data_id)
            return parse_hold_words(text[SALT_BYTES:], salt=text[:SALT_BYTES])
        except (KeyUnavailableError, CryptoError):
            # The hold itself holds all the same; who lists it is told that its words are lost.
            return None


def seal_words(hold: Hold, keys: RecordKeys, *, dies_on: datetime.date) -> SealedWords:
    """
    Seal a hold's words. May run in any thread; the key is durable after `sync`.

    Args:
        hold: With its words.
        keys: Where their key is made.
        dies_on: The day under whose key they lie.

    Returns:
        What the hold's row keeps.

    Raises:
        KeyUnavailableError: the slot file does not take the key.
    """
    key, data_key = keys.make(dies_on=dies_on)
    return SealedWords(
        key=key,
        dies_on=dies_on,
        sealed=seal_text(data_key, join_words(hold), data_id=key.data_id),
    )


def find_text_end(promises: Promises, logged_on: datetime.date) -> datetime.date:
    """
    Tell when a text of the log's private half dies.

    Args:
        promises: How long such a text is kept.
        logged_on: The day from which its period counts.

    Returns:
        The day.
    """
    return promises.dies_on(RecordClass.LOG_TEXT, {Event.LOGGED: logged_on})


def join_words(hold: Hold) -> bytes:
    """
    Write what stands behind a hold's commitment.

    Args:
        hold: With its words.

    Returns:
        Salt and text: the commitment is their hash.

    Raises:
        ValueError: the caller is wrong: the words are lost.
    """
    if hold.words is None:
        raise ValueError("there are no words")
    return hold.words.salt + format_hold_text(hold, hold.words)


def _parse_hold(row: Mapping[str, Any], *, words: HoldWords | None) -> Hold:
    ended_on, gone_on = row["ended_on"], row["gone_on"]
    return Hold(
        id=row["id"],
        placed_on=datetime.date.fromisoformat(row["placed_on"]),
        until_on=datetime.date.fromisoformat(row["until_on"]),
        ended_on=None if ended_on is None else datetime.date.fromisoformat(ended_on),
        gone_on=None if gone_on is None else datetime.date.fromisoformat(gone_on),
        commitment=row["commitment"],
        words=words,
    )
