"""What doctor says of holds: the ones that end soon, and the ones whose end was not carried out."""

from __future__ import annotations

import datetime

import pytest

from retention.log.entry import EntryType, HoldStep, Statement, make_statement
from tipline.doctor_holds import HOLD_WARNING_DAYS, examine_holds

TODAY = datetime.date(2031, 3, 14)
HOLD = "ab" * 16


def say(step: HoldStep, *, until: int, hold: str = HOLD) -> Statement:
    """Say something of a hold that is to end so many days from today."""
    return make_statement(
        EntryType.HOLD,
        on=TODAY,
        hold=hold,
        step=str(step),
        until=TODAY + datetime.timedelta(days=until),
        commitment="00" * 32,
    )


@pytest.mark.parametrize(
    ("until", "codes"),
    [
        (HOLD_WARNING_DAYS + 1, []),
        (HOLD_WARNING_DAYS, ["hold_soon"]),
        (0, ["hold_soon"]),
        (-1, ["hold_overdue"]),
    ],
)
def test_hold_when_its_day_is_near_or_over_then_it_is_named(until: int, codes: list[str]) -> None:
    """On its own day it ends at night; the day after, somebody must look."""
    found = list(examine_holds([say(HoldStep.PLACED, until=until)], today=TODAY))
    assert [finding.code for finding in found] == codes
    assert all(finding.facts["id"] == HOLD for finding in found)


@pytest.mark.parametrize("step", [HoldStep.RELEASED, HoldStep.EXPIRED])
def test_hold_when_it_ended_then_nothing_is_said(step: HoldStep) -> None:
    """Only holds that have not ended are looked at; another one is, all the same."""
    other = "cd" * 16
    statements = [
        say(HoldStep.PLACED, until=-1),
        say(HoldStep.PLACED, until=-2, hold=other),
        say(step, until=-1),
    ]
    (finding,) = examine_holds(statements, today=TODAY)
    assert (finding.code, finding.facts["id"]) == ("hold_overdue", other)
