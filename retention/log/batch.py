"""
What the batch of a day contains: a function of what was done, of the day, and of nothing else.

Rules:
    1. A batch tells of days that are over. For each of them it has one root of arrivals, one
       destruction of a day key, one purge of every class and one annex, whatever happened.
    2. A destruction or a purge is told when it is true, and not before: what failed is absent, and
       comes in a later batch with its lateness.
    3. Lateness counts from the day due to the day done, whether or not anything was due: so it says
       nothing of what there was.
    4. No event is dated after its batch, nor before the event before it: a clock that was ahead and
       set right must not leave a log behind that contradicts itself.
    5. Nothing comes after the end of a line, whatever happened since its keys were destroyed.

docs/reference/log.md, "Batch".
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence

from retention.log.entry import (
    ARRIVALS_SIZE,
    LAST_STEPS,
    Entry,
    EntryType,
    Statement,
    make_statement,
)
from retention.policy import RecordClass
from retention.slot_root import Method

ONE_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PurgeDone:
    """
    What a purge reached, as the nightly run reports it.

    Args:
        on: The day on which it ran.
        reached: Of each class that stands here everything is gone that was due on that day or
            before, but what is held; under None stand the day keys. With the method.
    """

    on: datetime.date
    reached: Mapping[RecordClass | None, Method]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """
    That something due on a day is gone.

    Args:
        of: The day on which it was due.
        record_class: Which class, or None for the day key.
        method: How.
        late_days: How many days after.
    """

    of: datetime.date
    record_class: RecordClass | None
    method: Method
    late_days: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DayTold:
    """
    What a batch commits to about one day.

    Args:
        of: The day.
        arrivals_root: Of the tree over what arrived.
        annex_sha256: Of the exact counts, in hex.
    """

    of: datetime.date
    arrivals_root: bytes
    annex_sha256: str


def list_deaths(
    done: PurgeDone, *, done_until: Mapping[RecordClass | None, datetime.date]
) -> Iterator[Death]:
    """
    Tell what a purge made true.

    Args:
        done: What it reached.
        done_until: Per class, and for the day key under None, the last day of which this was true
            before.

    Yields:
        One death for each class and each day since.
    """
    for record_class, method in done.reached.items():
        of = done_until[record_class] + ONE_DAY
        while of <= done.on:
            late_days = (done.on - of).days
            yield Death(of=of, record_class=record_class, method=method, late_days=late_days)
            of += ONE_DAY


def list_days(told_until: datetime.date, *, today: datetime.date) -> list[datetime.date]:
    """
    List the days that a batch of today tells of.

    Args:
        told_until: The last day that was told of.
        today: The day of the batch.

    Returns:
        Every day since, without today, which is not over.
    """
    return [told_until + offset * ONE_DAY for offset in range(1, (today - told_until).days)]


def make_batch(
    *,
    day: datetime.date,
    days: Iterable[DayTold],
    deaths: Iterable[Death],
    events: Sequence[Statement],
    events_since: datetime.date | None = None,
) -> tuple[Entry, ...]:
    """
    Make a batch.

    Args:
        day: Of the batch.
        days: Every day it tells of.
        deaths: What is true and was not told yet, of days before *day*.
        events: What happened, in its order.
        events_since: The day of the last event that was told; None if none was.

    Returns:
        The entries in their order.
    """
    told = [statement for entry in days for statement in _state_day(entry)]
    told += [_state_death(death) for death in deaths]
    told.sort(key=_place)
    # Stable: only the end is put behind what was noted later.
    in_order = sorted(events, key=_is_last)
    told += _date_events(in_order, since=events_since, day=day)
    return tuple(Entry(day=day, statement=statement) for statement in told)


def _date_events(
    events: Iterable[Statement], *, since: datetime.date | None, day: datetime.date
) -> Iterator[Statement]:
    before = datetime.date.min if since is None else min(since, day)
    for event in events:
        before = max(before, min(event.about, day))
        yield dataclasses.replace(event, fields={**event.fields, "on": before.isoformat()})


def _is_last(event: Statement) -> bool:
    return event.type is EntryType.CLOSE and event.fields["step"] in LAST_STEPS


def _state_day(told: DayTold) -> tuple[Statement, Statement]:
    return (
        make_statement(
            EntryType.ARRIVALS, of=told.of, root=told.arrivals_root.hex(), size=ARRIVALS_SIZE
        ),
        make_statement(EntryType.ANNEX, of=told.of, sha256=told.annex_sha256),
    )


def _state_death(death: Death) -> Statement:
    if death.record_class is None:
        return make_statement(
            EntryType.DAY_KEY, of=death.of, method=str(death.method), late_days=death.late_days
        )
    return make_statement(
        EntryType.PURGE,
        of=death.of,
        class_=str(death.record_class),
        method=str(death.method),
        late_days=death.late_days,
    )


_TYPES = list(EntryType)
_CLASSES = [str(record_class) for record_class in RecordClass]


def _place(statement: Statement) -> tuple[datetime.date, int, int]:
    record_class = statement.fields.get("class")
    return (
        statement.about,
        _TYPES.index(statement.type),
        0 if record_class is None else _CLASSES.index(record_class),
    )
