"""
What is kept of the time from one run to the next, and its form on disk.

    {"version":1,"mark":"2031-03-14T15","boot":"...","started_at":"2031-03-14T09:12:44",
     "jump":null,"behind":false,"confirmed":false}

Rules:
1. It knows a whole hour, and when the machine was started; nothing of a tip.
2. It lies beside the slot file and, like it, in no backup: an old one would turn the time back.
3. Whatever parses is written again as the same bytes.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.strict import format_json, parse_day, parse_json_object

STATE_VERSION: Final = 1
MAX_STATE_BYTES: Final = 1024  # ours has 200
MAX_AHEAD_SECONDS: Final = 10_000 * 366 * 86_400  # the calendar has no more years
_BOOT = re.compile(r"[0-9a-f-]{1,64}")
_HOUR: Final = "%Y-%m-%dT%H"
_SECOND: Final = "%Y-%m-%dT%H:%M:%S"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """
    A jump that waits for a person.

    Args:
        ahead: By how much the jumped clock is before the trusted one.
        since: The jumped clock's day when it began.
    """

    ahead: datetime.timedelta
    since: datetime.date


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TimeState:
    """
    What is kept from one run to the next.

    Args:
        mark: The last whole hour that was known to be over.
        boot: The boot in which it was known.
        started_at: When that boot began, by the trusted clock, to the second.
        jump: What waits, if something does.
        behind: Whether the wall clock is known to be behind, so that it is told once.
        confirmed: Whether a person confirmed it, which is not told yet.
    """

    mark: datetime.datetime
    boot: str
    started_at: datetime.datetime
    jump: Jump | None = None
    behind: bool = False
    confirmed: bool = False


def format_state(state: TimeState) -> bytes:
    """
    Write a state.

    Args:
        state: As reckoned.

    Returns:
        One line of JSON.
    """
    jump = state.jump
    fields = {
        "version": STATE_VERSION,
        "mark": _format_moment(state.mark, _HOUR),
        "boot": state.boot,
        "started_at": _format_moment(state.started_at, _SECOND),
        "jump": None
        if jump is None
        else {"ahead_seconds": int(jump.ahead.total_seconds()), "since": jump.since.isoformat()},
        "behind": state.behind,
        "confirmed": state.confirmed,
    }
    return format_json(fields) + b"\n"


def parse_state(untrusted: bytes) -> TimeState:
    """
    Read a state.

    Args:
        untrusted: The file.

    Returns:
        The state.

    Raises:
        MalformedError: it is damaged.
        TooLargeError: it is far too long.
    """
    try:
        fields = parse_json_object(untrusted, max_bytes=MAX_STATE_BYTES)
        state = TimeState(
            mark=_parse_moment(fields["mark"], _HOUR),
            boot=fields["boot"],
            started_at=_parse_moment(fields["started_at"], _SECOND),
            jump=None if fields["jump"] is None else _parse_jump(fields["jump"]),
            behind=fields["behind"],
            confirmed=fields["confirmed"],
        )
        # 1 would be taken for true, and written again as 1.
        if type(state.behind) is not bool or type(state.confirmed) is not bool:
            raise MalformedError("clock state")
        if not _BOOT.fullmatch(state.boot):
            raise MalformedError("clock state")
        if format_state(state) != untrusted:
            raise MalformedError("clock state")
    except (KeyError, TypeError, ValueError) as exc:
        raise MalformedError("clock state") from exc
    return state


def _parse_jump(value: dict[str, Any]) -> Jump:
    ahead_seconds = value["ahead_seconds"]
    if type(ahead_seconds) is not int or not 0 < ahead_seconds <= MAX_AHEAD_SECONDS:
        raise MalformedError("clock state")
    return Jump(ahead=datetime.timedelta(seconds=ahead_seconds), since=parse_day(value["since"]))


def _format_moment(moment: datetime.datetime, form: str) -> str:
    # strftime writes the year 999 with three digits; no clock of ours comes near.
    return moment.strftime(form)


def _parse_moment(text: str, form: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC)
