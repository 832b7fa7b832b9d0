"""What keeps a file from being cleaned."""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why a file is refused. The words a person reads stand in `tipline/cleaning/words.py`."""

    EMPTY = "empty"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TOO_COMPLEX = "too-complex"
    ENCRYPTED = "encrypted"
    MACROS = "macros"


class RefusedError(Exception):
    """
    A file is not cleaned.

    Args:
        reason: Why; nothing of the file is in it.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
