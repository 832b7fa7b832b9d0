"""
What is lost with the key of a day to come.

A row whose day is still to come needs that day's key. Where it is missing, somebody or something
took it before its time: that is said, and what it opened goes.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection

from sqlite_utils import Database

_WITH_DAYS = ("tips", "uploads", "log_texts", "holds")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """
    What lies under the key of one day.

    Args:
        tips: Their ids. A hold over one may open it all the same.
        uploads: Ids of those that are begun.
        text_count: Of the log's private texts, and of holds' words.
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
        text_count=len(ids["log_texts"]) + len(ids["holds"]),
    )
