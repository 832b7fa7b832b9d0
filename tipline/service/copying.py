"""
A copy of the database while it is written to: SQLite's own online backup, in steps.

Rules:
1. A step runs while the writer stands still between two groups, so it meets no open transaction,
   and every group has its turn between two steps.
2. What is written between the steps is in the copy: SQLite writes it there as well.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from tipline.files import PRIVATE_FILE_MODE

STEP_PAGES: Final = 256  # 1 MiB: an arrival waits for a millisecond or two

Resume = Callable[[], None]


def copy_database(database: Database, path: Path, *, stand_still: Callable[[], Resume]) -> None:
    """
    Copy a database that is being written to.

    Args:
        database: Open; used by the writer's thread between the steps.
        path: Of the copy; must not exist.
        stand_still: Waits until the writer stands still; what it gives lets the writer go on.

    Raises:
        sqlite3.Error: the copy cannot be made.
        OSError: the disk refuses.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE))
    copy = sqlite3.connect(path, check_same_thread=False)
    try:
        # A crash leaves the copy to be removed, so its own journal would be written for nothing.
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        resume = stand_still()

        def take_turns(status: int, remaining: int, total: int) -> None:
            nonlocal resume
            resume()
            resume = stand_still()

        try:
            database.conn.backup(copy, pages=STEP_PAGES, progress=take_turns, sleep=0.001)
        finally:
            resume()
    finally:
        copy.close()
