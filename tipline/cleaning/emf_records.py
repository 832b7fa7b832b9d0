"""
Records of EMF that have no length of their own: written anew, as long as their fields ask for.

1. Behind what a record's fields ask for stands nothing; what a field leaves open is 0: the second
   width of a pen, the hatch of a brush that has none, what fills a record up.
2. Fonts keep what finds them: the face's name, and nothing behind its end.
3. Bitmaps are cleaned (`dibs`), and stand right behind a record's own fields.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.dibs import clean_bitmap
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.metafile_rules import COUNTED, EMF, REGIONS

Rewriter = Callable[[bytes], bytes]

_HEAD_BYTES: Final = 8
_HATCHED: Final = 2  # a brush's way
_FONT_BYTES: Final = 332  # as GDI writes it
_FACE_AT, _FACE_END = 40, 104
_TEXT_BYTES: Final = 76
_PLACED_TWICE: Final = 0x2000  # a letter has two distances
_NO_RECTANGLE, _IS_SHORT = 0x100, 0x200
_REGION_BYTES: Final = 32
_SET_PIXELS: Final = 80


def end_name(untrusted: bytes, *, width_bytes: int) -> bytes:
    """
    End a name of a fixed length where it ends.

    Args:
        untrusted: Letters, of which the first 0 is the end.
        width_bytes: Of a letter.

    Returns:
        As many bytes, 0 from the end on.
    """
    for at in range(0, len(untrusted), width_bytes):
        if not any(untrusted[at : at + width_bytes]):
            return untrusted[:at] + bytes(len(untrusted) - at)
    return untrusted


def _number(record: bytes | bytearray, at: int) -> int:
    if at + 4 > len(record):
        raise RefusedError(Reason.MALFORMED)
    return int.from_bytes(record[at : at + 4], "little")


def _take(record: bytes, start: int, length_bytes: int) -> bytes:
    taken = record[start : start + length_bytes]
    if len(taken) != length_bytes:
        raise RefusedError(Reason.MALFORMED)
    return taken


def _fill(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _cut(record: bytes, length_bytes: int, *, filled_bytes: int = 0) -> bytes:
    """Cut a record behind what its fields ask for, and write its length anew."""
    content = _fill(_take(record, _HEAD_BYTES, length_bytes - _HEAD_BYTES) + bytes(filled_bytes))
    return record[:4] + (_HEAD_BYTES + len(content)).to_bytes(4, "little") + content


def _rewrite_pen(record: bytes) -> bytes:
    cut = _cut(record, 28)
    return cut[:20] + bytes(4) + cut[24:]


def _rewrite_brush(record: bytes) -> bytes:
    cut = _cut(record, 24)
    return cut if _number(cut, 12) == _HATCHED else cut[:20] + bytes(4)


def _rewrite_styled_pen(record: bytes) -> bytes:
    if _number(record, 16) or _number(record, 24):
        raise RefusedError(Reason.UNSUPPORTED)  # lines of bitmaps
    count = _number(record, 48)
    cut = _cut(record, 52 + 4 * count, filled_bytes=0 if count else 4)
    hatch = cut[44:48] if _number(cut, 36) == _HATCHED else bytes(4)
    return cut[:12] + bytes(16) + cut[28:44] + hatch + cut[48:]


def _rewrite_palette(record: bytes) -> bytes:
    return _cut(record, 16 + 4 * int.from_bytes(_take(record, 14, 2), "little"))


def _rewrite_font(record: bytes) -> bytes:
    face = end_name(_take(record, _FACE_AT, _FACE_END - _FACE_AT), width_bytes=2)
    return (
        record[:4]
        + _FONT_BYTES.to_bytes(4, "little")
        + record[_HEAD_BYTES:_FACE_AT]
        + face
        + bytes(_FONT_BYTES - _FACE_END)
    )


def _rewrite_gradient(record: bytes) -> bytes:
    corner_len, count, way = _number(record, 24), _number(record, 28), _number(record, 32)
    is_triangles = way == 2  # else rectangles, whose places are filled up
    used_bytes = 36 + 16 * corner_len + (12 if is_triangles else 8) * count
    return _cut(record, used_bytes, filled_bytes=0 if is_triangles else 4 * count)


def _rewrite_region(record: bytes, *, count_at: int, start: int) -> bytes:
    if not _number(record, count_at):
        return _cut(record, start)
    size, kind, count = (_number(record, start + at) for at in (0, 4, 8))
    if size != _REGION_BYTES or kind != 1:
        raise RefusedError(Reason.MALFORMED)
    cut = _cut(record, start + _REGION_BYTES + 16 * count)
    return (
        cut[:count_at]
        + (_REGION_BYTES + 16 * count).to_bytes(4, "little")
        + cut[count_at + 4 : start + 12]
        + (16 * count).to_bytes(4, "little")
        + cut[start + 16 :]
    )


def _rewrite_text(record: bytes, *, width_bytes: int) -> bytes:
    count, text_at = _number(record, 44), _number(record, 48)
    is_placed_twice = _number(record, 52) & _PLACED_TWICE
    distances_at = _number(record, 72)
    content = b""
    if count:
        if text_at < _TEXT_BYTES:
            raise RefusedError(Reason.MALFORMED)
        content = _fill(_take(record, text_at, count * width_bytes))
    new_distances_at = _TEXT_BYTES + len(content) if distances_at else 0
    if distances_at and count:
        if distances_at < _TEXT_BYTES:
            raise RefusedError(Reason.MALFORMED)
        content += _take(record, distances_at, count * (8 if is_placed_twice else 4))
    return (
        record[:4]
        + (_TEXT_BYTES + len(content)).to_bytes(4, "little")
        + record[8:48]
        + _TEXT_BYTES.to_bytes(4, "little")
        + record[52:72]
        + new_distances_at.to_bytes(4, "little")
        + content
    )


def _rewrite_short_text(record: bytes) -> bytes:
    count, options = _number(record, 16), _number(record, 20)
    start = 36 if options & _NO_RECTANGLE else 52
    return _cut(record, start + count * (1 if options & _IS_SHORT else 2))


def _rewrite_bitmap(record: bytes, places: tuple[int, ...]) -> bytes:
    own_bytes, *pairs = places
    own, content = bytearray(_take(record, 0, own_bytes)), b""
    for usage_at, place_at in zip(pairs[::2], pairs[1::2], strict=True):
        head_at, head_bytes, pixels_at, pixels_bytes = struct.unpack_from("<4I", own, place_at)
        if not head_bytes:
            own[place_at : place_at + 16] = bytes(16)
            continue
        if min(head_at, pixels_at) < own_bytes:
            raise RefusedError(Reason.MALFORMED)
        head, pixels = clean_bitmap(
            _take(record, head_at, head_bytes),
            _take(record, pixels_at, pixels_bytes),
            usage=_number(own, usage_at),
            rows=_number(own, 72) if record[0] == _SET_PIXELS else None,
        )
        head_at = own_bytes + len(content)
        content += _fill(head)
        pixels_at = own_bytes + len(content)
        content += _fill(pixels)
        struct.pack_into("<4I", own, place_at, head_at, len(head), pixels_at, len(pixels))
    struct.pack_into("<I", own, 4, own_bytes + len(content))
    return bytes(own) + content


def _make_counted(own_bytes: int, count_at: int, each_bytes: int) -> Rewriter:
    return lambda record: _cut(record, own_bytes + each_bytes * _number(record, count_at))


def _make_polygons(point_bytes: int) -> Rewriter:
    def rewrite(record: bytes) -> bytes:
        count, point_len = _number(record, 24), _number(record, 28)
        cut = _cut(record, 32 + 4 * count + point_bytes * point_len)
        if sum(struct.unpack_from(f"<{count}I", cut, 32)) != point_len:
            raise RefusedError(Reason.MALFORMED)
        return cut

    return rewrite


def _make_region(start: int) -> Rewriter:
    return lambda record: _rewrite_region(record, count_at=24, start=start)


def _make_bitmap(places: tuple[int, ...]) -> Rewriter:
    return lambda record: _rewrite_bitmap(record, places)


# By the record's number.
REWRITERS: Final[Mapping[int, Rewriter]] = {
    7: _make_polygons(8),
    8: _make_polygons(8),
    38: _rewrite_pen,
    39: _rewrite_brush,
    49: _rewrite_palette,
    56: _make_counted(28, 24, 9),  # points, and a byte for each
    75: lambda record: _rewrite_region(record, count_at=8, start=16),
    82: _rewrite_font,
    83: lambda record: _rewrite_text(record, width_bytes=1),
    84: lambda record: _rewrite_text(record, width_bytes=2),
    90: _make_polygons(4),
    91: _make_polygons(4),
    92: _make_counted(28, 24, 5),
    95: _rewrite_styled_pen,
    108: _rewrite_short_text,
    118: _rewrite_gradient,
    **{number: _make_counted(*places) for number, places in COUNTED.items()},
    **{number: _make_region(start) for number, start in REGIONS.items()},
    **{number: _make_bitmap(places) for number, places in EMF.bitmaps.items()},
}
