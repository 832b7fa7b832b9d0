"""Fonts inside a PDF: what draws stays, what tells of their making goes."""

from __future__ import annotations

import struct

import pytest

from tests.vectors.cleaning_pdfs import COMPACT, TYPE1, make_index, make_sfnt
from tipline.cleaning import pdf_fonts
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.pdf_fonts import clean_compact, clean_truetype, clean_type1


def read_tables(font: bytes) -> dict[bytes, bytes]:
    """Read a font of tables, and hold that its sums and places are right."""
    tables = {}
    (count,) = struct.unpack_from(">H", font, 4)
    end = 12 + 16 * count
    for at in range(12, end, 16):
        name, total, offset, length = struct.unpack_from(">4sIII", font, at)
        content = font[offset : offset + length]
        padded = content + bytes(-length % 4)
        words = struct.unpack(f">{len(padded) // 4}I", padded)
        assert total == sum(words) % 2**32
        assert offset % 4 == 0
        tables[name] = content
    return tables


def test_truetype_when_it_has_names_and_days_then_they_go() -> None:
    """The tables that draw, each once, and no time of making."""
    head = bytes(range(54))
    font = make_sfnt(
        {
            b"name": b"by Ana",
            b"OS/2": b"x" * 58 + b"ANA " + b"y" * 34,
            b"head": head,
            b"glyf": b"12345",
            b"DSIG": b"Ana",
        }
    )

    tables = read_tables(clean_truetype(font))

    assert list(tables) == [b"OS/2", b"glyf", b"head"]
    assert tables[b"glyf"] == b"12345"
    assert tables[b"OS/2"] == b"x" * 58 + b"    " + b"y" * 34
    assert tables[b"head"] == head[:4] + bytes(8) + head[12:20] + bytes(16) + head[36:]
    assert clean_truetype(clean_truetype(font)) == clean_truetype(font)


def test_truetype_when_a_table_lies_outside_then_it_is_empty() -> None:
    """A length that lies takes no memory."""
    font = make_sfnt({b"glyf": b"1234"})[:-4].replace(struct.pack(">I", 4), b"\xff" * 4)

    assert read_tables(clean_truetype(font)) == {b"glyf": b""}


@pytest.mark.parametrize("data", [b"", b"wOFF", b"\0\1\0\0\xff\xff" + bytes(99)])
def test_truetype_when_it_is_none_or_too_large_then_it_is_refused(data: bytes) -> None:
    """What is no font is no part of a page."""
    with pytest.raises(RefusedError):
        clean_truetype(data)


def test_type1_when_its_head_tells_then_it_is_blank_and_as_long() -> None:
    """Comments and notices; the encrypted part stays byte for byte."""
    cleaned = clean_type1(TYPE1)

    assert len(cleaned) == len(TYPE1)
    assert b"Ana" not in cleaned
    assert b"today" not in cleaned
    assert b"5020931" not in cleaned
    assert cleaned.endswith(b"eexec\n\x80\x81")
    assert clean_type1(cleaned) == cleaned
    with pytest.raises(RefusedError):
        clean_type1(b"\x80\1")


def test_font_when_letters_stand_before_its_name_then_they_are_equal_for_all() -> None:
    """Programs draw them anew for each file."""
    font = b"%!PS\n/FontName /XOCHIT+Sans def\n/Encoding /Xochit+ def\neexec/XOCHIT+"
    cleaned = clean_type1(font.ljust(len(TYPE1)))
    assert b"/FontName /AAAAAA+Sans def\n/Encoding /Xochit+ def\neexec/XOCHIT+" in cleaned

    named = b"\1\0\4\1" + make_index(b"XOCHIT+Sans") + make_index(b"") + make_index()
    assert clean_compact(named) == named.replace(b"XOCHIT", b"AAAAAA")
    plain = named.replace(b"+", b"-")
    assert clean_compact(plain) == plain


def test_compact_when_it_has_a_notice_then_it_is_blank_and_as_long() -> None:
    """The notice and the number of identity go; glyphs keep their names."""
    cleaned = clean_compact(COMPACT)

    assert len(cleaned) == len(COMPACT)
    assert b"by Ana" not in cleaned
    assert b"\1\2\3" not in cleaned[20:]
    assert b"glyph" in cleaned
    assert clean_compact(cleaned) == cleaned


@pytest.mark.parametrize(
    "operands",
    [b"\x8b", b"\xf7\x10", b"\x1c\1\2", b"\x1d\1\2\3\4", b"\x1e\x1a\x5f", b"\x1e", b"\x16"],
)
def test_compact_when_a_number_has_any_form_then_zeros_take_its_place(operands: bytes) -> None:
    """In one, two, three, five or any number of bytes, or cut."""
    font = b"\1\0\4\1" + make_index(b"A") + make_index(operands + b"\x0d") + make_index()

    cleaned = clean_compact(font)

    assert len(cleaned) == len(font)
    assert clean_compact(cleaned) == cleaned


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1\0\4\1\0\1",
        b"\1\0\4\1\0\1\5\1\1",
        b"\1\0\4\1\xff\xff\4\0",
        b"\1\0\4\1\0\1\1\2\1",
        b"\1\0\4\1\0\1\1\1\xff",
    ],
)
def test_compact_when_an_index_lies_then_it_is_refused(data: bytes) -> None:
    """Nothing is read or written outside."""
    with pytest.raises(RefusedError):
        clean_compact(data)


def test_fonts_when_there_are_too_many_tables_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A font has about fifteen."""
    font = make_sfnt({b"glyf": b"", b"head": b""})
    clean_truetype(font)
    monkeypatch.setattr(pdf_fonts, "MAX_TABLES", 1)

    with pytest.raises(RefusedError):
        clean_truetype(font)
