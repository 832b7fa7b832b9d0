"""
Untrusted text, made safe to print.

A terminal obeys what it prints: an escape sequence rewrites the screen, a direction mark turns the
order of letters around, a line end in a file's name starts a line of its own. Whatever is not
a visible character is written out as its number instead, so that nothing is hidden and nothing is
obeyed. Joiners and selectors stay where scripts and emoji need them: there a person who writes by
such a pattern can still hide a few bits.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Two joiners stand inside words of some languages and inside emoji; they move nothing. No script
# before Hebrew's letters needs them.
_JOINERS: Final = frozenset("\u200c\u200d")
_FIRST_JOINED: Final = "\u0590"
# Between text and picture, behind a character that has both shapes; nothing behind any other.
_SELECTORS: Final = frozenset("\ufe0e\ufe0f")
_SELECTED: Final = frozenset("#*0123456789©®‼⁉™ℹ〰〽㊗㊙")
# Letters, marks and symbols by their category, of which nothing is seen.
_BLANKS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE0E)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
_SYMBOLS: Final = frozenset({"So", "Sm"})  # emoji, arrows
# Line and paragraph separators are no control characters, but some programs obey them.
_SEPARATORS: Final = frozenset({"Zl", "Zp"})


def make_printable_line(untrusted: str) -> str:
    """
    Make a name or another short text safe to print on one line.

    Args:
        untrusted: Whatever a source wrote.

    Returns:
        The text, each character that is not visible written as `\\u{HEX}`.
    """
    return "".join(map(_show, ("", *untrusted), untrusted))


def make_printable_text(untrusted: str) -> str:
    """
    Make a text of several lines safe to print.

    Args:
        untrusted: Whatever a source wrote.

    Returns:
        The text with its line ends and tabs, every other character that is not visible written
        out.
    """
    lines = untrusted.replace("\r\n", "\n").split("\n")
    return "\n".join(
        "\t".join(make_printable_line(part) for part in line.split("\t")) for line in lines
    )


def _show(before: str, character: str) -> str:
    category = unicodedata.category(character)
    if character in _JOINERS:
        hidden = before < _FIRST_JOINED or before in _JOINERS
    elif character in _SELECTORS:
        hidden = before not in _SELECTED and unicodedata.category(before or " ") not in _SYMBOLS
    else:
        hidden = category.startswith("C") or category in _SEPARATORS or character in _BLANKS
    if hidden:
        return f"\\u{{{ord(character):x}}}"
    return character
