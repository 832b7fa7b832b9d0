"""
Envelopes that are rows: sealed texts, each under a number of its own.

Rules:
1. A number is the day of the arrival and, behind it, randomness: the order of the rows tells the
   day, which stands beside the tip anyway, and nothing finer.
2. Numbers, not ids: SQLite keeps a table of numbers without repeating its rows in the pages that
   lead to them, and what arrived on one day, which mostly dies on one day, lies together. A purge
   so frees whole pages instead of writing many pages anew, each for the sake of one row.
"""

from __future__ import annotations

import datetime
from typing import Final

from sqlite_utils import Database

from crypto.randomness import RandomSource, system_random

_RANDOM_BYTES: Final = 5  # behind the day: 62 bits in all, and SQLite's numbers have 63


def number_envelopes(database: Database) -> None:
    """
    Give the envelopes of an older database their numbers: a step of the schema.

    Args:
        database: In a transaction.
    """
    database.execute("ALTER TABLE tips ADD COLUMN envelope INTEGER")
    database.execute("ALTER TABLE envelopes RENAME TO unnumbered")
    database.execute(
        "CREATE TABLE envelopes (number INTEGER PRIMARY KEY NOT NULL, sealed BLOB NOT NULL)"
    )
    texts = "SELECT id, arrived_on FROM tips WHERE id IN (SELECT id FROM unnumbered)"
    for tip_id, arrived_on in database.execute(texts).fetchall():
        number = _choose_number(database, datetime.date.fromisoformat(arrived_on), system_random)
        database.execute(
            "INSERT INTO envelopes SELECT ?, sealed FROM unnumbered WHERE id = ?", [number, tip_id]
        )
        database.execute("UPDATE tips SET envelope = ? WHERE id = ?", [number, tip_id])
    database.execute("DROP TABLE unnumbered")


def insert_sealed(
    database: Database,
    sealed: bytes,
    *,
    of: datetime.date,
    random: RandomSource = system_random,
) -> int:
    """
    Keep an envelope; in its tip's own transaction.

    Args:
        database: In a transaction.
        sealed: The envelope as it is stored.
        of: The day of its arrival.
        random: Where the number comes from.

    Returns:
        Its number, for the tip's row.
    """
    number = _choose_number(database, of, random)
    database.execute("INSERT INTO envelopes VALUES (?, ?)", [number, sealed])
    return number


def read_sealed(database: Database, tip_id: bytes) -> bytes | None:
    """
    Read an envelope.

    Args:
        database: Of today's version.
        tip_id: Its tip.

    Returns:
        The envelope as it is stored; None if there is none.
    """
    query = "SELECT sealed FROM envelopes WHERE number = (SELECT envelope FROM tips WHERE id = ?)"
    row = database.execute(query, [tip_id]).fetchone()
    return None if row is None else bytes(row[0])


def delete_sealed(database: Database, tip_id: bytes) -> None:
    """
    Let an envelope go, before its tip's row does.

    Args:
        database: In a transaction.
        tip_id: Its tip.
    """
    query = "DELETE FROM envelopes WHERE number = (SELECT envelope FROM tips WHERE id = ?)"
    database.execute(query, [tip_id])


def _choose_number(database: Database, of: datetime.date, random: RandomSource) -> int:
    while True:
        behind = int.from_bytes(random(_RANDOM_BYTES))
        number = of.toordinal() << 8 * _RANDOM_BYTES | behind
        taken = database.execute("SELECT 1 FROM envelopes WHERE number = ?", [number]).fetchone()
        if taken is None:
            return number
