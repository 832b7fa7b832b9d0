"""
Fonts inside a PDF: what draws a letter stays, what tells of the font's making goes.

1. TrueType and OpenType: the tables of `pdf.json` stay, each once; names, notes of editors,
   signatures and the days of making go. The table of tables is written anew.
2. Type 1: comments and the texts of the head become blanks of the same length, since what follows
   is found by lengths. The encrypted part stays as it is.
3. Compact fonts (CFF): the texts that its first dictionary names become blanks, its numbers of
   identity zeros, of the same length, since what follows is found by offsets.

The names of fonts and of glyphs stay: where a font is not embedded, or a letter is looked for, they
are needed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_rules import PDF_RULES

MAX_TABLES: Final = 256  # of one font; about fifteen are common
_TABLES: Final = frozenset(name.encode("ascii") for name in PDF_RULES["tables"])
_SFNT: Final = (b"\0\1\0\0", b"true", b"OTTO")
_COMMENT: Final = re.compile(rb"%[^\r\n]*")
# Behind these stands a text or a number that no drawing needs.
_TYPE1_TEXT: Final = re.compile(
    rb"/(?:version|Notice|Copyright|FullName|FamilyName|Weight|BaseFontName|UniqueID|XUID)\b"
    rb"\s*(\((?:[^()\\]++|\\.|\([^()]*+\))*+\)|\[[0-9\s]*+\]|[0-9]++)",
    re.DOTALL,
)
# Six letters before the name of a font that was cut down: a program draws them by chance, or of it.
_TAG: Final = re.compile(rb"[A-Z]{6}\+")
_TYPE1_TAG: Final = re.compile(rb"/[A-Z]{6}\+")
_EQUAL_TAG: Final = b"AAAAAA+"
_FIRST_LINE: Final = b"%!PS-AdobeFont-1.0"
# version, Notice, FullName, FamilyName, Weight; Copyright, PostScript, BaseFontName.
_CFF_TEXTS: Final = frozenset({0, 1, 2, 3, 4, 0x0C00, 0x0C15, 0x0C16})
_CFF_NUMBERS: Final = frozenset({13, 14})  # UniqueID, XUID
_STANDARD_STRINGS: Final = 391


def clean_truetype(untrusted: bytes) -> bytes:
    """
    Clean a font of tables.

    Args:
        untrusted: TrueType, or OpenType with compact outlines.

    Returns:
        The tables that draw, and nothing between them.

    Raises:
        RefusedError: it is none, or a table lies outside.
    """
    if untrusted[:4] not in _SFNT:
        raise RefusedError(Reason.MALFORMED)
    count = int.from_bytes(untrusted[4:6], "big")
    if count > MAX_TABLES:
        raise RefusedError(Reason.TOO_COMPLEX)
    tables: dict[bytes, bytes] = {}
    for at in range(12, 12 + 16 * count, 16):
        name = untrusted[at : at + 4]
        offset, length = (int.from_bytes(untrusted[at + k : at + k + 4], "big") for k in (8, 12))
        # A table that ends beyond the end is cut there by whoever draws it.
        content = untrusted[offset : offset + length]
        if name in _TABLES and name not in tables:
            tables[name] = _clean_table(name, content)
    return _write_tables(untrusted[:4], tables)


def _clean_table(name: bytes, content: bytes) -> bytes:
    if name == b"head" and len(content) >= 54:
        # The revision, the sum over all, and the days it was made and changed.
        return content[:4] + bytes(8) + content[12:20] + bytes(16) + content[36:54]
    if name == b"OS/2" and len(content) >= 64:
        return content[:58] + b"    " + content[62:]  # the foundry
    if name == b"CFF ":
        return clean_compact(content)
    return content


def _write_tables(version: bytes, tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    exponent = max(count, 1).bit_length() - 1
    head = version + b"".join(
        number.to_bytes(2, "big")
        for number in (count, 16 << exponent, exponent, max(0, 16 * count - (16 << exponent)))
    )
    offset = 12 + 16 * count
    body = b""
    for name, content in sorted(tables.items()):
        padded = content + bytes(-len(content) % 4)
        head += name + _sum_words(padded) + (offset + len(body)).to_bytes(4, "big")
        head += len(content).to_bytes(4, "big")
        body += padded
    return head + body


def _sum_words(padded: bytes) -> bytes:
    total = sum(int.from_bytes(padded[at : at + 4], "big") for at in range(0, len(padded), 4))
    return (total & 0xFFFFFFFF).to_bytes(4, "big")


def clean_type1(untrusted: bytes) -> bytes:
    """
    Clean a Type 1 font.

    Args:
        untrusted: A readable head, then an encrypted part.

    Returns:
        As long as before; texts of the head are blank, letters before its name equal for all.

    Raises:
        RefusedError: it does not begin as one.
    """
    if not untrusted.startswith(b"%!"):
        raise RefusedError(Reason.MALFORMED)
    end = untrusted.find(b"eexec")
    head = untrusted if end < 0 else untrusted[:end]
    first = re.match(rb"[^\r\n]*", head)
    length = len(first[0]) if first else 0
    line = _FIRST_LINE[:length].ljust(length)
    head = line + _COMMENT.sub(_blank, head[length:])
    head = _TYPE1_TEXT.sub(_blank_value, head)
    head = _TYPE1_TAG.sub(b"/" + _EQUAL_TAG, head)
    return head + untrusted[len(head) :]


def _blank(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])


def _blank_value(match: re.Match[bytes]) -> bytes:
    """Leave the brackets, and zeros in the place of a number."""
    value = match[1]
    inner = b" " * (len(value) - 2)
    if value[:1] in b"([":
        return match[0][: -len(value)] + value[:1] + inner + value[-1:]
    return match[0][: -len(value)] + b"0" * len(value)


def clean_compact(untrusted: bytes) -> bytes:
    """
    Clean a compact font.

    Args:
        untrusted: CFF.

    Returns:
        As long as before.

    Raises:
        RefusedError: its indexes do not lie inside.
    """
    data = bytearray(untrusted)
    if len(data) < 4:
        raise RefusedError(Reason.TRUNCATED)
    names = _read_index(untrusted, data[2])
    dictionaries = _read_index(untrusted, names.end)
    strings = _read_index(untrusted, dictionaries.end)
    for start, end in names.items:
        if _TAG.match(untrusted, start, end):
            data[start : start + len(_EQUAL_TAG)] = _EQUAL_TAG
    for start, end in dictionaries.items:
        for operator, operands, (first, last) in _read_dictionary(untrusted, start, end):
            if operator in _CFF_TEXTS and operands:
                number = operands[-1] - _STANDARD_STRINGS
                if 0 <= number < len(strings.items):
                    begin, stop = strings.items[number]
                    data[begin:stop] = b" " * (stop - begin)
            elif operator in _CFF_NUMBERS:
                data[first:last] = _zero_numbers(untrusted[first:last])
    return bytes(data)


class _Index:
    """Where the items of an index lie, and where it ends."""

    def __init__(self, items: list[tuple[int, int]], end: int) -> None:
        self.items = items
        self.end = end


def _read_index(data: bytes, at: int) -> _Index:
    count = int.from_bytes(data[at : at + 2], "big")
    if not count:
        return _Index([], at + 2)
    size = data[at + 2] if at + 2 < len(data) else 0
    base = at + 3 + (count + 1) * size - 1
    if not 1 <= size <= 4 or base > len(data):
        raise RefusedError(Reason.MALFORMED)
    offsets = [
        base + int.from_bytes(data[k : k + size], "big") for k in range(at + 3, base + 1, size)
    ]
    pairs = list(itertools.pairwise(offsets))
    if any(start > end for start, end in pairs) or offsets[-1] > len(data):
        raise RefusedError(Reason.MALFORMED)
    return _Index(pairs, offsets[-1])


def _read_dictionary(
    data: bytes, start: int, end: int
) -> Iterator[tuple[int, list[int], tuple[int, int]]]:
    """List the operators, each with its operands and where those lie."""
    at = first = start
    operands: list[int] = []
    while at < end:
        value = data[at]
        if value <= 21:
            length = 2 if value == 12 else 1
            operator = int.from_bytes(data[at : at + length], "big")
            yield operator, operands, (first, at)
            at += length
            first, operands = at, []
            continue
        length = _measure_number(data, at, end)
        operands.append(_read_number(data[at : at + length]))
        at += length


def _measure_number(data: bytes, at: int, end: int) -> int:
    value = data[at]
    if value == 30:  # a real one, of half bytes up to an f
        stop = at + 1
        while stop < end and data[stop] & 15 != 15 and data[stop] >> 4 != 15:
            stop += 1
        return stop + 1 - at
    return {28: 3, 29: 5}.get(value, 1 if value < 247 else 2)


def _read_number(raw: bytes) -> int:
    """Read an integer; strings are named by small ones. -1 for all others."""
    value = raw[0]
    if value in (28, 29):
        return int.from_bytes(raw[1:], "big", signed=True)
    if 32 <= value <= 246:
        return value - 139
    if 247 <= value <= 250 and len(raw) == 2:
        return (value - 247) * 256 + raw[1] + 108
    return -1


def _zero_numbers(raw: bytes) -> bytes:
    """Write as many zeros as there are numbers, in the same bytes."""
    out = b""
    at = 0
    while at < len(raw):
        length = _measure_number(raw, at, len(raw))
        zero = {2: b"\xf7\0", 3: b"\x1c\0\0", 5: b"\x1d\0\0\0\0"}.get(length, b"\x8b" * length)
        out += zero
        at += length
    return out[: len(raw)]
