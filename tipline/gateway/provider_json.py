"""
Reading the JSON of providers, who write more kinds of numbers than our own formats have.

Rules:
1. Signed before it is read: so a number with a fraction is no reason to lose a message. It becomes
   its own text.
2. What is no text (half a pair of UTF-16) becomes U+FFFD, and the rest of the message stays.
3. No key twice, no deeper than `MAX_DEPTH`, no more values than `MAX_VALUES`, no longer than a
   request: whoever holds one phone's key holds up nobody else's messages for long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from crypto.errors import MalformedError

MAX_DEPTH: Final = 96  # 16 levels of Telegram's rich messages, with up to four of JSON each
MAX_VALUES: Final = 400_000  # in a call; Meta's longest, of 3 MB, have some 100,000
MAX_INTEGER_CHARACTERS: Final = 20  # 64 bits

# A text, ended or not, or a bracket or comma outside of texts; possessive: nothing is read twice.
_MARKS = re.compile(r'"(?:[^"\\]++|\\(?:.|\Z))*+"?|[\[\]{},]', re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")
_NOTHING: Final[dict[str, Any]] = {}


def parse_provider_json(untrusted: bytes) -> Any:
    """
    Read what a provider signed.

    Args:
        untrusted: UTF-8, as long as a request may be.

    Returns:
        Objects, lists, texts, integers, flags. All of it is still untrusted.

    Raises:
        MalformedError: not JSON, a key twice, nested too deep, or too much of it.
    """
    try:
        text = untrusted.decode("utf-8")
        _check_size(text)
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=str,
            parse_int=_parse_integer,
            parse_constant=_refuse,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise MalformedError("json") from exc


def take_object(untrusted: Any, *names: str) -> dict[str, Any]:
    """
    Go into an object's objects.

    Args:
        untrusted: As JSON gave it.
        names: Of the objects, from outside to inside.

    Returns:
        The innermost one; empty if any of them is not there, or is no object.
    """
    found = untrusted
    for name in names:
        if not isinstance(found, dict):
            return _NOTHING
        found = found.get(name)
    return found if isinstance(found, dict) else _NOTHING


def take_list(untrusted: Any, name: str) -> Sequence[Any]:
    """
    Take a list from an object.

    Args:
        untrusted: As JSON gave it.
        name: Of the list.

    Returns:
        The list; empty if it is not there, or is none.
    """
    found = untrusted.get(name) if isinstance(untrusted, dict) else None
    return found if isinstance(found, list) else ()


def take_text(untrusted: Any, name: str) -> str:
    """
    Take a text or a number from an object.

    Args:
        untrusted: As JSON gave it.
        name: Of the text.

    Returns:
        The text, of whole characters; empty if it is not there, or is none.
    """
    found = untrusted.get(name) if isinstance(untrusted, dict) else None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str):
        return ""
    # A file in base64 has millions of characters, and none of them to look for.
    return found if found.isascii() else _HALVES.sub("\ufffd", found)


def _check_size(text: str) -> None:
    depth = values_len = 0
    for mark in _MARKS.finditer(text):
        first = text[mark.start()]
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth -= 1
        # Each value begins behind one of these.
        values_len += first in "[{,"
        if depth > MAX_DEPTH or values_len > MAX_VALUES:
            raise MalformedError("json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("json")
    return found


def _parse_integer(text: str) -> int | str:
    return int(text) if len(text) <= MAX_INTEGER_CHARACTERS else text


def _refuse(text: str) -> None:
    raise MalformedError("json")
