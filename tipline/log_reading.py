"""Reads entries out of the log's database, a part at a time: other readers do not wait for all."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from retention.log.entry import Entry, EntryType, decode_entry

# What is told of every day, in every batch; everything else is an event.
DAILY_TYPES: Final = (
    EntryType.ARRIVALS,
    EntryType.DAY_KEY,
    EntryType.PURGE,
    EntryType.ANNEX,
)
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
