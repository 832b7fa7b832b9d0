"""
FLAC (RFC 9639): blocks, then frames of sound.

1. Tags around the file go (`soundtags`).
2. Of the blocks before the sound STREAMINFO stays, 34 bytes that say what can be, with the sum of
   the samples. All other blocks go, known or not: comments, pictures, tables for seeking, padding.
3. The sound begins with a frame's head, and ends with a whole frame: its two sums are right. What
   lies behind it is a tag, or the file is refused.
4. A second FLAC in it, with blocks of its own, is refused.

*Limitations.* Zeros behind the last frame stay: they change no sum. The frames between the first
and the last are not read: bytes that somebody wrote between two of them, where decoders pass over
them, stay.
"""

from __future__ import annotations

import re
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.flacblocks import (
    BLOCK_HEAD_BYTES,
    BLOCK_TYPE,
    LAST_BLOCK,
    STREAMINFO,
    STREAMINFO_BYTES,
    check_streaminfo,
    find_block_kinds,
)
from tipline.cleaning.plan import Format, Plan, PlanBuilder
from tipline.cleaning.soundtags import find_tags
from tipline.cleaning.source import Source

SIGNATURE: Final = b"fLaC"
LONGEST_FRAME_BYTES: Final = 1024 * 1024  # of two channels, 65,535 samples of 24 bits: 400 KB
MAX_CANDIDATES: Final = 4  # that look like the last frame's head; chance makes one in 10 MB
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a block that goes
SEARCHED_BYTES: Final = 256 * 1024  # at once

_FORBIDDEN_BLOCK: Final = 127
_HEAD: Final = SIGNATURE + bytes([LAST_BLOCK | STREAMINFO, 0, 0, STREAMINFO_BYTES])
# Eight bytes that chance makes once in as many files as there are.
_SECOND: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_LONGEST_HEAD_BYTES: Final = 16
_SYNCS: Final = (b"\xff\xf8", b"\xff\xf9")  # blocks of one size, of several sizes
_SIZE_BYTES: Final = {6: 1, 7: 2}  # of a block's size that stands behind the number
_RATE_BYTES: Final = {12: 1, 13: 2, 14: 2}  # of a rate that stands behind that


def plan_flac(source: Source) -> Plan:
    """
    Plan the cleaning of a FLAC.

    Args:
        source: Begins with `SIGNATURE`, or with ID3 and then with `SIGNATURE`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    builder = PlanBuilder(format=Format.FLAC, source=source)
    tags = find_tags(source)
    builder.find(*tags.kinds)
    position = _read_blocks(source, builder, tags.start + len(SIGNATURE))
    _check_sound(source, position, tags.end)
    _refuse_second(source, position, tags.end)
    builder.keep(position, tags.end - position)
    return builder.build()


def measure_head(untrusted: bytes) -> int:
    """
    Measure a frame's head.

    Args:
        untrusted: From the mark of its beginning on.

    Returns:
        Its length with its sum; 0 if it is none, or its sum is wrong.
    """
    if len(untrusted) < _LONGEST_HEAD_BYTES or untrusted[:2] not in _SYNCS:
        return 0
    size, rate = untrusted[2] >> 4, untrusted[2] & 15
    channels, depth = untrusted[3] >> 4, untrusted[3] & 15
    if not size or rate == 15 or channels > 10 or depth & 1 or depth == 6:
        return 0
    # The number is coded as UTF-8 codes characters, with up to seven bytes.
    leading = (~untrusted[4] & 0xFF).bit_length()
    number_bytes = 8 - leading or 1
    if number_bytes == 8 or leading == 7:
        return 0
    length = 4 + number_bytes + _SIZE_BYTES.get(size, 0) + _RATE_BYTES.get(rate, 0)
    return length + 1 if compute_sum8(untrusted[:length]) == untrusted[length] else 0


def compute_sum8(data: bytes) -> int:
    """
    Compute the sum of a frame's head.

    Args:
        data: It.

    Returns:
        The sum.

    Source:
        RFC 9639 section 9.1.8: polynomial 07, beginning with 0.
    """
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register << 1 ^ (0x107 if register & 0x80 else 0)
    return register


def compute_sum16(data: bytes) -> int:
    """
    Compute the sum of a frame.

    Args:
        data: It.

    Returns:
        The sum; 0 if its own sum is included and right.

    Source:
        RFC 9639 section 9.3: polynomial 8005, beginning with 0.
    """
    register = 0
    for byte in data:
        register = (register << 8 & 0xFFFF) ^ _SUMS[register >> 8 ^ byte]
    return register


def _read_blocks(source: Source, builder: PlanBuilder, position: int) -> int:
    """Keep STREAMINFO, look at all other blocks; return where the sound begins."""
    is_first, is_last = True, False
    while not is_last:
        builder.count_part()
        head = source.read(position, BLOCK_HEAD_BYTES)
        start, length = position + BLOCK_HEAD_BYTES, int.from_bytes(head[1:], "big")
        source.check(start, length)
        kind, is_last = head[0] & BLOCK_TYPE, bool(head[0] & LAST_BLOCK)
        if (kind == STREAMINFO) != is_first or kind == _FORBIDDEN_BLOCK:
            raise RefusedError(Reason.MALFORMED)
        if is_first:
            if length != STREAMINFO_BYTES:
                raise RefusedError(Reason.MALFORMED)
            check_streaminfo(source.read(start, length))
            builder.write(_HEAD)
            builder.keep(start, length)
        else:
            content = source.read(start, min(length, MAX_LOOKED_AT_BYTES))
            builder.find(*find_block_kinds(head[0], content))
        is_first = False
        position = start + length
    return position


def _check_sound(source: Source, start: int, end: int) -> None:
    """Hold that sound begins with a frame and ends with a whole one."""
    first = source.read_up_to(start, _LONGEST_HEAD_BYTES)
    # The shortest frames are shorter than the longest head.
    if not measure_head(first.ljust(_LONGEST_HEAD_BYTES, b"\0")):
        raise RefusedError(Reason.MALFORMED)
    tail_at = max(start, end - LONGEST_FRAME_BYTES)
    tail = source.read(tail_at, max(0, end - tail_at))
    at, candidate_len = len(tail), 0
    while candidate_len < MAX_CANDIDATES:
        at = tail.rfind(first[:2], 0, at + 1)
        if at < 0:
            break
        if measure_head(tail[at : at + _LONGEST_HEAD_BYTES].ljust(_LONGEST_HEAD_BYTES, b"\0")):
            candidate_len += 1
            if compute_sum16(tail[at:]) == 0:
                return
        at -= 1
    raise RefusedError(Reason.TRUNCATED)


def _refuse_second(source: Source, start: int, end: int) -> None:
    """Hold that no other FLAC was put behind this one: its comments would stay."""
    for at in range(start, end, SEARCHED_BYTES):
        window = source.read(at, min(SEARCHED_BYTES + len(_HEAD) - 1, end - at))
        if _SECOND.search(window):
            raise RefusedError(Reason.UNSUPPORTED)


def _sum_byte(value: int) -> int:
    register = value << 8
    for _ in range(8):
        register = register << 1 ^ (0x18005 if register & 0x8000 else 0)
    return register


_SUMS: Final = tuple(_sum_byte(value) for value in range(256))
