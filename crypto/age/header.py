"""
The header: a version line, recipient stanzas that each wrap the file key, and a MAC line.

    age-encryption.org/v1
    -> TYPE ARGUMENT ...
    BASE64 BODY, 64 COLUMNS
    --- BASE64 MAC

Rules kept here:

1. The grammar is strict and every value has one spelling: whatever `read_header` accepts,
   `encode_header` writes again byte for byte.
2. A header is bounded before it is read: `MAX_HEADER_BYTES`, `MAX_STANZAS`.
3. A header is unverified until `verify_header` has held its MAC against the file key.
4. An scrypt stanza stands alone.
"""

from __future__ import annotations

import dataclasses
import hmac
import re
from collections.abc import Sequence
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.errors import ForgedError, MalformedError, RecipientError, TooLargeError
from crypto.secret import Secret
from crypto.strict import decode_base64, encode_base64

VERSION_LINE: Final = b"age-encryption.org/v1\n"
MAX_STANZAS: Final = 64  # a tip has 8; a team that shares one file seldom has more than a dozen
MAX_HEADER_BYTES: Final = 128 * 1024  # 64 hybrid stanzas of 1,557 bytes are 99,648
FILE_KEY_BYTES: Final = 16
BODY_COLUMNS: Final = 64

_MAC_BYTES: Final = 32
_ARGUMENT: Final = re.compile(r"[\x21-\x7e]+")
_STANZA_MARK: Final = b"-> "
_MAC_MARK: Final = b"---"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """
    The file key, wrapped for one recipient.

    Args:
        type: The first argument: what kind of recipient this is.
        arguments: The others, in order.
        body: What they lead to.
    """

    type: str
    arguments: tuple[str, ...]
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    What a file says before its payload. Unverified.

    Args:
        stanzas: At least one.
        mac: Over everything before it, under a key that follows from the file key.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes


def make_header(stanzas: Sequence[Stanza], file_key: Secret) -> Header:
    """
    Complete a header with its MAC.

    Args:
        stanzas: 1 to `MAX_STANZAS`.
        file_key: What the stanzas wrap.

    Returns:
        The header.

    Raises:
        RecipientError: no stanza, or an scrypt stanza beside another.
        TooLargeError: more than `MAX_STANZAS`.
    """
    if not stanzas:
        raise RecipientError("no recipient")
    if len(stanzas) > MAX_STANZAS:
        raise TooLargeError("recipients", limit=MAX_STANZAS)
    if len(stanzas) > 1 and any(stanza.type == "scrypt" for stanza in stanzas):
        raise RecipientError("a passphrase stands alone")
    mac = _compute_mac(stanzas, file_key)
    return Header(stanzas=tuple(stanzas), mac=mac)


def encode_header(header: Header) -> bytes:
    """
    Write a header.

    Args:
        header: Read or made.

    Returns:
        Its bytes, up to and with the newline before the payload.
    """
    mac = encode_base64(header.mac).encode("ascii")
    return _encode_maced_part(header.stanzas) + b" " + mac + b"\n"


def read_header(source: BinaryIO) -> Header:
    """
    Read a header and stop at the first byte of the payload.

    Args:
        source: Untrusted, at its start.

    Returns:
        The header, unverified.

    Raises:
        MalformedError: not a header of age v1, or one in another spelling.
        TooLargeError: longer than `MAX_HEADER_BYTES` or more than `MAX_STANZAS` stanzas.

    Source:
        C2SP age.md, "ABNF definition of file header".
    """
    lines = _Lines(source)
    if lines.take() != VERSION_LINE[:-1]:
        raise MalformedError("age header: version")
    stanzas: list[Stanza] = []
    while True:
        line = lines.take()
        if line.startswith(_MAC_MARK):
            break
        if len(stanzas) == MAX_STANZAS:
            raise TooLargeError("age header: stanzas", limit=MAX_STANZAS)
        stanzas.append(_read_stanza(line, lines))
    if not stanzas:
        raise MalformedError("age header: no stanza")
    if len(stanzas) > 1 and any(stanza.type == "scrypt" for stanza in stanzas):
        # Whoever knows the passphrase is taken for its author; a second way in would break that.
        raise MalformedError("age header: a passphrase stands alone")
    return Header(stanzas=tuple(stanzas), mac=_parse_mac(line))


def verify_header(header: Header, file_key: Secret) -> None:
    """
    Hold a header's MAC against the file key.

    Args:
        header: As it was read.
        file_key: As one of its stanzas gave it.

    Raises:
        ForgedError: the header is not the one this file key was sealed with.
    """
    if not hmac.compare_digest(header.mac, _compute_mac(header.stanzas, file_key)):
        raise ForgedError("age header: MAC")


class _Lines:
    """The lines of one header, counted against its limit."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._left_bytes = MAX_HEADER_BYTES

    def take(self) -> bytes:
        """Give the next line without its newline."""
        line = self._source.readline(self._left_bytes)
        self._left_bytes -= len(line)
        if not line.endswith(b"\n"):
            if not self._left_bytes:
                raise TooLargeError("age header", limit=MAX_HEADER_BYTES)
            raise MalformedError("age header: cut")
        return line[:-1]


def _read_stanza(first_line: bytes, lines: _Lines) -> Stanza:
    if not first_line.startswith(_STANZA_MARK):
        raise MalformedError("age header: stanza")
    words = first_line[len(_STANZA_MARK) :].decode("latin-1").split(" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise MalformedError("age header: argument")
    body = b""
    while True:
        line = lines.take()
        if len(line) > BODY_COLUMNS:
            raise MalformedError("age header: long line")
        body += line
        if len(line) < BODY_COLUMNS:
            break
    return Stanza(
        type=words[0], arguments=tuple(words[1:]), body=decode_argument(body.decode("latin-1"))
    )


def decode_argument(text: str) -> bytes:
    """
    Decode a value of a stanza.

    Args:
        text: Untrusted.

    Returns:
        The bytes.

    Raises:
        MalformedError: not canonical base64 without padding.
    """
    try:
        return decode_base64(text)
    except MalformedError as exc:
        raise MalformedError("age header: base64") from exc


def _parse_mac(line: bytes) -> bytes:
    mark, space, text = line.partition(b" ")
    if mark != _MAC_MARK or not space:
        raise MalformedError("age header: MAC line")
    mac = decode_argument(text.decode("latin-1"))
    if len(mac) != _MAC_BYTES:
        raise MalformedError("age header: MAC length")
    return mac


def _compute_mac(stanzas: Sequence[Stanza], file_key: Secret) -> bytes:
    key = HKDF(SHA256(), 32, None, b"header").derive(file_key.reveal())
    return hmac.digest(key, _encode_maced_part(stanzas), "sha256")


def _encode_maced_part(stanzas: Sequence[Stanza]) -> bytes:
    parts = [VERSION_LINE]
    for stanza in stanzas:
        parts.append(_STANZA_MARK + " ".join((stanza.type, *stanza.arguments)).encode() + b"\n")
        body = encode_base64(stanza.body).encode("ascii")
        # A body that fills its last line is followed by an empty one: the end is a short line.
        starts = range(0, len(body) + 1, BODY_COLUMNS)
        parts.extend(body[start : start + BODY_COLUMNS] + b"\n" for start in starts)
    return b"".join(parts) + _MAC_MARK
