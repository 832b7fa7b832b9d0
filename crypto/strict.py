"""
Strict decoding: one spelling for each value.

Python's decoders are kind: `base64.b64decode` drops foreign characters, `int(" 4_2")` is 42,
`bytes.fromhex` takes spaces, `json.loads` takes duplicate keys and NaN.
At a trust boundary kindness is malleability, so whatever these functions accept re-encodes to the
same text.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
from typing import Any, NoReturn

from crypto.errors import MalformedError, TooLargeError

_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A string, closed or not, or a bracket. Possessive, and a string that is never closed is taken to
# the end: a search that begins again at each quote would take hours for one hostile megabyte.
_JSON_MARKS = re.compile(r'"(?:[^"\\]++|\\(?:.|\Z))*+"?|[\[{\]}]', re.DOTALL)

MAX_DECIMAL_DIGITS = 16  # every integer of our formats stays below 2^53, which has 16 digits
MAX_INTEGER = 2**53 - 1  # what a browser's number holds exactly
MAX_JSON_DEPTH = 32  # ours nest 5 deep; Python's parser recurses, so an input must not choose


def encode_base64(value: bytes) -> str:
    """
    Encode in RFC 4648 section 4 base64 without padding.

    Args:
        value: Any bytes.

    Returns:
        The canonical text.
    """
    return encode_padded_base64(value).rstrip("=")


def encode_padded_base64(value: bytes) -> str:
    """
    Encode in RFC 4648 section 4 base64 with its padding.

    Args:
        value: Any bytes.

    Returns:
        The canonical text.
    """
    return base64.b64encode(value).decode("ascii")


def decode_base64(text: str) -> bytes:
    """
    Decode unpadded base64, refusing every spelling but the canonical one.

    Args:
        text: Untrusted. RFC 4648 section 4 alphabet, no padding.

    Returns:
        The bytes; `encode_base64` of them is *text* again.

    Raises:
        MalformedError: *text* is not canonical.

    Source:
        C2SP age.md, "decoders MUST reject non-canonical encodings".
    """
    if "=" in text:
        raise MalformedError("base64")
    return decode_padded_base64(text + "=" * (-len(text) % 4))


def decode_padded_base64(text: str) -> bytes:
    """
    Decode padded base64, refusing every spelling but the canonical one.

    Args:
        text: Untrusted. RFC 4648 section 4 alphabet with its padding.

    Returns:
        The bytes; `encode_padded_base64` of them is *text* again.

    Raises:
        MalformedError: *text* is not canonical.
    """
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as exc:
        raise MalformedError("base64") from exc
    # Python drops bits that a canonical encoder sets to zero.
    if encode_padded_base64(value) != text:
        raise MalformedError("base64")
    return value


def decode_hex(text: str) -> bytes:
    """
    Decode lower-case hexadecimal.

    Args:
        text: Untrusted.

    Returns:
        The bytes; `.hex()` of them is *text* again.

    Raises:
        MalformedError: a digit is missing, foreign or in upper case.
    """
    if not _HEX.fullmatch(text):
        raise MalformedError("hex")
    return bytes.fromhex(text)


def parse_integer(text: str) -> int:
    """
    Read a non-negative decimal integer below 2^53.

    Args:
        text: Untrusted. ASCII digits, no sign, space, underscore or leading zero.

    Returns:
        The number.

    Raises:
        MalformedError: *text* is spelled in another way or too large.
    """
    if len(text) > MAX_DECIMAL_DIGITS or not _DECIMAL.fullmatch(text) or not text.isascii():
        raise MalformedError("integer")
    value = int(text)
    if value > MAX_INTEGER:
        raise MalformedError("integer")
    return value


def parse_day(text: str) -> datetime.date:
    """
    Read a day.

    Args:
        text: Untrusted. `YYYY-MM-DD`, as ISO 8601 writes it.

    Returns:
        The day, taken as UTC.

    Raises:
        MalformedError: *text* is spelled in another way or names no day.
    """
    if not text.isascii() or not _DAY.fullmatch(text):
        raise MalformedError("day")
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as exc:
        raise MalformedError("day") from exc


def parse_json_object(untrusted: bytes, *, max_bytes: int) -> dict[str, Any]:
    """
    Read one JSON object.

    Args:
        untrusted: UTF-8, without byte order mark.
        max_bytes: The longest input accepted.

    Returns:
        The object. Its values are still untrusted.

    Raises:
        TooLargeError: longer than *max_bytes* or nested deeper than `MAX_JSON_DEPTH`.
        MalformedError: not one JSON object, a key twice, NaN or infinity, a lone surrogate, an
            integer of more than 2^53 or a number with a fraction or an exponent.
    """
    if len(untrusted) > max_bytes:
        raise TooLargeError("json", limit=max_bytes)
    try:
        text = untrusted.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("utf-8") from exc
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_number,
            parse_float=_refuse_number,
            parse_int=_parse_json_integer,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (json.JSONDecodeError, UnicodeEncodeError) as exc:
        raise MalformedError("json") from exc
    if not isinstance(value, dict):
        raise MalformedError("json")
    return value


def format_json(value: dict[str, Any]) -> bytes:
    """
    Write a JSON object on one line, keys in their order, ready to be signed or stored.

    Args:
        value: Strings, integers, booleans, null, lists and objects of these.

    Returns:
        UTF-8 without a newline.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _check_depth(text: str) -> None:
    depth = 0
    for mark in _JSON_MARKS.finditer(text):
        first = mark.group()[0]
        if first in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise TooLargeError("json depth", limit=MAX_JSON_DEPTH)
        elif first in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedError("json key twice")
    return value


def _refuse_number(text: str) -> NoReturn:
    raise MalformedError("json number")


def _parse_json_integer(text: str) -> int:
    return -parse_integer(text[1:]) if text.startswith("-") else parse_integer(text)
