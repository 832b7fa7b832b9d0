"""What a purge did, and what it could not do: the facts that the log and the operator are told."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from retention.hold import Hold
from retention.plan import Reason
from retention.policy import RecordClass
from retention.slot_root import Method


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeadDay:
    """
    A day whose key was destroyed.

    Args:
        day: The day.
        late_days: How many days after it.
        method: What the destruction may be called.
    """

    day: datetime.date
    late_days: int
    method: Method


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeadEpoch:
    """
    An epoch of pseudonyms whose key was destroyed.

    Args:
        id: Random; of what is kept until the log was told.
        begun_on: Its first day.
        ended_on: The day on which its key was destroyed.
        late_days: How many days after the one on which it had to be.
        method: What the destruction may be called.
    """

    id: bytes
    begun_on: datetime.date
    ended_on: datetime.date
    late_days: int
    method: Method


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeadRecords:
    """
    Records of one class that were due on one day, and are gone.

    Args:
        record_class: Of the policy.
        due_on: The day on which they had to go.
        late_days: How many days after it they went.
        method: What the destruction of their keys may be called.
        reasons: How many went for each reason.
    """

    record_class: RecordClass
    due_on: datetime.date
    late_days: int
    method: Method
    reasons: Mapping[Reason, int]

    @property
    def count(self) -> int:
        """How many."""
        return sum(self.reasons.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    What did not go.

    Args:
        code: Where it failed: `keys`, `files`, `rows`, `remnant`, `wal`.
        record_class: Of the records; None if it is not about records.
        due_on: The day on which they had to go; None if it is not about records.
        count: How many.
        error: What the disk or the database said.
    """

    code: str
    record_class: RecordClass | None
    due_on: datetime.date | None
    count: int
    error: Exception


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PurgeReport:
    """
    What a purge did.

    Args:
        on: The day on which it ran, by the clock that is trusted.
        method: What the destruction of a day's key may be called here.
        days: The days whose keys were destroyed.
        records: What went.
        ended_holds: The holds whose keys were destroyed. They stay in the list of holds until what
            they alone held is gone, too.
        holds: The holds that last.
        failures: What did not go. Nothing in it is claimed to be gone.
        epochs: The epochs that ended and of which the log was not told yet.
    """

    on: datetime.date
    method: Method
    days: tuple[DeadDay, ...]
    records: tuple[DeadRecords, ...]
    ended_holds: tuple[Hold, ...]
    failures: tuple[Failure, ...]
    holds: tuple[Hold, ...] = ()
    epochs: tuple[DeadEpoch, ...] = ()

    @property
    def count(self) -> int:
        """How many records went."""
        return sum(dead.count for dead in self.records)

    @property
    def failed_count(self) -> int:
        """How many things did not go."""
        return sum(failure.count for failure in self.failures)
