"""
What was said for the log, kept in its database until a batch tells it.

Rules:
1. A statement is kept once, however often it is said: a crash between two steps tells it once.
2. What holds until the next of its kind (a policy, the step of an end) is kept again when something
   else of its kind was said since.
3. What can happen twice on one day (a backup, a restore) is kept once for each occasion.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Final, Protocol

from sqlite_utils import Database

from retention.log.entry import EntryType, Statement, encode_statement

# What holds until the next of its kind says otherwise.
STATES: Final = frozenset({EntryType.POLICY, EntryType.KEYSET, EntryType.PAGE, EntryType.CLOSE})


class QueueStatement(Protocol):
    """Keeps a statement for the log's next batch."""

    async def __call__(self, statement: Statement, *, occasion: bytes | None = None) -> None:
        """Keep it; of what can happen twice on one day, *occasion* says which time it was."""
        ...


def insert_statement(
    database: Database, statement: Statement, *, occasion: bytes | None = None
) -> None:
    """
    Keep a statement, unless it was kept already.

    Args:
        database: The log's, in a transaction.
        statement: What happened.
        occasion: Of what can happen twice on one day: which time it was.
    """
    encoded = encode_statement(statement)
    query = "SELECT statement FROM statements WHERE statement = ? AND occasion IS ?"
    parameters: list[str | bytes | None] = [encoded, occasion]
    if statement.type in STATES:
        query = "SELECT statement FROM statements WHERE type = ? ORDER BY place DESC"
        parameters = [str(statement.type)]
    row = database.execute(query + " LIMIT 1", parameters).fetchone()
    if row is None or bytes(row[0]) != encoded:
        database.execute(
            "INSERT INTO statements (place, type, statement, occasion)"
            " SELECT coalesce(max(place), 0) + 1, ?, ?, ? FROM statements",
            [str(statement.type), encoded, occasion],
        )


def mark_statements(
    database: Database, statements: Iterable[Statement], *, day: datetime.date
) -> None:
    """
    Note that a batch told them.

    Args:
        database: The log's, in a transaction.
        statements: Those among its entries.
        day: Of the batch.
    """
    for statement in statements:
        # One row for each: the same may have been said again since they were read.
        database.execute(
            "UPDATE statements SET told = ? WHERE place ="
            " (SELECT min(place) FROM statements WHERE statement = ? AND told IS NULL)",
            [day.isoformat(), encode_statement(statement)],
        )
