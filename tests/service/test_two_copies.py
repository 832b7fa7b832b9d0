"""Copies of the database from two epochs: nothing in both relates the handles of a sender."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.errors import ForgedError
from crypto.window import RELATION_OVERHEAD_BYTES, derive_relation_key, open_relation
from retention.plan import Move, Reason
from retention.policy import Event, RecordClass
from tests.service.test_conversations import (
    EPOCH_DAYS,
    NUMBER,
    PROMISES,
    WINDOW_DAYS,
    Calendar,
    calendar,
    give,
    handles,
    keep,
    open_phones,
    read_all,
    sender,
    settle,
)
from tipline.service.conversations import Conversations
from tipline.service.sqlite_store import SqliteStore

__all__ = ["calendar"]

SHINGLE_BYTES = 8
NUMBERS = (NUMBER, "+525587654321")
# What all rows of an epoch have in common, and so tells nobody of them from another.
COMMON = frozenset({"epoch", "salt"})


class Groups:
    """Joins what has eight bytes in common, wherever in a row they stand."""

    def __init__(self) -> None:
        self._parents: dict[bytes, bytes] = {}

    def add(self, values: list[bytes]) -> None:
        """Take a row."""
        shingles = [
            value[at : at + SHINGLE_BYTES]
            for value in values
            for at in range(len(value) - SHINGLE_BYTES + 1)
        ]
        for one in shingles:
            self._parents[self.find(one)] = self.find(shingles[0])

    def find(self, shingle: bytes) -> bytes:
        """Tell the group of eight bytes."""
        shingle = shingle[:SHINGLE_BYTES]
        self._parents.setdefault(shingle, shingle)
        while (parent := self._parents[shingle]) != shingle:
            self._parents[shingle] = self._parents[parent]
            shingle = parent
        return shingle


def list_rows(database: sqlite3.Connection) -> Iterator[tuple[str, dict[str, object]]]:
    """Every row of every table."""
    database.row_factory = sqlite3.Row
    for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for row in database.execute(f"SELECT * FROM {table}"):
            yield table, dict(row)


def copy(store: SqliteStore, path: Path) -> None:
    """Copy the database, as a backup does; every row of it."""
    store._database.execute("VACUUM INTO ?", [str(path)])


def take_values(row: dict[str, object]) -> list[bytes]:
    """What of a row may stand in another."""
    return [value for name, value in row.items() if isinstance(value, bytes) and name not in COMMON]


async def write_and_answer(store: SqliteStore, conversations: Conversations) -> dict[bytes, bytes]:
    """Both senders write, and an answer waits for each; their pseudonyms, each with its tip."""
    tips = []
    for number in NUMBERS:
        tips.append(await keep(conversations, sender(number)))
        conversation = conversations.find(sender(number), "city").conversation
        await give(conversations, conversation, "thank you")
    await settle(conversations)
    known = await handles(store)
    return {pseudonym: tip.id for tip in tips if (pseudonym := known[tip.id]) is not None}


async def move_together(store: SqliteStore, calendar: Calendar) -> None:
    """Let all windows die on one day, as when a clock that was ahead is set right."""
    windows = [one for one in await store.records() if one.record_class is RecordClass.RAW_NUMBER]
    dies_on = min(one.dies_on for one in windows)
    events = {Event.RECEIVED: calendar()}
    reason = Reason.FROM_THE_FUTURE
    await store.move(
        [Move(record=one, events=events, dies_on=dies_on, reason=reason) for one in windows]
    )


async def test_copies_when_made_in_two_epochs_then_nothing_in_them_relates_a_senders_handles(
    short_path: Path, tmp_path: Path, calendar: Calendar
) -> None:
    """
    No eight bytes lead from one pseudonym of a sender to the other, over whatever rows of both
    copies; and once the windows are dead, no key that is left opens what would.
    """
    copies = [tmp_path / f"{number}.db" for number in range(3)]
    async with open_phones(short_path, calendar) as (store, conversations):
        calendar.turn(EPOCH_DAYS - 1)
        before = await write_and_answer(store, conversations)
        names = [conversations.find(sender(one), "city").conversation for one in NUMBERS]
        copy(store, copies[0])
        calendar.turn(1)
        after = await write_and_answer(store, conversations)
        assert names == [conversations.find(sender(one), "city").conversation for one in NUMBERS]
        copy(store, copies[1])
        await move_together(store, calendar)
        assert names == [conversations.find(sender(one), "city").conversation for one in NUMBERS]
        assert len(await conversations.outbox.answers()) == 4
        copy(store, copies[2])
        stored = b"".join((read_all(short_path), read_all(tmp_path)))
        assert [name in stored for name in names] == [False, False]
        calendar.turn(WINDOW_DAYS)
        assert (await store.purge_due(promises=PROMISES, today=calendar())).failures == ()
        left = [
            store._keys.derive_of_day(day, derive_relation_key)
            for day in sorted(store._keys.days())
        ]
    groups, sealed = Groups(), []
    for path in copies:
        with contextlib.closing(sqlite3.connect(path)) as database:
            for table, row in list_rows(database):
                groups.add(take_values(row))
                if table in ("windows", "outgoing"):
                    sealed.append((row["id"], row["relation"]))
    known = before | after
    assert len({groups.find(pseudonym) for pseudonym in known}) == len(known) == 4
    # What is related is found to be: so this test can fail.
    for pseudonym, tip_id in known.items():
        assert groups.find(pseudonym) == groups.find(tip_id)
    assert left
    assert len(sealed) == 2 * (2 + 4 + 4)
    for row_id, relation in sealed:
        for key in left:
            with pytest.raises(ForgedError):
                open_relation(
                    key, relation, row_id=row_id, size=len(relation) - RELATION_OVERHEAD_BYTES
                )
