"""
The day on which a line's log ends: by its policy, and not by what was stored.

Rules:
    1. A tip that came on the last day of the intake lives for the whole of its period. So nothing
       can be stored any more on the day of the end and its period later, but what is held.
    2. The policy that counts is the one that stood in the log last when the intake stopped. A later
       one changes nothing: the day would tell something.

docs/reference/log.md, "The last batch".
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from crypto.strict import parse_day
from retention.log.entry import CloseStep, EntryType, Statement
from retention.policy import Event, Policy, RecordClass, parse_periods


def add_longest_period(closes_on: datetime.date, policy: Policy) -> datetime.date:
    """
    Tell the day of the last batch for an end.

    Args:
        closes_on: The day from which no tips are taken.
        policy: In force when the intake stops.

    Returns:
        The day.
    """
    # No class of what a line stores is kept longer (`retention.policy.NOT_LONGER`).
    longest_days = policy.periods[RecordClass.SEALED_TIP][Event.ARRIVED]
    return closes_on + datetime.timedelta(days=longest_days)


def find_last_day(statements: Iterable[Statement]) -> datetime.date | None:
    """
    Find the day from which on the last batch can be made.

    Args:
        statements: Every policy and every step of an end, in the order in which they were said.

    Returns:
        The day; None as long as the intake was not stopped.
    """
    policy: Policy | None = None
    last_day: datetime.date | None = None
    for statement in statements:
        if statement.type is EntryType.POLICY:
            policy = parse_periods(statement.fields["periods"])
        elif statement.fields["step"] == CloseStep.INTAKE_STOPPED and policy is not None:
            last_day = add_longest_period(parse_day(statement.fields["closes_on"]), policy)
        elif statement.fields["step"] in (CloseStep.CANCELLED, CloseStep.HANDED_OVER):
            last_day = None
    return last_day
