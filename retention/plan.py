"""
What dies today, and why. Decides and changes nothing.

The plan is a function of the records and the day alone: run again after a crash, it finds what is
left; run after days of downtime, it finds everything that is overdue.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable

from retention.policy import RecordClass


class Reason(enum.StrEnum):
    """Why a record stays or goes."""

    BEFORE_ITS_DAY = "before_its_day"
    ON_ITS_DAY = "on_its_day"
    OVERDUE = "overdue"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    What the plan knows of a record.

    Args:
        id: Random, opaque.
        record_class: Of the policy.
        dies_on: Fixed when the record came, by the policy of that day.
    """

    id: bytes
    record_class: RecordClass
    dies_on: datetime.date


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What happens to a record, and why.

    Args:
        record: The record.
        purge: Whether it goes.
        reason: Why.
        late_days: How many days after its day it goes; 0 if it stays or is on time.
    """

    record: Record
    purge: bool
    reason: Reason
    late_days: int


def plan_purge(records: Iterable[Record], *, today: datetime.date) -> tuple[Decision, ...]:
    """
    Decide for each record whether it dies today.

    Args:
        records: All of them.
        today: In UTC.

    Returns:
        One decision per record, in the records' order.
    """
    return tuple(_decide(record, today) for record in records)


def _decide(record: Record, today: datetime.date) -> Decision:
    late_days = (today - record.dies_on).days
    if late_days < 0:
        return Decision(record=record, purge=False, reason=Reason.BEFORE_ITS_DAY, late_days=0)
    reason = Reason.OVERDUE if late_days else Reason.ON_ITS_DAY
    return Decision(record=record, purge=True, reason=reason, late_days=late_days)
