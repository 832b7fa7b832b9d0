"""
Taking a JSON object's fields one by one, each of its type, and none left over.

What a reader would silently skip could be the field that mattered: so an unknown field is an error,
as is a missing one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Final, TypeVar

from crypto.errors import MalformedError
from crypto.strict import parse_day

MAX_ITEMS: Final = 100  # of any list in a signed object; what a person can choose from
MAX_WORD_CHARACTERS: Final = 500  # of a name or a type; the longest sensible: a file's name, 255

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)Z")

T = TypeVar("T")
Parse = Callable[[object, str], T]


class Fields:
    """
    Knows which fields of an object are left.

    Args:
        untrusted: As JSON gave it.
        detail: What the object is, for the error.

    Raises:
        MalformedError: it is no object.
    """

    def __init__(self, untrusted: object, detail: str) -> None:
        if not isinstance(untrusted, dict):
            raise MalformedError(detail)
        self._left = dict(untrusted)
        self._detail = detail

    def take(self, name: str, parse: Parse[T]) -> T:
        """
        Take one field.

        Args:
            name: Of the field.
            parse: Reads its value, told the field's name.

        Returns:
            What *parse* made of it.

        Raises:
            MalformedError: it is missing, or not what *parse* reads.
        """
        if name not in self._left:
            raise MalformedError(f"{name} missing")
        return parse(self._left.pop(name), name)

    def take_if_there(self, name: str, parse: Parse[T]) -> T | None:
        """
        Take one field that may be absent; null is not absent.

        Args:
            name: Of the field.
            parse: Reads its value, told the field's name.

        Returns:
            What *parse* made of it, or None.

        Raises:
            MalformedError: it is not what *parse* reads.
        """
        return self.take(name, parse) if name in self._left else None

    def close(self) -> None:
        """
        Say that every field was taken.

        Raises:
            MalformedError: one is left.
        """
        if self._left:
            raise MalformedError(f"{self._detail} has an unknown field")


def parse_string(untrusted: object, name: str) -> str:
    """
    Read a string.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The string.

    Raises:
        MalformedError: it is none.
    """
    if not isinstance(untrusted, str):
        raise MalformedError(name)
    return untrusted


def parse_word(untrusted: object, name: str) -> str:
    """
    Read a name, a type or the like.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The string.

    Raises:
        MalformedError: it is none, or longer than `MAX_WORD_CHARACTERS`.
    """
    word = parse_string(untrusted, name)
    if len(word) > MAX_WORD_CHARACTERS:
        raise MalformedError(name)
    return word


def parse_time(untrusted: object, name: str) -> str:
    """
    Read a precise time.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The text: ISO 8601 with `Z`.

    Raises:
        MalformedError: there is no such time, or it is written in another way.
    """
    match = _TIME.fullmatch(parse_string(untrusted, name))
    if match is None:
        raise MalformedError(name)
    try:
        datetime.datetime.fromisoformat(match.group(1))
    except ValueError as exc:
        raise MalformedError(name) from exc
    return match.group(0)


def parse_day_field(untrusted: object, name: str) -> datetime.date:
    """
    Read a day.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The day.

    Raises:
        MalformedError: it is none.
    """
    return parse_day(parse_string(untrusted, name))


def parse_flag(untrusted: object, name: str) -> bool:
    """
    Read true or false.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        Which of the two.

    Raises:
        MalformedError: it is neither.
    """
    if not isinstance(untrusted, bool):
        raise MalformedError(name)
    return untrusted


def parse_count(untrusted: object, name: str) -> int:
    """
    Read an integer from 0.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The integer.

    Raises:
        MalformedError: it is none, or negative.
    """
    # A bool is an int to Python.
    if type(untrusted) is not int or untrusted < 0:
        raise MalformedError(name)
    return untrusted


def parse_positive(untrusted: object, name: str) -> int:
    """
    Read an integer from 1.

    Args:
        untrusted: As JSON gave it.
        name: Of the field.

    Returns:
        The integer.

    Raises:
        MalformedError: it is none, or below 1.
    """
    count = parse_count(untrusted, name)
    if count < 1:
        raise MalformedError(name)
    return count


def optional(parse: Parse[T]) -> Parse[T | None]:
    """
    Allow null.

    Args:
        parse: Reads what is not null.

    Returns:
        Reads both.
    """
    return lambda untrusted, name: None if untrusted is None else parse(untrusted, name)


def items(parse: Parse[T]) -> Parse[tuple[T, ...]]:
    """
    Read a list.

    Args:
        parse: Reads one of its items.

    Returns:
        Reads a list of at most `MAX_ITEMS` items.
    """

    def parse_items(untrusted: object, name: str) -> tuple[T, ...]:
        if not isinstance(untrusted, list) or len(untrusted) > MAX_ITEMS:
            raise MalformedError(name)
        return tuple(parse(item, name) for item in untrusted)

    return parse_items
