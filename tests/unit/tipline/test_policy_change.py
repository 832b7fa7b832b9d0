"""What a change of the policy would do to what is stored."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from crypto.ladder import RUNGS
from retention.plan import Record
from retention.policy import EVENTS, Event, Policy, RecordClass
from tipline.errors import InstanceError
from tipline.instance import take_lock
from tipline.policy_change import ClassChange, Group, count_groups, describe_change, read_groups
from tipline.service.database import open_database
from tipline.service.schema import migrate

TODAY = datetime.date(2031, 3, 14)


def make_policy(days: int) -> Policy:
    return Policy(periods={name: dict.fromkeys(events, days) for name, events in EVENTS.items()})


def day(days: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=days)


def make_group(arrived: int, dies: int, count: int) -> Group:
    record = Record(
        id=(1000 * dies + arrived).to_bytes(16, signed=True),
        record_class=RecordClass.SEALED_TIP,
        events={Event.ARRIVED: day(arrived)},
        dies_on=day(dies),
    )
    return Group(record=record, count=count)


def test_change_when_shorter_then_it_says_how_many_die_earlier_and_how_many_at_once() -> None:
    """Records are counted, not groups; the day of the change itself is at once."""
    groups = [make_group(-30, 60, 5), make_group(-29, 61, 7), make_group(0, 90, 11)]
    assert describe_change(groups, new=make_policy(30), today=TODAY) == (
        ClassChange(
            record_class=RecordClass.SEALED_TIP, stored=23, earlier=23, at_once=5, kept_shorter=0
        ),
    )


def test_change_when_longer_then_nothing_moves_and_it_says_who_keeps_the_shorter() -> None:
    """What was promised 30 days is not kept longer."""
    groups = [make_group(-10, 20, 3), make_group(-10, 80, 4)]
    assert describe_change(groups, new=make_policy(90), today=TODAY) == (
        ClassChange(
            record_class=RecordClass.SEALED_TIP, stored=7, earlier=0, at_once=0, kept_shorter=3
        ),
    )


def fill(database: Database) -> None:
    """Store five tips, an upload and two answers."""
    tips = [
        (RUNGS[0], day(-3), None, day(27)),
        (RUNGS[0], day(-3), None, day(27)),
        (RUNGS[0], day(-3), day(-1), day(6)),
        (RUNGS[1], day(-3), None, day(27)),
        (RUNGS[5], day(-3), None, day(27)),
    ]
    keys = {"data_id": b"", "slot": 0, "wrapped": b""}
    for number, (size_bytes, arrived_on, picked_up_on, dies_on) in enumerate(tips):
        database["tips"].insert(
            {
                "id": number.to_bytes(16),
                "arrived_on": arrived_on.isoformat(),
                "picked_up_on": None if picked_up_on is None else picked_up_on.isoformat(),
                "dies_on": dies_on.isoformat(),
                "size_bytes": size_bytes,
                "channel": "city",
                "sealed_by_service": 0,
                "keyset": 1,
                **keys,
            }
        )
    days = {"dies_on": day(1).isoformat()}
    database["uploads"].insert(
        {
            "id": bytes(16),
            "begun_on": day(-1).isoformat(),
            "size_bytes": RUNGS[1],
            "channel": "city",
            "keyset": 1,
            **days,
            **keys,
        }
    )
    for number in range(2):
        database["answers"].insert(
            {"id": number.to_bytes(16), "arrived_on": day(-1).isoformat(), **days}
        )


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A directory with a database."""
    with contextlib.closing(open_database(tmp_path)) as database:
        migrate(database)
        fill(database)
    return tmp_path


def test_groups_when_read_then_each_class_is_counted_by_its_days(line: Path) -> None:
    """What has the same days is one group; text and attachments are apart."""
    before = {path.name for path in line.iterdir()}
    counts = {
        (group.record.record_class, tuple(group.record.events), group.record.dies_on): group.count
        for group in read_groups(line)
    }
    assert counts == {
        (RecordClass.SEALED_TIP, (Event.ARRIVED,), day(27)): 2,
        (RecordClass.SEALED_TIP, (Event.ARRIVED, Event.PICKED_UP), day(6)): 1,
        (RecordClass.ATTACHMENT, (Event.ARRIVED,), day(27)): 2,
        (RecordClass.PARTIAL_UPLOAD, (Event.BEGUN,), day(1)): 1,
        (RecordClass.UPLOAD_ANSWER, (Event.ARRIVED,), day(1)): 2,
    }
    # Nothing is left behind but the lock.
    assert {path.name for path in line.iterdir()} - before <= {"run"}


def test_groups_when_the_line_is_served_then_it_is_said(line: Path) -> None:
    """A running service keeps its database to itself."""
    lock = take_lock(line)
    with contextlib.closing(open(lock, "rb")), pytest.raises(InstanceError) as refused:  # noqa: PTH123  # a descriptor has no path
        read_groups(line)
    assert refused.value.code == "instance_in_use"


def test_groups_when_there_is_no_database_then_none_is_made(tmp_path: Path) -> None:
    """Looking makes nothing."""
    with pytest.raises(InstanceError) as refused:
        read_groups(tmp_path)
    assert refused.value.code == "instance_missing"
    assert [path.name for path in tmp_path.rglob("*.db")] == []


@pytest.mark.parametrize("version", [1, 99])
def test_groups_when_the_database_is_of_another_version_then_it_is_left_alone(
    line: Path, version: int
) -> None:
    """Looking brings no database up to date, and guesses at none that is newer."""
    with contextlib.closing(open_database(line)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(InstanceError) as refused:
        read_groups(line)
    assert refused.value.code == "instance_version"
    with contextlib.closing(open_database(line)) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == version


def test_groups_when_a_million_are_stored_then_there_are_as_many_groups_as_days() -> None:
    """The work after the query grows with days: groups, not records, are planned."""
    database = Database(memory=True)
    migrate(database)
    fill(database)
    before = len(list(count_groups(database)))
    rows = (
        {"id": number.to_bytes(16), "arrived_on": str(day(-2)), "dies_on": str(day(5))}
        for number in range(100, 1100)
    )
    database["answers"].insert_all(rows)
    assert len(list(count_groups(database))) == before + 1
