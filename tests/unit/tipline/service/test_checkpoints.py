"""After a checkpoint nothing of former rows is in the database's unused parts or its WAL."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.service import checkpoints as module
from tipline.service.checkpoints import Checkpoints
from tipline.service.database import open_database
from tipline.service.database_pages import find_remnants

PAGE = 4096


@contextlib.contextmanager
def open_both(directory: Path) -> Iterator[tuple[Database, Checkpoints]]:
    database = open_database(directory)
    checkpoints = Checkpoints(directory / "tipline.db", database)
    try:
        yield database, checkpoints
    finally:
        database.close()
        checkpoints.close()


def fill(database: Database, count: int) -> list[bytes]:
    """Add rows in random order, so that pages are split and rows move."""
    database.execute(
        "CREATE TABLE IF NOT EXISTS t (id BLOB PRIMARY KEY NOT NULL, rest BLOB) WITHOUT ROWID"
    )
    ids = [secrets.token_bytes(16) for _ in range(count)]
    with database.atomic():
        for record_id in ids:
            row = [record_id, record_id * random.Random(record_id).randint(1, 60)]
            database.execute("INSERT INTO t VALUES (?, ?)", row)
    return ids


def read_remnants(path: Path) -> list[int]:
    content = path.read_bytes()
    return [
        start // PAGE + 1
        for start in range(0, len(content), PAGE)
        if find_remnants(content[start : start + PAGE], number=start // PAGE + 1)
    ]


def test_sqlite_when_rows_move_between_pages_then_copies_stay_in_unused_parts(
    tmp_path: Path,
) -> None:
    """What this module is for: `secure_delete` alone leaves copies of rows that moved."""
    with open_both(tmp_path) as (database, _):
        fill(database, 3000)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert read_remnants(tmp_path / "tipline.db")


def test_empty_when_rows_moved_then_no_unused_part_holds_anything(tmp_path: Path) -> None:
    """After it, unused parts are zeros, the WAL is empty, and the database is whole."""
    path = tmp_path / "tipline.db"
    with open_both(tmp_path) as (database, checkpoints):
        ids = fill(database, 3000)
        checkpoints.empty()
        assert read_remnants(path) == []
        assert (tmp_path / "tipline.db-wal").stat().st_size == 0
        dead = random.Random(1).sample(ids, 2000)
        with database.atomic():
            for record_id in dead:
                database.execute("DELETE FROM t WHERE id = ?", [record_id])
        fill(database, 300)
        checkpoints.empty()
        assert read_remnants(path) == []
        content = path.read_bytes()
        assert not [record_id for record_id in dead if record_id in content]
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        rows = database.execute("SELECT id, rest FROM t").fetchall()
        assert len(rows) == 1300
        assert all(rest[:16] == record_id for record_id, rest in rows)


def test_pages_when_overwritten_then_memory_does_not_bring_them_back(tmp_path: Path) -> None:
    """SQLite's own copy of a page is dropped: a later change writes no former bytes."""
    path = tmp_path / "tipline.db"
    with open_both(tmp_path) as (database, checkpoints):
        ids = fill(database, 3000)
        checkpoints.empty()
        # Of the same length in place: pages are changed, and no row moves.
        with database.atomic():
            database.execute("UPDATE t SET rest = zeroblob(length(rest))")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert read_remnants(path) == []
        assert len(ids) == 3000


def test_wal_when_short_then_it_waits_and_when_grown_it_is_copied(tmp_path: Path) -> None:
    """A checkpoint is made after about 4 MiB, not at each commit."""
    path = tmp_path / "tipline.db"
    with open_both(tmp_path) as (database, checkpoints):
        checkpoints.copy_when_grown()  # there is no WAL to speak of
        fill(database, 500)
        before = path.read_bytes()
        checkpoints.copy_when_grown()
        assert path.read_bytes() == before
        fill(database, 12_000)
        checkpoints.copy_when_grown()
        assert path.read_bytes() != before
        assert read_remnants(path) == []


def test_wal_when_copied_then_its_frames_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the database by now is dealt with once, though it stays in the WAL."""
    cleaned: list[set[int]] = []
    real = Checkpoints._overwrite_unused

    def note(self: Checkpoints, numbers: set[int]) -> bool:
        cleaned.append(set(numbers))
        return real(self, numbers)

    monkeypatch.setattr(Checkpoints, "_overwrite_unused", note)
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 12_000)
        checkpoints.copy_when_grown()
        for _ in range(3):  # as after a call that only reads
            checkpoints.copy_when_grown()
        checkpoints.empty()
        assert len(cleaned[0]) > 1000
        assert cleaned[1:] == [set()]
        fill(database, 10)
        checkpoints.empty()
        assert cleaned[2]
        assert read_remnants(tmp_path / "tipline.db") == []


def test_wal_when_a_large_transaction_was_rolled_back_then_what_follows_is_not_passed_over(
    tmp_path: Path,
) -> None:
    """What a transaction wrote ahead and took back counts for nothing: its place is used anew."""
    path = tmp_path / "tipline.db"
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 1000)
        checkpoints.empty()
        # More than SQLite keeps in memory, each page once: as a VACUUM that finds no room.
        with contextlib.suppress(LookupError), database.atomic():
            for number in range(3000):
                row = [b"\xff" + number.to_bytes(4), secrets.token_bytes(8000)]
                database.execute("INSERT INTO t VALUES (?, ?)", row)
            raise LookupError
        checkpoints.note_pages()
        checkpoints.copy_when_grown()
        fill(database, 3000)
        checkpoints.empty()
        assert len(checkpoints.take_noted_pages()) > 300
        assert read_remnants(path) == []


def test_unused_parts_when_overwriting_failed_then_the_next_checkpoint_does_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the disk does not make a page count as done."""
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 3000)
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", fail)
            with pytest.raises(OSError, match="broken"):
                checkpoints.empty()
        fill(database, 1)  # the WAL begins anew
        checkpoints.empty()
        assert read_remnants(tmp_path / "tipline.db") == []


def fail(*_: object) -> int:
    raise OSError("broken")


def test_noted_pages_when_asked_for_then_all_written_since_are_told_once(tmp_path: Path) -> None:
    """Pages are noted over several checkpoints, and not before or after."""
    path = tmp_path / "tipline.db"
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 100)
        checkpoints.empty()
        assert checkpoints.take_noted_pages() == set()
        before = path.read_bytes()
        checkpoints.note_pages()
        for _ in range(3):
            fill(database, 400)
            checkpoints.empty()
        after = path.read_bytes()
        changed = {
            start // PAGE + 1
            for start in range(0, len(after), PAGE)
            if before[start : start + PAGE] != after[start : start + PAGE]
        }
        assert changed <= checkpoints.take_noted_pages()
        assert checkpoints.take_noted_pages() == set()


KILLED = """
import os, pathlib, signal, sys
from tests.unit.tipline.service.test_checkpoints import fill, open_both
directory = pathlib.Path(sys.argv[1])
with open_both(directory) as (database, checkpoints):
    fill(database, 3000)
    os.pwrite = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    checkpoints.empty()
"""


def test_empty_when_killed_before_the_unused_parts_then_the_next_does_them(
    tmp_path: Path,
) -> None:
    """A crash after SQLite's part leaves the WAL, which names the pages once more."""
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    assert done.returncode == -9
    path = tmp_path / "tipline.db"
    assert read_remnants(path)
    with open_both(tmp_path) as (database, checkpoints):
        checkpoints.empty()
        assert read_remnants(path) == []
        assert database.execute("SELECT count(*) FROM t").fetchone()[0] == 3000


def test_empty_when_something_reads_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's answer is looked at, and so is the length of what is left of the WAL."""
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 100)
        checkpoints.empty()
        answers = [(1, 4, 3), (0, 4, 3)]
        for answer in answers:

            class Held:
                def execute(self, sql: str, answer: tuple[int, int, int] = answer) -> Held:
                    self.answer = answer
                    return self

                def fetchone(self) -> tuple[int, int, int]:
                    return self.answer

            with monkeypatch.context() as patch:
                patch.setattr(checkpoints, "_database", Held())
                with pytest.raises(InstanceError) as refused:
                    checkpoints.empty()
            assert refused.value.code == "instance_checkpoint"
        monkeypatch.setattr(checkpoints, "_checkpoint", lambda mode: None)
        fill(database, 10)
        with pytest.raises(InstanceError):
            checkpoints.empty()


def test_empty_when_page_numbers_could_be_mistaken_then_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond 128 GiB an overflow page could look like another kind: that is refused."""
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 100)
        monkeypatch.setattr(module, "MAX_PAGES", 2)
        with pytest.raises(InstanceError) as refused:
            checkpoints.empty()
        assert refused.value.code == "instance_large"


def test_lock_when_pages_were_read_then_nobody_else_gets_in(tmp_path: Path) -> None:
    """Reading the database's file by its own descriptor lets SQLite's lock stand."""
    with open_both(tmp_path) as (database, checkpoints):
        fill(database, 100)
        checkpoints.empty()
        assert checkpoints.read_page(1).startswith(b"SQLite format 3\0")
        assert checkpoints.read_page(10_000) == b""
        other = (
            "import sqlite3, sys\n"
            "sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM t')"
        )
        command = [sys.executable, "-c", other, os.fspath(tmp_path / "tipline.db")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert "database is locked" in done.stderr
