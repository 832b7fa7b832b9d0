"""Pages and WAL as bytes, compared with what SQLite itself writes."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from tipline.service.database_pages import (
    find_frames,
    find_freelist,
    find_remnants,
    find_unused,
    parse_wal_head,
)

PAGE = 4096


def make_leaf(cells: list[bytes]) -> bytearray:
    """Make the leaf of an index: its cells lie at the end of the page."""
    page = bytearray(PAGE)
    end = PAGE
    for place, cell in enumerate(cells):
        end -= len(cell)
        page[end : end + len(cell)] = cell
        page[8 + 2 * place : 10 + 2 * place] = end.to_bytes(2, "big")
    page[0] = 10
    page[3:5] = len(cells).to_bytes(2, "big")
    page[5:7] = end.to_bytes(2, "big")
    return page


def open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "secure_delete=ON"):
        database.execute(f"PRAGMA {pragma}").fetchone()
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute("CREATE TABLE t (id BLOB PRIMARY KEY NOT NULL, rest BLOB) WITHOUT ROWID")
    return database


def test_frames_when_rows_were_written_then_every_written_page_is_listed(tmp_path: Path) -> None:
    """The pages listed are those that differ from the database's file before."""
    path = tmp_path / "x.db"
    database = open_database(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    before = path.read_bytes()
    for _ in range(200):
        database.execute("INSERT INTO t VALUES (?, ?)", [secrets.token_bytes(16), bytes(5000)])
    numbers = set(find_frames((tmp_path / "x.db-wal").read_bytes()))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    after = path.read_bytes()
    changed = {
        start // PAGE + 1
        for start in range(0, len(after), PAGE)
        if before[start : start + PAGE] != after[start : start + PAGE]
    }
    assert len(changed) > 200
    assert changed <= numbers
    database.close()


def test_frames_when_the_wal_began_anew_then_those_of_the_former_run_do_not_count(
    tmp_path: Path,
) -> None:
    """What lies behind the newest frames, under other salts, is not listed."""
    database = open_database(tmp_path / "x.db")
    for _ in range(50):
        database.execute("INSERT INTO t VALUES (?, ?)", [secrets.token_bytes(16), bytes(5000)])
    wal = tmp_path / "x.db-wal"
    many = list(find_frames(wal.read_bytes()))
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    database.execute("INSERT INTO t VALUES (?, ?)", [secrets.token_bytes(16), b""])
    few = list(find_frames(wal.read_bytes()))
    assert 0 < len(few) < 5 < len(many)
    database.close()


def test_frames_when_there_is_no_head_then_there_are_none() -> None:
    """An empty file, a short one and a foreign one hold no frames."""
    assert parse_wal_head(b"") is None
    assert list(find_frames(b"")) == list(find_frames(bytes(31))) == []
    assert list(find_frames(b"foreign!" * 4)) == []


def test_unused_when_a_page_has_cells_then_the_gap_before_them_is_found() -> None:
    """What lies between the list of cells and the cells is not in use."""
    page = make_leaf([b"first", b"second"])
    assert find_unused(bytes(page), number=7) == [(8 + 2 * 2, PAGE - 11)]
    assert find_remnants(bytes(page), number=7) == []
    page[2000] = 1
    assert find_remnants(bytes(page), number=7) == [(12, PAGE - 11)]


def test_unused_when_a_cell_was_freed_then_its_body_is_found() -> None:
    """A freeblock's four bytes of head are SQLite's; what follows must be zeros."""
    page = make_leaf([b"a" * 20, b"b" * 30, b"c" * 40])
    freed = PAGE - 50
    page[freed : freed + 4] = (0).to_bytes(2, "big") + (30).to_bytes(2, "big")
    page[1:3] = freed.to_bytes(2, "big")
    assert (freed + 4, freed + 30) in find_unused(bytes(page), number=2)
    assert find_remnants(bytes(page), number=2) == [(freed + 4, freed + 30)]


def test_unused_when_it_is_the_first_page_then_the_databases_head_is_passed_over() -> None:
    """The first page begins with 100 bytes that belong to no b-tree."""
    page = bytes(100) + bytes(make_leaf([])[:-100])
    page = page[:105] + (PAGE).to_bytes(2, "big") + page[107:]
    assert find_unused(page, number=1) == [(108, PAGE)]
    assert find_unused(bytes(PAGE), number=1) == []


def test_unused_when_a_page_is_no_b_tree_then_nothing_of_it_is_touched() -> None:
    """An overflow page, a free page, and what only begins like a b-tree have no unused part."""
    overflow = (5000).to_bytes(4, "big") + secrets.token_bytes(PAGE - 4)
    assert find_unused(overflow, number=2) == []
    assert find_unused(bytes(PAGE), number=2) == []
    beyond = make_leaf([b"x"])
    beyond[5:7] = (5).to_bytes(2, "big")
    assert find_unused(bytes(beyond), number=2) == []
    for freeblock in (b"\x0f\x00\x00\x02", b"\x00\x00\xff\xff", b"\x00\x10\x00\x08"):
        page = make_leaf([b"x" * 50])
        page[4050:4054] = freeblock
        page[1:3] = (4050).to_bytes(2, "big")
        assert find_unused(bytes(page), number=2) == []


def test_freelist_when_rows_went_then_its_pages_are_free_and_zero(tmp_path: Path) -> None:
    """What SQLite lists as free was overwritten by it."""
    path = tmp_path / "x.db"
    database = open_database(path)
    for number in range(20):
        database.execute("INSERT INTO t VALUES (?, ?)", [bytes([number]) * 16, b"x" * 50_000])
    database.execute("DELETE FROM t WHERE id < ?", [bytes([10]) * 16])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    content = path.read_bytes()
    trunk = int.from_bytes(content[32:36], "big")
    free_len = int.from_bytes(content[36:40], "big")
    found = 0
    while trunk:
        following, leaves = find_freelist(content[(trunk - 1) * PAGE : trunk * PAGE])
        assert all(not any(content[(leaf - 1) * PAGE : leaf * PAGE]) for leaf in leaves)
        found += 1 + len(leaves)
        trunk = following
    assert found == free_len > 100
    database.close()
