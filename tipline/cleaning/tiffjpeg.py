"""
JPEG inside a TIFF: a strip or tile is a picture without its tables, which stand apart.

Each is walked by JPEG's own rules: tables, one frame, scans, the end. What else stands in it goes;
what a decoder needs to know of the colours is in the directory.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.jpeg import (
    APPLICATIONS,
    COM,
    EOI,
    FRAMES,
    SCAN_END,
    SOS,
    TABLES,
    is_frame,
    is_scan_head,
)
from tipline.cleaning.plan import Kind, PlanBuilder, Range
from tipline.cleaning.source import WINDOW_BYTES, Source

_FIRST_STEP_BYTES: Final = 4096  # a tile has mostly less than 64 KiB


def read_jpeg(
    source: Source, builder: PlanBuilder, *, offset: int, length_bytes: int, is_picture: bool
) -> tuple[Range, ...]:
    """
    Find what stays of a JPEG that is a part of a file.

    Args:
        source: The file.
        builder: Is told what goes.
        offset: Where it begins.
        length_bytes: How long it is; within the file.
        is_picture: Whether it has a frame and scans, or tables alone.

    Returns:
        What stays of it, in order.

    Raises:
        RefusedError: it breaks JPEG's rules.
    """
    end = offset + length_bytes
    if length_bytes < 4 or source.read(offset, 2) != b"\xff\xd8":
        raise RefusedError(Reason.MALFORMED)
    kept = [Range(offset=offset, length_bytes=2)]
    position = offset + 2
    has_frame = has_scan = False
    while True:
        builder.count_part()
        mark, marker = _read(source, position, 2, end)
        if mark != 0xFF:
            raise RefusedError(Reason.MALFORMED)
        if marker == EOI:
            break
        length = int.from_bytes(_read(source, position + 2, 2, end), "big")
        if length < 2:
            raise RefusedError(Reason.MALFORMED)
        content = _read(source, position + 4, length - 2, end)
        following = position + 2 + length
        if marker in APPLICATIONS or marker == COM:
            builder.find(Kind.TEXT if marker == COM else Kind.OTHER)
            position = following
            continue
        if marker in FRAMES:
            is_sound = is_picture and not has_frame and is_frame(content)
            has_frame = True
        elif marker == SOS:
            is_sound = has_frame and is_scan_head(content)
            has_scan = True
            following = _find_scan_end(source, following, end)
        else:
            is_sound = marker in TABLES and TABLES[marker](content)
        if not is_sound:
            raise RefusedError(Reason.MALFORMED)
        _keep(kept, position, following)
        position = following
    if has_scan != is_picture:
        raise RefusedError(Reason.MALFORMED)
    _keep(kept, position, position + 2)
    if position + 2 < end:
        builder.find(Kind.TRAILING)
    return tuple(kept)


def _read(source: Source, offset: int, length_bytes: int, end: int) -> bytes:
    if offset + length_bytes > end:
        raise RefusedError(Reason.TRUNCATED)
    return source.read(offset, length_bytes)


def _find_scan_end(source: Source, start: int, end: int) -> int:
    """Return where coded data ends: at a marker, with no fill before it."""
    position, step = start, _FIRST_STEP_BYTES
    while position + 2 <= end:
        data = source.read(position, min(step, end - position))
        match = SCAN_END.search(data, 0, len(data))
        if match is not None:
            found = position + match.start()
            if found > start and source.read(found - 1, 1) == b"\xff":
                raise RefusedError(Reason.MALFORMED)
            return found
        # The last byte may be the first of two.
        position += len(data) - 1
        step = min(2 * step, WINDOW_BYTES)
    raise RefusedError(Reason.TRUNCATED)


def _keep(kept: list[Range], start: int, end: int) -> None:
    last = kept[-1]
    if last.offset + last.length_bytes == start:
        kept[-1] = Range(offset=last.offset, length_bytes=end - last.offset)
    else:
        kept.append(Range(offset=start, length_bytes=end - start))
