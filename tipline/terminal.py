"""
What a terminal may be shown.

A terminal obeys what it is written: control characters can hide text, change its title, or answer
back as if the person had typed. So what was sealed by somebody else goes there only as plain text.
"""

from __future__ import annotations

import codecs
import unicodedata

from crypto.age.stream import Writable
from tipline.errors import UsageError

_ALLOWED = "\n\t"  # the only control characters that plain text needs


class TerminalText:
    """
    Passes text on to a terminal, and refuses the first thing that is not.

    Args:
        destination: The terminal, in UTF-8.
    """

    def __init__(self, destination: Writable) -> None:
        self._destination = destination
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def write(self, value: bytes | memoryview, /) -> int:
        """
        Pass bytes on.

        Args:
            value: UTF-8; a character may go on in the next call.

        Returns:
            How many were taken: all.

        Raises:
            UsageError: `age_terminal`: not UTF-8, or a character that is not shown.
        """
        try:
            text = self._decoder.decode(bytes(value))
        except UnicodeDecodeError as exc:
            raise UsageError("age_terminal") from exc
        if not all(c in _ALLOWED or unicodedata.category(c)[0] != "C" for c in text):
            raise UsageError("age_terminal")
        self._destination.write(text.encode())
        return len(value)
