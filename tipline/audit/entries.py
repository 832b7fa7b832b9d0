"""
Entries: what each type says, and the one way it is spelled.

docs/reference/log.md, "Entry".
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tipline.audit.errors import MalformedError
from tipline.audit.notes import LOG, Key
from tipline.audit.places import MAX_ENTRY_BYTES
from tipline.audit.strict import MAX_INTEGER, decode_hash, parse_day, parse_object

VERSION: Final = 1
ARRIVALS_SIZE: Final = 65_536
# Each class, and the events from which its periods count: all of them, the first one first.
EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "partial_upload": ("begun",),
    "sealed_tip": ("arrived", "picked_up"),
    "attachment": ("arrived", "picked_up"),
    "upload_answer": ("arrived",),
    "reply": ("sent", "read"),
    "mailbox": ("last_used",),
    "receipt_copy": ("made",),
    "raw_number": ("received",),
    "gateway_message": ("received",),
    "pseudonym_epoch": ("begun",),
    "keyset": ("expired",),
    "backup": ("made",),
    "log_text": ("logged",),
}
CLASSES: Final = tuple(EVENTS)
METHODS: Final = ("overwritten", "destroyed")
# Of these a line keeps no records, or kept none before it took messages from phones, so that it may
# say so instead; of the others it may not.
NONE_KEPT: Final = "none_kept"
UNKEPT_CLASSES: Final = (
    "reply",
    "mailbox",
    "receipt_copy",
    "raw_number",
    "gateway_message",
    "pseudonym_epoch",
    "backup",
)
MAX_DAYS: Final = 100_000  # of a lateness: more than anybody means
MAX_PERIOD_DAYS: Final = 3650  # of a period; at least 1
MAX_BUILD_CHARACTERS: Final = 500
_HOLD = re.compile(r"[0-9a-f]{32}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

Check = Callable[[object], object]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    An entry of the log.

    Args:
        type: Which.
        day: The day of its batch.
        about: `of` of an entry of days, `on` of one of events.
        fields: All fields, checked.
    """

    type: str
    day: datetime.date
    about: datetime.date
    fields: Mapping[str, Any]

    @property
    def is_of_day(self) -> bool:
        """Whether it is one of those that every day has."""
        return self.type in DAY_TYPES


def _integer(value: object) -> None:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise MalformedError("integer")


def _late(value: object) -> None:
    if type(value) is not int or not 0 <= value <= MAX_DAYS:
        raise MalformedError("late_days")


def _size(value: object) -> None:
    if type(value) is not int or value != ARRIVALS_SIZE:
        raise MalformedError("size")


def _key(value: object) -> None:
    if not isinstance(value, str):
        raise MalformedError("key")
    Key.parse(value, type_=LOG)


def _hold(value: object) -> None:
    if not isinstance(value, str) or not _HOLD.fullmatch(value):
        raise MalformedError("hold")


def _build(value: object) -> None:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_BUILD_CHARACTERS
        or _CONTROL.search(value)
    ):
        raise MalformedError("build")


def check_periods(value: object) -> None:
    """
    Check a policy's periods.

    Args:
        value: Untrusted.

    Raises:
        MalformedError: a class or an event is missing, unknown or out of order, or a period is not
            of 1 to `MAX_PERIOD_DAYS` days.
    """
    if not isinstance(value, dict) or tuple(value) != CLASSES:
        raise MalformedError("periods")
    for class_, events in value.items():
        if not isinstance(events, dict) or tuple(events) != EVENTS[class_]:
            raise MalformedError("periods")
        for days in events.values():
            if type(days) is not int or not 1 <= days <= MAX_PERIOD_DAYS:
                raise MalformedError("periods")


def _one_of(*choices: str) -> Check:
    def check(value: object) -> None:
        if value not in choices:
            raise MalformedError("choice")

    return check


_METHOD = _one_of(*METHODS)
# Type, then its fields after v, type, day and the day it is about.
_DAY_FIELDS: Final[Mapping[str, Mapping[str, Check]]] = {
    "arrivals": {"root": decode_hash, "size": _size},
    "day_key": {"method": _METHOD, "late_days": _late},
    "purge": {
        "class": _one_of(*CLASSES),
        "method": _one_of(*METHODS, NONE_KEPT),
        "late_days": _late,
    },
    "annex": {"sha256": decode_hash},
}
_EVENT_FIELDS: Final[Mapping[str, Mapping[str, Check]]] = {
    "origin": {"root": _key, "log": _key},
    "policy": {"periods": check_periods, "sha256": decode_hash},
    "keyset": {"number": _integer, "sha256": decode_hash, "valid_until": parse_day},
    "page": {"build": _build, "sha256": decode_hash},
    "hold": {
        "hold": _hold,
        "step": _one_of("placed", "released", "expired"),
        "until": parse_day,
        "commitment": decode_hash,
    },
    "epoch": {"epoch": parse_day, "method": _METHOD, "late_days": _late},
    "clock": {"step": _one_of("held", "confirmed", "stepped_back"), "until": parse_day},
    "backup": {},
    "restore": {"from_day": parse_day},
    "lost_keys": {},
    "close": {
        "step": _one_of(
            "announced", "intake_stopped", "keys_destroyed", "closed", "handed_over", "cancelled"
        ),
        "closes_on": parse_day,
    },
}
DAY_TYPES: Final = frozenset(_DAY_FIELDS)
_SHAPES: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, Check]]]] = {
    type_: (("v", "type", "day", about, *fields), fields)
    for about, table in (("of", _DAY_FIELDS), ("on", _EVENT_FIELDS))
    for type_, fields in table.items()
}


def parse_entry(untrusted: bytes) -> Entry:
    """
    Read an entry.

    Args:
        untrusted: Its bytes.

    Returns:
        The entry.

    Raises:
        MalformedError: a field is missing, unknown, out of order or not of its type; the entry is
            spelled otherwise; or it tells of a day that is not over, or of an event to come.
    """
    value = parse_object(untrusted, max_bytes=MAX_ENTRY_BYTES)
    type_ = value.get("type")
    shape = _SHAPES.get(type_) if isinstance(type_, str) else None
    if shape is None or type(value.get("v")) is not int or value["v"] != VERSION:
        raise MalformedError("type")
    names, checks = shape
    if tuple(value) != names:
        raise MalformedError("fields")
    day, about = parse_day(value["day"]), parse_day(value[names[3]])
    for name, check in checks.items():
        check(value[name])
    if about > day or (about == day and type_ in DAY_TYPES):
        raise MalformedError("day")
    if value.get("method") == NONE_KEPT and value["class"] not in UNKEPT_CLASSES:
        raise MalformedError("method")
    return Entry(type=str(type_), day=day, about=about, fields=value)
