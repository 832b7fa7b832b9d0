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
from collections.abc import Sequence
from pathlib import Path

from retention.plan import plan_policy_change
from retention.policy import Policy, RecordClass
from tipline.errors import InstanceError
from tipline.instance import take_lock
from tipline.service.database import DATABASE_NAME, open_database
from tipline.service.groups import Group, count_groups
from tipline.service.schema import VERSION, read_version


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
