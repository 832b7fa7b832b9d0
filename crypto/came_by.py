"""
What `tip.json` says of a message that came over a gateway: the tip's field `gateway`.

Rules:
    1. The service saw the message in clear and wrote this; it stands in the sealed envelope alone.
    2. `continues` is the one place that relates a message to those before it.
    3. Who wrote may be absent: somebody who came in person leaves no number. Then there is no
       conversation, and no answer can go anywhere.

docs/reference/formats.md, "Gateway".
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.fields import (
    Fields,
    parse_day_field,
    parse_flag,
    parse_positive,
    parse_string,
    parse_time,
    parse_word,
)

MAX_PARTS: Final = 255  # 3GPP TS 23.040 section 9.2.3.24.1: the number of parts is one byte

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_CONVERSATION = re.compile(r"[0-9a-f]{32}")


class Medium(enum.StrEnum):
    """How somebody wrote, or came."""

    SMS = "sms"
    MMS = "mms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    VOICE = "voice"
    WALK_IN = "walk_in"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameBy:
    """
    Over which gateway a message came, from whom, and to which conversation it belongs.

    Args:
        name: Of the gateway, as the operator named it.
        medium: How it came.
        received_at: ISO 8601 with `Z`: when the service took it.
        continues: Whether the sender wrote before within the reply window.
        sender: A number in E.164, a short code, a name or an account; None if nobody said one.
        conversation: 32 hex digits, what an answer is addressed to; None if none can go anywhere.
        reply_until: The last day on which an answer is taken; None if none can go anywhere.
        answer_until: ISO 8601 with `Z`: until when the way it came takes an answer, if that is not
            left to us; a status goes to whoever asks, later too.
        missing_parts: Numbers of the parts of a long message that never came.
        missing_files: How many files belong to it that could not be fetched.
    """

    name: str
    medium: Medium
    received_at: str
    continues: bool
    sender: str | None = dataclasses.field(default=None, repr=False)
    conversation: str | None = None
    reply_until: datetime.date | None = None
    answer_until: str | None = None
    missing_parts: tuple[int, ...] = ()
    missing_files: int = 0


def parse_came_by(untrusted: object, name: str) -> CameBy:
    """
    Read the field.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        What it says.

    Raises:
        MalformedError: a field is missing, unknown or of another form.
    """
    fields = Fields(untrusted, name)
    came_by = CameBy(
        name=fields.take("name", _parse_name),
        medium=fields.take("medium", _parse_medium),
        received_at=fields.take("received_at", parse_time),
        continues=fields.take("continues", parse_flag),
        sender=fields.take_if_there("sender", parse_word),
        conversation=fields.take_if_there("conversation", _parse_conversation),
        reply_until=fields.take_if_there("reply_until", parse_day_field),
        answer_until=fields.take_if_there("answer_until", parse_time),
        missing_parts=fields.take_if_there("missing_parts", _parse_missing) or (),
        missing_files=fields.take_if_there("missing_files", parse_positive) or 0,
    )
    fields.close()
    if (came_by.conversation is None) != (came_by.reply_until is None):
        raise MalformedError(name)
    if came_by.conversation is None and came_by.answer_until is not None:
        raise MalformedError(name)
    return came_by


def lay_out_came_by(came_by: CameBy) -> dict[str, Any]:
    """
    Lay the field out for JSON; what is absent stays absent.

    Args:
        came_by: What it says.

    Returns:
        The object.
    """
    laid_out: dict[str, Any] = {
        "name": came_by.name,
        "medium": came_by.medium.value,
        "received_at": came_by.received_at,
        "continues": came_by.continues,
    }
    if came_by.sender is not None:
        laid_out["sender"] = came_by.sender
    if came_by.conversation is not None:
        laid_out["conversation"] = came_by.conversation
    if came_by.reply_until is not None:
        laid_out["reply_until"] = came_by.reply_until.isoformat()
    if came_by.answer_until is not None:
        laid_out["answer_until"] = came_by.answer_until
    if came_by.missing_parts:
        laid_out["missing_parts"] = list(came_by.missing_parts)
    if came_by.missing_files:
        laid_out["missing_files"] = came_by.missing_files
    return laid_out


def _parse_name(untrusted: object, name: str) -> str:
    text = parse_string(untrusted, name)
    if not _NAME.fullmatch(text):
        raise MalformedError(name)
    return text


def _parse_medium(untrusted: object, name: str) -> Medium:
    try:
        return Medium(parse_string(untrusted, name))
    except ValueError as exc:
        raise MalformedError(name) from exc


def _parse_conversation(untrusted: object, name: str) -> str:
    text = parse_string(untrusted, name)
    if not _CONVERSATION.fullmatch(text):
        raise MalformedError(name)
    return text


def _parse_missing(untrusted: object, name: str) -> tuple[int, ...]:
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= MAX_PARTS:
        raise MalformedError(name)
    numbers = tuple(parse_positive(item, name) for item in untrusted)
    if list(numbers) != sorted(set(numbers)) or numbers[-1] > MAX_PARTS:
        raise MalformedError(name)
    return numbers
