"""
The database's tables, and how an older one becomes today's.

Rules:
1. No table has a rowid: rows lie in the order of random ids, which says nothing about arrival.
2. Times are days (INV-06).
3. A version is a step; all missing steps run in one transaction, so a crash leaves the old version.
4. A newer database than this program knows is refused: writing to it could lose what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlite_utils import Database

from tipline.errors import InstanceError


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


STEPS: Final[tuple[Callable[[Database], None], ...]] = (_create, _move_envelopes)
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
