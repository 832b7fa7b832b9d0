"""
Entries: what the log says, each as one JSON object of one spelling.

Rules:
    1. Every field is there and none is unknown; whatever parses is the same bytes again.
    2. Nothing in an entry names a person, a tip, a count or a time of day: `FIELDS` lists all there
       is, and each kind of value is bounded.
    3. Values that reach the log are never renamed: logs outlive code.

docs/reference/log.md, "Entry".
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.note import Verifier
from crypto.strict import decode_hex, format_json, parse_day, parse_json_object
from retention.log.merkle import HASH_BYTES
from retention.policy import EVENTS, RecordClass
from retention.slot_root import Method

ENTRY_VERSION: Final = 1
MAX_ENTRY_BYTES: Final = 16384  # the longest of ours, a policy, has 1 KiB
ARRIVALS_SIZE: Final = 65536
HOLD_ID_BYTES: Final = 16
SALT_BYTES: Final = 32
MAX_LATE_DAYS: Final = 100_000  # 270 years
MAX_BUILD_CHARACTERS: Final = 200
_BUILD = re.compile(r"[\x21-\x7e]{1,200}")


class EntryType(enum.StrEnum):
    """What an entry tells of."""

    ARRIVALS = "arrivals"
    DAY_KEY = "day_key"
    PURGE = "purge"
    ANNEX = "annex"
    ORIGIN = "origin"
    POLICY = "policy"
    KEYSET = "keyset"
    PAGE = "page"
    HOLD = "hold"
    EPOCH = "epoch"
    CLOCK = "clock"
    BACKUP = "backup"
    RESTORE = "restore"
    LOST_KEYS = "lost_keys"
    CLOSE = "close"


class HoldStep(enum.StrEnum):
    """What became of a hold."""

    PLACED = "placed"
    RELEASED = "released"
    EXPIRED = "expired"


class ClockStep(enum.StrEnum):
    """What became of a clock that jumped."""

    HELD = "held"
    CONFIRMED = "confirmed"
    STEPPED_BACK = "stepped_back"


class CloseStep(enum.StrEnum):
    """How far the end of a line has come."""

    ANNOUNCED = "announced"
    INTAKE_STOPPED = "intake_stopped"
    KEYS_DESTROYED = "keys_destroyed"
    CLOSED = "closed"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


LAST_STEPS: Final = (CloseStep.KEYS_DESTROYED, CloseStep.CLOSED)  # of the last batch, at its end

Check = Callable[[Any], None]


def _day(value: Any) -> None:
    parse_day(_text(value))


def _hash(value: Any) -> None:
    if len(decode_hex(_text(value))) != HASH_BYTES:
        raise MalformedError("entry hash")


def _hold_id(value: Any) -> None:
    if len(decode_hex(_text(value))) != HOLD_ID_BYTES:
        raise MalformedError("entry hold")


def _verifier(value: Any) -> None:
    Verifier.parse(_text(value))


def _integer(low: int, high: int) -> Check:
    def check(value: Any) -> None:
        # bool is a kind of int in Python, not in an entry.
        if type(value) is not int or not low <= value <= high:
            raise MalformedError("entry integer")

    return check


def _one_of(choices: type[enum.StrEnum]) -> Check:
    values = frozenset(str(choice) for choice in choices)

    def check(value: Any) -> None:
        if _text(value) not in values:
            raise MalformedError("entry word")

    return check


def _key_method(value: Any) -> None:
    # A key was there; only of a class can it be said that none was.
    if _text(value) not in (Method.OVERWRITTEN, Method.DESTROYED):
        raise MalformedError("entry word")


def _build(value: Any) -> None:
    if not _BUILD.fullmatch(_text(value)):
        raise MalformedError("entry build")


def _periods(value: Any) -> None:
    if not isinstance(value, dict) or list(value) != [str(known) for known in RecordClass]:
        raise MalformedError("entry periods")
    for record_class in RecordClass:
        days = value[record_class]
        wanted = [str(event) for event in EVENTS[record_class]]
        if not isinstance(days, dict) or list(days) != wanted:
            raise MalformedError("entry periods")
        for count in days.values():
            _integer(0, MAX_LATE_DAYS)(count)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedError("entry text")
    return value


_LATE: Final = _integer(0, MAX_LATE_DAYS)

# After `v`, `type` and `day`, in this order.
FIELDS: Final[Mapping[EntryType, Mapping[str, Check]]] = {
    EntryType.ARRIVALS: {
        "of": _day,
        "root": _hash,
        "size": _integer(ARRIVALS_SIZE, ARRIVALS_SIZE),
    },
    EntryType.DAY_KEY: {"of": _day, "method": _key_method, "late_days": _LATE},
    EntryType.PURGE: {
        "of": _day,
        "class": _one_of(RecordClass),
        "method": _one_of(Method),
        "late_days": _LATE,
    },
    EntryType.ANNEX: {"of": _day, "sha256": _hash},
    EntryType.ORIGIN: {"on": _day, "root": _verifier, "log": _verifier},
    EntryType.POLICY: {"on": _day, "periods": _periods, "sha256": _hash},
    EntryType.KEYSET: {
        "on": _day,
        "number": _integer(1, 2**53 - 1),
        "sha256": _hash,
        "valid_until": _day,
    },
    EntryType.PAGE: {"on": _day, "build": _build, "sha256": _hash},
    EntryType.HOLD: {
        "on": _day,
        "hold": _hold_id,
        "step": _one_of(HoldStep),
        "until": _day,
        "commitment": _hash,
    },
    EntryType.EPOCH: {"on": _day, "epoch": _day, "method": _key_method, "late_days": _LATE},
    EntryType.CLOCK: {"on": _day, "step": _one_of(ClockStep), "until": _day},
    EntryType.BACKUP: {"on": _day},
    EntryType.RESTORE: {"on": _day, "from_day": _day},
    EntryType.LOST_KEYS: {"on": _day},
    EntryType.CLOSE: {"on": _day, "step": _one_of(CloseStep), "closes_on": _day},
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """
    What is to be logged, not yet in a batch.

    Args:
        type: What it tells of.
        fields: As `FIELDS` lists them; days as text.
    """

    type: EntryType
    fields: Mapping[str, Any]

    @property
    def about(self) -> datetime.date:
        """The day that it tells of."""
        return parse_day(self.fields["of" if "of" in self.fields else "on"])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    An entry of the log.

    Args:
        day: Of the batch it came with.
        statement: What it says.
    """

    day: datetime.date
    statement: Statement


def make_statement(
    entry_type: EntryType, **fields: str | int | datetime.date | Mapping[str, Any]
) -> Statement:
    """
    Prepare something to be logged.

    Args:
        entry_type: What it tells of.
        fields: All of the type's fields; `class_` stands for `class`.

    Returns:
        The statement.

    Raises:
        ValueError: a field is missing, unknown or of another form.
    """
    given = {
        name.rstrip("_"): value.isoformat() if isinstance(value, datetime.date) else value
        for name, value in fields.items()
    }
    wanted = FIELDS[entry_type]
    if given.keys() != wanted.keys():
        raise ValueError("an entry has exactly the fields of its type")
    try:
        for name, check in wanted.items():
            check(given[name])
    except MalformedError as exc:
        raise ValueError("a field of an entry has another form") from exc
    return Statement(type=entry_type, fields={name: given[name] for name in wanted})


def encode_statement(statement: Statement) -> bytes:
    """
    Write a statement, to be kept until its batch.

    Args:
        statement: Any.

    Returns:
        A JSON object on one line.
    """
    return format_json({"type": str(statement.type), **statement.fields})


def decode_statement(untrusted: bytes) -> Statement:
    """
    Read a statement that was kept.

    Args:
        untrusted: As `encode_statement` writes it.

    Returns:
        The statement.

    Raises:
        MalformedError: not a statement.
    """
    return _parse_statement(parse_json_object(untrusted, max_bytes=MAX_ENTRY_BYTES))


def encode_entry(entry: Entry) -> bytes:
    """
    Write an entry.

    Args:
        entry: Any.

    Returns:
        Its bytes in the log.
    """
    return format_json(
        {
            "v": ENTRY_VERSION,
            "type": str(entry.statement.type),
            "day": entry.day.isoformat(),
            **entry.statement.fields,
        }
    )


def decode_entry(untrusted: bytes) -> Entry:
    """
    Read an entry.

    Args:
        untrusted: Its bytes in the log.

    Returns:
        The entry; `encode_entry` of it is the same bytes.

    Raises:
        MalformedError: not an entry, or in another spelling.
        TooLargeError: longer than an entry can be.
    """
    value = parse_json_object(untrusted, max_bytes=MAX_ENTRY_BYTES)
    if value.pop("v", None) != ENTRY_VERSION:
        raise MalformedError("entry version")
    entry = Entry(day=parse_day(_text(value.pop("day", None))), statement=_parse_statement(value))
    if encode_entry(entry) != untrusted:
        raise MalformedError("entry spelling")
    return entry


def make_commitment(text: bytes, *, salt: bytes) -> str:
    """
    Commit to a text without telling it.

    Args:
        text: A JSON object on one line.
        salt: 32 random bytes; without them nobody can try texts.

    Returns:
        The commitment, in hex.

    Raises:
        ValueError: the salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return hashlib.sha256(salt + text).hexdigest()


def _parse_statement(value: dict[str, Any]) -> Statement:
    name = _text(value.pop("type", None))
    if name not in [str(known) for known in EntryType]:
        raise MalformedError("entry type")
    entry_type = EntryType(name)
    wanted = FIELDS[entry_type]
    if list(value) != list(wanted):
        raise MalformedError("entry fields")
    for field, check in wanted.items():
        check(value[field])
    return Statement(type=entry_type, fields=value)
