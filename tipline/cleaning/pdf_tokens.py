"""
The words of PDF's own language, as they stand in what draws a page, in CMaps and in functions.

A comment is white space, so nothing of it is in any token. A number stays as it is written, if it
is one: of what only looks like one, a date, that stays which viewers read first. A string has one
spelling, whatever it had. No token is larger than what it is read from.
"""

from __future__ import annotations

import enum
import re
from typing import Final

from tipline.cleaning.pdf_filters import Budget

TOKEN_BYTES: Final = 16  # so a file has at most four million: a dozen seconds

_SPACE: Final = rb"\0\t\n\f\r "
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    rb"(?:[" + _SPACE + rb"]++|%[^\r\n]*+)*+(?:"
    rb"(?P<word>" + _REGULAR + rb"++)"
    rb"|(?P<name>/" + _REGULAR + rb"*+)"
    # Strings inside a string are for `_read_string`. What repeats is possessive: no going back.
    rb"|(?P<string>\((?:[^()\\]++|\\.)*+\))"
    rb"|(?P<hex><[0-9A-Fa-f" + _SPACE + rb"]*+>)"
    rb"|(?P<mark><<|>>|[\[\](){}<>])"
    rb")",
    re.DOTALL,
)
_NUMBER: Final = re.compile(rb"[+\-.0-9]*[0-9][+\-.0-9]*")
# Programs write up to twenty digits behind a point.
_PLAIN_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_NUMBER_PARTS: Final = re.compile(rb"[+-]*([0-9]*)(?:\.([0-9]*))?")
_WHOLE_DIGITS: Final = 15
_DIGITS: Final = 20
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))|\r\n?", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_BRACKET: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_HEX_PAIR: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_WHITE: Final = bytes([0, 9, 10, 12, 13, 32])


class TokenKind(enum.Enum):
    """What a token is. Marks are brackets of any sort."""

    WORD = "word"
    NUMBER = "number"
    NAME = "name"
    STRING = "string"
    MARK = "mark"


Token = tuple[TokenKind, bytes]


class Tokens:
    """
    Reads tokens one by one.

    Args:
        untrusted: In PDF's language, or anything else.
        budget: Is spent: a token takes as long as `TOKEN_BYTES` that are only decoded.
    """

    def __init__(self, untrusted: bytes, budget: Budget) -> None:
        self.data = untrusted
        self.position = 0
        self._budget = budget

    def read(self) -> Token | None:
        """
        Read the next token.

        Returns:
            Its kind, and its bytes: a name and a string without what encloses them, decoded. None
            at the end.

        Raises:
            RefusedError: it is one too many.
        """
        self._budget.spend(TOKEN_BYTES)
        found = _TOKEN.match(self.data, self.position)
        if found is None:
            self.position = len(self.data)
            return None
        self.position = found.end()
        group = found.lastgroup or ""
        raw = found[group]
        match group:
            case "word":
                token = _read_word(raw)
            case "name":
                token = TokenKind.NAME, decode_name(raw[1:])
            case "string":
                token = TokenKind.STRING, _unescape(raw[1:-1])
            case "hex":
                digits = raw[1:-1].translate(None, _WHITE)
                token = (
                    TokenKind.STRING,
                    bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()),
                )
            case _ if raw == b"(":
                token = TokenKind.STRING, self._read_string()
            case _:
                token = TokenKind.MARK, raw
        return token

    def _read_string(self) -> bytes:
        """Read a string that has strings inside, or no end: up to the end of all then."""
        start, depth = self.position, 1
        for match in _BRACKET.finditer(self.data, start):
            self._budget.spend(TOKEN_BYTES)
            depth += {b"(": 1, b")": -1}.get(match[0], 0)
            if not depth:
                self.position = match.end()
                return _unescape(self.data[start : match.start()])
        self.position = len(self.data)
        return _unescape(self.data[start:])


def _read_word(raw: bytes) -> Token:
    if _PLAIN_NUMBER.fullmatch(raw):
        return TokenKind.NUMBER, raw
    if not _NUMBER.fullmatch(raw):
        return TokenKind.WORD, raw
    parts = _NUMBER_PARTS.match(raw)
    whole, rest = parts.groups() if parts else (b"", None)
    if len(whole) > _WHOLE_DIGITS:
        return TokenKind.NUMBER, b"0"  # no page is as large
    number = whole + (b"" if rest is None else b"." + rest[:_DIGITS])
    sign = b"-" if raw.startswith(b"-") else b""
    return TokenKind.NUMBER, (sign + number if number.strip(b".") else b"0")


def decode_name(untrusted: bytes) -> bytes:
    """
    Decode a name.

    Args:
        untrusted: Without its slash.

    Returns:
        The bytes that it stands for.
    """
    if b"#" not in untrusted:
        return untrusted
    return _HEX_PAIR.sub(lambda match: bytes.fromhex(match[1].decode()), untrusted)


def encode_name(name: bytes) -> bytes:
    """
    Encode a name, in one of its many spellings.

    Args:
        name: Decoded. A zero stands for a `#` that is no escape, as qpdf reads it.

    Returns:
        With its slash.
    """
    return b"/" + re.sub(
        rb"[^!\"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]",
        lambda match: b"#%02x" % match[0][0],
        name.replace(b"\0", b"#"),
    )


def encode_string(data: bytes) -> bytes:
    """
    Encode a string, in one of its many spellings.

    Args:
        data: Decoded.

    Returns:
        With its brackets.
    """
    escaped = data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"(" + escaped.replace(b"\r", b"\\r") + b")"


def _unescape(raw: bytes) -> bytes:
    if b"\\" not in raw and b"\r" not in raw:
        return raw
    return _ESCAPE.sub(_unescape_one, raw)


def _unescape_one(match: re.Match[bytes]) -> bytes:
    octal, line, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if line is not None:
        return b""
    # A return that is not escaped is a new line, in any of its three spellings.
    return b"\n" if other is None else _ESCAPED.get(other, other)
