"""What a batch contains."""

from __future__ import annotations

import datetime

from retention.log.batch import (
    ONE_DAY,
    DayTold,
    Death,
    PurgeDone,
    list_days,
    list_deaths,
    make_batch,
)
from retention.log.entry import Entry, EntryType, encode_entry, make_statement
from retention.policy import RecordClass
from retention.slot_root import Method

DAY = datetime.date(2031, 3, 14)
ALL: frozenset[RecordClass | None] = frozenset((None, *RecordClass))


def reach(
    on: datetime.date,
    *,
    until: datetime.date,
    reached: frozenset[RecordClass | None] | None = None,
) -> list[Death]:
    """List what a purge of everything makes true."""
    done = PurgeDone(
        on=on,
        reached=dict.fromkeys(ALL if reached is None else reached, Method.OVERWRITTEN),
    )
    return list(list_deaths(done, done_until=dict.fromkeys((None, *RecordClass), until)))


def tell(of: datetime.date) -> DayTold:
    """Tell of a day."""
    return DayTold(of=of, arrivals_root=b"\x0a" * 32, annex_sha256="0b" * 32)


def name(entry: Entry) -> tuple[str, str]:
    """Name an entry by its type and class."""
    return str(entry.statement.type), str(entry.statement.fields.get("class", ""))


def test_deaths_when_the_purge_ran_on_its_day_then_nothing_is_late() -> None:
    """One death of every class and of the day key, whether or not anything was due."""
    deaths = reach(DAY, until=DAY - ONE_DAY)

    assert {death.record_class for death in deaths} == {None, *RecordClass}
    assert {(death.of, death.late_days) for death in deaths} == {(DAY, 0)}


def test_deaths_when_the_line_was_down_then_each_missed_day_says_how_late() -> None:
    """Lateness counts from the day due to the day done."""
    deaths = reach(DAY, until=DAY - 3 * ONE_DAY, reached=frozenset({None}))

    assert [(death.of, death.late_days) for death in deaths] == [
        (DAY - 2 * ONE_DAY, 2),
        (DAY - ONE_DAY, 1),
        (DAY, 0),
    ]


def test_deaths_when_something_failed_then_it_is_not_said() -> None:
    """What is not true is absent."""
    reached = ALL - {RecordClass.SEALED_TIP, None}
    deaths = reach(DAY, until=DAY - ONE_DAY, reached=reached)

    assert {death.record_class for death in deaths} == reached
    assert reach(DAY, until=DAY) == []


def test_days_when_a_batch_is_made_then_it_tells_of_those_that_are_over() -> None:
    """Never of today; after downtime, of each missed day."""
    assert list_days(DAY - 2 * ONE_DAY, today=DAY) == [DAY - ONE_DAY]
    assert list_days(DAY - ONE_DAY, today=DAY) == []
    assert list_days(DAY - 4 * ONE_DAY, today=DAY) == [
        DAY - 3 * ONE_DAY,
        DAY - 2 * ONE_DAY,
        DAY - ONE_DAY,
    ]


def test_batch_when_made_then_its_entries_stand_in_the_pages_order() -> None:
    """docs/reference/log.md, "Batch": by day, within it by kind and class, then events."""
    late = Death(
        of=DAY - 5 * ONE_DAY,
        record_class=RecordClass.KEYSET,
        method=Method.DESTROYED,
        late_days=4,
    )
    deaths = reach(DAY - ONE_DAY, until=DAY - 3 * ONE_DAY)
    event = make_statement(EntryType.BACKUP, on=DAY)
    batch = make_batch(
        day=DAY,
        days=[tell(DAY - ONE_DAY), tell(DAY - 2 * ONE_DAY)],
        deaths=[*deaths[::-1], late],
        events=[event],
    )
    of_a_day = [
        ("arrivals", ""),
        ("day_key", ""),
        *(("purge", str(record_class)) for record_class in RecordClass),
        ("annex", ""),
    ]

    assert [name(entry) for entry in batch] == [
        ("purge", "keyset"),
        *of_a_day,
        *of_a_day,
        ("backup", ""),
    ]
    about = [entry.statement.about for entry in batch[:-1]]
    assert about == sorted(about)
    assert {entry.day for entry in batch} == {DAY}


def test_batch_when_days_are_alike_then_their_number_and_sizes_are_too() -> None:
    """A day with a hundred tips is as long in the log as one without."""
    sizes = set()
    for root, annex in ((b"\x00" * 32, "00" * 32), (b"\xff" * 32, "ff" * 32)):
        day = DayTold(of=DAY - ONE_DAY, arrivals_root=root, annex_sha256=annex)
        deaths = reach(DAY - ONE_DAY, until=DAY - 2 * ONE_DAY)
        batch = make_batch(day=DAY, days=[day], deaths=deaths, events=[])
        sizes.add(tuple(len(encode_entry(entry)) for entry in batch))

    assert len(sizes) == 1
    assert len(sizes.pop()) == 3 + len(RecordClass)


def test_batch_when_the_clock_was_ahead_then_no_event_is_dated_after_it_or_before_another() -> None:
    """A clock that was ahead and set right leaves days that rise, and none of them to come."""
    ahead, first = DAY + 2 * ONE_DAY, DAY - ONE_DAY
    events = [
        make_statement(EntryType.BACKUP, on=first - ONE_DAY),
        make_statement(EntryType.CLOCK, on=ahead, step="stepped_back", until=DAY),
        make_statement(EntryType.CLOCK, on=first, step="confirmed", until=DAY),
    ]
    batch = make_batch(day=DAY, days=[], deaths=[], events=events, events_since=first)

    assert [entry.statement.about for entry in batch] == [first, DAY, DAY]
    assert [entry.statement.fields["until"] for entry in batch[1:]] == [DAY.isoformat()] * 2
    assert list(batch[1].statement.fields) == list(events[1].fields)


def test_batch_when_a_line_ends_then_its_last_steps_stand_behind_all_else() -> None:
    """What happened since the keys were destroyed comes before; nothing follows `closed`."""
    steps = [
        make_statement(EntryType.CLOSE, on=DAY, step=step, closes_on=DAY)
        for step in ("intake_stopped", "keys_destroyed", "closed")
    ]
    late = make_statement(EntryType.BACKUP, on=DAY)
    events = [*steps[:2], late, steps[2], late]
    batch = make_batch(day=DAY, days=[], deaths=[], events=events)

    assert [entry.statement for entry in batch] == [steps[0], late, late, *steps[1:]]
