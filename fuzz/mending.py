"""
Mends what damage breaks everywhere: sums over parts, without which nothing behind them is reached.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.ogg import HEAD_BYTES, SIGNATURE
from tipline.cleaning.oggsums import compute_checksum

_SUM: Final = slice(22, 26)


def mend(data: bytes) -> bytes:
    """
    Write the right checksums into what looks like pages of Ogg.

    Args:
        data: Damaged.

    Returns:
        It, or the same bytes if they are of another format.
    """
    mended = bytearray(data)
    start = 0
    while data.startswith(SIGNATURE, start) and len(data) >= start + HEAD_BYTES:
        segments = data[start + HEAD_BYTES : start + HEAD_BYTES + data[start + HEAD_BYTES - 1]]
        end = start + HEAD_BYTES + len(segments) + sum(segments)
        page = mended[start:end]
        page[_SUM] = bytes(4)
        page[_SUM] = compute_checksum(bytes(page)).to_bytes(4, "little")
        mended[start:end] = page
        start = end
    return bytes(mended)
