"""
Comparing a file that the desk has with the one that was sent.

1. What had nothing to take out, or could not be cleaned, is the same, byte for byte.
2. Of what was cleaned the untouched original is the same, byte for byte; and in the cleaned file
   Python's own cleaning, another program than the page's, finds nothing more.
3. A name is told by the original alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import Kind

_PIECE_BYTES: Final = 1024 * 1024
# What is only written in another way: two programs need not write the same bytes.
_NOTHING: Final = frozenset({Kind.OTHER})


def find_differences(sent: Path, attachment: Mapping[str, Any], *, place: Path) -> list[str]:
    """
    Compare a file with what became of it.

    Args:
        sent: As it was given.
        attachment: What `tip.json` says of it.
        place: The directory of the tip's files.

    Returns:
        What differs: `files`, `originals`, `name`, `cleaning`.
    """
    arrived = place / attachment["path"]
    original = place / attachment["path"].replace("files/", "originals/", 1)
    if attachment["cleaning"]["state"] != "cleaned":
        checks = {"files": is_same_file(sent, arrived), "originals": not original.exists()}
        has_name = "original" in attachment
        return _list_failed({**checks, "name": not has_name and "name" not in attachment})
    name = attachment.get("original", {}).get("name")
    return _list_failed(
        {
            "cleaning": _is_clean(arrived) and not is_same_file(sent, arrived),
            "originals": original.exists() and is_same_file(sent, original),
            "name": name == sent.name and "name" not in attachment,
        }
    )


def _list_failed(checks: Mapping[str, bool]) -> list[str]:
    return [name for name, is_right in checks.items() if not is_right]


def _is_clean(path: Path) -> bool:
    with path.open("rb") as stream:
        try:
            return _NOTHING.issuperset(plan_cleaning(stream).kinds)
        except RefusedError:
            return False


def is_same_file(first: Path, second: Path) -> bool:
    """
    Compare two files.

    Args:
        first: One.
        second: The other.

    Returns:
        Whether they hold the same bytes.
    """
    with first.open("rb") as one, second.open("rb") as other:
        while True:
            pieces = one.read(_PIECE_BYTES), other.read(_PIECE_BYTES)
            if pieces[0] != pieces[1]:
                return False
            if not pieces[0]:
                return True
