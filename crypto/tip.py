"""
`tip.json`: what a source says, as fields.

Rules:
    1. `version` and `text` are required, every other field is optional; an absent field is absent,
       never null.
    2. A field this version does not know survives reading and writing unchanged.
    3. Nothing in it is to be trusted: whoever sealed the envelope wrote it. `sealing`, `build` and
       every name, time and type of an attachment are claims.

docs/reference/formats.md, "tip.json".
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from crypto.attachment import Attachment, lay_out_attachment, parse_attachment
from crypto.came_by import CameBy, lay_out_came_by, parse_came_by
from crypto.errors import MalformedError
from crypto.fields import parse_count, parse_flag, parse_time, parse_word
from crypto.strict import format_json, parse_day, parse_json_object

VERSION: Final = 1
MAX_TIP_JSON_BYTES: Final = 1 << 20
MAX_TEXT_BYTES: Final = 262_144
MAX_PLACE_CHARACTERS: Final = 500
MAX_ATTACHMENTS: Final = 99  # the generated names have two digits

LANGUAGES: Final = ("en", "es", "pt")
KINDS: Final = ("report", "proposal", "good_deed")
SEALINGS: Final = ("browser", "sender", "gateway")

_ID = re.compile(r"[a-z0-9-]{1,32}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """
    When it happened.

    Args:
        from_on: The first day.
        to_on: The last day, not before the first.
    """

    from_on: datetime.date
    to_on: datetime.date


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """
    A tip's fields; see the table in docs/reference/formats.md.

    Args:
        text: What the source wrote.
        channel: The channel's id.
        keyset: Number of the keyset it was sealed to.
        language: One of `LANGUAGES`.
        sealing: One of `SEALINGS`, a claim.
        build: The page build, as it claims itself.
        sealed_at: ISO 8601 with `Z`, a claim.
        kind: One of `KINDS`.
        category: An id from the channel's definition.
        place: In words.
        days: When it happened.
        danger: Whether somebody is in danger.
        reply_wanted: Whether the source wants an answer.
        gateway: Over which gateway it came, if the service sealed it.
        attachments: One for each of the payload's `files/`, or none at all.
        unknown: Fields this version does not know.
    """

    text: str
    channel: str | None = None
    keyset: int | None = None
    language: str | None = None
    sealing: str | None = None
    build: str | None = None
    sealed_at: str | None = None
    kind: str | None = None
    category: str | None = None
    place: str | None = None
    days: Days | None = None
    danger: bool | None = None
    reply_wanted: bool | None = None
    gateway: CameBy | None = None
    attachments: tuple[Attachment, ...] = ()
    unknown: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def parse_tip(untrusted: bytes) -> Tip:
    """
    Read `tip.json`.

    Args:
        untrusted: The member's bytes.

    Returns:
        The tip; `format_tip` of it has the same fields and values.

    Raises:
        TooLargeError: longer than `MAX_TIP_JSON_BYTES` or nested too deep.
        MalformedError: a required field is missing, or a known field is not of its type.
    """
    fields = parse_json_object(untrusted, max_bytes=MAX_TIP_JSON_BYTES)
    version = fields.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise MalformedError("tip version")
    if "text" not in fields:
        raise MalformedError("tip text")
    known = {
        name: parse(fields.pop(name), name) for name, parse in _PARSERS.items() if name in fields
    }
    return Tip(**known, unknown=MappingProxyType(fields))


def format_tip(tip: Tip) -> bytes:
    """
    Write `tip.json`: the known fields in the order of the table, then the unknown ones.

    Args:
        tip: The fields.

    Returns:
        The member's bytes.

    Raises:
        MalformedError: a field's value is not allowed; what is written is read back first, so that
            nobody seals what nobody opens.
        TooLargeError: longer than `MAX_TIP_JSON_BYTES`.
    """
    fields: dict[str, Any] = {"version": VERSION}
    for name in _PARSERS:
        value = getattr(tip, name)
        if name == "attachments":
            if value:
                fields[name] = [lay_out_attachment(attachment) for attachment in value]
        elif name == "gateway":
            if value is not None:
                fields[name] = lay_out_came_by(value)
        elif name == "days":
            if value is not None:
                fields[name] = {"from": value.from_on.isoformat(), "to": value.to_on.isoformat()}
        elif value is not None:
            fields[name] = value
    try:
        written = format_json({**fields, **tip.unknown})
    except UnicodeEncodeError as exc:
        raise MalformedError("utf-8") from exc
    if parse_tip(written) != tip:
        raise MalformedError("tip field")
    return written


def _parse_text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_TEXT_BYTES:
        raise MalformedError(name)
    return value


def _parse_place(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_PLACE_CHARACTERS:
        raise MalformedError(name)
    return value


def _parse_id(value: object, name: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedError(name)
    return value


def _parse_one_of(choices: tuple[str, ...]) -> Callable[[object, str], str]:
    def parse(value: object, name: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise MalformedError(name)
        return value

    return parse


def _parse_days(value: object, name: str) -> Days:
    if not isinstance(value, dict) or value.keys() != {"from", "to"}:
        raise MalformedError(name)
    if not all(isinstance(day, str) for day in value.values()):
        raise MalformedError(name)
    days = Days(from_on=parse_day(value["from"]), to_on=parse_day(value["to"]))
    if days.to_on < days.from_on:
        raise MalformedError(name)
    return days


def _parse_attachments(value: object, name: str) -> tuple[Attachment, ...]:
    if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
        raise MalformedError(name)
    attachments = tuple(parse_attachment(item, name) for item in value)
    if len({attachment.path for attachment in attachments}) != len(attachments):
        raise MalformedError("attachment twice")
    return attachments


_PARSERS: Final[Mapping[str, Callable[[object, str], Any]]] = {
    "text": _parse_text,
    "channel": _parse_id,
    "keyset": parse_count,
    "language": _parse_one_of(LANGUAGES),
    "sealing": _parse_one_of(SEALINGS),
    "build": parse_word,
    "sealed_at": parse_time,
    "kind": _parse_one_of(KINDS),
    "category": _parse_id,
    "place": _parse_place,
    "days": _parse_days,
    "danger": parse_flag,
    "reply_wanted": parse_flag,
    "gateway": parse_came_by,
    "attachments": _parse_attachments,
}
