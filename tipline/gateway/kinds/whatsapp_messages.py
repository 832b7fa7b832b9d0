"""
What is inside a message of WhatsApp's: who wrote it, its words, its files, its time.

Rules:
1. A message of a kind that we do not know is not lost: its fields are the text. So are those of a
   message that lacks something, and of one in which neither words nor a file can be found: its form
   changed, or Meta could not fetch the file, which then counts as missing.
2. Who keeps the number from businesses writes under an id of Meta's, which stands for the account
   towards one business alone. It is an account, and is answered as one.
3. A file is what has an id and a type, wherever in the message it stands.
4. What stands beside the words is not told: that they were forwarded, which message they answer,
   which advertisement led here, the name on the phone, the name of a file.

Source: Meta's WhatsApp Business Platform: "messages webhook reference", "Business-scoped user IDs".
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

from tipline.gateway.batches import Dated, cut_long, make_odd_id, write_all_fields
from tipline.gateway.incoming import (
    MAX_PROVIDER_ID_CHARACTERS,
    MAX_REFERENCES,
    MAX_SENDER_CHARACTERS,
    NO_FILE,
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.provider_json import take_object, take_text

MAX_AGE: Final = datetime.timedelta(days=7)  # for so long Meta repeats what was not answered
ANSWER_TIME: Final = datetime.timedelta(hours=24)  # Meta's "customer service window"
MAX_LOCATION_CHARACTERS: Final = 500
FILES: Final = ("image", "audio", "video", "document", "sticker")

# What stands beside a message's content, and is told elsewhere in the tip or nowhere.
ENVELOPE: Final = frozenset({"from", "from_user_id", "from_parent_user_id", "id", "timestamp"})


def read_message(gateway: str, message: Any, *, now: datetime.datetime) -> list[Dated]:
    """
    Read a message, whatever of it can be read.

    Args:
        gateway: Its name.
        message: As JSON gave it; untrusted.
        now: Aware.

    Returns:
        The message, and when it was written; several, if what was sent is longer than one: a card
        of a contact can hold a picture.
    """
    fields = take_object(message)
    provider_id, sender = take_text(fields, "id"), _read_sender(fields)
    text, written_at = _read_text(fields), _read_time(take_text(fields, "timestamp"))
    has_id = 1 <= len(provider_id) <= MAX_PROVIDER_ID_CHARACTERS
    if not (has_id and sender and written_at) or text is None:
        text = write_all_fields(message)
    incoming = Incoming(
        gateway=gateway,
        medium=Medium.WHATSAPP,
        provider_id=provider_id if has_id else make_odd_id(message),
        sender=sender,
        text="",
        received_at=now,
        media=tuple(_list_files(fields)),
        answer_until=_find_answer_until(written_at, now=now),
    )
    return [Dated(incoming=one, written_at=written_at) for one in cut_long(incoming, text)]


def _read_sender(message: dict[str, Any]) -> str:
    number = take_text(message, "from")
    if number:
        # An id of WhatsApp's is a number without its plus.
        sender = f"+{number}" if number.isdecimal() else number
    else:
        sender = take_text(message, "from_user_id")
    return sender if len(sender) <= MAX_SENDER_CHARACTERS else ""


def _read_text(message: dict[str, Any]) -> str | None:
    kind = take_text(message, "type")
    if kind == "text":
        return take_text(take_object(message, "text"), "body") or None
    if kind in FILES:
        file = take_object(message, kind)
        return take_text(file, "caption") if _make_reference(file) else None
    # A place, a contact, an answer to a question: all of it but what stands elsewhere.
    return write_all_fields(message, without=ENVELOPE)


def _read_time(untrusted_seconds: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(int(untrusted_seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _find_answer_until(
    written_at: datetime.datetime | None, *, now: datetime.datetime
) -> datetime.datetime:
    # Meta counts from when it was written. What cannot be that time is untrusted: it is bounded.
    told = now if written_at is None else written_at
    return min(max(told, now - MAX_AGE), now) + ANSWER_TIME


def _list_files(message: dict[str, Any]) -> list[MediaReference]:
    kind = take_text(message, "type")
    if kind in FILES:
        return [_make_reference(take_object(message, kind)) or NO_FILE]
    # Beyond so many, the fields in the text say what there was.
    return list(_find_files(message))[:MAX_REFERENCES]


def _find_files(untrusted: Any) -> Iterator[MediaReference]:
    if isinstance(untrusted, dict):
        one = _make_reference(untrusted) if take_text(untrusted, "mime_type") else None
        if one is not None:
            yield one
            return
        untrusted = list(untrusted.values())
    if isinstance(untrusted, list):
        for inner in untrusted:
            yield from _find_files(inner)


def _make_reference(file: dict[str, Any]) -> MediaReference | None:
    location = take_text(file, "id")
    if not 1 <= len(location) <= MAX_LOCATION_CHARACTERS:
        return None
    return MediaReference(location=location, media_type=take_text(file, "mime_type"))
