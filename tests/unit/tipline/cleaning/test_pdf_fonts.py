"""Fonts inside a PDF: what draws stays, what tells of their making goes."""

from __future__ import annotations

import struct

import pytest

from tests.vectors.cleaning_pdfs import COMPACT, TYPE1, make_index, make_sfnt
from tipline.cleaning import pdf_fonts
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
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

    tables = read_tables(clean_truetype(font, Budget()))

    assert list(tables) == [b"OS/2", b"glyf", b"head"]
    assert tables[b"glyf"] == b"12345"
    assert tables[b"OS/2"] == b"x" * 58 + b"    " + b"y" * 34
    assert tables[b"head"] == head[:4] + bytes(8) + head[12:20] + bytes(16) + head[36:]
    cleaned = clean_truetype(font, Budget())
    assert clean_truetype(cleaned, Budget()) == cleaned


def test_truetype_when_a_table_lies_outside_then_it_is_empty() -> None:
    """A length that lies takes no memory."""
    font = make_sfnt({b"glyf": b"1234"})[:-4].replace(struct.pack(">I", 4), b"\xff" * 4)

    assert read_tables(clean_truetype(font, Budget())) == {b"glyf": b""}


@pytest.mark.parametrize("data", [b"", b"wOFF", b"\0\1\0\0\xff\xff" + bytes(99)])
def test_truetype_when_it_is_none_or_too_large_then_it_is_refused(data: bytes) -> None:
    """What is no font is no part of a page."""
    with pytest.raises(RefusedError):
        clean_truetype(data, Budget())


def test_type1_when_its_head_tells_then_it_is_blank_and_as_long() -> None:
    """Comments and notices; the encrypted part stays byte for byte."""
    cleaned = clean_type1(TYPE1, Budget())

    assert len(cleaned) == len(TYPE1)
    assert b"Ana" not in cleaned
    assert b"today" not in cleaned
    assert b"5020931" not in cleaned
    assert cleaned.endswith(b"eexec\n\x80\x81")
    assert clean_type1(cleaned, Budget()) == cleaned
    with pytest.raises(RefusedError):
        clean_type1(b"\x80\1", Budget())


def test_font_when_letters_stand_before_its_name_then_they_are_equal_for_all() -> None:
    """Programs draw them anew for each file."""
    font = b"%!PS\n/FontName /XOCHIT+Sans def\n/Encoding /Xochit+ def\neexec/XOCHIT+"
    cleaned = clean_type1(font.ljust(len(TYPE1)), Budget())
    assert b"/FontName /AAAAAA+Sans def\n/Encoding /Xochit+ def\neexec/XOCHIT+" in cleaned

    named = b"\1\0\4\1" + make_index(b"XOCHIT+Sans") + make_index(b"") + make_index()
    assert clean_compact(named, Budget()) == named.replace(b"XOCHIT", b"AAAAAA")
    plain = named.replace(b"+", b"-")
    assert clean_compact(plain, Budget()) == plain


def test_compact_when_it_has_a_notice_then_it_is_blank_and_as_long() -> None:
    """The notice and the number of identity go; glyphs keep their names."""
    cleaned = clean_compact(COMPACT, Budget())

    assert len(cleaned) == len(COMPACT)
    assert b"by Ana" not in cleaned
    assert b"\1\2\3" not in cleaned[20:]
    assert b"glyph" in cleaned
    assert clean_compact(cleaned, Budget()) == cleaned


@pytest.mark.parametrize(
    "operands",
    [b"\x8b", b"\xf7\x10", b"\x1c\1\2", b"\x1d\1\2\3\4", b"\x1e\x1a\x5f", b"\x1e", b"\x16"],
)
def test_compact_when_a_number_has_any_form_then_zeros_take_its_place(operands: bytes) -> None:
    """In one, two, three, five or any number of bytes, or cut."""
    font = b"\1\0\4\1" + make_index(b"A") + make_index(operands + b"\x0d") + make_index()

    cleaned = clean_compact(font, Budget())

    assert len(cleaned) == len(font)
    assert clean_compact(cleaned, Budget()) == cleaned


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
        clean_compact(data, Budget())


def test_fonts_when_there_are_too_many_tables_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A font has about fifteen."""
    font = make_sfnt({b"glyf": b"", b"head": b""})
    clean_truetype(font, Budget())
    monkeypatch.setattr(pdf_fonts, "MAX_TABLES", 1)

    with pytest.raises(RefusedError):
        clean_truetype(font, Budget())


def test_type1_when_texts_have_any_form_then_they_are_blank() -> None:
    """In brackets, in digits, in each other, at any key; comments as well, and what is behind."""
    hidden = b"(Ana) def /Notice <416e61> def /Author(((A)n\\)a)) /T {(Ana % Ana)} % Ana eexec\n"
    font = b"%!PS\n/eexec " + hidden + b"currentfile eexec\n\x80%Ana(\n000\ncleartomark\n% Ana"

    cleaned = clean_type1(font, Budget())

    assert cleaned == (
        b"%!PS\n/eexec (   ) def /Notice <      > def /Author(" + b" " * 9 + b") /T {(         )} "
        + b" " * 11 + b"\ncurrentfile eexec\n\x80%Ana(\n000\ncleartomark      "
    )  # fmt: skip
    assert clean_type1(cleaned, Budget()) == cleaned


@pytest.mark.parametrize("text", [b"(", b"((a)", b"<41", b"(\\)"])
def test_type1_when_a_text_has_no_end_then_it_is_refused_at_once(text: bytes) -> None:
    """Not walked again from each of its brackets."""
    budget = Budget()

    with pytest.raises(RefusedError):
        clean_type1(b"%!PS\n" + (b"/Notice" + text) * 20_000, budget)
    assert budget.left_bytes > 0
    with pytest.raises(RefusedError) as caught:
        clean_type1(b"%!PS\n" + b"()" * 9, Budget(100))
    assert caught.value.reason == Reason.TOO_COMPLEX


def test_compact_when_it_names_a_notice_often_then_it_is_blank_once() -> None:
    """What is done is bounded by what is read."""
    notice = b"\1\x8b" * 9 + b"\xf8\x1b\1" * 20
    font = b"\1\0\4\1" + make_index(b"A") + make_index(notice) + make_index(b"Ana")

    assert clean_compact(font, Budget()) == font.replace(b"Ana", b"   ")
    with pytest.raises(RefusedError):
        clean_compact(font, Budget(400))


def test_truetype_when_tables_share_their_bytes_then_the_budget_is_spent() -> None:
    """A file of some kilobytes fills no memory."""
    font = struct.pack(">4sHHHH", b"\0\1\0\0", 2, 0, 0, 0)
    font += b"".join(struct.pack(">4sIII", name, 0, 0, 999) for name in (b"glyf", b"prep"))
    font += bytes(999 - len(font))

    clean_truetype(font, Budget(999))
    with pytest.raises(RefusedError):
        clean_truetype(font, Budget(998))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (b"OS/2", bytes(58) + b"    " + bytes(16)),
        (b"OS/2", b"\0\1" + bytes(56) + b"    " + bytes(24)),
        (b"OS/2", b"\0\4" + bytes(56) + b"    " + bytes(34)),
        (b"OS/2", b"\0\7" + bytes(56) + b"    " + bytes(38)),
        (b"gasp", b"\0\0\0\1" + bytes(4)),
        (b"head", bytes(54)),
        (b"hhea", bytes(36)),
        (b"maxp", b"\0\0\x50\0\0\1"),
        (b"maxp", b"\0\1\0\0" + bytes(28)),
        (b"post", b"\0\3" + bytes(30)),
    ],
)
def test_truetype_when_a_text_stands_behind_a_table_then_it_goes(name: bytes, table: bytes) -> None:
    """Where the format says how long a table is; one that is short stays."""
    for content, left in ((table + b"Ana", table), (table, table), (b"\0", b"\0")):
        cleaned = clean_truetype(make_sfnt({name: content}), Budget())

        assert read_tables(cleaned) == {name: left}
