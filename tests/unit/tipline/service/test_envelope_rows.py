"""A sealed text lies under a number that says its day and nothing finer."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from tipline.service.envelope_rows import delete_sealed, insert_sealed, read_sealed
from tipline.service.schema import STEPS, VERSION, migrate, read_version

DAY = datetime.date(2031, 3, 1)
TIP = {
    "arrived_on": DAY.isoformat(),
    "dies_on": "2031-06-01",
    "size_bytes": 65536,
    "channel": "city",
    "sealed_by_service": 0,
    "keyset": 1,
    "data_id": bytes(16),
    "slot": 3,
    "wrapped": bytes(60),
}


@pytest.fixture
def database() -> Database:
    database = Database(memory=True)
    migrate(database)
    return database


def add(database: Database, tip_id: bytes, sealed: bytes) -> int:
    number = insert_sealed(database, sealed, of=DAY)
    database["tips"].insert({**TIP, "id": tip_id, "envelope": number})
    return number


def test_number_when_chosen_then_its_front_is_the_day_and_the_rest_random(
    database: Database,
) -> None:
    """INV-06: of two of one day the number tells nothing; of two days it tells which."""
    numbers = [insert_sealed(database, b"x", of=DAY) for _ in range(200)]
    assert {number >> 40 for number in numbers} == {DAY.toordinal()}
    assert numbers != sorted(numbers)
    later = insert_sealed(database, b"x", of=DAY + datetime.timedelta(days=1))
    assert later > max(numbers)
    assert insert_sealed(database, b"x", of=datetime.date.max) < 2**63


def test_number_when_taken_then_another_is_drawn(database: Database) -> None:
    """Two envelopes of one day never share a number, whatever is drawn."""
    drawn = iter([bytes(5), bytes(5), bytes(4) + b"\1"])
    numbers = [insert_sealed(database, b"x", of=DAY, random=lambda _: next(drawn)) for _ in "ab"]
    assert numbers == [DAY.toordinal() << 40, (DAY.toordinal() << 40) + 1]


def test_envelope_when_deleted_then_its_neighbour_stays(database: Database) -> None:
    """It is found and goes by its tip; a tip without one has none."""
    add(database, b"a", b"sealed a")
    add(database, b"b", b"sealed b")
    database["tips"].insert({**TIP, "id": b"file", "envelope": None})
    assert read_sealed(database, b"a") == b"sealed a"
    delete_sealed(database, b"a")
    delete_sealed(database, b"file")
    delete_sealed(database, b"none such")
    assert read_sealed(database, b"a") is None
    assert read_sealed(database, b"b") == b"sealed b"
    assert read_sealed(database, b"file") is None


def test_database_when_its_envelopes_have_no_numbers_then_each_stays_with_its_tip(
    tmp_path: Path,
) -> None:
    """An older database is taken over whole."""
    database = Database(tmp_path / "tipline.db")
    before = STEPS.index(next(step for step in STEPS if step.__name__ == "number_envelopes"))
    for step in STEPS[:before]:
        step(database)
    database.execute(f"PRAGMA user_version = {before}")
    for name in (b"a", b"b", b"file"):
        database["tips"].insert({**TIP, "id": name})
    for name in (b"a", b"b"):
        database.execute("INSERT INTO envelopes VALUES (?, ?)", [name, b"sealed " + name])
    database.conn.commit()
    assert migrate(database) == before
    assert read_version(database) == VERSION
    assert [read_sealed(database, name) for name in (b"a", b"b", b"file")] == [
        b"sealed a",
        b"sealed b",
        None,
    ]
    assert database.execute("SELECT count(*) FROM envelopes").fetchone() == (2,)
