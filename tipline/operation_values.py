"""The plain values that operations take and give: read strictly, and written."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crypto.errors import CryptoError
from crypto.strict import decode_hex, parse_day
from retention.hold import Hold, format_hold_text
from retention.plan import Decision
from retention.timekeeping import Reckoning
from tipline.errors import UsageError
from tipline.policy_change import ClassChange
from tipline.service.purge_report import PurgeReport

ID_BYTES: Final = 16  # of tips and of holds

Values = Mapping[str, Any]


def check_names(values: Values, *names: str) -> None:
    """
    Refuse values that an operation does not take, or the lack of one that it takes.

    Args:
        values: As they came.
        names: What the operation takes.

    Raises:
        UsageError: they are not the same.
    """
    if set(values) != set(names):
        raise UsageError


def parse_ids(untrusted: Sequence[str], *, code: str = "tip_id") -> list[bytes]:
    """
    Read ids.

    Args:
        untrusted: As they came.
        code: Of the error.

    Returns:
        Each once, in their order.

    Raises:
        UsageError: one is no id.
    """
    try:
        ids = [decode_hex(text) for text in untrusted]
    except CryptoError as exc:
        raise UsageError(code) from exc
    if any(len(one) != ID_BYTES for one in ids):
        raise UsageError(code)
    return list(dict.fromkeys(ids))


def parse_asked_day(untrusted: str) -> datetime.date:
    """
    Read a day.

    Args:
        untrusted: As it came.

    Returns:
        The day.

    Raises:
        UsageError: `clock_day`.
    """
    try:
        return parse_day(untrusted)
    except CryptoError as exc:
        raise UsageError("clock_day") from exc


def format_decision(decision: Decision) -> dict[str, Any]:
    """
    Write what happens to a record.

    Args:
        decision: Of the plan.

    Returns:
        Plain values.
    """
    record = decision.record
    return {
        "id": record.id.hex(),
        "class": str(record.record_class),
        "dies_on": record.dies_on.isoformat(),
        "goes": decision.purge,
        "reason": str(decision.reason),
        "late_days": decision.late_days,
        "holds": sorted(hold.hex() for hold in record.held_by),
    }


def format_hold(hold: Hold) -> dict[str, Any]:
    """
    Write all that is known of a hold.

    Args:
        hold: The hold.

    Returns:
        Plain values.
    """
    words = hold.words
    return {
        "hold": hold.id.hex(),
        "placed_on": hold.placed_on.isoformat(),
        "until": hold.until_on.isoformat(),
        "ended_on": None if hold.ended_on is None else hold.ended_on.isoformat(),
        "commitment": hold.commitment,
        "words": None
        if words is None
        else {
            "channel": words.channel,
            "first_person": words.first_person,
            "second_person": words.second_person,
            "reason": words.reason,
            "salt": words.salt.hex(),
            "text": format_hold_text(hold, words).decode(),
        },
    }


def format_report(report: PurgeReport, *, time: Reckoning) -> dict[str, Any]:
    """
    Write what a purge did.

    Args:
        report: Of the purge.
        time: Of the line, now.

    Returns:
        Plain values.
    """
    return {
        "today": time.today.isoformat(),
        "waiting": None if time.waiting is None else time.waiting.today.isoformat(),
        "days": [
            {"day": dead.day.isoformat(), "late_days": dead.late_days, "method": str(dead.method)}
            for dead in report.days
        ],
        "records": [
            {
                "class": str(dead.record_class),
                "due_on": dead.due_on.isoformat(),
                "late_days": dead.late_days,
                "method": str(dead.method),
                "count": dead.count,
                "reasons": {str(reason): count for reason, count in dead.reasons.items()},
            }
            for dead in report.records
        ],
        "holds": [hold.id.hex() for hold in report.ended_holds],
        "failures": [
            {
                "step": failure.code,
                "class": None if failure.record_class is None else str(failure.record_class),
                "due_on": None if failure.due_on is None else failure.due_on.isoformat(),
                "count": failure.count,
            }
            for failure in report.failures
        ],
        "count": report.count,
        "failed_count": report.failed_count,
    }


def format_clock(time: Reckoning) -> dict[str, Any]:
    """
    Write what time a line goes by.

    Args:
        time: Of the line.

    Returns:
        `trusted`, `clock` (the day that this machine's clock tells), `lead_seconds` (by how much it
        is ahead), `waiting_since` (the day on which it jumped, or None).
    """
    return {
        "clock": time.wall_day.isoformat(),
        "trusted": time.today.isoformat(),
        "lead_seconds": time.lead.total_seconds(),
        "waiting_since": None if time.waiting is None else time.waiting.since.isoformat(),
    }


def format_policy_change(changes: Sequence[ClassChange], *, today: datetime.date) -> dict[str, Any]:
    """
    Write what another policy would do to what is stored.

    Args:
        changes: By class.
        today: The day of the change.

    Returns:
        `today`, and `changes`.
    """
    return {
        "today": today.isoformat(),
        "changes": [
            {
                "class": str(change.record_class),
                "stored": change.stored,
                "earlier": change.earlier,
                "at_once": change.at_once,
                "kept_shorter": change.kept_shorter,
            }
            for change in changes
        ],
    }
