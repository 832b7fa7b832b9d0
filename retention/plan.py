"""
What dies today, and why. Decides and changes nothing.

Rules:
1. The plan is a function of the records, the day and the holds alone: run again after a crash, it
   finds what is left; run after days of downtime, it finds everything that is overdue.
2. A day of death, once fixed, only moves nearer (INV-14).
3. What is held stays, whatever else ended; what cannot be opened any more goes.
4. While a jump of the clock waits for a person, a record counts by the clock that dated it
   (retention/timekeeping.py).
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises


class Reason(enum.StrEnum):
    """Why a record stays, goes, or dies on another day."""

    BEFORE_ITS_DAY = "before_its_day"
    ON_ITS_DAY = "on_its_day"
    OVERDUE = "overdue"
    PICKED_UP = "picked_up"
    READ = "read"
    DELETED_EARLY = "deleted_early"
    HELD = "held"
    HOLD_RELEASED = "hold_released"
    CLOCK_WAITS = "clock_waits"
    FROM_THE_FUTURE = "from_the_future"
    KEY_LOST = "key_lost"
    POLICY_SHORTENED = "policy_shortened"


MAX_AHEAD_DAYS: Final = 2  # a long weekend without power: so far a clock is believed by itself
_EARLY: Final = {Event.PICKED_UP: Reason.PICKED_UP, Event.READ: Reason.READ}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    What the plan knows of a record.

    Args:
        id: Random, opaque.
        record_class: Of the policy.
        events: The day of each event that has happened to it; the first of its class at least.
        dies_on: Fixed when the record came; it may have moved nearer since.
        key_lost: Its data key cannot be had any more: no slot, and no hold that wraps it.
        deleted: Somebody who may asked for its end now.
        held_by: The holds over it, by their random ids.
    """

    id: bytes
    record_class: RecordClass
    events: Mapping[Event, datetime.date]
    dies_on: datetime.date
    key_lost: bool = False
    deleted: bool = False
    held_by: frozenset[bytes] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    A jump of the clock that waits for a person. What came meanwhile is dated by the jumped clock.

    Args:
        since: The jumped clock's day when it began: what began on it or later was dated by it.
        today: The jumped clock's day now.
    """

    since: datetime.date
    today: datetime.date


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
    late_days: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """
    A record that dies on another day than was fixed, and why.

    Args:
        record: The record.
        events: Its events' days from now on.
        dies_on: Never later than before.
        reason: Why.
    """

    record: Record
    events: Mapping[Event, datetime.date]
    dies_on: datetime.date
    reason: Reason


def plan_purge(
    records: Iterable[Record],
    *,
    promises: Promises,
    today: datetime.date,
    waiting: Waiting | None = None,
    holds: Mapping[bytes, datetime.date] | None = None,
) -> tuple[Decision, ...]:
    """
    Decide for each record whether it dies today.

    Args:
        records: Those that may die; the others get a decision too.
        promises: What was promised to them.
        today: In UTC, by the clock that is trusted.
        waiting: A jump of the clock that waits for a person.
        holds: For each hold the first day on which it no longer holds. One that is not there is
            not known, and holds: it may be newer than this list.

    Returns:
        One decision per record, in the records' order.
    """
    plan = _Plan(promises=promises, today=today, waiting=waiting, holds=holds or {})
    return tuple(plan.decide(record) for record in records)


def plan_policy_change(records: Iterable[Record], *, new: Policy) -> tuple[Move, ...]:
    """
    Tell which records die earlier under another policy. A longer one changes nothing.

    Args:
        records: What is stored.
        new: The policy that is put in force.

    Returns:
        A move for each record whose day comes nearer, in the records' order. It may be past.
    """
    return tuple(
        Move(
            record=record,
            events=record.events,
            dies_on=dies_on,
            reason=Reason.POLICY_SHORTENED,
        )
        for record in records
        if (dies_on := new.dies_on(record.record_class, record.events)) < record.dies_on
    )


def plan_event(
    record: Record, event: Event, *, promises: Promises, on: datetime.date
) -> Move | None:
    """
    Tell what an event that happens to a record does to its day.

    Args:
        record: The record.
        event: One of its class that has not happened to it: a pick-up, a reading.
        promises: What was promised to it.
        on: The day on which it happens.

    Returns:
        The move, which may keep the day of death; None if the event has happened before, since only
        the first time counts.
    """
    if event in record.events:
        return None
    events = {**record.events, event: on}
    dies_on = min(record.dies_on, promises.dies_on(record.record_class, events))
    return Move(record=record, events=events, dies_on=dies_on, reason=_EARLY[event])


def plan_redating(
    records: Iterable[Record], *, promises: Promises, today: datetime.date
) -> tuple[Move, ...]:
    """
    Date back what a clock that was ahead dated, after it was set right.

    Args:
        records: What is stored.
        promises: What was promised to them.
        today: In UTC, by the clock that is trusted; nothing waits any more.

    Returns:
        A move for each record with an event more than `MAX_AHEAD_DAYS` after *today*: it counts as
        of today, and its day of death comes nearer and never moves away.
    """
    return tuple(_redate(records, promises, today))


def _redate(records: Iterable[Record], promises: Promises, today: datetime.date) -> Iterator[Move]:
    for record in records:
        if not _is_ahead(record, today):
            continue
        events = {event: min(on, today) for event, on in record.events.items()}
        yield Move(
            record=record,
            events=events,
            dies_on=min(record.dies_on, promises.dies_on(record.record_class, events)),
            reason=Reason.FROM_THE_FUTURE,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    promises: Promises
    today: datetime.date
    waiting: Waiting | None
    holds: Mapping[bytes, datetime.date]

    def decide(self, record: Record) -> Decision:
        today = self._today_for(record)
        if record.key_lost:
            return _go(record, Reason.KEY_LOST)
        ends = [self.holds.get(hold, datetime.date.max) for hold in record.held_by]
        if any(today < end for end in ends):
            return Decision(record=record, purge=False, reason=Reason.HELD)
        if record.deleted:
            return _go(record, Reason.DELETED_EARLY)
        if today < record.dies_on:
            return Decision(record=record, purge=False, reason=self._why_not_yet(record))
        if record.held_by:
            due = max([record.dies_on, *ends])
            return _go(record, Reason.HOLD_RELEASED, late_days=(today - due).days)
        late_days = (today - record.dies_on).days
        reason = self._find_early(record) or (Reason.OVERDUE if late_days else Reason.ON_ITS_DAY)
        return _go(record, reason, late_days=late_days)

    def _today_for(self, record: Record) -> datetime.date:
        began_on = record.events[EVENTS[record.record_class][0]]
        if self.waiting is not None and began_on >= self.waiting.since:
            return self.waiting.today
        return self.today

    def _why_not_yet(self, record: Record) -> Reason:
        if self.waiting is not None and record.dies_on <= self.waiting.today:
            return Reason.CLOCK_WAITS
        if self.waiting is None and _is_ahead(record, self.today):
            return Reason.FROM_THE_FUTURE
        return Reason.BEFORE_ITS_DAY

    def _find_early(self, record: Record) -> Reason | None:
        """Name the later event that brought the end nearer, if one did."""
        first = EVENTS[record.record_class][0]
        alone = self.promises.dies_on(record.record_class, {first: record.events[first]})
        if record.dies_on >= alone:
            return None
        return next((_EARLY[event] for event in record.events if event != first), None)


def _is_ahead(record: Record, today: datetime.date) -> bool:
    return (max(record.events.values()) - today).days > MAX_AHEAD_DAYS


def _go(record: Record, reason: Reason, *, late_days: int = 0) -> Decision:
    return Decision(record=record, purge=True, reason=reason, late_days=late_days)
