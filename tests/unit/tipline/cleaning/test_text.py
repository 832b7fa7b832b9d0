"""Plain text and CSV: characters stay, what tells of a system or a reader goes."""

from __future__ import annotations

import io

import pytest

from tests.holding import refuse
from tipline.cleaning import text as text_module
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind, Plan, Range, write_cleaned


def clean(data: bytes) -> tuple[bytes, Plan]:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned = io.BytesIO(data), io.BytesIO()
    plan = plan_cleaning(source)
    write_cleaned(plan, source, cleaned)
    assert plan_cleaning(cleaned).kinds == ()
    assert plan.kinds or cleaned.getvalue() == data
    return cleaned.getvalue(), plan


@pytest.mark.parametrize("data", [b"seen\n", "é 🙂\t\x0c".encode(), b"se\xf1or", b"a\n\nb"])
def test_text_when_it_is_plain_then_it_stays_byte_for_byte(data: bytes) -> None:
    """In Unicode, or in an older code; nothing is copied."""
    cleaned, plan = clean(data)

    assert (cleaned, plan.kinds) == (data, ())
    assert plan.pieces == (Range(offset=0, length_bytes=len(data)),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\r\nb\rc\n", b"a\nb\nc\n"),
        (b"\xef\xbb\xbfa", b"a"),
        ("\ufeffé".encode("utf-16-le"), "é".encode()),
        ("\ufeffé".encode("utf-16-be"), "é".encode()),
        (b"\xf1ab\r\n\r\n", b"\xf1ab\n\n"),
    ],
)
def test_text_when_it_tells_its_system_then_that_goes(data: bytes, expected: bytes) -> None:
    """One code, without a mark, and one end of lines."""
    assert clean(data) == (expected, clean(data)[1])
    assert clean(data)[1].kinds == (Kind.SOFTWARE,)


@pytest.mark.parametrize(
    "mark", "\u00ad\u180e\u200b\u2060\u2065\u206a\ufeff\ufff9\U000e0041\U0001d173"
)
def test_text_when_characters_are_invisible_then_they_go(mark: str) -> None:
    """They may have been put there for one reader."""
    cleaned, plan = clean(f"se{mark}en".encode())

    assert (cleaned, plan.kinds) == (b"seen", (Kind.TEXT,))


@pytest.mark.parametrize(
    "text",
    [
        "se\u200een\u202b",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
        "\u845b\U000e0100",
        "\u05b8\u034f",
    ],
)
def test_text_when_characters_are_needed_to_be_read_then_they_stay(text: str) -> None:
    """Directions, joiners of scripts that join, variants of signs that have them."""
    assert clean(text.encode())[1].kinds == ()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("se\ufe0een", "seen"),
        ("se\u200cen", "seen"),
        ("s\u034feen", "seen"),
        ("\U000e0100seen", "seen"),
        ("1\U000e0100", "1"),
        ("\u2764\ufe0f\ufe01\ufe02", "\u2764\ufe0f"),
        ("\u845b\U000e0100\U000e0101", "\u845b\U000e0100"),
        ("\u0915\u200d\u200c\u200d", "\u0915\u200d"),
        ("se\ufe0f\u200den", "seen"),
        ("\u2764\u200b\ufe0f", "\u2764\ufe0f"),
    ],
)
def test_text_when_characters_stand_where_nothing_needs_them_then_they_go(
    text: str, kept: str
) -> None:
    """A row of variants or joiners is a word that nobody sees."""
    assert clean(text.encode())[0].decode() == kept


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b,c\n1,2,3\n", Format.CSV),
        (b"a;b\n1;2\n3;4\n", Format.CSV),
        (b"a\tb\n1\t2\n3\t4", Format.CSV),
        (b'a,b,c\n"1,2",3,4\n', Format.CSV),
        (b"a,b,c\n1,2\n", Format.TXT),
        (b"a,b\n1,2\n", Format.TXT),
        (b"a,b,c\n", Format.TXT),
        (b"seen\nat\nnight\n", Format.TXT),
    ],
)
def test_text_when_lines_have_equally_many_separators_then_it_is_a_table(
    data: bytes, expected: Format
) -> None:
    """What is in quotes does not count."""
    assert clean(data)[1].format == expected


@pytest.mark.parametrize(
    "data",
    [
        b"a\0",
        b"a\x1b",
        b"\xf1\xf1aa",
        b"a" * 70_000 + b"\x01",
        b"\xf1" + b"a" * 70_000 + b"\x01",
        "a\u0085".encode(),
        "\ufeffa\0".encode("utf-16-le"),
        b"\xff\xfea",
        b"<html>",
        b"\n {\\rtf1",
        b"%!PS",
        b"BEGIN:VCARD",
        b"From a@b",
        b"Received: by",
        b"From: a\r\nDate: b\r\nSubject: c\r\n d\r\nMessage-ID: <e>\r\n\r\nf",
        b"\n--a\nContent-Type: text/plain\n\nb",
        b"From: <a>\r\nSnapshot-Content-Location: https://b/\r\n",
        b"Subject: a\nDKIM-Signature: b\n",
        b"seen\n\n--a\ncontent-transfer-encoding: base64\n",
        b"a\n" + b" " * 1017 + b"%PDF-",
        b"begin 644 a.jpg\n",
        b"ISO-10303-21;\n",
        b"P6\n# by b\n",
        b"  0\nSECTION\n",
        "\u200b<svg/>".encode(),
        b"\xef\xbb\xbfGIF89a",
        "\u200bGIF89a".encode(),
    ],
)
def test_text_when_it_only_looks_like_text_then_it_is_unknown(data: bytes) -> None:
    """Other formats hold more than they show."""
    assert refuse(data) == Reason.UNKNOWN


@pytest.mark.parametrize(
    "data",
    [
        b"From: a\nTo: b\nDate: c\nSubject: d\n\nReceived: e\n",
        b"Status: open\nReferences: none\n",
        b"the X-Mailer: a\n",
        b"a\n" + b" " * 1018 + b"%PDF-",
        b"begin at 644\n",
        b"P3\n1 1\n",
    ],
)
def test_text_when_it_has_what_people_write_too_then_it_is_text(data: bytes) -> None:
    """Heads of mails are copied with them."""
    assert clean(data)[1].format == Format.TXT


def test_text_when_nothing_is_left_then_it_is_empty() -> None:
    """A mark alone is no text."""
    assert refuse(b"\xef\xbb\xbf") == Reason.EMPTY
    assert refuse("\u200b".encode()) == Reason.EMPTY


def test_text_when_it_is_too_long_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read whole; what is no text is unknown before that."""
    monkeypatch.setattr(text_module, "MAX_TEXT_BYTES", 4)

    clean(b"seen")
    assert refuse(b"seen\n") == Reason.TOO_COMPLEX
    assert refuse(b"seen\0") == Reason.UNKNOWN
