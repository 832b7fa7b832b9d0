"""
What a PDF's tree of pages costs, told before qpdf makes pages of it.

A page that stands in the tree twice is two pages, and qpdf copies all that stands in it without a
number of its own, whether anything needs it or not.
"""

from __future__ import annotations

from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_tokens import TOKEN_BYTES

MAX_PAGES: Final = 20_000
MAX_PARENTS: Final = 64  # between a page and the root; five are many


def check_page_tree(root: Any, budget: Budget) -> None:
    """
    Hold that the pages, and the copies of those that stand there again, are within bounds.

    Args:
        root: The catalogue.
        budget: Is spent on what is copied.

    Raises:
        RefusedError: it is too much.
    """
    waiting = [_find_top(root.get("/Pages"))]
    entered: set[object] = set()
    item_lens: dict[object, int] = {}
    page_len = 0
    while waiting:
        node = waiting.pop()
        if not isinstance(node, pikepdf.Dictionary) or node.objgen in entered:
            continue  # qpdf refuses what it does not mend
        kids = node.get("/Kids")
        if kids is not None:
            if node.is_indirect:
                entered.add(node.objgen)
            waiting.extend(kids if isinstance(kids, pikepdf.Array) else [])
            continue
        page_len += 1
        if page_len > MAX_PAGES:
            raise RefusedError(Reason.TOO_COMPLEX)
        if not node.is_indirect:
            continue
        if node.objgen in item_lens:
            item_len = item_lens[node.objgen] or count_items(node)
            item_lens[node.objgen] = item_len
            budget.spend(TOKEN_BYTES * item_len)
        else:
            item_lens[node.objgen] = 0


def count_items(value: Any) -> int:
    """
    Count what stands in a dictionary or an array without a number of its own.

    Args:
        value: It.

    Returns:
        How many entries and parts; those that lead elsewhere count as one.
    """
    found: Any = value.items() if isinstance(value, pikepdf.Dictionary) else ((0, v) for v in value)
    return sum(
        1 + (count_items(part) if _is_container(part) and not part.is_indirect else 0)
        for _, part in found
    )


def _is_container(value: Any) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array)


def _find_top(untrusted: Any) -> Any:
    """Some catalogues name a page, or a node in the middle: what it hangs on is meant."""
    seen: set[object] = set()
    top = untrusted
    while isinstance(top, pikepdf.Dictionary) and "/Parent" in top and top.objgen not in seen:
        if top.is_indirect:
            seen.add(top.objgen)
        top = top["/Parent"]
    return top
