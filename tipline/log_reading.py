"""Reads the log's database, a part at a time: other readers do not wait for all."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from crypto.strict import parse_day
from retention.log.batch import Death
from retention.log.entry import Entry, EntryType, decode_entry
from retention.policy import RecordClass
from retention.slot_root import Method

# What is told of every day, in every batch; everything else is an event.
DAILY_TYPES: Final = (
    EntryType.ARRIVALS,
    EntryType.DAY_KEY,
    EntryType.PURGE,
    EntryType.ANNEX,
)
DAY_KEY: Final = "day_key"  # among the deaths of classes
READ_ENTRIES: Final = 4096  # in one go

ReadRows = Callable[[str, Sequence[Any]], list[Any]]


def read_entries(read: ReadRows, *, size: int) -> Iterator[Entry]:
    """
    Read every entry, from the first.

    Args:
        read: Asks the database.
        size: How many entries there are.

    Yields:
        The entries.
    """
    query = "SELECT entry FROM entries WHERE number >= ? AND number < ? ORDER BY number"
    for first in range(0, size, READ_ENTRIES):
        for row in read(query, [first, min(first + READ_ENTRIES, size)]):
            yield decode_entry(bytes(row[0]))


def read_told(read: ReadRows, *, since: datetime.date, size: int) -> Iterator[Entry]:
    """
    Read what the log told of late, and every event before.

    Args:
        read: Asks the database.
        since: The day from which on the batches are read whole; of earlier ones, what they say of
            days is left out.
        size: How many entries there are.

    Yields:
        The entries.
    """
    before = read("SELECT max(size) FROM checkpoints WHERE day < ?", [since.isoformat()])
    whole = before[0][0] or 0
    # An entry has one spelling, so its first bytes tell its type.
    starts = [f'{{"v":1,"type":"{one}",'.encode() for one in DAILY_TYPES]
    is_event = " AND ".join("substr(entry, 1, ?) <> ?" for _ in starts)
    query = (
        "SELECT entry FROM entries WHERE number >= ? AND number < ?"  # noqa: S608  # our own words
        f" AND (number >= ? OR ({is_event})) ORDER BY number"
    )
    compared = [part for start in starts for part in (len(start), start)]
    for first in range(0, size, READ_ENTRIES):
        for row in read(query, [first, min(first + READ_ENTRIES, size), whole, *compared]):
            yield decode_entry(bytes(row[0]))


def read_deaths(read: ReadRows, *, before: datetime.date) -> list[Death]:
    """
    Read what is true and was not told yet.

    Args:
        read: Asks the database.
        before: Only of earlier days.

    Returns:
        The deaths.
    """
    rows = read(
        "SELECT class, of, method, late_days FROM deaths WHERE told IS NULL AND of < ? ORDER BY of",
        [before.isoformat()],
    )
    return [
        Death(
            of=parse_day(row[1]),
            record_class=None if row[0] == DAY_KEY else RecordClass(row[0]),
            method=Method(row[2]),
            late_days=row[3],
        )
        for row in rows
    ]
