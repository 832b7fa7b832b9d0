"""
AAC (ISO/IEC 14496-3, 4.4.2): a frame may begin with fill, or with bytes that are nobody's.

Encoders leave their names there. Those bits become zero, where they are: the frame is as long as
before. What stands further on in a frame is coded, and stays.
"""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 2_048  # a frame has at most 768 bytes for each channel; fill stands first
_DATA: Final = 4
_FILL: Final = 6


def may_have_fill(first: int) -> bool:
    """
    Tell by the first byte whether a frame begins with fill or data.

    Args:
        first: Untrusted.

    Returns:
        Whether `blank_fills` needs to look at it.
    """
    return first >> 5 in (_DATA, _FILL)


def blank_fills(untrusted: bytes) -> bytes:
    """
    Make the fill and the data that a frame begins with zero.

    Args:
        untrusted: The first `HEAD_BYTES` of a frame, or all of it.

    Returns:
        As many bytes.
    """
    length = 8 * len(untrusted)
    bits = int.from_bytes(untrusted, "big")

    def read(at: int, count: int) -> int:
        return bits >> length - at - count & (1 << count) - 1 if at + count <= length else 0

    at = 0
    while read(at, 3) in (_DATA, _FILL):
        if read(at, 3) == _FILL:
            count = read(at + 3, 4)
            at += 7
            if count == 15:
                count += read(at, 8) - 1
                at += 8
        else:
            is_aligned = read(at + 7, 1)
            count = read(at + 8, 8)
            at += 16
            if count == 255:
                count += read(at, 8)
                at += 8
            at += -at % 8 if is_aligned else 0
        end = min(at + 8 * count, length)
        if end > at:
            bits &= ~((1 << end - at) - 1 << length - end)
        at = max(at, end)
        if at >= length:
            break
    return bits.to_bytes(len(untrusted), "big")
