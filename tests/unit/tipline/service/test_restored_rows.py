"""A database that a restore was writing when it was killed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tipline.errors import FileError
from tipline.service.restored_rows import list_tips, roll_back

IDS = [number.to_bytes(16, "big") for number in range(400)]


def tear(folder: Path) -> Path:
    """Copy a database, and its journal, in the middle of a transaction that changes every page."""
    whole, torn = folder / "whole.db", folder / "torn.db"
    database = sqlite3.connect(whole, isolation_level=None)
    database.execute("CREATE TABLE tips (id BLOB PRIMARY KEY NOT NULL, text TEXT) WITHOUT ROWID")
    database.executemany("INSERT INTO tips VALUES (?, ?)", [(one, "a" * 500) for one in IDS])
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN")
    database.execute("DELETE FROM tips")
    for suffix in ("", "-journal"):
        shutil.copy(f"{whole}{suffix}", f"{torn}{suffix}")
    database.close()
    return torn


def test_roll_back_when_a_transaction_was_cut_then_all_is_as_before_it(tmp_path: Path) -> None:
    """Whoever only looks finds something else; afterwards every row is there, and no journal."""
    torn = tear(tmp_path)
    assert list_tips(torn) != set(IDS)
    roll_back(torn)
    assert list_tips(torn) == set(IDS)
    assert not torn.with_name("torn.db-journal").exists()


def test_roll_back_when_nothing_was_cut_then_nothing_is_touched(tmp_path: Path) -> None:
    """Without a journal no database is made where there was none."""
    roll_back(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_roll_back_when_it_is_no_database_then_it_says_so(tmp_path: Path) -> None:
    """What cannot be written now is told as what it is, and not as a broken backup."""
    torn = tear(tmp_path)
    torn.unlink()
    torn.mkdir()
    with pytest.raises(FileError):
        roll_back(torn)
