"""
The log's tables. Nothing in them is secret: what is private about an entry lies elsewhere.

A version is a step, as in the instance's own database: all missing steps run in one transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.files import PRIVATE_FILE_MODE

LOG_NAME: Final = "log.db"
LOG_FILES: Final = (LOG_NAME, "log.db-wal", "log.db-shm")
BUSY_SECONDS: Final = 5.0  # for another process that adds a witness's line


def _create(database: Database) -> None:
    database.execute(
        "CREATE TABLE entries (number INTEGER PRIMARY KEY NOT NULL, entry BLOB NOT NULL)"
        " WITHOUT ROWID"
    )
    database.execute(
        """
        CREATE TABLE hashes (
            level INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (level, number)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE checkpoints (
            size INTEGER PRIMARY KEY NOT NULL,
            day TEXT NOT NULL,
            note BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE cosignatures (
            size INTEGER NOT NULL,
            name TEXT NOT NULL,
            key_id BLOB NOT NULL,
            line TEXT NOT NULL,
            PRIMARY KEY (size, name, key_id)
        ) WITHOUT ROWID
        """
    )
    # In the order in which they came; told is the day of the batch.
    database.execute(
        """
        CREATE TABLE statements (
            place INTEGER PRIMARY KEY NOT NULL,
            type TEXT NOT NULL,
            statement BLOB NOT NULL,
            told TEXT
        ) WITHOUT ROWID
        """
    )
    database.execute("CREATE INDEX statements_type ON statements (type, place)")
    database.execute("CREATE INDEX statements_statement ON statements (statement)")
    database.execute(
        """
        CREATE TABLE deaths (
            class TEXT NOT NULL,
            of TEXT NOT NULL,
            method TEXT NOT NULL,
            late_days INTEGER NOT NULL,
            told TEXT,
            PRIMARY KEY (class, of)
        ) WITHOUT ROWID
        """
    )


def _keep_account(database: Database) -> None:
    # One row: what the page for everybody says besides the entries, as of the last batch.
    database.execute(
        "CREATE TABLE accounts (size INTEGER PRIMARY KEY NOT NULL, account BLOB NOT NULL)"
        " WITHOUT ROWID"
    )


def _tell_occasions_apart(database: Database) -> None:
    database.execute("ALTER TABLE statements ADD COLUMN occasion BLOB")


STEPS: Final[tuple[Callable[[Database], None], ...]] = (
    _create,
    _keep_account,
    _tell_occasions_apart,
)


def open_log_database(directory: Path) -> tuple[Database, Database]:
    """
    Open the log's database.

    Args:
        directory: The instance.

    Returns:
        Two connections: one to write with, one to read with meanwhile.

    Raises:
        InstanceError: it is newer than this program, or this SQLite does not do what is asked.
    """
    path = directory / LOG_NAME
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
    path.chmod(PRIVATE_FILE_MODE)
    writing = _connect(path)
    try:
        _migrate(writing)
        return writing, _connect(path)
    except BaseException:
        writing.close()
        raise


def copy_log_database(directory: Path, path: Path) -> None:
    """
    Copy the log's database, whole, while it may be served.

    Args:
        directory: The instance.
        path: Of the copy; must not exist.

    Raises:
        sqlite3.Error: the copy cannot be made.
        OSError: the disk refuses.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE))
    source = sqlite3.connect(directory / LOG_NAME, timeout=BUSY_SECONDS)
    copy = sqlite3.connect(path)
    try:
        # One step, one view: whoever writes to a WAL waits for no reader.
        source.backup(copy)
    finally:
        copy.close()
        source.close()


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_SECONDS)
    database = Database(connection)
    # Some builds of SQLite ignore a pragma without a word.
    if database.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        database.close()
        raise InstanceError("instance_sqlite")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _migrate(database: Database) -> None:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(STEPS):
        raise InstanceError("instance_newer", version=version, known=len(STEPS))
    if version == len(STEPS):
        return
    with database.atomic():
        for step in STEPS[version:]:
            step(database)
        # A pragma takes no parameter; the number is our own.
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
