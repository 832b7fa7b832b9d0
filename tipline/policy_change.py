"""
What a change of the policy does to what is stored today.

Rules:
1. It reads the rows where they lie and leaves no copy behind.
2. It counts groups of records with the same days, so that its work grows with days, not with tips.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from crypto.ladder import TEXT_RUNG
from retention.plan import Record, plan_policy_change
from retention.policy import EVENTS, Event, Policy, RecordClass
from tipline.errors import InstanceError
from tipline.instance import take_lock
from tipline.service.database import DATABASE_NAME, open_database
from tipline.service.schema import VERSION, read_version

_TIPS: Final = (
    "SELECT count(*), dies_on, arrived_on, picked_up_on FROM tips WHERE size_bytes {sign} ?"
    " GROUP BY dies_on, arrived_on, picked_up_on"
)
# Each query gives: how many, when it dies, then the days of its class's events.
_QUERIES: Final = {
    RecordClass.SEALED_TIP: (
        _TIPS.format(sign="<="),
        [TEXT_RUNG],
    ),
    RecordClass.ATTACHMENT: (
        _TIPS.format(sign=">"),
        [TEXT_RUNG],
    ),
    RecordClass.PARTIAL_UPLOAD: (
        "SELECT count(*), dies_on, begun_on FROM uploads GROUP BY dies_on, begun_on",
        [],
    ),
    RecordClass.UPLOAD_ANSWER: (
        "SELECT count(*), dies_on, arrived_on FROM answers GROUP BY dies_on, arrived_on",
        [],
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    Records of one class with the same days.

    Args:
        record: One that stands for all.
        count: How many there are.
    """

    record: Record
    count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """
    What a new policy does to what is stored of one class.

    Args:
        record_class: The class.
        stored: How many records there are.
        earlier: How many of them would die earlier.
        at_once: How many of those on the day of the change.
        kept_shorter: How many keep a day that is nearer than the new policy's: to them the longer
            period was not promised.
    """

    record_class: RecordClass
    stored: int
    earlier: int
    at_once: int
    kept_shorter: int


def describe_change(
    groups: Sequence[Group], *, new: Policy, today: datetime.date
) -> tuple[ClassChange, ...]:
    """
    Tell what a new policy does to what is stored.

    Args:
        groups: What is stored.
        new: The policy that would be put in force.
        today: The day of the change.

    Returns:
        For each class of which something is stored what changes.
    """
    return tuple(
        _describe_class(
            record_class,
            [group for group in groups if group.record.record_class is record_class],
            new=new,
            today=today,
        )
        for record_class in RecordClass
        if any(group.record.record_class is record_class for group in groups)
    )


def _describe_class(
    record_class: RecordClass, groups: Sequence[Group], *, new: Policy, today: datetime.date
) -> ClassChange:
    counts = {group.record.id: group.count for group in groups}
    moves = plan_policy_change([group.record for group in groups], new=new)
    return ClassChange(
        record_class=record_class,
        stored=sum(counts.values()),
        earlier=sum(counts[move.record.id] for move in moves),
        at_once=sum(counts[move.record.id] for move in moves if move.dies_on <= today),
        kept_shorter=sum(
            group.count
            for group in groups
            if new.dies_on(record_class, group.record.events) > group.record.dies_on
        ),
    )


def read_groups(directory: Path) -> tuple[Group, ...]:
    """
    Count what an instance stores, by class and days.

    Args:
        directory: The instance; nobody serves it.

    Returns:
        The groups.

    Raises:
        InstanceError: it is in use, has no database, or one of another version.
    """
    lock = take_lock(directory)
    try:
        if not (directory / DATABASE_NAME).is_file():
            raise InstanceError("instance_missing", path=str(directory))
        database = open_database(directory)
        try:
            version = read_version(database)
            if version != VERSION:
                raise InstanceError("instance_version", version=version, known=VERSION)
            return tuple(count_groups(database))
        finally:
            database.close()
    finally:
        os.close(lock)


def count_groups(database: Database) -> Iterator[Group]:
    """
    Count what a database holds, by class and days.

    Args:
        database: Of today's version.

    Yields:
        The groups.
    """
    number = 0
    for record_class, (query, parameters) in _QUERIES.items():
        for count, dies_on, *days in database.execute(query, parameters):
            number += 1
            yield Group(
                record=Record(
                    id=number.to_bytes(16),
                    record_class=record_class,
                    events=_read_events(record_class, days),
                    dies_on=datetime.date.fromisoformat(dies_on),
                ),
                count=count,
            )


def _read_events(record_class: RecordClass, days: list[Any]) -> dict[Event, datetime.date]:
    return {
        event: datetime.date.fromisoformat(day)
        for event, day in zip(EVENTS[record_class], days, strict=True)
        if day is not None
    }
