"""
H.264 and HEVC: samples are units, each behind its length; some are pictures, others only tell.
Chromium, when it records, writes each behind a mark instead (their Annexes B).

Kept are pictures and what decodes them. What only tells (SEI) is a row of messages: of them those
stay that say how a picture is shown, with a length that fits. Encoders leave their names and
settings there, cameras the place and the time. Fill goes, and so do units that the standards give
no meaning, and those of a second layer.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind, Piece, Range
from tipline.cleaning.window import Bytes

_MARK: Final = b"\0\0\1"
MAX_SEI_BYTES: Final = 64 * 1024  # a longer one goes unread

# Units that are kept as they are, by what they are.
PLAIN_AVC: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 19))
_AVC_SEI: Final = frozenset((6,))
PLAIN_HEVC: Final = frozenset((*range(10), *range(16, 22), 32, 33, 34, 35, 36, 37))
_HEVC_SEI: Final = frozenset((39, 40))
# Recovery point, frame packing, display orientation, mastering display, light level, transfer.
# Each of the lengths that it can have: numbers of the first three have no fixed one.
_SEI_KEPT: Final = {
    6: range(1, 9),
    45: range(1, 25),
    47: range(1, 9),
    137: range(24, 25),
    144: range(4, 5),
    147: range(1, 2),
}


def filter_nals(
    source: Bytes, offset: int, size: int, *, length_bytes: int, is_hevc: bool, found: set[Kind]
) -> list[Piece] | None:
    """
    Find what of a sample is kept.

    Args:
        source: The file.
        offset: Where the sample begins.
        size: How long it is; lies within the file.
        length_bytes: Of the length before each unit.
        is_hevc: HEVC, else H.264.
        found: Takes the kinds of what goes.

    Returns:
        The pieces that are kept, None if all of it is.

    Raises:
        RefusedError: a unit is not whole.
    """
    pieces: list[Piece] = []
    start = at = offset
    end = offset + size
    while at < end:
        head = source.read(at, min(length_bytes + 2, end - at))
        unit_bytes = int.from_bytes(head[:length_bytes], "big")
        unit, at = at + length_bytes, at + length_bytes + unit_bytes
        if at > end:
            raise RefusedError(Reason.MALFORMED)
        kind, is_base = _read_head(head[length_bytes : length_bytes + unit_bytes], is_hevc=is_hevc)
        if is_base and kind in (PLAIN_HEVC if is_hevc else PLAIN_AVC):
            continue
        told = b""
        if is_base and kind in (_HEVC_SEI if is_hevc else _AVC_SEI):
            content = source.read(unit, min(unit_bytes, MAX_SEI_BYTES))
            told = _filter_sei(content, 2 if is_hevc else 1, found=found)
            if told == content and unit_bytes == len(content):
                continue
        else:
            found.add(Kind.OTHER)
        if unit - length_bytes > start:
            pieces.append(Range(offset=start, length_bytes=unit - length_bytes - start))
        if told:
            pieces.append(len(told).to_bytes(length_bytes, "big") + told)
        start = at
    if start == offset:
        return None
    if end > start:
        pieces.append(Range(offset=start, length_bytes=end - start))
    return pieces


def filter_stream(untrusted: bytes, *, is_hevc: bool, found: set[Kind]) -> bytes:
    """
    Keep of a sample whose units have marks before them what is kept.

    Args:
        untrusted: The sample.
        is_hevc: HEVC, else H.264.
        found: Takes the kinds of what goes.

    Returns:
        The units that are kept, each behind a mark of four bytes.

    Raises:
        RefusedError: it does not begin with a mark.
    """
    before, *units = untrusted.split(_MARK)
    if before.strip(b"\0"):
        raise RefusedError(Reason.MALFORMED)
    kept = []
    for padded in units:
        unit = padded.rstrip(b"\0")  # a unit ends with a bit that is set
        kind, is_base = _read_head(unit, is_hevc=is_hevc)
        if is_base and kind in (PLAIN_HEVC if is_hevc else PLAIN_AVC):
            kept.append(unit)
        elif is_base and kind in (_HEVC_SEI if is_hevc else _AVC_SEI):
            told = _filter_sei(unit[:MAX_SEI_BYTES], 2 if is_hevc else 1, found=found)
            kept += [told] if told else []
        else:
            found.add(Kind.OTHER)
    return b"".join(b"\0" + _MARK + unit for unit in kept)


def _read_head(head: bytes, *, is_hevc: bool) -> tuple[int | None, bool]:
    """Return what a unit is, and whether it is of the first layer."""
    if len(head) < (2 if is_hevc else 1):
        return None, False
    if is_hevc:
        return head[0] >> 1 & 63, not (head[0] & 1 or head[1] & 0xF8)
    return head[0] & 31, True


def _filter_sei(unit: bytes, head_bytes: int, *, found: set[Kind]) -> bytes:
    """Keep the messages that stay; b"" if there are none."""
    plain = unit[head_bytes:].replace(b"\0\0\3", b"\0\0")
    kept = []
    at = 0
    while plain[at:] != b"\x80":
        start = at
        kind, at = _read_number(plain, at)
        size, at = _read_number(plain, at)
        content = plain[at : at + size]
        at += size
        if at >= len(plain):
            # Not whole: nobody knows what it says.
            found.add(Kind.OTHER)
            return b""
        if size in _SEI_KEPT.get(kind, ()):
            kept.append(plain[start:at])
        else:
            found.add(Kind.SOFTWARE if b"x26" in content else Kind.OTHER)
    if not kept:
        return b""
    again = b"".join((*kept, b"\x80"))
    return unit if again == plain else unit[:head_bytes] + _escape(again)


def _read_number(plain: bytes, at: int) -> tuple[int, int]:
    number = 0
    while plain[at : at + 1] == b"\xff":
        number += 255
        at += 1
    return number + sum(plain[at : at + 1]), at + 1


def _escape(plain: bytes) -> bytes:
    escaped = bytearray()
    zeros = 0
    for byte in plain:
        if zeros == 2 and byte < 4:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(escaped)
