"""Taking fields one by one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from crypto.errors import MalformedError
from crypto.fields import (
    MAX_ITEMS,
    MAX_WORD_CHARACTERS,
    Fields,
    items,
    optional,
    parse_count,
    parse_day_field,
    parse_flag,
    parse_positive,
    parse_string,
    parse_time,
    parse_word,
)


def test_fields_when_all_are_taken_then_nothing_is_left() -> None:
    """Each value comes out as its type."""
    fields = Fields({"a": 1, "b": None, "c": ["x"]}, "thing")

    assert fields.take("a", parse_positive) == 1
    assert fields.take("b", optional(parse_string)) is None
    assert fields.take("c", items(parse_string)) == ("x",)
    fields.close()


def test_field_when_it_may_be_absent_then_null_is_not_absent() -> None:
    """What is not there is None; what is there has to be of its type."""
    fields = Fields({"a": "x", "b": None}, "thing")

    assert fields.take_if_there("a", parse_string) == "x"
    assert fields.take_if_there("c", parse_string) is None
    with pytest.raises(MalformedError, match="b"):
        fields.take_if_there("b", parse_string)


def test_word_when_at_its_bound_then_it_is_read_and_one_more_is_not() -> None:
    """A name has an upper bound."""
    assert parse_word("a" * MAX_WORD_CHARACTERS, "a") == "a" * MAX_WORD_CHARACTERS
    with pytest.raises(MalformedError):
        parse_word("a" * (MAX_WORD_CHARACTERS + 1), "a")


def test_time_when_it_exists_then_its_text_is_kept() -> None:
    """A precise time is kept as it was written."""
    assert parse_time("2026-11-21T10:00:00.25Z", "a") == "2026-11-21T10:00:00.25Z"
    for untrusted in (1, "2026-11-21T10:00:00", "2026-13-21T10:00:00Z", "2026-11-21 10:00:00Z"):
        with pytest.raises(MalformedError):
            parse_time(untrusted, "a")


def test_fields_when_one_is_left_or_missing_then_it_is_refused() -> None:
    """Neither more nor fewer fields are read."""
    fields = Fields({"a": 1}, "thing")
    with pytest.raises(MalformedError, match="b missing"):
        fields.take("b", parse_count)
    with pytest.raises(MalformedError, match="thing has an unknown field"):
        fields.close()
    with pytest.raises(MalformedError):
        Fields([], "thing")


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (parse_string, "", (1, None)),
        (parse_flag, True, (1, "true", None)),
        (parse_count, 0, (-1, True, "0", None)),
        (parse_positive, 1, (0, True, "1")),
        (optional(parse_count), 0, (-1,)),
        (items(parse_count), [0], ({}, "0", [True], [0] * (MAX_ITEMS + 1))),
    ],
)
def test_value_when_of_another_type_then_it_is_refused(
    parse: Callable[[object, str], Any], good: object, bad: tuple[object, ...]
) -> None:
    """What looks like the type is not taken for it."""
    assert parse(good, "x") == (tuple(good) if isinstance(good, list) else good)
    for untrusted in bad:
        with pytest.raises(MalformedError):
            parse(untrusted, "x")


def test_day_when_spelled_otherwise_then_it_is_refused() -> None:
    """A day has one spelling."""
    assert parse_day_field("2026-11-21", "x") == datetime.date(2026, 11, 21)
    for untrusted in ("2026-11-31", "20261121", 1):
        with pytest.raises(MalformedError):
            parse_day_field(untrusted, "x")
