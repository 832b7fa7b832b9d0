"""
How long a text is on its way through a phone network: its alphabet, and in how many parts it goes.

Rules:
1. A text goes in seven bits a character if all its characters are in the default alphabet, else all
   of it in sixteen. One accent that is not there makes room for 70 characters instead of 160.
2. Several parts carry a header each, and so hold less.
3. A character that takes two units is never split over two parts.

3GPP TS 23.038 (alphabets), 3GPP TS 23.040 (parts).
"""

from __future__ import annotations

import dataclasses
import enum
import unicodedata
from collections.abc import Iterable
from typing import Final

# In the order of their codes; 0x1B leads to the extension table.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE: Final = "\x1b"
EXTENSION: Final = frozenset("\f^{}\\[~]|€")

GSM7_PART: Final = 160  # septets in 140 bytes
GSM7_LONG_PART: Final = 153  # beside a header of six bytes
UCS2_PART: Final = 70
UCS2_LONG_PART: Final = 67

_BASIC: Final = frozenset(BASIC) - {ESCAPE}
_LAST_SHORT: Final = 0xFFFF


class Alphabet(enum.StrEnum):
    """In what a text goes through a phone network."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """
    How long a text is.

    Args:
        alphabet: The one that it goes in.
        unit_len: Septets or sixteen-bit units.
        part_len: Parts.
    """

    alphabet: Alphabet
    unit_len: int
    part_len: int


def measure_text(text: str) -> Extent:
    """
    Measure a text as a phone network counts it.

    Args:
        text: What is sent.

    Returns:
        Its alphabet, its units and its parts; an empty text is one part.
    """
    if all(character in _BASIC or character in EXTENSION for character in text):
        units = [2 if character in EXTENSION else 1 for character in text]
        return _count(Alphabet.GSM7, units, one=GSM7_PART, many=GSM7_LONG_PART)
    units = [2 if ord(character) > _LAST_SHORT else 1 for character in text]
    return _count(Alphabet.UCS2, units, one=UCS2_PART, many=UCS2_LONG_PART)


def fold_text(text: str) -> str:
    """
    Leave out the accents that the default alphabet does not have, if then all of it fits.

    Args:
        text: What is to be sent.

    Returns:
        The text in the default alphabet; unchanged if letters without accents do not get it there.
    """
    folded = "".join(
        character if character in _BASIC or character in EXTENSION else _strip(character)
        for character in unicodedata.normalize("NFC", text)
    )
    return folded if measure_text(folded).alphabet is Alphabet.GSM7 else text


def _strip(character: str) -> str:
    return "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
    )


def is_one_part(text: str) -> bool:
    """
    Tell whether a text goes in one part.

    Args:
        text: What is sent.

    Returns:
        Whether it does.
    """
    return measure_text(text).part_len == 1


def _count(alphabet: Alphabet, units: Iterable[int], *, one: int, many: int) -> Extent:
    total, part_len, used = 0, 1, 0
    for unit_len in units:
        total += unit_len
        if used + unit_len > many:
            part_len, used = part_len + 1, 0
        used += unit_len
    return Extent(alphabet=alphabet, unit_len=total, part_len=1 if total <= one else part_len)
