"""
The log of a line that is restored: held against the backup's, and told what the restore ended.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from retention.log.entry import (
    EntryType,
    HoldStep,
    Statement,
    decode_statement,
    make_statement,
)
from tipline.errors import InstanceError
from tipline.service.database import looking


def compare_logs(there: Path, restored: Path) -> None:
    """
    Hold that the log that is there begins with the one of the backup.

    Args:
        there: The log in the line's directory.
        restored: The backup's.

    Raises:
        InstanceError: `restore_log_shorter`, `restore_log_forked`, `log_damaged`.
    """
    query = "SELECT number, entry FROM entries ORDER BY number"
    try:
        with (
            looking(there) as newer,
            looking(restored) as older,
        ):
            entries = newer.execute(query)
            for row in older.execute(query):
                found = entries.fetchone()
                if found is None:
                    raise InstanceError("restore_log_shorter", path=str(there))
                if found != row:
                    raise InstanceError("restore_log_forked", path=str(there), number=row[0])
    except sqlite3.Error as exc:
        raise InstanceError("log_damaged", path=str(there)) from exc


def count_entries(path: Path) -> int:
    """
    Count the entries of a log that nobody uses.

    Args:
        path: Of the log.

    Returns:
        How many.

    Raises:
        InstanceError: `log_damaged`.
    """
    ((count,),) = _ask(path, "SELECT count(*) FROM entries")
    return int(count)


def find_last(path: Path, entry_type: EntryType) -> Statement | None:
    """
    Find what was said last of something in a log that nobody uses, logged or waiting.

    Args:
        path: Of the log.
        entry_type: Of what.

    Returns:
        The statement, or None.

    Raises:
        InstanceError: `log_damaged`.
    """
    query = "SELECT statement FROM statements WHERE type = ? ORDER BY place DESC LIMIT 1"
    rows = _ask(path, query, str(entry_type))
    return decode_statement(bytes(rows[0][0])) if rows else None


def _ask(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    try:
        with looking(path) as log:
            return log.execute(query, values).fetchall()
    except sqlite3.Error as exc:
        raise InstanceError("log_damaged", path=str(path)) from exc


def end_holds(
    statements: Sequence[Statement], *, known: Container[str], on: datetime.date
) -> Iterator[Statement]:
    """
    Say that holds ended which the restored line does not have: their keys go with it.

    Args:
        statements: All of the log, and what waits.
        known: The holds that are there.
        on: Today.

    Yields:
        A statement for each.
    """
    open_: dict[str, Statement] = {}
    for statement in statements:
        if statement.type is EntryType.HOLD:
            if statement.fields["step"] == HoldStep.PLACED:
                open_[statement.fields["hold"]] = statement
            else:
                open_.pop(statement.fields["hold"], None)
    for hold, placed in open_.items():
        if hold not in known:
            over = on > datetime.date.fromisoformat(placed.fields["until"])
            step = HoldStep.EXPIRED if over else HoldStep.RELEASED
            yield make_statement(EntryType.HOLD, **{**placed.fields, "on": on, "step": str(step)})
