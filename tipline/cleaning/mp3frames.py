"""
Frames of MP3 (ISO/IEC 11172-3 and 13818-3, layer III): heads, and where a frame's sound lies.

The sound of a frame may begin in the room of frames before it. The room of all frames in a row is
the *reservoir*; a frame says how far back in it its sound begins, and how many bits it has. What
no frame's sound takes is filling: programs write their names there.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

HEAD_BYTES: Final = 4
SYNC: Final = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")  # of layer III
FARTHEST_BYTES: Final = 511  # back in the reservoir, at most

_CHECKED_BYTES: Final = 2
_VERSION_1: Final = 3
_KBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ: Final = (44100, 48000, 32000)
_VERSION_DIVISORS: Final = {3: 1, 2: 2, 0: 4}
_MONO: Final = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    A frame's head.

    Args:
        length_bytes: Of the frame; 0 if it does not say so.
        room_at: Where its part of the reservoir begins, from its first byte.
        is_version_1: Two granules, not one.
        is_mono: One channel, not two.
        family: What all frames of a stream have in common.
    """

    length_bytes: int
    room_at: int
    is_version_1: bool
    is_mono: bool
    family: tuple[int, int, bool]

    @property
    def side_bytes(self) -> int:
        """How long what says where the sound lies is."""
        return measure_side(is_version_1=self.is_version_1, is_mono=self.is_mono)


def measure_side(*, is_version_1: bool, is_mono: bool) -> int:
    """
    Measure what says where a frame's sound lies.

    Args:
        is_version_1: Two granules, not one.
        is_mono: One channel, not two.

    Returns:
        Its length.
    """
    if is_version_1:
        return 17 if is_mono else 32
    return 9 if is_mono else 17


def read_head(untrusted: bytes) -> Head | None:
    """
    Read a frame's head.

    Args:
        untrusted: At least four bytes.

    Returns:
        It, or None if it is none of layer III.
    """
    if not SYNC.match(untrusted) or len(untrusted) < HEAD_BYTES:
        return None
    version = untrusted[1] >> 3 & 3
    kbit_index, rate_index = untrusted[2] >> 4, untrusted[2] >> 2 & 3
    if kbit_index == 15 or rate_index == 3:
        return None
    is_version_1, is_mono = version == _VERSION_1, untrusted[3] >> 6 == _MONO
    rate_hz = _RATES_HZ[rate_index] // _VERSION_DIVISORS[version]
    bits = _KBITS[is_version_1][kbit_index] * 1000 * (144 if is_version_1 else 72)
    is_checked = not untrusted[1] & 1
    side_bytes = measure_side(is_version_1=is_version_1, is_mono=is_mono)
    room_at = HEAD_BYTES + (_CHECKED_BYTES if is_checked else 0) + side_bytes
    length = bits // rate_hz + (untrusted[2] >> 1 & 1) if bits else 0
    return Head(
        length_bytes=length,
        room_at=room_at,
        is_version_1=is_version_1,
        is_mono=is_mono,
        family=(version, rate_index, is_mono),
    )


def read_side(head: Head, frame: bytes) -> tuple[int, int]:
    """
    Read where a frame's sound lies.

    Args:
        head: Of the frame.
        frame: The whole.

    Returns:
        How many bytes before its own room the sound begins, and how many bits it has.
    """
    side = int.from_bytes(frame[head.room_at - head.side_bytes : head.room_at], "big")
    left = 8 * head.side_bytes
    channel_len = 1 if head.is_mono else 2
    if head.is_version_1:
        begin_bits, granule_len, part_bits = 9, 2, 59
        # Private bits, and for each channel four that say what both granules share.
        skipped_bits = 5 + 4 if head.is_mono else 3 + 8
    else:
        begin_bits, granule_len, part_bits = 8, 1, 63
        skipped_bits = 1 if head.is_mono else 2
    left -= begin_bits
    begin = side >> left
    left -= skipped_bits
    bits = 0
    for _ in range(granule_len * channel_len):
        bits += side >> left - 12 & 0xFFF
        left -= part_bits
    return begin, bits
