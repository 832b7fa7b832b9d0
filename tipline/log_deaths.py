"""What purges made true, kept in the log's database until a batch tells it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from sqlite_utils import Database

from crypto.strict import parse_day
from retention.log.batch import ONE_DAY, Death, PurgeDone, list_deaths
from retention.policy import RecordClass
from tipline.log_reading import DAY_KEY


def insert_deaths(database: Database, done: PurgeDone, *, since: datetime.date) -> None:
    """
    Keep what a purge made true.

    Args:
        database: The log's, in a transaction.
        done: What it reached.
        since: The day on which the log began.
    """
    until: dict[RecordClass | None, datetime.date] = {}
    for record_class in (None, *RecordClass):
        row = database.execute(
            "SELECT max(of) FROM deaths WHERE class = ?", [_name(record_class)]
        ).fetchone()
        until[record_class] = since - ONE_DAY if row[0] is None else parse_day(row[0])
    for death in list_deaths(done, done_until=until):
        database.execute(
            "INSERT INTO deaths (class, of, method, late_days) VALUES (?, ?, ?, ?)",
            [
                _name(death.record_class),
                death.of.isoformat(),
                str(death.method),
                death.late_days,
            ],
        )


def mark_told(database: Database, deaths: Iterable[Death], *, day: datetime.date) -> None:
    """
    Note that a batch told them.

    Args:
        database: The log's, in a transaction.
        deaths: Those among its entries.
        day: Of the batch.
    """
    for death in deaths:
        database.execute(
            "UPDATE deaths SET told = ? WHERE class = ? AND of = ?",
            [day.isoformat(), _name(death.record_class), death.of.isoformat()],
        )


def _name(record_class: RecordClass | None) -> str:
    return DAY_KEY if record_class is None else str(record_class)
