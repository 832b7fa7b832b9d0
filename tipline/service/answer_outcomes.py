"""
What became of each answer that was taken, remembered so long that none is taken twice.

Rules:
1. An answer is known by its reader and its random id, which stands inside its seal: signed anew, in
   another bundle, it is the same answer.
2. It is remembered until the day after which its own seal says that nobody takes it.
3. What is remembered is a word: no text, no number, no conversation.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable

from sqlite_utils import Database


class Outcome(enum.StrEnum):
    """What became of one answer; formats.md, "Outgoing bundle"."""

    TAKEN = "taken"
    SENT = "sent"
    GATEWAY_REFUSED = "gateway_refused"
    WINDOW_CLOSED = "window_closed"
    NOT_READER = "not_reader"
    TOO_MANY = "too_many"
    EXPIRED = "expired"
    OLDER = "older"
    REFUSED = "refused"


def create_outcome_table(database: Database) -> None:
    """
    Make the table: a step of the schema.

    Args:
        database: In a transaction.
    """
    database.execute(
        """
        CREATE TABLE answer_outcomes (
            reader TEXT NOT NULL,
            id BLOB NOT NULL,
            outcome TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            PRIMARY KEY (reader, id)
        ) WITHOUT ROWID
        """
    )


class AnswerOutcomes:
    """
    The outcomes of one store.

    Args:
        database: Used in the writer's thread alone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, reader: str, ids: Iterable[bytes]) -> dict[bytes, Outcome]:
        """
        Find what became of answers.

        Args:
            reader: Whose: the reader's id.
            ids: Theirs.

        Returns:
            The outcome of each that was taken before.
        """
        found = {}
        for one in ids:
            row = self._database.execute(
                "SELECT outcome FROM answer_outcomes WHERE reader = ? AND id = ?", [reader, one]
            ).fetchone()
            if row is not None:
                found[one] = Outcome(row[0])
        return found

    def insert(self, reader: str, one: bytes, *, dies_on: datetime.date) -> None:
        """
        Remember an answer that is taken just now.

        Args:
            reader: Whose: the reader's id.
            one: Its id.
            dies_on: The first day on which nobody takes it any more.

        Raises:
            sqlite3.IntegrityError: it was taken before.
        """
        self._database.execute(
            "INSERT INTO answer_outcomes (reader, id, outcome, dies_on) VALUES (?, ?, ?, ?)",
            [reader, one, Outcome.TAKEN.value, dies_on.isoformat()],
        )

    def change(self, reader: str, one: bytes, outcome: Outcome) -> None:
        """
        Note what became of an answer since it was taken.

        Args:
            reader: Whose: the reader's id.
            one: Its id. One that is forgotten is no error.
            outcome: What.
        """
        self._database.execute(
            "UPDATE answer_outcomes SET outcome = ? WHERE reader = ? AND id = ?",
            [outcome.value, reader, one],
        )

    def forget(self, *, today: datetime.date) -> None:
        """
        Forget what nobody takes any more.

        Args:
            today: In UTC.
        """
        self._database.execute(
            "DELETE FROM answer_outcomes WHERE dies_on <= ?", [today.isoformat()]
        )
