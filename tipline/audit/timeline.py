"""The days of a log, one cell each: what was told of them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator
from typing import Final

from tipline.audit.days import ONE_DAY
from tipline.audit.findings import Finding, Kind

MAX_MONTHS: Final = 120  # ten years on a page; the newest
GOOD, LATE, OFF, MISSING, NONE = "good", "late", "off", "missing", "none"
# A mark beside the colour: not everybody sees colours, and printers have none.
MARKS: Final = {GOOD: "\u00b7", LATE: "~", OFF: "\u2013", MISSING: "!", NONE: ""}
_WEIGHT: Final = {GOOD: 0, LATE: 1, OFF: 2, MISSING: 3}
_STATE_OF: Final = {
    Kind.LATE: LATE,
    Kind.DOWNTIME: OFF,
    Kind.GAP: MISSING,
    Kind.OVERDUE: MISSING,
    Kind.MISSING_KEY_DESTRUCTION: MISSING,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """
    A row of the timeline.

    Args:
        name: `YYYY-MM`.
        days: A state for each of 31 places.
    """

    name: str
    days: tuple[str, ...]


def list_months(
    first_on: datetime.date, last_on: datetime.date, findings: Iterable[Finding]
) -> Iterator[Month]:
    """
    Lay the days out.

    Args:
        first_on: The log's first day.
        last_on: Its last.
        findings: Of the verdict.

    Yields:
        The months, the oldest first; at most the newest `MAX_MONTHS`.
    """
    shown_months = (last_on.year - first_on.year) * 12 + last_on.month - first_on.month + 1
    month = first_on.replace(day=1)
    for _ in range(max(0, shown_months - MAX_MONTHS)):
        month = _next_month(month)
    states = _judge_days(max(first_on, month), last_on, findings)
    while month <= last_on:
        following = _next_month(month)
        length = (following - month).days
        yield Month(
            name=month.strftime("%Y-%m"),
            days=tuple(
                states.get(month + datetime.timedelta(days=place), NONE) if place < length else NONE
                for place in range(31)
            ),
        )
        month = following


def _judge_days(
    first_on: datetime.date, last_on: datetime.date, findings: Iterable[Finding]
) -> dict[datetime.date, str]:
    states = {
        first_on + datetime.timedelta(days=place): GOOD
        for place in range((last_on - first_on).days + 1)
    }
    for finding in findings:
        state = _STATE_OF.get(finding.kind)
        if state is None:
            continue
        day = max(datetime.date.fromisoformat(str(finding.facts["first"])), first_on)
        until = min(datetime.date.fromisoformat(str(finding.facts["last"])), last_on)
        while day <= until:
            if _WEIGHT[state] > _WEIGHT[states[day]]:
                states[day] = state
            day += ONE_DAY
    return states


def _next_month(month: datetime.date) -> datetime.date:
    return (month + datetime.timedelta(days=31)).replace(day=1)
