"""
Fonts inside a PDF: what draws a letter stays, what tells of the font's making goes.

1. TrueType and OpenType: the tables of `pdf.json` stay, each once; names, notes of editors,
   signatures and the days of making go. The table of tables is written anew.
2. Type 1: comments and all texts of the head become blanks of the same length, since what follows
   is found by lengths; so does what stands behind the end. The encrypted part stays as it is.
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
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import TOKEN_BYTES

MAX_TABLES: Final = 256  # of one font; about fifteen are common
_TABLES: Final = frozenset(name.encode("ascii") for name in PDF_RULES["tables"])
_SFNT: Final = (b"\0\1\0\0", b"true", b"OTTO")
_OS2_BYTES: Final = {0: 78, 1: 86, 5: 100}  # by its version, else 96
_TABLE_BYTES: Final = {b"head": 54, b"hhea": 36, b"vhea": 36}
# Comments, texts, numbers of identity, names of fonts that were cut down, and the head's end: the
# word itself, neither in a comment nor in a text nor in a name.
_TYPE1_TOKEN: Final = re.compile(
    rb"(?P<comment>%[^\r\n]*+)"
    rb"|(?P<text>\()"
    rb"|<<"
    rb"|(?P<hex><[^>]*+>?)"
    rb"|/(?:version|Notice|Copyright|FullName|FamilyName|Weight|BaseFontName|UniqueID|XUID)"
    rb"(?![0-9A-Za-z_])[\t-\r ]*+(?P<numbers>\[[0-9\t-\r ]*+\]|[0-9]++)"
    rb"|/(?P<tag>[A-Z]{6}\+)"
    rb"|(?<![^\0\t-\r ()<>\[\]{}%])(?P<end>eexec)"
)
_TYPE1_BRACKET: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_TYPE1_END: Final = b"cleartomark"
# Six letters before the name of a font that was cut down: a program draws them by chance, or of it.
_TAG: Final = re.compile(rb"[A-Z]{6}\+")
_EQUAL_TAG: Final = b"AAAAAA+"
_FIRST_LINE: Final = b"%!PS-AdobeFont-1.0"
# version, Notice, FullName, FamilyName, Weight; Copyright, PostScript, BaseFontName.
_CFF_TEXTS: Final = frozenset({0, 1, 2, 3, 4, 0x0C00, 0x0C15, 0x0C16})
_CFF_NUMBERS: Final = frozenset({13, 14})  # UniqueID, XUID
_STANDARD_STRINGS: Final = 391


def clean_truetype(untrusted: bytes, budget: Budget) -> bytes:
    """
    Clean a font of tables.

    Args:
        untrusted: TrueType, or OpenType with compact outlines.
        budget: Is spent on tables that lie in each other: what comes out may be longer then.

    Returns:
        The tables that draw, and nothing between them.

    Raises:
        RefusedError: it is none, or the budget is used up.
    """
    if untrusted[:4] not in _SFNT:
        raise RefusedError(Reason.MALFORMED)
    count = int.from_bytes(untrusted[4:6], "big")
    if count > MAX_TABLES:
        raise RefusedError(Reason.TOO_COMPLEX)
    tables: dict[bytes, bytes] = {}
    left_bytes = len(untrusted)
    for at in range(12, 12 + 16 * count, 16):
        name = untrusted[at : at + 4]
        offset, length = (int.from_bytes(untrusted[at + k : at + k + 4], "big") for k in (8, 12))
        # A table that ends beyond the end is cut there by whoever draws it.
        content = untrusted[offset : offset + length]
        if name in _TABLES and name not in tables:
            budget.spend(max(0, len(content) - left_bytes))
            left_bytes = max(0, left_bytes - len(content))
            tables[name] = _clean_table(name, content, budget)
    return _write_tables(untrusted[:4], tables)


def _clean_table(name: bytes, content: bytes, budget: Budget) -> bytes:
    if name == b"CFF ":
        return clean_compact(content, budget)
    content = content[: _measure_table(name, content)]
    if name == b"head" and len(content) == 54:
        # The revision, the sum over all, and the days it was made and changed.
        return content[:4] + bytes(8) + content[12:20] + bytes(16) + content[36:]
    if name == b"OS/2" and len(content) >= 64:
        return content[:58] + b"    " + content[62:]  # the foundry
    return content


def _measure_table(name: bytes, content: bytes) -> int:
    """Measure what a table has by its format, where that is a matter of its first bytes."""
    first, second = (int.from_bytes(content[at : at + 2], "big") for at in (0, 2))
    if name == b"OS/2":
        return _OS2_BYTES.get(min(first, 5), 96)
    if name == b"maxp":
        return 32 if first else 6
    if name == b"post" and first in (1, 3):
        return 32
    if name == b"gasp":
        return 4 + 4 * second
    return _TABLE_BYTES.get(name, len(content))


def _write_tables(version: bytes, tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    exponent = max(count, 1).bit_length() - 1
    head = version + b"".join(
        number.to_bytes(2, "big")
        for number in (count, 16 << exponent, exponent, max(0, 16 * count - (16 << exponent)))
    )
    offset = 12 + 16 * count
    body = []
    for name, content in sorted(tables.items()):
        padded = content + bytes(-len(content) % 4)
        head += name + _sum_words(padded) + offset.to_bytes(4, "big")
        head += len(content).to_bytes(4, "big")
        offset += len(padded)
        body.append(padded)
    return head + b"".join(body)


def _sum_words(padded: bytes) -> bytes:
    total = sum(int.from_bytes(padded[at : at + 4], "big") for at in range(0, len(padded), 4))
    return (total & 0xFFFFFFFF).to_bytes(4, "big")


def clean_type1(untrusted: bytes, budget: Budget) -> bytes:
    """
    Clean a Type 1 font.

    Args:
        untrusted: A readable head, then an encrypted part, zeros, and a word that ends it.
        budget: Is spent on the words of the head.

    Returns:
        As long as before; texts of the head and what stands behind the end are blank, letters
        before its name equal for all.

    Raises:
        RefusedError: it does not begin as one, a text has no end, or the budget is used up.
    """
    if not untrusted.startswith(b"%!"):
        raise RefusedError(Reason.MALFORMED)
    data = bytearray(untrusted)
    first = re.match(rb"[^\r\n]*", untrusted)
    position = len(first[0]) if first else 0
    data[:position] = _FIRST_LINE[:position].ljust(position)
    # Each byte is walked once: a text without an end refuses the font.
    while (token := _TYPE1_TOKEN.search(untrusted, position)) is not None:
        budget.spend(TOKEN_BYTES)
        start, position = token.span(token.lastgroup or 0)
        match token.lastgroup:
            case "end":
                break
            case "tag":
                data[start:position] = _EQUAL_TAG
            case "comment":
                _blank(data, start, position)
            case "text":
                position = _find_text_end(untrusted, position, budget)
                _blank(data, start + 1, position - 1)
            case "hex":
                if untrusted[position - 1 : position] != b">":
                    raise RefusedError(Reason.MALFORMED)
                _blank(data, start + 1, position - 1)
            case "numbers" if untrusted[start : start + 1] == b"[":
                _blank(data, start + 1, position - 1)
            case "numbers":
                data[start:position] = b"0" * (position - start)
    if token is not None and (end := untrusted.find(_TYPE1_END, position)) >= 0:
        _blank(data, end + len(_TYPE1_END), len(data))
    return bytes(data)


def _find_text_end(data: bytes, start: int, budget: Budget) -> int:
    depth = 1
    for match in _TYPE1_BRACKET.finditer(data, start):
        budget.spend(TOKEN_BYTES)
        depth += {b"(": 1, b")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    raise RefusedError(Reason.MALFORMED)


def _blank(data: bytearray, start: int, end: int) -> None:
    data[start:end] = b" " * (end - start)


def clean_compact(untrusted: bytes, budget: Budget) -> bytes:
    """
    Clean a compact font.

    Args:
        untrusted: CFF.
        budget: Is spent on the operators and numbers of its first dictionary.

    Returns:
        As long as before.

    Raises:
        RefusedError: its indexes do not lie inside, or the budget is used up.
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
    telling: set[int] = set()
    for start, end in dictionaries.items:
        for operator, operands, (first, last) in _read_dictionary(untrusted, start, end, budget):
            if operator in _CFF_TEXTS and operands:
                telling.add(operands[-1] - _STANDARD_STRINGS)
            elif operator in _CFF_NUMBERS:
                data[first:last] = _zero_numbers(untrusted[first:last])
    # Each once, however often it is named.
    for number in telling:
        if 0 <= number < len(strings.items):
            _blank(data, *strings.items[number])
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
    data: bytes, start: int, end: int, budget: Budget
) -> Iterator[tuple[int, list[int], tuple[int, int]]]:
    """List the operators, each with its operands and where those lie."""
    at = first = start
    operands: list[int] = []
    while at < end:
        budget.spend(TOKEN_BYTES)
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
    zeros = []
    at = 0
    while at < len(raw):
        length = _measure_number(raw, at, len(raw))
        zeros.append(
            {2: b"\xf7\0", 3: b"\x1c\0\0", 5: b"\x1d\0\0\0\0"}.get(length, b"\x8b" * length)
        )
        at += length
    return b"".join(zeros)[: len(raw)]
