"""The day on which a log ends: a function of what the log says, and of nothing else."""

from __future__ import annotations

import datetime

from retention.log.ending import add_longest_period, find_last_day
from retention.log.entry import CloseStep, EntryType, Statement, make_statement
from retention.policy import EVENTS, Event, Policy, RecordClass, format_periods

DAY = datetime.date(2031, 3, 14)
ON = DAY + datetime.timedelta(days=40)


def make_policy(days: int) -> Policy:
    """Keep tips for so many days, and the rest for one."""
    periods = {record_class: dict.fromkeys(events, 1) for record_class, events in EVENTS.items()}
    periods[RecordClass.SEALED_TIP][Event.ARRIVED] = days
    return Policy(periods=periods)


def promise(days: int) -> Statement:
    """Say such a policy."""
    periods = format_periods(make_policy(days))
    return make_statement(EntryType.POLICY, on=DAY, periods=periods, sha256=64 * "0")


def close(step: CloseStep, *, on: datetime.date = ON) -> Statement:
    """Say a step of the end."""
    return make_statement(EntryType.CLOSE, on=DAY, step=str(step), closes_on=on)


def test_last_day_when_the_intake_stopped_then_it_is_a_tips_period_later() -> None:
    """Before that nothing is fixed; afterwards no other policy changes it."""
    said = [promise(90), close(CloseStep.ANNOUNCED), promise(30)]
    assert find_last_day(said) is None
    said.append(close(CloseStep.INTAKE_STOPPED))
    last_day = ON + datetime.timedelta(days=30)
    assert find_last_day(said) == last_day == add_longest_period(ON, make_policy(30))
    said += [promise(60), close(CloseStep.KEYS_DESTROYED), close(CloseStep.CLOSED)]
    assert find_last_day(said) == last_day


def test_last_day_when_the_line_goes_on_then_there_is_none() -> None:
    """An end that was called off, or is no more of this operator, fixes no day."""
    for step in (CloseStep.CANCELLED, CloseStep.HANDED_OVER):
        said = [promise(90), close(CloseStep.INTAKE_STOPPED), close(step)]
        assert find_last_day(said) is None
        later = ON + datetime.timedelta(days=100)
        said += [close(CloseStep.ANNOUNCED), close(CloseStep.INTAKE_STOPPED, on=later)]
        assert find_last_day(said) == later + datetime.timedelta(days=90)


def test_last_day_when_no_policy_was_said_then_there_is_none() -> None:
    """Without a promise nothing can be counted."""
    assert find_last_day([close(CloseStep.INTAKE_STOPPED)]) is None
