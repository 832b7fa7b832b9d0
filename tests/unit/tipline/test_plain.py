"""Untrusted text on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline.plain import make_printable_line, make_printable_text


@pytest.mark.parametrize(
    ("untrusted", "shown"),
    [
        ("plain, áé ñ 中文 العربية", "plain, áé ñ 中文 العربية"),
        ("\x1b[2J\x1b]0;title\x07", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
        ("invoice\u202egpj.exe", "invoice\\u{202e}gpj.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", "\\u{2066}a\\u{2069}\\u{200e}\\u{200f}\\u{61c}"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\rb\x00c\x7f", "a\\u{d}b\\u{0}c\\u{7f}"),
        ("a\u2028b\u2029c\x85d", "a\\u{2028}b\\u{2029}c\\u{85}d"),
        ("\ufeff\u00ad\u200b", "\\u{feff}\\u{ad}\\u{200b}"),
        ("می\u200cخواهم 👩\u200d👧", "می\u200cخواهم 👩\u200d👧"),
        ("a\u200db\u200c", "a\\u{200d}b\\u{200c}"),
        ("م\u200c\u200c\u200d", "م\u200c\\u{200c}\\u{200d}"),
        ("❤\ufe0f 1\ufe0f\u20e3 ↔\ufe0f", "❤\ufe0f 1\ufe0f\u20e3 ↔\ufe0f"),
        ("a\ufe0f\ufe00\ufe0e\ufe0f", "a\\u{fe0f}\\u{fe00}\\u{fe0e}\\u{fe0f}"),
        ("❤\ufe01a\U000e0100\U000e01ef", "❤\\u{fe01}a\\u{e0100}\\u{e01ef}"),
        ("\u3164\u2800\u034f\u115f\uffa0", "\\u{3164}\\u{2800}\\u{34f}\\u{115f}\\u{ffa0}"),
        ("a\nb\tc", "a\\u{a}b\\u{9}c"),
        ("\ue000\U000e0041", "\\u{e000}\\u{e0041}"),
    ],
)
def test_line_when_printed_then_nothing_is_hidden_and_nothing_obeyed(
    untrusted: str, shown: str
) -> None:
    """Escapes, direction marks and line ends are written out; letters of any script stay."""
    assert make_printable_line(untrusted) == shown


def test_text_when_printed_then_its_lines_stay() -> None:
    """A text keeps its line ends and tabs, and nothing else."""
    assert make_printable_text("a\r\nb\n\tc\rd\x1b") == "a\nb\n\tc\\u{d}d\\u{1b}"


@given(st.text(st.characters(codec=None)))
def test_line_when_printed_then_every_character_is_visible(untrusted: str) -> None:
    """Whatever comes in, no control, format or separator character comes out, but two joiners."""
    for character in make_printable_line(untrusted):
        if character not in "\u200c\u200d":
            assert unicodedata.category(character)[0] != "C"
            assert unicodedata.category(character) not in ("Zl", "Zp")
