"""The plan of a purge."""

from __future__ import annotations

import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retention.plan import (
    Decision,
    Reason,
    Record,
    Waiting,
    plan_event,
    plan_policy_change,
    plan_purge,
    plan_redating,
)
from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises

TODAY = datetime.date(2031, 3, 14)
HOLD = bytes(range(16))


def make_policy(days: int, *, picked_up: int | None = None) -> Policy:
    periods = {name: dict.fromkeys(events, days) for name, events in EVENTS.items()}
    periods[RecordClass.SEALED_TIP][Event.PICKED_UP] = picked_up or days
    return Policy(periods=periods)


PROMISES = Promises.of(make_policy(90, picked_up=7))


def day(days: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=days)


def make_record(days: int, **facts: Any) -> Record:
    """Make a tip that dies in so many days."""
    return Record(
        id=bytes(16),
        record_class=RecordClass.SEALED_TIP,
        events=facts.pop("events", {Event.ARRIVED: day(days - 90)}),
        dies_on=day(days),
        **facts,
    )


def decide(record: Record, **facts: Any) -> tuple[bool, Reason, int]:
    (decision,) = plan_purge([record], promises=PROMISES, today=TODAY, **facts)
    assert decision.record is record
    return decision.purge, decision.reason, decision.late_days


def test_plan_when_before_on_and_after_the_day_then_each_has_its_reason() -> None:
    """A record stays until its day, goes on it, and goes late if it was missed."""
    before, on, after = make_record(1), make_record(0), make_record(-3)
    assert plan_purge([before, on, after], promises=PROMISES, today=TODAY) == (
        Decision(record=before, purge=False, reason=Reason.BEFORE_ITS_DAY, late_days=0),
        Decision(record=on, purge=True, reason=Reason.ON_ITS_DAY, late_days=0),
        Decision(record=after, purge=True, reason=Reason.OVERDUE, late_days=3),
    )


def test_plan_when_picked_up_then_that_is_the_reason_only_if_it_brought_the_end_nearer() -> None:
    """A pick-up in the last days of a tip changes nothing, and is not named."""
    early = make_record(-2, events={Event.ARRIVED: day(-30), Event.PICKED_UP: day(-9)})
    assert decide(early) == (True, Reason.PICKED_UP, 2)
    late = make_record(0, events={Event.ARRIVED: day(-90), Event.PICKED_UP: day(-1)})
    assert decide(late) == (True, Reason.ON_ITS_DAY, 0)


def test_plan_when_the_policy_was_shortened_then_the_record_goes_on_its_day() -> None:
    """A day that came nearer without a pick-up is a day like another."""
    assert decide(make_record(0, events={Event.ARRIVED: day(-10)})) == (
        True,
        Reason.ON_ITS_DAY,
        0,
    )


def test_plan_when_held_then_it_stays_until_the_hold_ends() -> None:
    """A hold keeps what is past its day, also what was to be deleted; its end is counted from."""
    held = make_record(-5, held_by=frozenset({HOLD}))
    assert decide(held, holds={HOLD: day(1)}) == (False, Reason.HELD, 0)
    deleted = make_record(9, held_by=frozenset({HOLD}), deleted=True)
    assert decide(deleted, holds={HOLD: day(1)}) == (False, Reason.HELD, 0)
    assert decide(held, holds={HOLD: day(0)}) == (True, Reason.HOLD_RELEASED, 0)
    assert decide(held, holds={HOLD: day(-2)}) == (True, Reason.HOLD_RELEASED, 2)
    two = make_record(-5, held_by=frozenset({HOLD, b"other"}))
    assert decide(two, holds={HOLD: day(-2), b"other": day(3)}) == (False, Reason.HELD, 0)


def test_plan_when_a_hold_is_not_known_then_it_holds() -> None:
    """A hold that is newer than the list is not taken for one that ended."""
    held = make_record(-5, held_by=frozenset({HOLD, b"other"}))
    assert decide(held, holds={HOLD: day(-2)}) == (False, Reason.HELD, 0)


def test_plan_when_a_hold_ends_before_the_day_then_the_record_stays_until_its_day() -> None:
    """The release of a hold kills what is past its day and nothing else."""
    record = make_record(4, held_by=frozenset({HOLD}))
    assert decide(record, holds={HOLD: day(-1)}) == (False, Reason.BEFORE_ITS_DAY, 0)


def test_plan_when_somebody_asked_for_the_end_then_it_goes_at_once() -> None:
    """An early end does not wait for the day."""
    assert decide(make_record(50, deleted=True)) == (True, Reason.DELETED_EARLY, 0)


def test_plan_when_the_key_is_lost_then_it_goes_at_once() -> None:
    """What nobody can open any more is not kept, held or not."""
    record = make_record(50, key_lost=True, held_by=frozenset({HOLD}))
    assert decide(record, holds={HOLD: day(1)}) == (True, Reason.KEY_LOST, 0)


def test_plan_when_a_jump_waits_then_each_record_counts_by_the_clock_that_dated_it() -> None:
    """What came before the jump waits; what came after it dies by the jumped clock."""
    waiting = Waiting(since=day(100), today=day(105))
    before = make_record(3)
    assert decide(before, waiting=waiting) == (False, Reason.CLOCK_WAITS, 0)
    assert decide(make_record(106), waiting=waiting) == (False, Reason.BEFORE_ITS_DAY, 0)
    young = make_record(190, events={Event.ARRIVED: day(100)})
    assert decide(young, waiting=waiting) == (False, Reason.BEFORE_ITS_DAY, 0)
    due = make_record(104, events={Event.ARRIVED: day(100)})
    assert decide(due, waiting=waiting) == (True, Reason.OVERDUE, 1)


def test_plan_when_an_event_lies_ahead_then_it_is_named() -> None:
    """A record that a wrong clock dated stays, under that name, until it is dated back."""
    record = make_record(190, events={Event.ARRIVED: day(100)})
    assert decide(record) == (False, Reason.FROM_THE_FUTURE, 0)
    (move,) = plan_redating([record, make_record(5)], promises=PROMISES, today=TODAY)
    assert (move.record, move.reason) == (record, Reason.FROM_THE_FUTURE)
    assert (move.events, move.dies_on) == ({Event.ARRIVED: TODAY}, day(90))


def test_redating_when_the_day_was_nearer_then_it_stays_nearer() -> None:
    """INV-14: dating back never moves a day of death away."""
    record = make_record(30, events={Event.ARRIVED: day(10)})
    (move,) = plan_redating([record], promises=PROMISES, today=TODAY)
    assert move.dies_on == day(30)


def test_policy_change_when_shorter_then_what_is_stored_dies_earlier() -> None:
    """INV-14: a shorter policy reaches what is stored; a longer one does not."""
    records = [make_record(80), make_record(10)]
    (first, second) = plan_policy_change(records, new=make_policy(60))
    assert (first.record, first.dies_on) == (records[0], day(50))
    assert (second.record, second.dies_on) == (records[1], day(-20))
    assert first.reason is Reason.POLICY_SHORTENED
    assert plan_policy_change(records, new=make_policy(91)) == ()
    assert plan_policy_change(records, new=make_policy(90)) == ()


def test_event_when_it_happens_then_the_day_comes_nearer_and_never_moves_away() -> None:
    """INV-14: a pick-up shortens, the first time only; one near the end keeps the day."""
    move = plan_event(make_record(80), Event.PICKED_UP, promises=PROMISES, on=TODAY)
    assert move is not None
    assert (move.dies_on, move.reason) == (day(7), Reason.PICKED_UP)
    assert move.events == {Event.ARRIVED: day(-10), Event.PICKED_UP: TODAY}
    late = plan_event(make_record(3), Event.PICKED_UP, promises=PROMISES, on=TODAY)
    assert late is not None
    assert late.dies_on == day(3)
    again = make_record(3, events=move.events)
    assert plan_event(again, Event.PICKED_UP, promises=PROMISES, on=day(1)) is None


@given(st.lists(st.integers(-400, 400)))
def test_plan_when_run_again_on_what_stays_then_nothing_goes(offsets: list[int]) -> None:
    """The plan is complete: what it leaves, it leaves again; every record gets a decision."""
    records = [make_record(days) for days in offsets]
    decisions = plan_purge(records, promises=PROMISES, today=TODAY)
    assert [decision.record for decision in decisions] == records
    left = [decision.record for decision in decisions if not decision.purge]
    again = plan_purge(left, promises=PROMISES, today=TODAY)
    assert not any(decision.purge for decision in again)
    assert all(record.dies_on > TODAY for record in left)
