"""
Notes of a PDF that viewers draw by themselves.

What is seen of a note is drawn onto the page by its own picture. One that has none is drawn by
viewers all the same: without it, what it covers would be seen.
"""

from __future__ import annotations

from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_values import read_name

_DRAWN: Final = frozenset(PDF_RULES["drawn_notes"])
_UNKNOWN: Final = 1  # of a note's flags: not shown if a viewer does not know its kind
_HIDDEN: Final = 2 | 32  # hidden, not for screens


def check_note(note: Any) -> None:
    """
    Hold that what viewers show of a note can be drawn.

    Args:
        note: An annotation.

    Raises:
        RefusedError: it is shown, and has no picture that is drawn for it.
    """
    if read_name(note.get("/Subtype")) not in _DRAWN:
        return
    found = note.get("/F")
    flags = found if isinstance(found, int) and not isinstance(found, bool) else 0
    if not flags & _HIDDEN and (flags & _UNKNOWN or not _has_appearance(note)):
        raise RefusedError(Reason.UNSUPPORTED)


def _has_appearance(note: Any) -> bool:
    appearances = note.get("/AP")
    if not isinstance(appearances, pikepdf.Dictionary):
        return False
    normal, state = appearances.get("/N"), note.get("/AS")
    if isinstance(normal, pikepdf.Dictionary) and isinstance(state, pikepdf.Name):
        normal = normal.get(state)
    return isinstance(normal, pikepdf.Stream)
