"""
Characters that nobody sees, and that a text may be marked with for one reader.

1. Those that no script needs go: joiners of words, invisible operators, marks of order and of
   languages, and what Unicode keeps for such.
2. A variant, a joiner of letters and a mark against sorting stay where they can change what is
   seen: right behind a sign that has variants, a letter of a script that joins, a Hebrew point. So
   there is one at most, and none behind a letter like those of this sentence.
3. Marks of direction stay: with them goes the order of what is read.
"""

from __future__ import annotations

import re
from typing import Final

_HYPHEN: Final = "\u00ad"
_UNNEEDED: Final = re.compile(
    "[\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_VARIANT: Final = re.compile(
    "(?<![#*0-9\u00a9\u00ae\u1000-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff"
    "\u3001-\ufdff\ufe10-\ufefe\uff01-\uffef\U00010000-\U000dffff])[\ufe00-\ufe0f]"
    "|(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
    "|(?<![\u0591-\u05c7])\u034f"
)
# Behind a variant, too: pictures of people are joined so.
_JOINER: Final = re.compile(
    "(?<![\u0590-\u1fff\u2190-\u2bff\u3001-\ufdff\ufe0f\ufe70-\ufefc\U00010000-\U000dffff])"
    "[\u200c\u200d]"
)


def remove_invisible(text: str, *, is_typeset: bool) -> str:
    """
    Remove characters that nobody sees.

    Args:
        text: Decoded.
        is_typeset: Whether lines are broken by a program, at soft hyphens, too.

    Returns:
        What is left; itself if all is.
    """
    if text.isascii():
        return text
    plain = text if is_typeset else text.replace(_HYPHEN, "")
    # In this order: what stands behind something that goes is judged by what is before it then.
    return _JOINER.sub("", _VARIANT.sub("", _UNNEEDED.sub("", plain)))
