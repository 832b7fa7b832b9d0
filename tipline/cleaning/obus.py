"""
AV1 (its specification, 5.3): units that say what they are, how long they are, and more.

Kept are the units of pictures, and of what only tells the two that say how bright it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

_METADATA: Final = 5
_SEQUENCE: Final = 1
_KEPT: Final = (_SEQUENCE, 3, 4, 6, 7)
_KEPT_METADATA: Final = (b"\1", b"\2")  # light level, mastering display
_HAS_EXTENSION: Final = 4
_HAS_SIZE: Final = 2
_MAX_SIZE_BYTES: Final = 8


def filter_headers(untrusted: bytes) -> bytes:
    """
    Keep the sequence headers alone.

    Args:
        untrusted: The units of a configuration.

    Returns:
        Those that are kept.

    Raises:
        RefusedError: a unit is not whole.
    """
    return b"".join(
        untrusted[start:end]
        for start, end in list_units(untrusted)
        if _kind(untrusted[start]) == _SEQUENCE
    )


def filter_units(untrusted: bytes) -> bytes:
    """
    Take out of a sample what is no picture.

    Args:
        untrusted: A sample.

    Returns:
        All else of it, as it was.

    Raises:
        RefusedError: a unit is not whole.
    """
    units = list(list_units(untrusted))
    return b"".join(untrusted[start:end] for start, end in units if _is_kept(untrusted, start, end))


def list_units(untrusted: bytes) -> Iterator[tuple[int, int]]:
    """
    List the units of a sample or of a configuration.

    Args:
        untrusted: Its bytes.

    Yields:
        Where each begins and ends.

    Raises:
        RefusedError: a unit is not whole.
    """
    start = 0
    while start < len(untrusted):
        at = start + (2 if untrusted[start] & _HAS_EXTENSION else 1)
        end = len(untrusted)
        if untrusted[start] & _HAS_SIZE:
            size, at = _read_size(untrusted, at)
            end = at + size
        if at > len(untrusted) or end > len(untrusted) or untrusted[start] & 0x81:
            raise RefusedError(Reason.MALFORMED)
        yield start, end
        start = end


def _read_size(untrusted: bytes, at: int) -> tuple[int, int]:
    size = 0
    for number, byte in enumerate(untrusted[at : at + _MAX_SIZE_BYTES]):
        size |= (byte & 127) << 7 * number
        if byte < 128:
            return size, at + number + 1
    raise RefusedError(Reason.MALFORMED)


def _kind(head: int) -> int:
    return head >> 3 & 15


def _is_kept(untrusted: bytes, start: int, end: int) -> bool:
    kind = _kind(untrusted[start])
    if kind != _METADATA:
        return kind in _KEPT
    at = start + (2 if untrusted[start] & _HAS_EXTENSION else 1)
    if untrusted[start] & _HAS_SIZE:
        _, at = _read_size(untrusted, at)
    return untrusted[at : min(at + 1, end)] in _KEPT_METADATA
