"""
WMF (MS-WMF): older drawings of Windows inside documents, records that draw one after the other.

1. Records that are listed stay, each exactly as long as its fields ask for; what a field leaves
   open is 0. Escapes go: they hold words to printers, paths, and what programs note for themselves.
   Any other record is refused.
2. Fonts keep the face's name, and nothing behind its end. Bitmaps are cleaned (`dibs`).
3. The head is written anew, and of the one that some have before it the place and the scale.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.dibs import clean_packed_bitmap
from tipline.cleaning.emf_records import end_name
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.metafile_rules import LONGER, WMF
from tipline.cleaning.plan import Kind

MAX_RECORDS: Final = 1_000_000  # two seconds of reading

_PLACED: Final = b"\xd7\xcd\xc6\x9a"
_PLACED_HEAD: Final = struct.Struct("<4sH8sHIH")
_HEAD: Final = struct.Struct("<3HIHI2x")
_HEAD_WORDS: Final = 9
_VERSIONS: Final = (0x100, 0x300)
_RECORD: Final = struct.Struct("<IH")
_RECORD_WORDS: Final = 3
_END: Final = struct.pack("<IH", _RECORD_WORDS, 0)
_HATCHED: Final = 2  # a brush's way
_FACE_AT, _FACE_BYTES = 24, 32
_HAS_RECTANGLE: Final = 0x6
_SET_PIXELS: Final = 0x0D33
# Bit blocks that need no bitmap: a word that means nothing stands in its place.
_BLOCKS: Final = {0x0922: 12, 0x0940: 12, 0x0B23: 14, 0x0B41: 14}
_FILLED_AT: Final = {0x0922: 14, 0x0940: 14, 0x0B23: 18, 0x0B41: 18}

Rewriter = Callable[[bytes], bytes]


def is_wmf(untrusted: bytes) -> bool:
    """
    Tell WMF by its first bytes.

    Args:
        untrusted: A picture.

    Returns:
        Whether it begins as WMF does.
    """
    start = _PLACED_HEAD.size if untrusted.startswith(_PLACED) else 0
    if start + _HEAD.size > len(untrusted):
        return False
    kind, head_words, version = _HEAD.unpack_from(untrusted, start)[:3]
    return kind in (1, 2) and head_words == _HEAD_WORDS and version in _VERSIONS


def clean_wmf(untrusted: bytes) -> tuple[bytes, set[Kind]]:
    """
    Clean a WMF.

    Args:
        untrusted: `is_wmf`.

    Returns:
        What stays, and the kinds of what goes; none for what only is written otherwise.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    kinds: set[Kind] = set()
    placed = b""
    if untrusted.startswith(_PLACED):
        placed = _write_placed(untrusted)
    version, _, object_len = _HEAD.unpack_from(untrusted, len(placed))[2:5]
    at = len(placed) + _HEAD.size
    out: list[bytes] = []
    for _ in range(MAX_RECORDS):
        if at + _RECORD.size > len(untrusted):
            raise RefusedError(Reason.TRUNCATED)
        words, number = _RECORD.unpack_from(untrusted, at)
        if words < _RECORD_WORDS:
            raise RefusedError(Reason.MALFORMED)
        if at + 2 * words > len(untrusted):
            raise RefusedError(Reason.TRUNCATED)
        record = untrusted[at : at + 2 * words]
        at += 2 * words
        if number == 0:
            break
        if number in WMF.dropped:
            kinds.add(WMF.dropped[number])
        else:
            out.append(_rewrite(number, record))
    else:
        raise RefusedError(Reason.TOO_COMPLEX)
    if at != len(untrusted):
        kinds.add(Kind.TRAILING)
    out.append(_END)
    total_words = _HEAD_WORDS + sum(map(len, out)) // 2
    largest_words = max(map(len, out)) // 2
    head = _HEAD.pack(1, _HEAD_WORDS, version, total_words, object_len, largest_words)
    return placed + head + b"".join(out), kinds


def _write_placed(untrusted: bytes) -> bytes:
    _, _, rectangle, units, _, _ = _PLACED_HEAD.unpack_from(untrusted)
    head = _PLACED_HEAD.pack(_PLACED, 0, rectangle, units, 0, 0)
    total = 0
    for word in struct.unpack("<10H", head[:20]):
        total ^= word
    return head[:20] + total.to_bytes(2, "little")


def _rewrite(number: int, record: bytes) -> bytes:
    words = WMF.fixed.get(number)
    if words is not None:
        if len(record) == 2 * words:
            return record
        if number in LONGER and len(record) == 2 * words + 2:
            return record[:-2] + bytes(2)
        raise RefusedError(Reason.MALFORMED)
    if len(record) == 2 * _BLOCKS.get(number, 0):
        filled_at = _FILLED_AT[number]
        return record[:filled_at] + bytes(2) + record[filled_at + 2 :]
    if number in WMF.bitmaps:
        return _rewrite_bitmap(number, record)
    rewrite = _REWRITERS.get(number)
    if rewrite is None:
        raise RefusedError(Reason.UNSUPPORTED)
    return rewrite(record)


def _word(record: bytes, at: int) -> int:
    if at + 2 > len(record):
        raise RefusedError(Reason.MALFORMED)
    return int.from_bytes(record[at : at + 2], "little")


def _write(record: bytes, content: bytes) -> bytes:
    """Write a record with its number, and content of its own."""
    content += bytes(len(content) % 2)
    return struct.pack("<I", _RECORD_WORDS + len(content) // 2) + record[4:6] + content


def _take(record: bytes, start: int, end: int) -> bytes:
    taken = record[start:end]
    if len(taken) != end - start:
        raise RefusedError(Reason.MALFORMED)
    return taken


def _rewrite_bitmap(number: int, record: bytes) -> bytes:
    own_words, usage_word = WMF.bitmaps[number]
    own = _take(record, 6, 2 * own_words)
    usage = _word(record, 2 * usage_word) if usage_word else 0
    rows = _word(record, 8) if number == _SET_PIXELS else None
    return _write(
        record, own + clean_packed_bitmap(record[2 * own_words :], usage=usage, rows=rows)
    )


def _rewrite_pen(record: bytes) -> bytes:
    return _write(record, _take(record, 6, 10) + bytes(2) + _take(record, 12, 16))


def _rewrite_brush(record: bytes) -> bytes:
    hatch = _take(record, 12, 14) if _word(record, 6) == _HATCHED else bytes(2)
    return _write(record, _take(record, 6, 12) + hatch)


def _rewrite_font(record: bytes) -> bytes:
    face = record[_FACE_AT : _FACE_AT + _FACE_BYTES]
    face = end_name(face + bytes(_FACE_BYTES - len(face)), width_bytes=1)
    return _write(record, _take(record, 6, _FACE_AT) + face)


def _rewrite_points(record: bytes) -> bytes:
    return _write(record, _take(record, 6, 8 + 4 * _word(record, 6)))


def _rewrite_polygons(record: bytes) -> bytes:
    count = _word(record, 6)
    point_len = sum(_word(record, 8 + 2 * at) for at in range(count))
    return _write(record, _take(record, 6, 8 + 2 * count + 4 * point_len))


def _rewrite_palette(record: bytes) -> bytes:
    return _write(record, _take(record, 6, 10 + 4 * _word(record, 8)))


def _rewrite_text(record: bytes) -> bytes:
    count = _word(record, 6)
    end = 8 + count + count % 2
    text = _take(record, 8, 8 + count) + bytes(count % 2)
    return _write(record, record[6:8] + text + _take(record, end, end + 4))


def _rewrite_placed_text(record: bytes) -> bytes:
    count, options = _word(record, 10), _word(record, 12)
    start = 22 if options & _HAS_RECTANGLE else 14
    own = _take(record, 6, start)
    text = _take(record, start, start + count) + bytes(count % 2)
    distances = record[start + len(text) :][: 2 * count]
    return _write(record, own + text + (distances if len(distances) == 2 * count else b""))


# By the record's number.
_REWRITERS: Final[Mapping[int, Rewriter]] = {
    0x0037: _rewrite_palette,
    0x00F7: _rewrite_palette,
    0x02FA: _rewrite_pen,
    0x02FB: _rewrite_font,
    0x02FC: _rewrite_brush,
    0x0324: _rewrite_points,
    0x0325: _rewrite_points,
    0x0436: _rewrite_palette,
    0x0521: _rewrite_text,
    0x0538: _rewrite_polygons,
    0x0A32: _rewrite_placed_text,
}
