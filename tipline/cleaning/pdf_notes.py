"""
Notes of a PDF that viewers draw by themselves, and what it costs to draw them onto their pages.

What is seen of a note is drawn onto the page by its own picture. One that has none is drawn by
viewers all the same: without it, what it covers would be seen.

To draw on a page is to add to its resources, so qpdf gives each page a copy of what it shares with
others: each page of the file, as soon as it is asked to draw.
"""

from __future__ import annotations

from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_page_tree import MAX_PARENTS, count_items
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import TOKEN_BYTES
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


def spend_for_drawing(pages: list[Any], budget: Budget) -> bool:
    """
    Spend for what is copied of the pages' resources when notes are drawn.

    Args:
        pages: All.
        budget: Is spent.

    Returns:
        Whether anything is drawn.

    Raises:
        RefusedError: it is too much, or a page lies too deep.
    """
    noted = [_has_drawing(page) for page in pages]
    if not any(noted):
        return False
    item_lens: dict[object, int] = {}
    for page, is_noted in zip(pages, noted, strict=True):
        node = _find_owner(page)
        resources = None if node is None else node["/Resources"]
        if not isinstance(resources, pikepdf.Dictionary):
            continue
        if resources.is_indirect or node.objgen != page.objgen:
            item_len = item_lens.get(resources.objgen) or count_items(resources)
            if resources.is_indirect:
                item_lens[resources.objgen] = item_len
            budget.spend(TOKEN_BYTES * item_len)
        if is_noted:
            budget.spend(TOKEN_BYTES * count_names(resources))
    return True


def count_names(resources: Any) -> int:
    """
    Count the names in resources.

    Args:
        resources: They, or anything else.

    Returns:
        How many names all categories have.
    """
    if not isinstance(resources, pikepdf.Dictionary):
        return 0
    parts = [part for _, part in resources.items() if isinstance(part, pikepdf.Dictionary)]
    return sum(len(part.keys()) for part in parts)


def _has_drawing(page: Any) -> bool:
    listed = page.get("/Annots")
    return isinstance(listed, pikepdf.Array) and any(
        isinstance(note, pikepdf.Dictionary) and "/AP" in note for note in listed
    )


def _find_owner(page: Any) -> Any:
    """Find the page, or what it hangs on, that has its resources; None if there are none."""
    node = page
    for _ in range(MAX_PARENTS):
        if "/Resources" in node:
            return node
        node = node.get("/Parent")
        if not isinstance(node, pikepdf.Dictionary):
            return None
    raise RefusedError(Reason.TOO_COMPLEX)
