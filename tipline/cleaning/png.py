"""
PNG and APNG (W3C PNG, third edition): chunk by chunk, up to IEND.

1. Kept are the chunks of `rules.json`: the header, palette and transparency, pixels, an animation's
   frames, and colours as far as they are those that many share (`_COLOURS`). Each has a fixed
   shape, which is checked, as is its checksum.
2. Every other chunk goes, known or not: texts, times, EXIF, profiles, densities, private chunks.
   Written anew are an orientation, into the smallest EXIF; and, where a profile or a display's own
   colours went from a picture that is not grey, that it is sRGB, unless other kept chunks say
   what its colours are.
3. A chunk that is not known and that a decoder must know is a reason to refuse: the pixels are then
   not what the rest says.
4. The order is the standard's: the header first, pixels in one row, nothing behind IEND. What lies
   behind it goes.

*Limitations.* Compressed pixels are neither inflated nor summed: bytes that somebody wrote behind
the end of the compressed stream, inside a chunk of pixels, stay.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.exif import UPRIGHT, format_orientation, read_exif
from tipline.cleaning.labels import find_xmp_kinds
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.rules import PNG_KEPT, PNG_KINDS
from tipline.cleaning.source import Source

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_LENGTH_BYTES: Final = 2**31 - 1  # the standard's own bound of a chunk
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a chunk that goes; an EXIF has at most 64 KiB
FRAME: Final = 12  # length, type and checksum around a chunk's content

# By colour type: how many bits a sample may have.
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_LENGTHS: Final = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"acTL": 8, b"fcTL": 26}
_MAX_PALETTE_BYTES: Final = 768
_XMP_KEYWORD: Final = b"XML:com.adobe.xmp\0"
# sRGB and Display P3, Adobe RGB: white point and primaries in units of 1/100000. A display of its
# own has its own.
_PRIMARIES: Final = frozenset(
    struct.pack(">8I", 31270, 32900, *primaries)
    for primaries in (
        (64000, 33000, 30000, 60000, 15000, 6000),
        (68000, 32000, 26500, 69000, 15000, 6000),
        (64000, 33000, 21000, 71000, 15000, 6000),
    )
)
_GAMMAS: Final = frozenset(
    value.to_bytes(4, "big") for value in (45455, 45454, 45470, 55556, 100000)
)
_COLOURS: Final = {b"cHRM": _PRIMARIES, b"gAMA": _GAMMAS}
_GREY: Final = (0, 4)  # the types of colour that have none
_OUR_COLOURS: Final = b"sRGB\0"  # to be shown as it is perceived
_HEADER_END: Final = 33  # the signature, and IHDR


def plan_png(source: Source) -> Plan:
    """
    Plan the cleaning of a PNG.

    Args:
        source: Begins with `SIGNATURE`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.PNG, source=source)
        self._seen: set[bytes] = set()
        self._before = b""
        self._colour_type = 0
        self._orientation = UPRIGHT
        self._pixels_at = 0  # in the cleaned file
        self._told: set[bytes] = set()  # chunks of colours that are kept
        self._has_profile = False

    def read(self) -> Plan:
        self._builder.keep(0, len(SIGNATURE))
        position = len(SIGNATURE)
        while self._before != b"IEND":
            self._builder.count_part()
            head = self._source.read(position, 8)
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            if length > MAX_LENGTH_BYTES or not name.isalpha():
                raise RefusedError(Reason.MALFORMED)
            self._source.check(position, FRAME + length)
            self._check_order(name)
            self._read_chunk(position, name, length)
            self._seen.add(name)
            self._before = name
            position += FRAME + length
        if b"IDAT" not in self._seen:
            raise RefusedError(Reason.MALFORMED)
        if position < self._source.length_bytes:
            self._builder.find(Kind.TRAILING)
        if self._orientation != UPRIGHT:
            exif = b"eXIf" + format_orientation(self._orientation)
            self._builder.insert(_format_chunk(exif), position=self._pixels_at)
        if self._has_profile and self._colour_type not in _GREY and not self._is_told():
            self._builder.insert(_format_chunk(_OUR_COLOURS), position=_HEADER_END)
        return self._builder.build()

    def _is_told(self) -> bool:
        """Tell whether kept chunks say what the colours are."""
        return not self._told.isdisjoint((b"sRGB", b"cICP")) or {b"gAMA", b"cHRM"} <= self._told

    def _check_order(self, name: bytes) -> None:
        if (name == b"IHDR") != (not self._seen):
            raise RefusedError(Reason.MALFORMED)
        if name == b"IDAT":
            if b"IDAT" in self._seen and self._before != b"IDAT":
                raise RefusedError(Reason.MALFORMED)
            if self._colour_type == 3 and b"PLTE" not in self._seen:
                raise RefusedError(Reason.MALFORMED)
            if b"IDAT" not in self._seen:
                self._pixels_at = self._builder.measure()
        elif name == b"fdAT" and not {b"IDAT", b"fcTL"} <= self._seen:
            raise RefusedError(Reason.MALFORMED)

    def _read_chunk(self, position: int, name: bytes, length: int) -> None:
        if name in (b"IDAT", b"fdAT"):
            if name == b"fdAT" and length < 4:
                raise RefusedError(Reason.MALFORMED)
            self._builder.keep(position, FRAME + length)
        elif name not in PNG_KEPT:
            if not name[0] & 0x20:
                # A capital letter: a decoder that does not know it cannot show the image.
                raise RefusedError(Reason.UNSUPPORTED)
            self._look_at(name, self._source.read(position + 8, min(length, MAX_LOOKED_AT_BYTES)))
        else:
            self._read_kept(position, name, length)

    def _read_kept(self, position: int, name: bytes, length: int) -> None:
        if length > _MAX_PALETTE_BYTES or (name in self._seen and name != b"fcTL"):
            raise RefusedError(Reason.MALFORMED)
        content = self._source.read(position + 8, length)
        checksum = self._source.read(position + 8 + length, 4)
        if zlib.crc32(name + content).to_bytes(4, "big") != checksum:
            raise RefusedError(Reason.MALFORMED)
        if not self._is_sound(name, content):
            raise RefusedError(Reason.MALFORMED)
        if name in _COLOURS and content not in _COLOURS[name]:
            self._has_profile = True
            self._builder.find(Kind.PROFILE)
        else:
            self._told.add(name)
            self._builder.keep(position, FRAME + length)

    def _is_sound(self, name: bytes, content: bytes) -> bool:
        if name == b"IHDR":
            return self._read_header(content)
        if name == b"PLTE":
            return len(content) % 3 == 0 and len(content) > 0
        if name == b"tRNS":
            lengths = {0: (2,), 2: (6,), 3: range(257)}.get(self._colour_type, ())
            return len(content) in lengths
        if name == b"IEND":
            return not content
        return len(content) == _LENGTHS[name]

    def _read_header(self, content: bytes) -> bool:
        if len(content) != 13:
            return False
        width, height, depth, colour, compression, filtering, interlace = struct.unpack(
            ">IIBBBBB", content
        )
        self._colour_type = colour
        return (
            0 < width < 2**31
            and 0 < height < 2**31
            and depth in _DEPTHS.get(colour, ())
            and (compression, filtering) == (0, 0)
            and interlace in (0, 1)
        )

    def _look_at(self, name: bytes, content: bytes) -> None:
        if name == b"eXIf":
            exif = read_exif(content)
            self._orientation = exif.orientation
            self._builder.find(*exif.kinds)
        elif name == b"iTXt" and content.startswith(_XMP_KEYWORD):
            self._builder.find(*find_xmp_kinds(content))
        else:
            kinds = PNG_KINDS.get(name, {Kind.OTHER})
            self._has_profile |= Kind.PROFILE in kinds
            self._builder.find(*kinds)


def _format_chunk(content: bytes) -> bytes:
    """Put length and checksum around a name and a content."""
    length = (len(content) - 4).to_bytes(4, "big")
    return length + content + zlib.crc32(content).to_bytes(4, "big")
