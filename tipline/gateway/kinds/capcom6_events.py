"""
What the Android app "SMS Gateway" (capcom6) tells: its events, and the messages in them.

Rules:
1. Each kind of event that can bring a message is read, one by one or many in a batch. Those that
   bring none are named. Every other is refused, and so repeated: what we acknowledge, the app
   forgets.
2. A message is known by its event's id, in a batch by its place, too: the app writes an event once,
   and repeats it as it is. `messageId` comes from the text, or counts the phone's own rows.
3. A message that is not in the app's form is not lost: its fields are the text, and its sender
   counts if it can be read. What stands in place of a file and is no base64 is the file.
4. A field that we do not know is passed over: the app grows.
5. `mms:received` tells of an MMS before the phone has it, with the subject at most. It waits, as a
   part does, for `mms:downloaded`, which brings it; if that never comes, it is a message of which a
   file is missing. No id relates the two: `parts.py` does, by sender and words.
6. Bytes that are no text (`sms:data-received`) are a file. So is a text that is too long.

Source: the app's code, modules `receiver` and `webhooks`; docs.sms-gate.app, "Webhooks", "Reading
Messages"; Android's Telephony provider for what stands in place of a number that is withheld, and
its `PduPersister` for how a subject is kept.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from crypto.errors import MalformedError
from tipline.gateway.batches import write_all_fields
from tipline.gateway.incoming import (
    MAX_PART_CHARACTERS,
    MAX_PROVIDER_ID_CHARACTERS,
    MAX_REFERENCES,
    MAX_SENDER_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    NO_FILE,
    Incoming,
    MediaReference,
    Medium,
    Part,
)
from tipline.gateway.provider_json import take_list, take_object, take_text

MAX_BATCH: Final = 500  # messages in one event; the app puts 100 together
INLINE: Final = "data:;base64,"  # RFC 2397: the file itself
INBOX: Final = "inbox/"  # below the app's API: where it keeps the file
BYTES_TYPE: Final = "application/octet-stream"

FAILED: Final = "sms:failed"  # of an answer that the app had taken
NO_MESSAGE: Final = frozenset(
    {"sms:sent", "sms:delivered", FAILED, "sms:cancelled", "system:ping", "app:started"}
)
# By the event that brings many: the one that brings such a message alone.
BATCHES: Final = {
    "sms:batch:received": "sms:received",
    "sms:batch:data-received": "sms:data-received",
    "mms:batch:received": "mms:received",
    "mms:batch:downloaded": "mms:downloaded",
}
# What Android writes where a network gave no number. Case-folded.
WITHHELD: Final = frozenset({"insert-address-token", "\u02bcunknown_sender!\u02bc"})
ADDRESS_TYPE: Final = "/TYPE="  # after a number, as an MMS has it: "+525512345678/TYPE=PLMN"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    text: str = dataclasses.field(default="", repr=False)
    media: tuple[MediaReference, ...] = ()
    is_announcement: bool = False


def read_event(
    untrusted: Mapping[str, Any], *, gateway: str, received_at: datetime.datetime
) -> tuple[Incoming, ...]:
    """
    Read the messages of an event.

    Args:
        untrusted: As JSON gave it; signed.
        gateway: The name of the gateway.
        received_at: When it came, in UTC.

    Returns:
        The messages; none if the event tells of something else.

    Raises:
        MalformedError: no event, or of a kind that we do not know.
    """
    kind, event_id = take_text(untrusted, "event"), take_text(untrusted, "id")
    if kind in NO_MESSAGE:
        return ()
    payloads: Sequence[Any] = [untrusted.get("payload")]
    ids = [event_id]
    if kind in BATCHES:
        kind = BATCHES[kind]
        listed = take_object(untrusted, "payload").get("messages")
        if not isinstance(listed, list) or len(listed) > MAX_BATCH:
            raise MalformedError("messages")
        payloads, ids = listed, [f"{event_id}:{place}" for place in range(len(listed))]
    if kind not in READERS or not event_id:
        raise MalformedError("event")
    if any(len(one) > MAX_PROVIDER_ID_CHARACTERS for one in ids):
        raise MalformedError("id")
    return tuple(
        _make_message(kind, payload, gateway=gateway, message_id=one, received_at=received_at)
        for payload, one in zip(payloads, ids, strict=True)
    )


def decode_inline(untrusted_location: str, *, limit_bytes: int) -> bytes | None:
    """
    Decode a file that came with its message.

    Args:
        untrusted_location: That begins with `INLINE`.
        limit_bytes: No more than this is decoded.

    Returns:
        Its bytes; None if they are more. What is no base64 as it stands: the app has let go of it.
    """
    untrusted = untrusted_location.removeprefix(INLINE)
    if len(untrusted) > (limit_bytes + 2) // 3 * 4:
        return None
    data = _decode(untrusted)
    if data is None:
        data = untrusted.encode("utf-8", "replace")
    return data if len(data) <= limit_bytes else None


def _make_message(
    kind: str, payload: Any, *, gateway: str, message_id: str, received_at: datetime.datetime
) -> Incoming:
    fields = take_object(payload)
    content, sender = READERS[kind](fields), _read_sender(fields)
    if len(sender) > MAX_SENDER_CHARACTERS:
        content, sender = None, ""
    content = content or _Content(text=write_all_fields(payload))
    text, files = content.text, list(content.media)
    part = None
    if content.is_announcement:
        # Longer than any subject is: what is cut off comes with the MMS itself.
        text = text[:MAX_PART_CHARACTERS]
        part = Part(reference=message_id, number=1, of=2, is_announcement=True)
    elif len(text) > MAX_TEXT_CHARACTERS:
        whole = base64.b64encode(text.encode("utf-8")).decode("ascii")
        files.insert(0, MediaReference(location=INLINE + whole, media_type="text/plain"))
        text = text[:MAX_TEXT_CHARACTERS]
    return Incoming(
        gateway=gateway,
        medium=Medium.MMS if kind.startswith("mms:") else Medium.SMS,
        provider_id=message_id,
        sender=sender,
        text=text,
        received_at=received_at,
        part=part,
        media=tuple(files[:MAX_REFERENCES]),
    )


def _read_sender(fields: Mapping[str, Any]) -> str:
    # Its name changed: older versions of the app say `phoneNumber`.
    sender = take_text(fields, "sender") or take_text(fields, "phoneNumber")
    sender = sender.partition(ADDRESS_TYPE)[0]
    # Nobody's name: all who withhold their number would be one sender.
    return "" if sender.strip().casefold() in WITHHELD else sender


def _read_sms(fields: Mapping[str, Any]) -> _Content | None:
    if not isinstance(fields.get("message"), str):
        return None
    return _Content(text=take_text(fields, "message"))


def _read_data(fields: Mapping[str, Any]) -> _Content | None:
    encoded = fields.get("data")
    data = _decode(encoded) if isinstance(encoded, str) else None
    if data is None:
        return None
    if not data:
        return _Content(media=(NO_FILE,))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text.strip() and all(one.isprintable() or one in "\t\n\r" for one in text):
        return _Content(text=text)
    return _Content(media=(MediaReference(location=f"{INLINE}{encoded}", media_type=BYTES_TYPE),))


def _read_announcement(fields: Mapping[str, Any]) -> _Content | None:
    return _Content(text=take_text(fields, "subject"), is_announcement=True) if fields else None


def _read_mms(fields: Mapping[str, Any]) -> _Content | None:
    if not fields or not isinstance(fields.get("attachments", []), list | None):
        return None
    said = (_mend_subject(take_text(fields, "subject")), take_text(fields, "body"))
    text = "\n".join(dict.fromkeys(one for one in said if one))
    attachments = take_list(fields, "attachments")
    media = tuple(_find_file(one, take_text(fields, "messageId")) for one in attachments)
    # Somebody sent it, so something was in it.
    return _Content(text=text, media=media if text or media else (NO_FILE,))


def _mend_subject(untrusted: str) -> str:
    # Android keeps the bytes of UTF-8 as if each was a character, and the app hands that on.
    try:
        return untrusted.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return untrusted  # as it should be, or of another network


def _find_file(attachment: Any, message_id: str) -> MediaReference:
    media_type = take_text(attachment, "contentType")
    if data := take_text(attachment, "data"):
        return MediaReference(location=INLINE + data, media_type=media_type)
    part = take_text(attachment, "partId")
    if not part.isdecimal() or message_id.strip(".") == "":
        return NO_FILE
    place = f"{INBOX}{quote(message_id, safe='')}/attachments/{quote(part, safe='')}"
    return MediaReference(location=place, media_type=media_type)


def _decode(untrusted: str) -> bytes | None:
    try:
        return base64.b64decode(untrusted, validate=True)
    except (binascii.Error, ValueError):
        return None


READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], _Content | None]]] = {
    "sms:received": _read_sms,
    "sms:data-received": _read_data,
    "mms:received": _read_announcement,
    "mms:downloaded": _read_mms,
}
