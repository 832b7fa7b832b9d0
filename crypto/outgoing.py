"""
The outgoing bundle: what a reader's answers by phone travel in, from the desk to the service.

Rules:
    1. It is a note, signed by the key of one reader, which the keyset names: the service sends
       nothing that no reader wrote.
    2. Each item is an age file of its own, of one size, sealed to the service's key for answers. A
       stick that is lost tells how many answers there were, and neither to whom nor what.
    3. Its number rises with every bundle of one key, so that an old one is not sent again; it
       expires, so that a number need not be remembered for ever.
    4. An item says inside its seal, too, which one it is, whose, and until when it is taken: it
       cannot be passed off as another, nor be sent by another reader or in a later bundle.

The service opens the items: it must hand the text to the phone company, which reads it as well.

docs/reference/formats.md, "Outgoing bundle".
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import io
import re
from collections.abc import Sequence
from typing import Final

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.errors import CryptoError, ForgedError, MalformedError, OutgoingError, TooLargeError
from crypto.fields import Fields, items, parse_day_field, parse_positive, parse_string
from crypto.keyset_fields import Keyset, Reader
from crypto.note import Signer, Verifier, sign_note, split_note, verify_note
from crypto.randomness import RandomSource, system_random
from crypto.strict import (
    decode_base64,
    decode_hex,
    encode_base64,
    format_json,
    parse_json_object,
)

MAX_OUTGOING_BYTES: Final = 1 << 20  # the most items, of 8.4 KB each, fill most of it
MAX_OUTGOING_DAYS: Final = 14  # time to carry it to the networked machine, and no more
MAX_ANSWER_CHARACTERS: Final = 1000
ITEM_BYTES: Final = 4608  # holds the longest text, of four bytes a character
ID_BYTES: Final = 16
_FIRST_LINE: Final = "tipline-outgoing/v1\n"
_MAX_SEALED_BYTES: Final = 6_267  # header 1,627, nonce 16, item, tag 16

_READER = re.compile(r"[a-z0-9-]{1,32}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class ItemKind(enum.StrEnum):
    """What the service does with an item."""

    ANSWER = "answer"  # it is sent, once
    STATUS = "status"  # it is kept, and sent to whoever asks from that number


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingItem:
    """
    One answer, opened.

    Args:
        id: Random, 16 bytes; what the service names it by.
        kind: What is done with it.
        reader: Who answers: the reader's id.
        expires_on: The last day on which it is taken.
        conversation: 16 bytes, as the tip's field `gateway` says.
        text: What the source reads.
    """

    id: bytes
    kind: ItemKind
    reader: str
    expires_on: datetime.date
    conversation: bytes = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SealedItem:
    """
    One answer, as it travels.

    Args:
        id: Of the item.
        sealed: An age file.
    """

    id: bytes
    sealed: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """
    A verified outgoing bundle. Made by `verify_outgoing` alone.

    Args:
        reader: Who signed it.
        signing: By this key.
        number: Rises with every bundle of this key.
        made_on: On this day.
        expires_on: The last day on which it is taken.
        items: Sealed.
    """

    reader: Reader
    signing: Verifier
    number: int
    made_on: datetime.date
    expires_on: datetime.date
    items: tuple[SealedItem, ...]


def seal_item(
    item: OutgoingItem, *, answers: HybridRecipient, random: RandomSource = system_random
) -> SealedItem:
    """
    Seal one answer to the service.

    Args:
        item: What is answered.
        answers: The keyset's recipient for answers.
        random: Where the file key, the nonce and the encapsulation come from.

    Returns:
        The item as it travels; all have the same size.

    Raises:
        MalformedError: the text is empty, too long, or holds what no phone shows.
    """
    fields = {
        "id": item.id.hex(),
        "kind": item.kind.value,
        "reader": item.reader,
        "expires_on": item.expires_on.isoformat(),
        "conversation": item.conversation.hex(),
        "text": _check_text(item.text),
    }
    plain = format_json(fields)
    padded = plain + b"\n" + bytes(ITEM_BYTES - len(plain) - 1)
    sealed = io.BytesIO()
    age_file.seal(io.BytesIO(padded), sealed, recipients=[answers], random=random)
    return SealedItem(id=item.id, sealed=sealed.getvalue())


def open_item(untrusted: SealedItem, *, identity: HybridIdentity) -> OutgoingItem:
    """
    Open one answer.

    Args:
        untrusted: Of a verified bundle.
        identity: The service's, for answers.

    Returns:
        The item.

    Raises:
        CryptoError: it is not sealed to this key, was changed, or is not in its format.
    """
    opened = io.BytesIO()
    age_file.open_(io.BytesIO(untrusted.sealed), opened, identities=[identity])
    plain, newline, padding = opened.getvalue().partition(b"\n")
    if len(opened.getvalue()) != ITEM_BYTES or not newline or padding.strip(b"\0"):
        raise MalformedError("item")
    fields = Fields(parse_json_object(plain, max_bytes=ITEM_BYTES), "item")
    item = OutgoingItem(
        id=fields.take("id", _parse_id),
        kind=fields.take("kind", _parse_kind),
        reader=fields.take("reader", parse_string),
        expires_on=fields.take("expires_on", parse_day_field),
        conversation=fields.take("conversation", _parse_id),
        text=_check_text(fields.take("text", parse_string)),
    )
    fields.close()
    if item.id != untrusted.id:
        raise MalformedError("item id")
    if not _READER.fullmatch(item.reader):
        raise MalformedError("reader")
    return item


def expire_on(today: datetime.date, *, days: int = MAX_OUTGOING_DAYS) -> datetime.date:
    """
    Tell the last day on which what is written today is taken.

    Args:
        today: In UTC.
        days: How many days, today included.

    Returns:
        The day.
    """
    return today + datetime.timedelta(days=days - 1)


def sign_outgoing(
    sealed: Sequence[SealedItem],
    *,
    reader: str,
    number: int,
    today: datetime.date,
    signer: Signer,
    days: int = MAX_OUTGOING_DAYS,
) -> bytes:
    """
    Sign an outgoing bundle.

    Args:
        sealed: The items, 1 to `MAX_ITEMS`.
        reader: The reader's id.
        number: Above that of every bundle before.
        today: In UTC.
        signer: The reader's.
        days: How many days it is taken, today included.

    Returns:
        The whole note.

    Raises:
        MalformedError: more than `MAX_ITEMS`, or another field is off.
    """
    expires_on = expire_on(today, days=days)
    fields = {
        "reader": reader,
        "number": number,
        "made_on": today.isoformat(),
        "expires_on": expires_on.isoformat(),
        "items": [{"id": item.id.hex(), "sealed": encode_base64(item.sealed)} for item in sealed],
    }
    text = f"{_FIRST_LINE}{format_json(fields).decode()}\n"
    _parse_text(text)  # nobody signs what the service then refuses
    return sign_note(text, signer)


def verify_outgoing(untrusted: bytes, *, keyset: Keyset, today: datetime.date) -> Outgoing:
    """
    Verify an outgoing bundle.

    1. It is a note of at most `MAX_OUTGOING_BYTES`, and its fields follow the format.
    2. The reader that it names stands in the keyset, with a key for answers.
    3. That key signed it.
    4. It lives at most `MAX_OUTGOING_DAYS` days, and *today* is one of them.

    Args:
        untrusted: The whole note.
        keyset: In force.
        today: In UTC.

    Returns:
        The bundle. Whether its number is above those before, the caller decides.

    Raises:
        OutgoingError: `outgoing_malformed`, `outgoing_unsigned`, `outgoing_early` or
            `outgoing_expired`.
    """
    try:
        if len(untrusted) > MAX_OUTGOING_BYTES:
            raise TooLargeError("outgoing", limit=MAX_OUTGOING_BYTES)
        text, _ = split_note(untrusted)
        read = _parse_text(text)
    except CryptoError as exc:
        raise OutgoingError("outgoing_malformed", exc.detail) from exc
    reader = next((one for one in keyset.readers if one.id == read.reader), None)
    if reader is None or reader.signing is None:
        raise OutgoingError("outgoing_unsigned")
    try:
        verify_note(untrusted, reader.signing)
    except ForgedError as exc:
        raise OutgoingError("outgoing_unsigned") from exc
    except MalformedError as exc:
        raise OutgoingError("outgoing_malformed", exc.detail) from exc
    # A day of grace: the offline workstation's clock is nobody's but its own.
    if today < read.made_on - datetime.timedelta(days=1):
        raise OutgoingError("outgoing_early", made_on=read.made_on.isoformat())
    if today > read.expires_on:
        raise OutgoingError("outgoing_expired", expires_on=read.expires_on.isoformat())
    return Outgoing(
        reader=reader,
        signing=reader.signing,
        number=read.number,
        made_on=read.made_on,
        expires_on=read.expires_on,
        items=read.items,
    )


def read_own_outgoing(untrusted: bytes, *, signer: Signer) -> tuple[SealedItem, ...]:
    """
    Read the items of a bundle that one's own key signed, to add another.

    Args:
        untrusted: The whole note.
        signer: The reader's.

    Returns:
        The items.

    Raises:
        OutgoingError: `outgoing_malformed` or `outgoing_unsigned`.
    """
    try:
        if len(untrusted) > MAX_OUTGOING_BYTES:
            raise TooLargeError("outgoing", limit=MAX_OUTGOING_BYTES)
        return _parse_text(verify_note(untrusted, signer.verifier())).items
    except ForgedError as exc:
        raise OutgoingError("outgoing_unsigned") from exc
    except CryptoError as exc:
        raise OutgoingError("outgoing_malformed", exc.detail) from exc


def read_ids(untrusted: bytes) -> tuple[bytes, ...]:
    """
    Read the ids in a bundle, for whoever carries it and verifies nothing.

    Args:
        untrusted: The whole note.

    Returns:
        The id of each item, none twice.

    Raises:
        OutgoingError: `outgoing_malformed`.
    """
    try:
        if len(untrusted) > MAX_OUTGOING_BYTES:
            raise TooLargeError("outgoing", limit=MAX_OUTGOING_BYTES)
        text, _ = split_note(untrusted)
        return tuple(item.id for item in _parse_text(text).items)
    except CryptoError as exc:
        raise OutgoingError("outgoing_malformed", exc.detail) from exc


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    reader: str
    number: int
    made_on: datetime.date
    expires_on: datetime.date
    items: tuple[SealedItem, ...]


def _parse_text(text: str) -> _Text:
    body = text.removeprefix(_FIRST_LINE)
    if not text.startswith(_FIRST_LINE):
        raise MalformedError("first line")
    fields = Fields(
        parse_json_object(body.removesuffix("\n").encode(), max_bytes=MAX_OUTGOING_BYTES),
        "outgoing",
    )
    read = _Text(
        reader=fields.take("reader", parse_string),
        number=fields.take("number", parse_positive),
        made_on=fields.take("made_on", parse_day_field),
        expires_on=fields.take("expires_on", parse_day_field),
        items=fields.take("items", items(_parse_sealed)),
    )
    fields.close()
    if not _READER.fullmatch(read.reader):
        raise MalformedError("reader")
    if not 1 <= (read.expires_on - read.made_on).days + 1 <= MAX_OUTGOING_DAYS:
        raise MalformedError("days")
    if not read.items or len({item.id for item in read.items}) != len(read.items):
        raise MalformedError("items")
    return read


def _parse_sealed(untrusted: object, name: str) -> SealedItem:
    fields = Fields(untrusted, name)
    item = SealedItem(id=fields.take("id", _parse_id), sealed=fields.take("sealed", _parse_bytes))
    fields.close()
    return item


def _parse_bytes(untrusted: object, name: str) -> bytes:
    value = decode_base64(parse_string(untrusted, name))
    if len(value) > _MAX_SEALED_BYTES:
        raise MalformedError(name)
    return value


def _parse_id(untrusted: object, name: str) -> bytes:
    value = decode_hex(parse_string(untrusted, name))
    if len(value) != ID_BYTES:
        raise MalformedError(name)
    return value


def _parse_kind(untrusted: object, name: str) -> ItemKind:
    try:
        return ItemKind(parse_string(untrusted, name))
    except ValueError as exc:
        raise MalformedError(name) from exc


def _check_text(text: str) -> str:
    if not text.strip() or len(text) > MAX_ANSWER_CHARACTERS or _CONTROL.search(text):
        raise MalformedError("text")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise MalformedError("text") from exc
    return text
