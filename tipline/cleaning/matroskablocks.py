"""
Blocks of WebM and Matroska (RFC 9559, 10): samples of one track, one or several behind each other.

A block has a head of the track's number, a time and flags. If it holds several samples (lacing),
their lengths follow in one of three ways; they must fill the block.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from tipline.cleaning.ebml import decode_length
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.window import Bytes

MAX_LACES_BYTES: Final = 4 * 1024  # of the lengths; 255 long samples of sound have half as many
KEY: Final = 0x80
LACED: Final = 0x06
SIMPLE_FLAGS: Final = 0x8F  # key, not shown, lacing, can be left out
GROUP_FLAGS: Final = 0x0E  # not shown, lacing

_FIXED_BYTES: Final = 3  # time and flags
_MAX_HEAD_BYTES: Final = 11
_XIPH: Final = 0x02
_EQUAL: Final = 0x04
_FULL: Final = 255
_MAX_LACE_BYTES: Final = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    A block that was looked at.

    Args:
        number: Of its track.
        time: In the cluster's units, behind the cluster's time.
        flags: One byte.
        flags_at: Where it is in the block.
        head_bytes: Of all before the first sample.
        sizes: Of its samples.
    """

    number: int
    time: int
    flags: int
    flags_at: int
    head_bytes: int
    sizes: tuple[int, ...]


def read_block(source: Bytes, offset: int, size: int) -> Block:
    """
    Read a block.

    Args:
        source: The file.
        offset: Where the block's content begins.
        size: How long it is; lies within the file.

    Returns:
        The block.

    Raises:
        RefusedError: it has not this shape.
    """
    head = source.read(offset, min(size, _MAX_HEAD_BYTES))
    number = decode_length(head)
    if number is None or len(head) < number[1] + _FIXED_BYTES:
        raise RefusedError(Reason.MALFORMED)
    at = number[1]
    flags = head[at + 2]
    at += _FIXED_BYTES
    sizes: tuple[int, ...] = (size - at,)
    if flags & LACED:
        laces = source.read(offset + at, min(size - at, MAX_LACES_BYTES))
        sizes, laces_bytes = _read_laces(laces, flags & LACED, size - at)
        at += laces_bytes
    return Block(
        number=number[0],
        time=int.from_bytes(head[number[1] : number[1] + 2], "big", signed=True),
        flags=flags,
        flags_at=number[1] + 2,
        head_bytes=at,
        sizes=sizes,
    )


def _read_laces(laces: bytes, way: int, size: int) -> tuple[tuple[int, ...], int]:
    """Read the lengths of samples, and how many bytes these take."""
    count = sum(laces[:1])
    sizes: list[int] = []
    at = 1
    if way == _EQUAL:
        if not size or (size - at) % (count + 1):
            raise RefusedError(Reason.MALFORMED)
        return ((size - at) // (count + 1),) * (count + 1), at
    for _ in range(count):
        if way == _XIPH:
            lace = 0
            while laces[at : at + 1] == bytes([_FULL]):
                lace += _FULL
                at += 1
            lace += sum(laces[at : at + 1])
            at += 1
        else:
            length = decode_length(laces[at : at + 8])
            if length is None or length[1] > _MAX_LACE_BYTES:
                raise RefusedError(Reason.MALFORMED)
            lace, lace_bytes = length
            if sizes:  # the difference to the one before, moved so that it is not below 0
                lace += sizes[-1] - ((1 << 7 * lace_bytes - 1) - 1)
            at += lace_bytes
        if not 0 <= lace <= size:
            raise RefusedError(Reason.MALFORMED)
        sizes.append(lace)
    last = size - at - sum(sizes)
    if at > len(laces) or last < 0:
        raise RefusedError(Reason.MALFORMED)
    return (*sizes, last), at
