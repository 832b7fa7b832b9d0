"""Reading the JSON of providers."""

from __future__ import annotations

import time

import pytest

from crypto.errors import MalformedError
from tipline.gateway.provider_json import (
    MAX_DEPTH,
    MAX_VALUES,
    parse_provider_json,
    take_list,
    take_object,
    take_text,
)


def test_numbers_when_they_have_fractions_then_stay_as_they_are_written() -> None:
    """No number is rounded, and none is a reason to lose a message."""
    tree = parse_provider_json(b'{"a": 19.43260, "b": 1e400, "c": 12345678901234567890123, "d": 7}')
    assert tree == {"a": "19.43260", "b": "1e400", "c": "12345678901234567890123", "d": 7}


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"{", b"\xff", b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b"NaN", b"[Infinity]", b"{} {}"],
)
def test_json_when_broken_then_is_refused(untrusted: bytes) -> None:
    """What is no JSON, or says two things at once, is refused."""
    with pytest.raises(MalformedError):
        parse_provider_json(untrusted)


def test_json_when_nested_then_only_so_deep() -> None:
    """Depth is bounded before anything is built; brackets within a text are none."""
    assert parse_provider_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(MalformedError):
        parse_provider_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert parse_provider_json(b'["' + b"[" * 100 + b'\\""]')
    with pytest.raises(MalformedError):
        parse_provider_json(b"[" * 500_000)


def test_json_when_made_to_take_long_then_does_not() -> None:
    """A megabyte of quotes and backslashes is read once."""
    began = time.perf_counter()
    for piece in (b'"\\', b'"', b'\\"', b'"a"'):
        with pytest.raises(MalformedError):
            parse_provider_json(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("value", [b"1", b"[]", b"{}", b'""'])
def test_json_when_it_has_more_values_than_any_call_then_is_refused(value: bytes) -> None:
    """A few megabytes of the smallest values would hold everybody up; commas in a text are none."""
    few = MAX_VALUES // 2 - 1  # behind a bracket one may begin, too
    assert len(parse_provider_json(b"[" + b",".join([value] * few) + b"]")) == few
    with pytest.raises(MalformedError):
        parse_provider_json(b"[" + b",".join([value] * (MAX_VALUES + 1)) + b"]")
    assert parse_provider_json(b'["' + b"," * 2 * MAX_VALUES + b'"]')


def test_take_when_something_else_stands_there_then_is_empty() -> None:
    """Whoever takes a field gets its type, or nothing."""
    tree = {"a": {"b": {"c": "x"}}, "list": [1], "flag": True, "half": "a\ud800b"}
    assert take_object(tree, "a", "b") == {"c": "x"}
    assert take_object(tree, "a", "b", "c") == {}
    assert take_object(tree, "list") == take_object([], "a") == take_object(None) == {}
    assert take_list(tree, "list") == [1]
    assert take_list(tree, "a") == take_list(7, "a") == ()
    assert take_text(tree, "half") == "a\ufffdb"
    assert take_text(tree, "flag") == take_text(tree, "a") == take_text([], "a") == ""
    assert take_text({"n": 12}, "n") == "12"
