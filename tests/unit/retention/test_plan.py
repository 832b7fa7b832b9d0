"""The plan of a purge."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from retention.plan import Decision, Reason, Record, plan_purge
from retention.policy import RecordClass

TODAY = datetime.date(2031, 3, 14)


def make_record(days: int) -> Record:
    return Record(
        id=bytes(16),
        record_class=RecordClass.SEALED_TIP,
        dies_on=TODAY + datetime.timedelta(days=days),
    )


def test_plan_when_before_on_and_after_the_day_then_each_has_its_reason() -> None:
    """A record stays until its day, goes on it, and goes late if it was missed."""
    before, on, after = make_record(1), make_record(0), make_record(-3)
    assert plan_purge([before, on, after], today=TODAY) == (
        Decision(record=before, purge=False, reason=Reason.BEFORE_ITS_DAY, late_days=0),
        Decision(record=on, purge=True, reason=Reason.ON_ITS_DAY, late_days=0),
        Decision(record=after, purge=True, reason=Reason.OVERDUE, late_days=3),
    )


@given(st.lists(st.integers(-400, 400)))
def test_plan_when_run_again_on_what_stays_then_nothing_goes(offsets: list[int]) -> None:
    """The plan is complete: what it leaves, it leaves again; every record gets a decision."""
    records = [make_record(days) for days in offsets]
    decisions = plan_purge(records, today=TODAY)
    assert [decision.record for decision in decisions] == records
    left = [decision.record for decision in decisions if not decision.purge]
    assert not any(decision.purge for decision in plan_purge(left, today=TODAY))
    assert all(record.dies_on > TODAY for record in left)
