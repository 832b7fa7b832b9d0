"""
Untrusted text, made safe to print.

A terminal obeys what it prints: an escape sequence rewrites the screen, a direction mark turns the
order of letters around, a line end in a file's name starts a line of its own. Whatever is not
a visible character is written out as its number instead, so that nothing is hidden and nothing is
obeyed.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Two joiners stand inside words of some languages and inside emoji; they move nothing.
_JOINERS: Final = frozenset("\u200c\u200d")
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
    return "".join(_show(character) for character in untrusted)


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


def _show(character: str) -> str:
    category = unicodedata.category(character)
    hidden = category.startswith("C") or category in _SEPARATORS
    if hidden and character not in _JOINERS:
        return f"\\u{{{ord(character):x}}}"
    return character
