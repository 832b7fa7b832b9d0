"""
Strict decoding: one spelling for each value.

Python's decoders are kind; at a trust boundary kindness is malleability. Whatever these functions
accept re-encodes to the same text.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
import json
import re
from typing import Any, Final

from tipline.audit.errors import MalformedError

HASH_BYTES: Final = 32
MAX_INTEGER: Final = 2**53 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def decode_base64(text: str) -> bytes:
    """
    Decode padded base64, refusing every spelling but the canonical one.

    Args:
        text: Untrusted.

    Returns:
        The bytes.

    Raises:
        MalformedError: *text* is not canonical.
    """
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as exc:
        raise MalformedError("base64") from exc
    if encode_base64(value) != text:
        raise MalformedError("base64")
    return value


def encode_base64(value: bytes) -> str:
    """
    Encode in padded base64.

    Args:
        value: Any bytes.

    Returns:
        The canonical text.
    """
    return base64.b64encode(value).decode("ascii")


def decode_hash(text: object) -> bytes:
    """
    Read a hash.

    Args:
        text: Untrusted. 64 lower-case hex digits.

    Returns:
        32 bytes.

    Raises:
        MalformedError: *text* is something else.
    """
    if not isinstance(text, str) or len(text) != 2 * HASH_BYTES or not _HEX.fullmatch(text):
        raise MalformedError("hash")
    return bytes.fromhex(text)


def parse_integer(text: str) -> int:
    """
    Read a non-negative decimal integer below 2^53.

    Args:
        text: Untrusted.

    Returns:
        The number.

    Raises:
        MalformedError: *text* is spelled in another way or too large.
    """
    if not text.isascii() or not _DECIMAL.fullmatch(text) or int(text) > MAX_INTEGER:
        raise MalformedError("integer")
    return int(text)


def parse_day(text: object) -> datetime.date:
    """
    Read a day.

    Args:
        text: Untrusted. `YYYY-MM-DD`.

    Returns:
        The day, taken as UTC.

    Raises:
        MalformedError: *text* is spelled in another way or names no day.
    """
    # Before the cache, which can look up nothing but what has a hash.
    if not isinstance(text, str):
        raise MalformedError("day")
    return _parse_day(text)


@functools.lru_cache(maxsize=4096)  # a log names the same few days again and again
def _parse_day(text: str) -> datetime.date:
    if not text.isascii() or not _DAY.fullmatch(text):
        raise MalformedError("day")
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as exc:
        raise MalformedError("day") from exc


def parse_object(untrusted: bytes, *, max_bytes: int) -> dict[str, Any]:
    """
    Read one JSON object that is spelled in the one way allowed.

    Args:
        untrusted: One line, without its newline.
        max_bytes: The longest accepted.

    Returns:
        The object; its values are still untrusted. `format_object` of it is *untrusted* again.

    Raises:
        MalformedError: too long, no object, or spelled otherwise (a key twice, a space, an escape).
    """
    if len(untrusted) > max_bytes:
        raise MalformedError("length")
    try:
        value = json.loads(untrusted.decode("utf-8"))
        # A duplicate key, a number like 1e3 or a needless escape does not survive this.
        same = isinstance(value, dict) and format_object(value) == untrusted
    except (ValueError, RecursionError) as exc:
        raise MalformedError("json") from exc
    if not same:
        raise MalformedError("spelling")
    return value  # type: ignore[no-any-return]  # JSON is untyped; it was found to be an object


def format_object(value: dict[str, Any]) -> bytes:
    """
    Write a JSON object in the one way allowed.

    Args:
        value: Its fields in their order.

    Returns:
        UTF-8, one line, without a newline.

    Raises:
        ValueError: it holds what JSON does not.
    """
    return _ENCODER.encode(value).encode("utf-8")
