"""
Bitmaps inside drawings of Windows (DIB; MS-WMF 2.2.2.9): a head, colours, pixels.

1. The head is written anew as the shortest that says the same: without a resolution, a colour space
   or a profile, without colours that no pixel can name.
2. Pixels are exactly as many as the head says; what stands behind them goes, and so does what fills
   rows up. Compressed ones (RLE) go up to their end.
3. A JPEG or a PNG in place of pixels is cleaned by its own rules.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.rasters import clean_raster

PALETTE_INDICES: Final = 2  # a usage: there are no colours

_HEAD: Final = struct.Struct("<IiiHHIIiiII")
_OLD_HEAD: Final = struct.Struct("<IHHHH")
_HEADS: Final = frozenset({40, 52, 56, 64, 108, 124})
_DEPTHS: Final = frozenset({1, 4, 8, 16, 24, 32})
_RGB, _RLE8, _RLE4, _FIELDS, _JPEG, _PNG = range(6)
_PALETTE: Final = 1  # a usage: colours are numbers of a palette's


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """
    A head, as it is written.

    Args:
        written: It, but for the length of the pixels.
        length_bytes: How much of what was there it is, with its colours.
        width: In pixels.
        height: In pixels.
        depth: Bits of a pixel.
        compression: By its number.
    """

    written: bytes
    length_bytes: int
    width: int
    height: int
    depth: int
    compression: int


def clean_bitmap(
    untrusted_head: bytes, untrusted_pixels: bytes, *, usage: int, rows: int | None = None
) -> tuple[bytes, bytes]:
    """
    Clean a bitmap.

    Args:
        untrusted_head: The head, and the colours.
        untrusted_pixels: The pixels.
        usage: What the colours are.
        rows: How many there are, if not all that the head says.

    Returns:
        Both as they stay.

    Raises:
        RefusedError: it breaks the rules above, or is of a kind that hardly any program shows.
    """
    head = _read_head(untrusted_head, usage)
    if head.compression in (_JPEG, _PNG):
        pixels = clean_raster(untrusted_pixels)[1]
    elif head.compression in (_RLE8, _RLE4):
        pixels = untrusted_pixels[: _find_end(untrusted_pixels, head.compression)]
    else:
        pixels = _cut_rows(untrusted_pixels, head, head.height if rows is None else rows)
    written = head.written
    if len(written) > _OLD_HEAD.size and written[0] == _HEAD.size:
        written = written[:20] + struct.pack("<I", len(pixels)) + written[24:]
    return written, pixels


def clean_packed_bitmap(untrusted: bytes, *, usage: int, rows: int | None = None) -> bytes:
    """
    Clean a bitmap whose pixels stand right behind its colours.

    Args:
        untrusted: It.
        usage: What the colours are.
        rows: How many there are, if not all that the head says.

    Returns:
        It as it stays.

    Raises:
        RefusedError: as of `clean_bitmap`.
    """
    length_bytes = _read_head(untrusted, usage).length_bytes
    head, pixels = clean_bitmap(untrusted, untrusted[length_bytes:], usage=usage, rows=rows)
    return head + pixels


def _read_head(untrusted: bytes, usage: int) -> _Head:
    if len(untrusted) < _OLD_HEAD.size:
        raise RefusedError(Reason.MALFORMED)
    size = int.from_bytes(untrusted[:4], "little")
    if size == _OLD_HEAD.size:
        return _read_old_head(untrusted, usage)
    if size not in _HEADS or len(untrusted) < size:
        raise RefusedError(Reason.UNSUPPORTED)
    fields = _HEAD.unpack_from(untrusted)
    _, width, height, planes, depth, compression = fields[:6]
    colour_len, important_len = fields[9:]
    if width <= 0 or height == 0 or planes != 1:
        raise RefusedError(Reason.MALFORMED)
    if compression in (_JPEG, _PNG):
        depth = colour_len = important_len = 0
    elif compression > _PNG or depth not in _DEPTHS:
        raise RefusedError(Reason.UNSUPPORTED)
    if (compression, depth) not in ((_RLE8, 8), (_RLE4, 4)) and compression in (_RLE8, _RLE4):
        raise RefusedError(Reason.MALFORMED)
    masks = b""
    skipped_bytes = 0
    if compression == _FIELDS:
        if depth not in (16, 32) or len(untrusted) < _HEAD.size + 12:
            raise RefusedError(Reason.MALFORMED)
        masks = untrusted[_HEAD.size : _HEAD.size + 12]
        skipped_bytes = 12 if size == _HEAD.size else 0
    entry_len = 0
    if 0 < depth <= 8:
        entry_len = colour_len or 1 << depth
        if entry_len > 1 << depth:
            raise RefusedError(Reason.MALFORMED)
        important_len = min(important_len, entry_len)
        unused_len = 0
    else:
        unused_len, colour_len, important_len = colour_len, 0, 0
    colours, entry_bytes = _read_colours(untrusted, size + skipped_bytes, entry_len, usage)
    written = _HEAD.pack(
        _HEAD.size, width, height, 1, depth, compression, 0, 0, 0, colour_len, important_len
    )
    return _Head(
        written=written + masks + colours,
        length_bytes=size + skipped_bytes + (entry_len + unused_len) * entry_bytes,
        width=width,
        height=abs(height),
        depth=depth,
        compression=compression,
    )


def _read_old_head(untrusted: bytes, usage: int) -> _Head:
    _, width, height, planes, depth = _OLD_HEAD.unpack_from(untrusted)
    if not width or not height or planes != 1:
        raise RefusedError(Reason.MALFORMED)
    if depth not in (1, 4, 8, 24) or usage:
        raise RefusedError(Reason.UNSUPPORTED)
    length_bytes = _OLD_HEAD.size + (3 << depth if depth <= 8 else 0)
    if len(untrusted) < length_bytes:
        raise RefusedError(Reason.MALFORMED)
    return _Head(
        written=untrusted[:length_bytes],
        length_bytes=length_bytes,
        width=width,
        height=height,
        depth=depth,
        compression=_RGB,
    )


def _read_colours(untrusted: bytes, start: int, count: int, usage: int) -> tuple[bytes, int]:
    """Read the colours; return them, and the length of one."""
    if usage == PALETTE_INDICES:
        return b"", 0
    if usage not in (0, _PALETTE):
        raise RefusedError(Reason.MALFORMED)
    entry_bytes = 2 if usage == _PALETTE else 4
    colours = bytearray(untrusted[start : start + count * entry_bytes])
    if len(colours) != count * entry_bytes:
        raise RefusedError(Reason.MALFORMED)
    if usage != _PALETTE:
        colours[3::4] = bytes(count)  # means nothing
    return bytes(colours), entry_bytes


def _cut_rows(untrusted: bytes, head: _Head, row_len: int) -> bytes:
    """Cut the pixels to their rows, and blank what fills rows up."""
    used_bits = head.width * head.depth
    row_bytes = (used_bits + 31) // 32 * 4
    if row_len > head.height or row_bytes * row_len > len(untrusted):
        raise RefusedError(Reason.MALFORMED)
    if used_bits == row_bytes * 8:
        return untrusted[: row_bytes * row_len]
    pixels = bytearray(untrusted[: row_bytes * row_len])
    used_bytes = (used_bits + 7) // 8
    for at in range(used_bytes, row_bytes):
        pixels[at::row_bytes] = bytes(row_len)
    if used_bits % 8:
        mask = bytes(value & (0xFF00 >> used_bits % 8) for value in range(256))
        pixels[used_bytes - 1 :: row_bytes] = pixels[used_bytes - 1 :: row_bytes].translate(mask)
    return bytes(pixels)


def _find_end(untrusted: bytes, compression: int) -> int:
    """Find the end of compressed pixels."""
    at = 0
    while at + 2 <= len(untrusted):
        first, second = untrusted[at], untrusted[at + 1]
        at += 2
        if first:
            continue
        if second == 1:
            return at
        if second == 2:
            at += 2
        elif second > 2:
            used_bytes = second if compression == _RLE8 else (second + 1) // 2
            at += (used_bytes + 1) // 2 * 2
    raise RefusedError(Reason.MALFORMED)
