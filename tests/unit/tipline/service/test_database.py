"""The database is opened as every part of it must be opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.service import database as module
from tipline.service.database import open_database

ROOT = Path(__file__).resolve().parents[4]
SPILL = """
import os, pathlib, sys
from tipline.service.database import open_database
database = open_database(pathlib.Path(sys.argv[1]))
database.execute("CREATE TABLE t (id BLOB PRIMARY KEY NOT NULL, b BLOB) WITHOUT ROWID")
with database.atomic():
    for _ in range(1500):
        database.execute("INSERT INTO t VALUES (?, ?)", [os.urandom(16), os.urandom(5000)])
database.vacuum()
database.close()
"""


def test_temporary_files_when_sqlite_needs_one_then_it_lies_in_the_instance(
    tmp_path: Path,
) -> None:
    """What SQLite cannot hold in memory goes to the instance's own disk, and nowhere else."""
    trace = tmp_path / "trace"
    directory = tmp_path / "it's a line"
    directory.mkdir()
    command = ["strace", "-f", "-e", "trace=openat", "-o", str(trace)]
    subprocess.run([*command, sys.executable, "-c", SPILL, str(directory)], cwd=ROOT, check=True)
    opened = [line.split('"')[1] for line in trace.read_text().splitlines() if "etilqs_" in line]
    assert opened
    assert {os.path.dirname(path) for path in opened} == {str(directory)}  # noqa: PTH120
    assert not list(directory.glob("etilqs_*"))


def test_temporary_file_when_left_by_a_crash_then_the_next_start_removes_it(
    tmp_path: Path,
) -> None:
    """A crash between the making and the unnaming of a temporary file leaves one."""
    (tmp_path / "etilqs_0123456789abcdef").write_bytes(b"left")
    open_database(tmp_path).close()
    assert not list(tmp_path.glob("etilqs_*"))


def test_database_when_sqlite_ignores_where_temporary_files_go_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds of SQLite without the pragma would put them elsewhere without a word."""
    execute = Database.execute

    def ignore(self: Database, sql: str, *more: object) -> object:
        if "temp_store_directory" in sql:
            return execute(self, "SELECT 1 WHERE 0")
        return execute(self, sql, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(module.Database, "execute", ignore)
    with pytest.raises(InstanceError) as refused:
        open_database(tmp_path)
    assert refused.value.code == "instance_sqlite"
