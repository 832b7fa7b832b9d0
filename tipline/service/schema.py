"""
The database's tables, and how an older one becomes today's.

Rules:
1. Rows lie in the order of random ids, which says nothing about arrival; sealed texts in the
   order of numbers that say its day (`envelope_rows.py`).
2. Times are days (INV-06).
3. A version is a step; all missing steps run in one transaction, so a crash leaves the old version.
4. A newer database than this program knows is refused: writing to it could lose what it holds.
5. What dies is found by its day through an index, so that a purge costs what it purges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.service.answer_outcomes import create_outcome_table
from tipline.service.day_tables import create_tables
from tipline.service.envelope_rows import number_envelopes
from tipline.service.phone_tables import create_phone_tables


def _create(database: Database) -> None:
    database.execute(
        """
        CREATE TABLE tips (
            id BLOB PRIMARY KEY NOT NULL,
            arrived_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            channel TEXT NOT NULL,
            sealed_by_service INTEGER NOT NULL,
            keyset INTEGER NOT NULL,
            envelope BLOB
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE uploads (
            id BLOB PRIMARY KEY NOT NULL,
            begun_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            channel TEXT NOT NULL,
            keyset INTEGER NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE answers (
            id BLOB PRIMARY KEY NOT NULL,
            arrived_on TEXT NOT NULL,
            dies_on TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )


def _move_envelopes(database: Database) -> None:
    # Planning a purge and listing a bundle read every tip; they must not walk through envelopes.
    database.execute(
        "CREATE TABLE envelopes (id BLOB PRIMARY KEY NOT NULL, envelope BLOB NOT NULL)"
        " WITHOUT ROWID"
    )
    database.execute(
        "INSERT INTO envelopes SELECT id, envelope FROM tips WHERE envelope IS NOT NULL"
    )
    database.execute("ALTER TABLE tips DROP COLUMN envelope")


def _keep_under_keys(database: Database) -> None:
    # What was stored in clear cannot be given a key that dies: other copies of it may lie around.
    for table in ("tips", "uploads"):
        if database.execute(f"SELECT 1 FROM {table}").fetchone() is not None:  # noqa: S608
            raise InstanceError("instance_keyless")
    for table in ("tips", "uploads", "envelopes"):
        database.execute(f"DROP TABLE {table}")
    database.execute(
        """
        CREATE TABLE tips (
            id BLOB PRIMARY KEY NOT NULL,
            arrived_on TEXT NOT NULL,
            picked_up_on TEXT,
            dies_on TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            channel TEXT NOT NULL,
            sealed_by_service INTEGER NOT NULL,
            keyset INTEGER NOT NULL,
            ended_by TEXT,
            data_id BLOB NOT NULL,
            slot INTEGER NOT NULL,
            wrapped BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        "CREATE TABLE envelopes (id BLOB PRIMARY KEY NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID"
    )
    database.execute(
        """
        CREATE TABLE uploads (
            id BLOB PRIMARY KEY NOT NULL,
            begun_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            channel TEXT NOT NULL,
            keyset INTEGER NOT NULL,
            data_id BLOB NOT NULL,
            slot INTEGER NOT NULL,
            wrapped BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE holds (
            id BLOB PRIMARY KEY NOT NULL,
            placed_on TEXT NOT NULL,
            until_on TEXT NOT NULL,
            ended_on TEXT,
            gone_on TEXT,
            commitment TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            data_id BLOB NOT NULL,
            slot INTEGER NOT NULL,
            wrapped BLOB NOT NULL,
            sealed BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE hold_wraps (
            hold BLOB NOT NULL,
            tip BLOB NOT NULL,
            wrapped BLOB NOT NULL,
            PRIMARY KEY (hold, tip)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE policies (
            number INTEGER PRIMARY KEY NOT NULL,
            adopted_on TEXT NOT NULL,
            periods TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )
    for table in ("tips", "uploads", "answers"):
        database.execute(f"CREATE INDEX {table}_dies_on ON {table} (dies_on)")
    database.execute("CREATE INDEX hold_wraps_tip ON hold_wraps (tip)")


def _find_waiting(database: Database) -> None:
    # What no desk has: once a day the oldest of it is looked for, however much is stored.
    database.execute(
        "CREATE INDEX tips_waiting ON tips (arrived_on)"
        " WHERE picked_up_on IS NULL AND ended_by IS NULL"
    )


STEPS: Final[tuple[Callable[[Database], None], ...]] = (
    _create,
    _move_envelopes,
    _keep_under_keys,
    create_tables,
    _find_waiting,
    number_envelopes,
    create_phone_tables,
    create_outcome_table,
)
VERSION: Final = len(STEPS)


def read_version(database: Database) -> int:
    """
    Read a database's version.

    Args:
        database: Any of ours.

    Returns:
        0 for an empty one.
    """
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def migrate(database: Database) -> int:
    """
    Bring a database to today's version, in one transaction.

    Args:
        database: Open, without a transaction.

    Returns:
        The version it had.

    Raises:
        InstanceError: it is newer than this program.
    """
    version = read_version(database)
    if version > VERSION:
        raise InstanceError("instance_newer", version=version, known=VERSION)
    if version < VERSION:
        with database.atomic():
            for step in STEPS[version:]:
                step(database)
            # A pragma takes no parameter; VERSION is our own constant.
            database.execute(f"PRAGMA user_version = {VERSION}")
    return version
