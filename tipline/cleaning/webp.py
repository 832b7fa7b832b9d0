"""
WebP (RFC 9649): a RIFF file of chunks.

1. The file is one RIFF of the form WEBP. What lies behind its end goes.
2. Kept are the chunks of pixels: VP8, VP8L, ALPH, and for an animation ANIM and each frame (ANMF),
   of which the same is true inside.
3. Written anew are: RIFF's head with its length; VP8X with the flags that are still true and its
   reserved bits zero; each frame's head likewise; a profile, of sRGB (`srgb.py`), where one was
   that decoders look for (behind VP8X); EXIF with the orientation alone if the image is not
   upright; the byte that fills a chunk up to an even length.
4. Every other chunk goes, known or not: EXIF, XMP and all that nobody knows.
5. A picture is VP8 or VP8L alone, or VP8X first and then a picture or an animation.

*Limitations.* Coded pixels are not decoded: bytes that somebody wrote behind them, inside their
chunk, stay.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.exif import UPRIGHT, format_orientation, read_exif
from tipline.cleaning.labels import MAX_XMPS, find_xmp_kinds
from tipline.cleaning.plan import MAX_PIECES, Format, Kind, Piece, Plan, PlanBuilder, Range
from tipline.cleaning.source import Source
from tipline.cleaning.srgb import SRGB

HEAD_BYTES: Final = 12  # RIFF, its length, WEBP
CHUNK_HEAD_BYTES: Final = 8
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a chunk that goes; an EXIF has at most 64 KiB

MAX_PICTURE_CHUNKS: Final = 2  # transparency and a picture

_IMAGES: Final = (b"VP8 ", b"VP8L")
_HAS_PROFILE: Final = 0x20
_HAS_EXIF: Final = 0x08
_TRUE_FLAGS: Final = 0x10 | 0x02  # transparency, animation: what the kept chunks still say
_CANVAS_BYTES: Final = 10
_ANIMATION_BYTES: Final = 6
_FRAME_HEAD_BYTES: Final = 16
_FRAME_FLAGS: Final = 0x03  # how a frame is blended and disposed of
_EXIF_PREFIX: Final = b"Exif\0\0"  # of JPEG; some write it here, too

Chunk = tuple[bytes, int, int]  # its name, where its content begins, and how long that is


def is_webp(head: bytes) -> bool:
    """
    Tell a WebP by its first bytes.

    Args:
        head: Untrusted.

    Returns:
        Whether it is a RIFF of this form.
    """
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def plan_webp(source: Source) -> Plan:
    """
    Plan the cleaning of a WebP.

    Args:
        source: `is_webp`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.WEBP, source=source)
        self._pieces: list[Piece] = []
        self._names: list[bytes] = []
        self._flags = 0
        self._canvas = b""
        self._orientation = UPRIGHT
        self._has_profile = False
        self._xmp_len = 0

    def read(self) -> Plan:
        length = int.from_bytes(self._source.read(4, 4), "little")
        end = CHUNK_HEAD_BYTES + length
        # Some leave the last filling byte out, of the file or of the length.
        if length < 4 or end > self._source.length_bytes + 1:
            raise RefusedError(Reason.MALFORMED if length < 4 else Reason.TRUNCATED)
        for chunk in self._list_chunks(HEAD_BYTES, min(end, self._source.length_bytes)):
            self._read_chunk(chunk)
        if end + end % 2 < self._source.length_bytes:
            self._builder.find(Kind.TRAILING)
        self._check_form()
        return self._build()

    def _list_chunks(self, start: int, end: int) -> Iterator[Chunk]:
        while start < end:
            self._builder.count_part()
            if start + CHUNK_HEAD_BYTES > end:
                raise RefusedError(Reason.MALFORMED)
            head = self._source.read(start, CHUNK_HEAD_BYTES)
            length = int.from_bytes(head[4:], "little")
            start += CHUNK_HEAD_BYTES
            if start + length > end:
                raise RefusedError(Reason.TRUNCATED)
            yield head[:4], start, length
            start += length + length % 2

    def _read_chunk(self, chunk: Chunk) -> None:
        name, start, length = chunk
        if name == b"VP8X":
            self._read_canvas(start, length)
        elif name in (*_IMAGES, b"ALPH", b"ANIM"):
            if name == b"ANIM" and length != _ANIMATION_BYTES:
                raise RefusedError(Reason.MALFORMED)
            self._pieces += self._keep(chunk)
        elif name == b"ANMF":
            self._pieces += self._keep_frame(start, length)
        else:
            self._look_at(name, self._source.read(start, min(length, MAX_LOOKED_AT_BYTES)))
            return
        self._names.append(name)
        if len(self._pieces) > MAX_PIECES:
            raise RefusedError(Reason.TOO_COMPLEX)

    def _read_canvas(self, start: int, length: int) -> None:
        if length != _CANVAS_BYTES or self._names:
            raise RefusedError(Reason.MALFORMED)
        content = self._source.read(start, length)
        self._flags, self._canvas = content[0] & _TRUE_FLAGS, content[4:]

    def _keep(self, chunk: Chunk) -> list[Piece]:
        _, start, length = chunk
        if not length:
            raise RefusedError(Reason.MALFORMED)
        head = Range(offset=start - CHUNK_HEAD_BYTES, length_bytes=CHUNK_HEAD_BYTES + length)
        return [head, bytes(length % 2)] if length % 2 else [head]

    def _keep_frame(self, start: int, length: int) -> list[Piece]:
        if length < _FRAME_HEAD_BYTES:
            raise RefusedError(Reason.MALFORMED)
        head = self._source.read(start, _FRAME_HEAD_BYTES)
        kept: list[Piece] = []
        names = []
        for chunk in self._list_chunks(start + _FRAME_HEAD_BYTES, start + length):
            if chunk[0] in (*_IMAGES, b"ALPH"):
                kept += self._keep(chunk)
                names.append(chunk[0])
                if len(names) > MAX_PICTURE_CHUNKS:
                    raise RefusedError(Reason.MALFORMED)
            else:
                self._builder.find(Kind.OTHER)
        if not _is_picture(names):
            raise RefusedError(Reason.MALFORMED)
        content = head[:-1] + bytes([head[-1] & _FRAME_FLAGS])
        size = _FRAME_HEAD_BYTES + _measure(kept)
        return [b"ANMF" + size.to_bytes(4, "little") + content, *kept]

    def _look_at(self, name: bytes, content: bytes) -> None:
        if name == b"EXIF":
            exif = read_exif(content.removeprefix(_EXIF_PREFIX))
            if self._orientation == UPRIGHT:
                self._orientation = exif.orientation
            self._builder.find(*exif.kinds)
        elif name == b"XMP ":
            self._xmp_len += 1
            is_searched = self._xmp_len <= MAX_XMPS
            self._builder.find(*(find_xmp_kinds(content) if is_searched else {Kind.OTHER}))
        elif name == b"ICCP":
            self._has_profile = True
            if content != SRGB:
                self._builder.find(Kind.PROFILE)
        else:
            self._builder.find(Kind.OTHER)

    def _check_form(self) -> None:
        names = self._names
        if names[:1] == [b"VP8X"]:
            is_animation = names[1:2] == [b"ANIM"] and set(names[2:]) == {b"ANMF"}
            if is_animation == bool(self._flags & 0x02) and (
                is_animation or _is_picture(names[1:])
            ):
                return
        elif len(names) == 1 and names[0] in _IMAGES:
            return
        raise RefusedError(Reason.MALFORMED)

    def _build(self) -> Plan:
        pieces = self._pieces
        if self._canvas:
            flags = self._flags
            if self._orientation != UPRIGHT:
                exif = format_orientation(self._orientation)
                pieces = [*pieces, b"EXIF" + len(exif).to_bytes(4, "little") + exif]
                flags |= _HAS_EXIF
            profile = b""
            if self._has_profile:
                profile = b"ICCP" + len(SRGB).to_bytes(4, "little") + SRGB
                flags |= _HAS_PROFILE
            canvas = struct.pack("<4sI4B", b"VP8X", _CANVAS_BYTES, flags, 0, 0, 0)
            pieces = [canvas + self._canvas + profile, *pieces]
        length = 4 + _measure(pieces)
        self._builder.write(b"RIFF" + length.to_bytes(4, "little") + b"WEBP")
        for piece in pieces:
            if isinstance(piece, Range):
                self._builder.keep(piece.offset, piece.length_bytes)
            else:
                self._builder.write(piece)
        return self._builder.build()


def _is_picture(names: list[bytes]) -> bool:
    """Tell whether chunks are one picture, with transparency beside VP8 or without."""
    return names in ([b"VP8 "], [b"VP8L"], [b"ALPH", b"VP8 "])


def _measure(pieces: list[Piece]) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece.length_bytes for piece in pieces)
