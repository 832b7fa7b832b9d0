"""
A message as gammu-smsd writes it into its inbox (`InboxFormat = detail`): a section for each part.

    [SMSBackup000]
    PDU = Deliver
    DateTime = 20261121T120000Z
    NumberUnicode = 002B0035...
    UDH = 050003290201
    Text00 = 0045006C...
    Coding = Default_No_Compression

Rules:
1. What is read: who wrote, when the network took it, the user data header, the text, the coding,
   and nothing else. Comments repeat the text; they are passed over.
2. Text is UTF-16 in hex, cut at any place: lines are put together before they are decoded, and half
   a character survives until the parts are joined.
3. What is not text (8 bits: a notice of a picture, a setting of an operator) has an empty one.
4. A user data header that does not hold keeps no words back: the message is whole then. Its network
   has acknowledged it, and nobody would bring it in another form.

Source: gammu 1.42, docs "SMS Backup Format"; 3GPP TS 23.040, section 9.2.3.24 (user data header).
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from crypto.errors import MalformedError, TooLargeError
from crypto.strict import decode_hex
from tipline.gateway.incoming import MAX_PART_CHARACTERS, MAX_PARTS, MAX_SENDER_CHARACTERS, Part

MAX_BACKUP_BYTES: Final = 1024 * 1024  # 255 parts have about 400 KB
CONCATENATED_8: Final = 0x00  # TS 23.040 section 9.2.3.24.1: reference of one byte
CONCATENATED_16: Final = 0x08  # section 9.2.3.24.8: of two

_SECTION = re.compile(r"\[SMSBackup([0-9]{3})\]")
_TEXT = re.compile(r"Text([0-9]{2})")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """
    One part of a message.

    Args:
        sender: As the network gave it; untrusted.
        text: May end or begin with half a character; untrusted.
        part: Which part it is; None if it is whole.
        sent: When the carrier took it from its sender, to the second: the same for each copy that
            the network brings. Empty if the modem does not say; untrusted.
    """

    sender: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    part: Part | None
    sent: str = dataclasses.field(default="", repr=False)


def parse_backup(untrusted: bytes) -> list[Section]:
    """
    Read a file of the inbox.

    Args:
        untrusted: The whole file.

    Returns:
        Its parts, at least one.

    Raises:
        TooLargeError: longer than any message.
        MalformedError: not in that form.
    """
    if len(untrusted) > MAX_BACKUP_BYTES:
        raise TooLargeError("sms backup")
    try:
        text = untrusted.decode("utf-8")
    except UnicodeDecodeError:
        # Not "from": the error holds the message. Only the comments are more than ASCII.
        raise MalformedError("sms backup") from None
    sections: list[dict[str, str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line or line.startswith(";"):
            continue
        if _SECTION.fullmatch(line):
            sections.append({})
            continue
        name, found, value = line.partition(" = ")
        if not sections or not (found or line.endswith(" =")):
            raise MalformedError("sms backup")
        name = name.removesuffix(" =")
        if name in sections[-1]:
            raise MalformedError("sms backup")
        sections[-1][name] = value
    if not 1 <= len(sections) <= MAX_PARTS:
        raise MalformedError("sms backup")
    return [_read_section(section) for section in sections]


def _read_section(fields: dict[str, str]) -> Section:
    if "NumberUnicode" not in fields or "Coding" not in fields:
        raise MalformedError("sms backup")
    sender = _decode_units(fields["NumberUnicode"])
    names = sorted(name for name in fields if _TEXT.fullmatch(name))
    if names != [f"Text{number:02}" for number in range(len(names))]:
        raise MalformedError("sms backup")
    is_text = not fields["Coding"].startswith("8bit")
    text = _decode_units("".join(fields[name] for name in names)) if is_text else ""
    if len(sender) > MAX_SENDER_CHARACTERS or len(text) > MAX_PART_CHARACTERS:
        raise MalformedError("sms backup")
    # Of what is stored in the modem as if it went out, it is the time of a look.
    sent = fields.get("DateTime", "") if fields.get("PDU") == "Deliver" else ""
    return Section(sender=sender, text=text, part=read_part(fields.get("UDH", "")), sent=sent)


def read_part(untrusted_header: str) -> Part | None:
    """
    Read from a user data header which part of a message this is.

    Args:
        untrusted_header: In hex; empty if there is none.

    Returns:
        The part; None if the message is whole, or the header says what cannot be.

    Raises:
        MalformedError: not in hex.
    """
    if not untrusted_header:
        return None
    header = decode_hex(untrusted_header.lower())
    if header[0] != len(header) - 1:
        return None
    rest = header[1:]
    while rest:
        if len(rest) < 2 or len(rest) < 2 + rest[1]:
            return None
        kind, value, rest = rest[0], rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if (kind, len(value)) in ((CONCATENATED_8, 3), (CONCATENATED_16, 4)):
            return _make_part(value)
    return None


def _make_part(value: bytes) -> Part | None:
    of, number = value[-2], value[-1]
    if of < 2 or not 1 <= number <= of:
        return None  # section 9.2.3.24.1: then the element is ignored
    return Part(reference=value[:-2].hex(), number=number, of=of)


def _decode_units(untrusted: str) -> str:
    units = decode_hex(untrusted.lower())
    if len(units) % 2:
        raise MalformedError("utf-16")
    return units.decode("utf-16-be", "surrogatepass")
