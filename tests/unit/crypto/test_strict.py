"""Strict decoding: one spelling for each value."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

import pytest

from crypto.errors import MalformedError, TooLargeError
from crypto.strict import (
    MAX_INTEGER,
    MAX_JSON_DEPTH,
    decode_base64,
    decode_hex,
    decode_padded_base64,
    encode_base64,
    encode_padded_base64,
    format_json,
    parse_day,
    parse_integer,
    parse_json_object,
)

# RFC 4648, section 10, and one value that uses the two signs of the alphabet.
BASE64 = [
    (b"", ""),
    (b"f", "Zg=="),
    (b"fo", "Zm8="),
    (b"foo", "Zm9v"),
    (b"foob", "Zm9vYg=="),
    (b"fooba", "Zm9vYmE="),
    (b"foobar", "Zm9vYmFy"),
    (b"\xfb\xff\xfe", "+//+"),
]


def detail_of(decode: Callable[[str], object], text: str) -> str:
    with pytest.raises(MalformedError) as caught:
        decode(text)
    return caught.value.detail


@pytest.mark.parametrize(("value", "padded"), BASE64)
def test_base64_when_canonical_then_it_goes_both_ways(value: bytes, padded: str) -> None:
    """The RFC's values encode and decode, with padding and without."""
    bare = padded.rstrip("=")

    assert encode_padded_base64(value) == padded
    assert decode_padded_base64(padded) == value
    assert encode_base64(value) == bare
    assert decode_base64(bare) == value


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",
        "Zm8=",
        "=",
        "Zh",
        "Zn9",
        "Z",
        "Zm9vY",
        "Zm9v\n",
        " Zm9v",
        "Zm-v",
        "Zm_v",
        "Zmév",
        "Zm9v Zm9v",
    ],
)
def test_base64_when_bare_and_not_canonical_then_it_is_refused(text: str) -> None:
    """Padding, spare bits, foreign signs and impossible lengths are refused."""
    assert detail_of(decode_base64, text) == "base64"


@pytest.mark.parametrize(
    "text",
    [
        "Zg",
        "Zg=",
        "Zg===",
        "Zh==",
        "Zm9=",
        "Zm9v=",
        "Zm9v====",
        "====",
        "Zg==Zg==",
        "Zm9v\n",
        "é===",
    ],
)
def test_base64_when_padded_and_not_canonical_then_it_is_refused(text: str) -> None:
    """Missing, wrong or early padding and spare bits are refused."""
    assert detail_of(decode_padded_base64, text) == "base64"


@pytest.mark.parametrize(("text", "value"), [("", b""), ("00ff", b"\x00\xff"), ("0a", b"\n")])
def test_hex_when_canonical_then_it_decodes(text: str, value: bytes) -> None:
    """Lower-case pairs decode, and encode to the same text."""
    assert decode_hex(text) == value
    assert value.hex() == text


@pytest.mark.parametrize("text", ["0", "0A", "0x", "00 ff", "00\n", "zz", "\u0660\u0660"])
def test_hex_when_spelled_in_another_way_then_it_is_refused(text: str) -> None:
    """Upper case, spaces, odd lengths and foreign digits are refused."""
    assert detail_of(decode_hex, text) == "hex"


@pytest.mark.parametrize("value", [0, 1, 9, 10, 2026, MAX_INTEGER])
def test_integer_when_canonical_then_it_is_read(value: int) -> None:
    """An integer up to the bound comes back."""
    assert parse_integer(str(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "01",
        "00",
        " 1",
        "1 ",
        "1\n",
        "4_2",
        "1.0",
        "1e3",
        "0x1",
        "\u0661",
        "²",
        str(MAX_INTEGER + 1),
        "9" * 17,
        "9" * 100_000,
    ],
)
def test_integer_when_spelled_in_another_way_then_it_is_refused(text: str) -> None:
    """Signs, spaces, leading zeros, foreign digits and what a browser cannot hold are refused."""
    assert detail_of(parse_integer, text) == "integer"


@pytest.mark.parametrize("text", ["2026-11-21", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_day_when_canonical_then_it_is_read(text: str) -> None:
    """A day comes back."""
    assert parse_day(text) == datetime.date.fromisoformat(text)
    assert str(parse_day(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20261121",
        "2026-W47-6",
        "2026-11-21T00:00",
        "2026-11-21\n",
        "2026-13-01",
        "2026-02-29",
        "0000-01-01",
        "2026-1-1",
        "\u0662\u0660\u0662\u0666-11-21",
    ],
)
def test_day_when_it_is_none_or_spelled_in_another_way_then_it_is_refused(text: str) -> None:
    """Other ISO spellings, foreign digits and days that never were are refused."""
    assert detail_of(parse_day, text) == "day"


def parse(text: str | bytes) -> dict[str, object]:
    return parse_json_object(text.encode() if isinstance(text, str) else text, max_bytes=10_000)


def test_json_when_it_is_one_object_then_it_is_read() -> None:
    """Every kind of value is read, in its order."""
    text = '{"b": [1, -2, {"c": null}], "a": true, "s": "ñ \\" [{ \\u00e9"}'

    value = parse(text)

    assert value == {"b": [1, -2, {"c": None}], "a": True, "s": 'ñ " [{ é'}
    assert list(value) == ["b", "a", "s"]


def test_json_when_formatted_then_it_parses_to_the_same_on_one_line() -> None:
    """What is signed has no spaces and no escapes that are not needed."""
    value = {"b": ["ñ", 1], "a": {"x": None, "y": False}}

    assert format_json(value) == '{"b":["ñ",1],"a":{"x":null,"y":false}}'.encode()
    assert parse(format_json(value)) == value


def test_json_when_not_a_number_is_formatted_then_the_caller_is_wrong() -> None:
    """What would not be read is not written."""
    with pytest.raises(ValueError, match="JSON"):
        format_json({"a": float("nan")})


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (b"\xff", "utf-8"),
        ("\ufeff{}", "json"),
        ("", "json"),
        ("[]", "json"),
        ('"a"', "json"),
        ("1", "json"),
        ("{} {}", "json"),
        ("{} x", "json"),
        ("{", "json"),
        ("}", "json"),
        ('{"a": "', "json"),
        ("{'a': 1}", "json"),
        ('{"a": 1,}', "json"),
        ('{"a": "\n"}', "json"),
        ('{"a": "\\ud800"}', "json"),
        ('{"\\ud800": 1}', "json"),
        ('{"a": 1, "a": 1}', "json key twice"),
        ('{"a": {"b": 1, "b": 2}}', "json key twice"),
        ('{"a": 1, "\\u0061": 1}', "json key twice"),
        ('{"a": NaN}', "json number"),
        ('{"a": Infinity}', "json number"),
        ('{"a": -Infinity}', "json number"),
        ('{"a": 1.0}', "json number"),
        ('{"a": 1e3}', "json number"),
        ('{"a": 9007199254740992}', "integer"),
        ('{"a": -9007199254740992}', "integer"),
    ],
)
def test_json_when_it_is_not_one_strict_object_then_it_is_refused(
    text: str | bytes, detail: str
) -> None:
    """What a kind parser would take is refused."""
    with pytest.raises(MalformedError) as caught:
        parse(text)
    assert caught.value.detail == detail


def test_json_when_longer_than_allowed_then_it_is_not_parsed() -> None:
    """The length is bounded, and the bound is allowed."""
    text = b'{"a":"' + b"a" * 92 + b'"}'
    assert parse_json_object(text, max_bytes=100)
    with pytest.raises(TooLargeError) as caught:
        parse_json_object(text + b" ", max_bytes=100)
    assert (caught.value.detail, caught.value.facts) == ("json", {"limit": 100})


def test_json_when_nested_too_deep_then_it_is_not_parsed() -> None:
    """The depth is bounded, and the bound is allowed; brackets in strings do not count."""
    inner = MAX_JSON_DEPTH - 1
    assert parse('{"a":' + "[" * inner + "]" * inner + "}")
    assert parse('{"a":"' + "[" * 1000 + '"}')
    assert parse('{"a":[' + ",".join(["{}"] * 100) + "]}")
    for opening in ("[", '{"a":'):
        with pytest.raises(TooLargeError) as caught:
            parse('{"a":' + opening * (inner + 1))
        assert caught.value.detail == "json depth"


@pytest.mark.parametrize("end", ["", "\\", "[", '"'], ids=["open", "cut", "bracket", "closed"])
def test_parse_json_object_when_a_string_is_all_escapes_then_the_work_grows_with_its_length(
    end: str,
) -> None:
    """A megabyte of escaped quotes is refused in a moment, not in hours."""
    untrusted = ('{"version":1,"a":"' + '\\"' * 500_000 + end).encode()
    began_seconds = time.process_time()
    with pytest.raises(MalformedError):
        parse_json_object(untrusted, max_bytes=len(untrusted))
    assert time.process_time() - began_seconds < 5
