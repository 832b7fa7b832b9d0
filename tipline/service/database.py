"""The database of an instance: opened as every part of it must be opened."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.files import PRIVATE_FILE_MODE

DATABASE_NAME: Final = "tipline.db"
WAL_NAME: Final = "tipline.db-wal"
INDEX_NAME: Final = "tipline.db-shm"  # of the WAL; we need none, but who only looks makes one
JOURNAL_NAME: Final = "tipline.db-journal"  # there must be none: the WAL is in its place
TEMPORARY_PREFIX: Final = "etilqs_"  # of SQLite's temporary files, which lose their names at once


def check_database(directory: Path) -> None:
    """
    Hold that an instance has its database.

    A line that began an empty one in its place would take every key for one that no row names, and
    destroy it: a restore would find nothing that opens.

    Args:
        directory: The instance, as `tipline init` made it.

    Raises:
        InstanceError: `instance_database`: it is missing, or empty.
    """
    path = directory / DATABASE_NAME
    if not path.is_file() or path.stat().st_size == 0:
        raise InstanceError("instance_database", path=str(path))


@contextlib.contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open a database that must not change: its WAL, too, stays as a crash left it.

    Args:
        path: Of the database.

    Yields:
        The connection.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    # Where there is no WAL, SQLite would make an empty one and could not take it away again.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    address = f"{path.absolute().as_uri()}?{how}"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        yield connection


def open_database(directory: Path) -> Database:
    """
    Open an instance's database as every part of it must be opened.

    Args:
        directory: The instance.

    Returns:
        The database, locked for this process, not yet migrated. It makes no checkpoint by itself.

    Raises:
        InstanceError: another program holds it, or this SQLite does not do what is asked.
    """
    path = directory / DATABASE_NAME
    # SQLite gives its WAL the rights of the database, so these are set before it opens it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
    path.chmod(PRIVATE_FILE_MODE)
    connection = sqlite3.connect(path, check_same_thread=False, timeout=0)
    database = Database(connection)
    try:
        # Some builds of SQLite ignore a pragma without a word, so each answer is checked.
        for pragma, wanted in (
            ("locking_mode = EXCLUSIVE", "exclusive"),
            ("journal_mode = WAL", "wal"),
            ("secure_delete = ON", 1),
            ("wal_autocheckpoint = 0", 0),
        ):
            set_pragma(database, pragma, wanted=wanted)
        database.execute("PRAGMA synchronous = FULL")
        # The nightly VACUUM makes a copy of the whole database: not in memory, which has an end,
        # but in a nameless file beside the database, sealed as everything in it is.
        database.execute("PRAGMA temp_store = FILE")
        _keep_temporary_files_in(directory, database)
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        # Nobody else is in it by now: these are from a crash between their making and unnaming.
        for left in directory.glob(f"{TEMPORARY_PREFIX}*"):
            left.unlink()
    except sqlite3.OperationalError as exc:
        database.close()
        raise InstanceError("instance_in_use", path=str(directory)) from exc
    except InstanceError:
        database.close()
        raise
    return database


def _keep_temporary_files_in(directory: Path, database: Database) -> None:
    # The variable SQLITE_TMPDIR is read once, when Python loads SQLite, so setting it here does
    # nothing and /var/tmp is used. The pragma is called deprecated, so its answer is looked at.
    quoted = os.fspath(directory.resolve()).replace("'", "''")
    database.execute(f"PRAGMA temp_store_directory = '{quoted}'")
    answer = database.execute("PRAGMA temp_store_directory").fetchone()
    if answer is None or answer[0] != os.fspath(directory.resolve()):
        raise InstanceError("instance_sqlite")


def set_pragma(database: Database, pragma: str, *, wanted: str | int) -> None:
    """
    Set a pragma and look at SQLite's answer.

    Args:
        database: Open.
        pragma: With its value.
        wanted: The answer that says it was done.

    Raises:
        InstanceError: another answer.
    """
    if database.execute(f"PRAGMA {pragma}").fetchone()[0] != wanted:
        raise InstanceError("instance_sqlite")
