"""
Checksums of Ogg's pages (RFC 3533 section 6), and how they change with a few bytes of a page.

The polynomial is 04c11db7, first bit first, nothing inverted: so where bytes of a page change, its
checksum changes by that of the difference, which is zero but for these bytes. The rest need not be
read.
"""

from __future__ import annotations

import functools
import zlib
from typing import Final

_POLYNOMIAL: Final = 0x04C11DB7
_REGISTER: Final = 0xFFFFFFFF
_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))

_Table = tuple[tuple[int, ...], ...]  # by place of a byte in the register, then by its value


def compute_checksum(data: bytes) -> int:
    """
    Compute a checksum.

    Args:
        data: A page, its checksum being 0.

    Returns:
        The checksum. zlib's has the same polynomial, last bit first, inverted before and after.
    """
    mirrored = zlib.crc32(data.translate(_REVERSED), _REGISTER) ^ _REGISTER
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def add_zeros(checksum: int, zero_len: int) -> int:
    """
    Compute the checksum of bytes that are followed by zeros.

    Args:
        checksum: Of the bytes.
        zero_len: How many zeros follow; fewer than 2 to the 17th.

    Returns:
        The checksum of all.
    """
    for power in range(zero_len.bit_length()):
        if zero_len >> power & 1:
            checksum = _look_up(_make_table(power), checksum)
    return checksum


def _look_up(table: _Table, register: int) -> int:
    return (
        table[0][register & 255]
        ^ table[1][register >> 8 & 255]
        ^ table[2][register >> 16 & 255]
        ^ table[3][register >> 24]
    )


@functools.cache
def _make_table(power: int) -> _Table:
    """Make the table that passes 2 to this power zeros."""
    if power == 0:
        return tuple(
            tuple(_pass_zero(value << 8 * place) for value in range(256)) for place in range(4)
        )
    half = _make_table(power - 1)
    return tuple(tuple(_look_up(half, value) for value in row) for row in half)


def _pass_zero(register: int) -> int:
    for _ in range(8):
        register = register << 1 ^ (_POLYNOMIAL if register >> 31 else 0)
        register &= _REGISTER
    return register
