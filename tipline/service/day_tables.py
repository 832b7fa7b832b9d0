"""
Tables of what the log will tell of a day, and of the private half of what it told.

Rules:
1. An arrival's leaf is written with the tip, in one transaction: no tip is without its leaf.
2. Until its day is told, a leaf is a random-looking number beside its day; then it lies sealed
   in `log_texts`, with the counts of the day.

docs/reference/log.md, "Arrivals", "Annex", "Private texts".
"""

from __future__ import annotations

import datetime

from sqlite_utils import Database

from crypto.randomness import RandomSource, system_random
from retention.log.arrivals import make_arrival_leaf
from retention.log.entry import SALT_BYTES


def create_tables(database: Database) -> None:
    """
    Make the tables: a step of the schema.

    Args:
        database: In a transaction.
    """
    database.execute("ALTER TABLE tips ADD COLUMN salt BLOB")
    database.execute(
        "CREATE TABLE arrivals (about_on TEXT NOT NULL, leaf BLOB NOT NULL,"
        " PRIMARY KEY (about_on, leaf)) WITHOUT ROWID"
    )
    database.execute(
        """
        CREATE TABLE counts (
            about_on TEXT NOT NULL,
            kind TEXT NOT NULL,
            class TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (about_on, kind, class)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE log_texts (
            id BLOB PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL,
            about_on TEXT NOT NULL,
            logged_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            data_id BLOB NOT NULL,
            slot INTEGER NOT NULL,
            wrapped BLOB NOT NULL,
            sealed BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute("CREATE INDEX log_texts_dies_on ON log_texts (dies_on)")
    database.execute("CREATE INDEX log_texts_about_on ON log_texts (about_on)")


def insert_leaf(
    database: Database,
    tip_id: bytes,
    *,
    of: datetime.date,
    random: RandomSource = system_random,
) -> bytes:
    """
    Commit to an arrival; in the tip's own transaction.

    Args:
        database: In a transaction.
        tip_id: Of the tip.
        of: The day of its arrival.
        random: Where the salt comes from.

    Returns:
        The salt, which lies beside the tip and dies with it.
    """
    salt = random(SALT_BYTES)
    leaf = make_arrival_leaf(tip_id, salt=salt)
    database.execute("INSERT INTO arrivals VALUES (?, ?)", [of.isoformat(), leaf])
    return salt
