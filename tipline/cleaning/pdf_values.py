"""
The values of a PDF that are no parts of their own: numbers, true and false, and names from lists.

Texts are none of them.
"""

from __future__ import annotations

import decimal
from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import TOKEN_BYTES

MAX_DEPTH: Final = 8  # of arrays of numbers, and of colours made of colours

_BLEND_MODES: Final = frozenset(PDF_RULES["blend_modes"])


def copy_number(value: Any, budget: Budget) -> bytes | None:
    """
    Copy a number.

    Args:
        value: Of any type.
        budget: Is spent.

    Returns:
        It, without an exponent; None if it is none.
    """
    budget.spend(TOKEN_BYTES)
    return format_number(value)


def copy_numbers(value: Any, budget: Budget, *, depth: int = 0) -> bytes | None:
    """
    Copy an array of numbers, or of arrays of them.

    Args:
        value: Of any type.
        budget: Is spent.
        depth: In how many arrays it is.

    Returns:
        The array, written, with 0 for what is no number; None if it is none.

    Raises:
        RefusedError: arrays lie in arrays too often: they may be in themselves.
    """
    if not isinstance(value, pikepdf.Array):
        return copy_number(value, budget) if depth else None
    if depth > MAX_DEPTH:
        raise RefusedError(Reason.TOO_COMPLEX)
    parts = [copy_numbers(part, budget, depth=depth + 1) or b"0" for part in value]
    budget.spend(TOKEN_BYTES)
    return b"[" + b" ".join(parts) + b"]"


def copy_box(value: Any, budget: Budget) -> bytes | None:
    """
    Copy a rectangle.

    Args:
        value: Of any type.
        budget: Is spent.

    Returns:
        Its four numbers; None if it is none.
    """
    if count_of(value) != 4 or not all(format_number(part) for part in list_of(value)):
        return None
    return copy_numbers(value, budget)


def copy_boolean(value: Any) -> bytes | None:
    """
    Copy a truth value.

    Args:
        value: Of any type.

    Returns:
        It; None if it is none.
    """
    return (b"true" if value else b"false") if isinstance(value, bool) else None


def copy_booleans(value: Any, budget: Budget) -> bytes:
    """
    Copy an array of truth values.

    Args:
        value: Of any type.
        budget: Is spent.

    Returns:
        The array, with false for what is none.
    """
    parts = [copy_boolean(part) or b"false" for part in read_list(value, budget)]
    return b"[" + b" ".join(parts) + b"]"


def copy_choice(value: Any, choices: str) -> bytes | None:
    """
    Copy a name that is one of a few.

    Args:
        value: Of any type.
        choices: The names, apart by spaces.

    Returns:
        It; None if it is another.
    """
    name = read_name(value)
    return b"/" + name.encode("ascii") if name in choices.split() else None


def copy_blending(value: Any, budget: Budget) -> bytes | None:
    """
    Copy a way of blending.

    Args:
        value: Of any type: a name, or some to choose the first known from.
        budget: Is spent.

    Returns:
        It; None if none is known.
    """
    listed = map(read_name, read_list(value, budget))
    names = [name for name in listed if name in _BLEND_MODES]
    return b"/" + names[0].encode("ascii") if names else None


def list_of(value: Any) -> list[Any]:
    """
    Read what may be one or many, and is short or read once.

    Args:
        value: An array, anything else, or None.

    Returns:
        Its parts, itself, or nothing.
    """
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def count_of(value: Any) -> int:
    """
    Count what may be one or many, without looking at it.

    Args:
        value: An array, anything else, or None.

    Returns:
        How long `list_of` it is.
    """
    if isinstance(value, pikepdf.Array):
        return len(value)
    return int(value is not None)


def first_of(value: Any, count: int) -> list[Any]:
    """
    Read the first of what may be one or many.

    Args:
        value: An array, anything else, or None.
        count: How many at most.

    Returns:
        The beginning of `list_of` it.
    """
    if not isinstance(value, pikepdf.Array):
        return list_of(value)[:count]
    return [value[i] for i in range(min(count, len(value)))]


def read_list(value: Any, budget: Budget) -> list[Any]:
    """
    Read what may be one or many, where many parts of a file may have it.

    Args:
        value: An array, anything else, or None.
        budget: Is spent.

    Returns:
        As `list_of`.

    Raises:
        RefusedError: it is too much.
    """
    budget.spend(TOKEN_BYTES * count_of(value))
    return list_of(value)


def read_name(value: Any) -> str:
    """
    Read a name.

    Args:
        value: Of any type.

    Returns:
        The name without its slash, a character for each byte; empty if it is none.
    """
    return bytes(value)[1:].decode("latin-1") if isinstance(value, pikepdf.Name) else ""


def format_number(value: Any) -> bytes | None:
    """
    Write a number.

    Args:
        value: Of any type.

    Returns:
        It, without an exponent; None if it is none.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return b"%d" % value
    return format(value, "f").encode("ascii") if isinstance(value, decimal.Decimal) else None
