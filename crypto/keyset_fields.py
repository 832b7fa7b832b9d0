"""
The keyset's fields: their types, and the one way to write and read them.

Every field is required and none is unknown: a keyset is written by the desk and read by programs
of the same version, and what a reader would silently skip could be the field that mattered.

docs/reference/formats.md, "Keyset".
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from crypto.age.hybrid import HybridRecipient
from crypto.cosignature import WitnessVerifier
from crypto.errors import KeysetError, MalformedError
from crypto.fields import (
    Fields,
    items,
    optional,
    parse_count,
    parse_day_field,
    parse_flag,
    parse_positive,
    parse_string,
)
from crypto.note import Verifier
from crypto.strict import decode_hex, format_json, parse_json_object

FIRST_LINE: Final = "tipline-keyset/v1\n"
SERVICE_NAME: Final = "tipline-service"  # a key's role is its name: no other key makes bundles
LANGUAGES: Final = ("en", "es", "pt")
LOG_NAME_START: Final = "tipline-log/"
READER_NAME_START: Final = "tipline-reader/"
MAX_CHANNEL_READERS: Final = 8
MAX_WITNESSES: Final = 16  # a checkpoint carries a line of each, and every reader verifies them
MAX_FIELD_BYTES: Final = 256 << 10
MAX_NAME_CHARACTERS: Final = 200

_ID = re.compile(r"[a-z0-9-]{1,32}")
_ONION = re.compile(r"[a-z2-7]{56}\.onion")
_LOG_NAME = re.compile(re.escape(LOG_NAME_START) + r"[0-9a-f]{16}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """
    Who may open tips.

    Args:
        id: Short, for the channels to refer to.
        name: A person's or an office's name.
        unit: Where the reader belongs.
        since_on: Since when the reader is one.
        recipient: The public half of the reader's key.
        signing: By which key this reader's answers to sources are told, or None: this reader
            answers nobody.
    """

    id: str
    name: str
    unit: str
    since_on: datetime.date
    recipient: HybridRecipient
    signing: Verifier | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReader:
    """
    A reader of one channel.

    Args:
        reader: The reader's id.
        from_on: The first day of reading this channel.
        until_on: The last day, or None: as long as the keyset.
        optional: Whether a source may leave this reader out.
    """

    reader: str
    from_on: datetime.date
    until_on: datetime.date | None
    optional: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """
    What a tip may be about.

    Args:
        id: Short.
        names: One text per language.
    """

    id: str
    names: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """
    A way in, with its own readers.

    Args:
        id: Short.
        names: One text per language.
        categories: What a tip on it may be about.
        readers: Who opens what comes in on it.
    """

    id: str
    names: Mapping[str, str]
    categories: tuple[Category, ...]
    readers: tuple[ChannelReader, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeysetDraft:
    """
    What the desk decides; signing adds the rest.

    Args:
        valid_from: The first day.
        valid_until: The last day.
        service: Who signs bundles.
        log: Who signs the log's checkpoints.
        witnesses: Who cosigns them.
        quorum: How many of the witnesses a checkpoint needs; 0 with no witness.
        onion: The source's address, or None.
        answers: To whom answers by phone are sealed, which is the service; or None: this line
            gives none.
        readers: Everybody who opens something.
        channels: In the order in which a source sees them.
    """

    valid_from: datetime.date
    valid_until: datetime.date
    service: Verifier
    log: Verifier
    witnesses: tuple[WitnessVerifier, ...]
    quorum: int
    onion: str | None
    readers: tuple[Reader, ...]
    channels: tuple[Channel, ...]
    answers: HybridRecipient | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """
    A keyset that the root signed. Made by `verify_keyset` alone.

    Args:
        number: Rises with every keyset.
        previous: SHA-256 of the previous note in hex, or None.
        confirmed_on: When the desk confirmed the readers.
        valid_from: The first day.
        valid_until: The last day.
        service: Who signs bundles.
        log: Who signs the log's checkpoints.
        witnesses: Who cosigns them.
        quorum: How many of the witnesses a checkpoint needs; 0 with no witness.
        onion: The source's address, or None.
        answers: To whom answers by phone are sealed, which is the service; or None: this line
            gives none.
        readers: Everybody who opens something.
        fill: Seven recipients whose private halves were thrown away.
        channels: In the order in which a source sees them.
        sha256: Of this whole note, in hex.
    """

    number: int
    previous: str | None
    confirmed_on: datetime.date
    valid_from: datetime.date
    valid_until: datetime.date
    service: Verifier
    log: Verifier
    witnesses: tuple[WitnessVerifier, ...]
    quorum: int
    onion: str | None
    answers: HybridRecipient | None
    readers: tuple[Reader, ...]
    fill: tuple[HybridRecipient, ...]
    channels: tuple[Channel, ...]
    sha256: str


def is_id(text: str) -> bool:
    """
    Tell whether a reader, a channel or a category can have this id.

    Args:
        text: As a person typed it.

    Returns:
        Whether it can.
    """
    return bool(_ID.fullmatch(text))


def format_fields(
    draft: KeysetDraft,
    *,
    number: int,
    previous: str | None,
    confirmed_on: datetime.date,
    fill: tuple[HybridRecipient, ...],
) -> dict[str, Any]:
    """
    Lay a keyset's fields out in the order of the format's table.

    Args:
        draft: What the desk decided.
        number: Of this keyset.
        previous: SHA-256 of the previous note in hex, or None.
        confirmed_on: The day of signing.
        fill: Recipients without readers.

    Returns:
        The object to be signed.
    """
    return {
        "number": number,
        "previous": previous,
        "confirmed_on": confirmed_on.isoformat(),
        "valid_from": draft.valid_from.isoformat(),
        "valid_until": draft.valid_until.isoformat(),
        "service": draft.service.format(),
        "log": draft.log.format(),
        "witnesses": [witness.format() for witness in draft.witnesses],
        "quorum": draft.quorum,
        "onion": draft.onion,
        "answers": None if draft.answers is None else draft.answers.format(),
        "readers": [
            {
                "id": reader.id,
                "name": reader.name,
                "unit": reader.unit,
                "since": reader.since_on.isoformat(),
                "recipient": reader.recipient.format(),
                "signing": None if reader.signing is None else reader.signing.format(),
            }
            for reader in draft.readers
        ],
        "fill": [recipient.format() for recipient in fill],
        "channels": [_format_channel(channel) for channel in draft.channels],
    }


def _format_channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "names": {language: channel.names[language] for language in LANGUAGES},
        "categories": [
            {"id": category.id, "names": {name: category.names[name] for name in LANGUAGES}}
            for category in channel.categories
        ],
        "readers": [
            {
                "reader": entry.reader,
                "from": entry.from_on.isoformat(),
                "until": None if entry.until_on is None else entry.until_on.isoformat(),
                "optional": entry.optional,
            }
            for entry in channel.readers
        ],
    }


def parse_fields(text: str, *, sha256: str) -> Keyset:
    """
    Read a keyset's text.

    Args:
        text: Signed, but not yet known to follow the format.
        sha256: Of the whole note, in hex.

    Returns:
        The keyset; writing it again gives *text*.

    Raises:
        MalformedError: a field is missing, unknown, or not of its type; or the object is not
            spelled as `format_fields` and `format_json` spell it.
        TooLargeError: nested too deep.
        RecipientError: a recipient is not hybrid.
        KeysetError: `keyset_too_many_readers`.
    """
    body = text.removeprefix(FIRST_LINE)
    if not text.startswith(FIRST_LINE):
        raise MalformedError("first line")
    fields = Fields(
        parse_json_object(body.removesuffix("\n").encode(), max_bytes=MAX_FIELD_BYTES), "keyset"
    )
    previous = fields.take("previous", optional(parse_string))
    if previous is not None and len(decode_hex(previous)) != 32:
        raise MalformedError("previous")
    onion = fields.take("onion", optional(parse_string))
    if onion is not None and not _ONION.fullmatch(onion):
        raise MalformedError("onion")
    keyset = Keyset(
        number=fields.take("number", parse_positive),
        previous=previous,
        confirmed_on=fields.take("confirmed_on", parse_day_field),
        valid_from=fields.take("valid_from", parse_day_field),
        valid_until=fields.take("valid_until", parse_day_field),
        service=fields.take("service", _service),
        log=fields.take("log", _log),
        witnesses=fields.take("witnesses", items(_witness)),
        quorum=fields.take("quorum", parse_count),
        onion=onion,
        answers=fields.take("answers", optional(_recipient)),
        readers=fields.take("readers", items(_parse_reader)),
        fill=fields.take("fill", items(_recipient)),
        channels=fields.take("channels", items(_parse_channel)),
        sha256=sha256,
    )
    fields.close()
    _check_references(keyset)
    written = format_fields(
        KeysetDraft(
            valid_from=keyset.valid_from,
            valid_until=keyset.valid_until,
            service=keyset.service,
            log=keyset.log,
            witnesses=keyset.witnesses,
            quorum=keyset.quorum,
            onion=keyset.onion,
            answers=keyset.answers,
            readers=keyset.readers,
            channels=keyset.channels,
        ),
        number=keyset.number,
        previous=keyset.previous,
        confirmed_on=keyset.confirmed_on,
        fill=keyset.fill,
    )
    if format_json(written).decode() + "\n" != body:
        raise MalformedError("spelling")
    return keyset


def _check_references(keyset: Keyset) -> None:
    reader_ids = [reader.id for reader in keyset.readers]
    channel_ids = [channel.id for channel in keyset.channels]
    _check_unique(reader_ids, "reader twice")
    _check_unique(channel_ids, "channel twice")
    recipients = [*(reader.recipient for reader in keyset.readers), *keyset.fill]
    if keyset.answers is not None:
        # The service must not be able to open a tip: its key for answers is no reader's.
        recipients.append(keyset.answers)
    _check_unique([recipient.format() for recipient in recipients], "recipient twice")
    # Two readers with one key would answer in each other's name.
    signing = [reader.signing.public_key.hex() for reader in keyset.readers if reader.signing]
    _check_unique(signing, "reader's signing key twice")
    _check_witnesses(keyset)
    if len(keyset.fill) != MAX_CHANNEL_READERS - 1:
        raise MalformedError("fill")
    if not channel_ids:
        raise MalformedError("channels")
    for channel in keyset.channels:
        entries = [entry.reader for entry in channel.readers]
        if len(entries) > MAX_CHANNEL_READERS:
            raise KeysetError(
                "keyset_too_many_readers",
                channel=channel.id,
                count=len(entries),
                limit=MAX_CHANNEL_READERS,
            )
        _check_unique(entries, "channel reader twice")
        _check_unique([category.id for category in channel.categories], "category twice")
        if not set(entries) <= set(reader_ids):
            raise MalformedError("channel reader unknown")
        if all(entry.optional for entry in channel.readers):
            raise MalformedError("channel without a fixed reader")


def _check_witnesses(keyset: Keyset) -> None:
    # One person under two names, or two under one, would count a quorum wrongly.
    _check_unique([witness.name for witness in keyset.witnesses], "witness twice")
    _check_unique([witness.public_key.hex() for witness in keyset.witnesses], "witness twice")
    if len(keyset.witnesses) > MAX_WITNESSES:
        raise MalformedError("witnesses")
    least = 1 if keyset.witnesses else 0  # a quorum of none would make the witnesses decoration
    if not least <= keyset.quorum <= len(keyset.witnesses):
        raise MalformedError("quorum")


def _check_unique(values: list[str], detail: str) -> None:
    if len(set(values)) != len(values):
        raise MalformedError(detail)


def _words(value: object, name: str) -> str:
    # Pages and terminals show these words; what would turn them around is not a name's part.
    text = parse_string(value, name)
    if not 1 <= len(text) <= MAX_NAME_CHARACTERS or _CONTROL.search(text):
        raise MalformedError(name)
    return text


def _id(value: object, name: str) -> str:
    text = parse_string(value, name)
    if not _ID.fullmatch(text):
        raise MalformedError(name)
    return text


def _service(value: object, name: str) -> Verifier:
    service = Verifier.parse(parse_string(value, name))
    if service.name != SERVICE_NAME:
        raise MalformedError(name)
    return service


def _log(value: object, name: str) -> Verifier:
    log = Verifier.parse(parse_string(value, name))
    if not _LOG_NAME.fullmatch(log.name):
        raise MalformedError(name)
    return log


def _witness(value: object, name: str) -> WitnessVerifier:
    return WitnessVerifier.parse(parse_string(value, name))


def _signing(value: object, name: str) -> Verifier:
    return Verifier.parse(parse_string(value, name))


def _recipient(value: object, name: str) -> HybridRecipient:
    return HybridRecipient.parse(parse_string(value, name))


def _names(value: object, name: str) -> Mapping[str, str]:
    fields = Fields(value, name)
    names = {language: fields.take(language, _words) for language in LANGUAGES}
    fields.close()
    return MappingProxyType(names)


def _parse_reader(value: object, name: str) -> Reader:
    fields = Fields(value, name)
    reader = Reader(
        id=fields.take("id", _id),
        name=fields.take("name", _words),
        unit=fields.take("unit", _words),
        since_on=fields.take("since", parse_day_field),
        recipient=fields.take("recipient", _recipient),
        signing=fields.take("signing", optional(_signing)),
    )
    fields.close()
    if reader.signing is not None and reader.signing.name != READER_NAME_START + reader.id:
        raise MalformedError("signing")
    return reader


def _parse_category(value: object, name: str) -> Category:
    fields = Fields(value, name)
    category = Category(id=fields.take("id", _id), names=fields.take("names", _names))
    fields.close()
    return category


def _parse_channel(value: object, name: str) -> Channel:
    fields = Fields(value, name)
    channel = Channel(
        id=fields.take("id", _id),
        names=fields.take("names", _names),
        categories=fields.take("categories", items(_parse_category)),
        readers=fields.take("readers", items(_parse_channel_reader)),
    )
    fields.close()
    return channel


def _parse_channel_reader(value: object, name: str) -> ChannelReader:
    fields = Fields(value, name)
    entry = ChannelReader(
        reader=fields.take("reader", _id),
        from_on=fields.take("from", parse_day_field),
        until_on=fields.take("until", optional(parse_day_field)),
        optional=fields.take("optional", parse_flag),
    )
    fields.close()
    return entry
