"""
JPEG (ITU-T T.81): from the start of the image to its end, and nothing behind.

1. The file begins with SOI. What follows are segments; a segment begins with a marker.
2. Kept are the segments that a decoder computes pixels from: quantisation and coding tables (DQT,
   DHT, DAC), the frame (SOF), DRI, DNL, and each scan (SOS) with its coded data up to the next
   marker. Each is checked to be exactly as long as its content: nothing hides behind a table.
3. Written anew are: JFIF, with no density; Adobe's segment, with its colour transform alone; EXIF,
   with the orientation alone if the image is not upright; a profile, of sRGB (`srgb.py`), where
   one was and the image has three colours.
4. Every other segment goes, known or not: APPn, COM. So do bytes between segments.
5. The first EOI outside a segment ends the image. All behind it goes: a second picture (MPF), a
   film (motion photo), a maker's own data.
6. A file that ends before EOI is truncated and refused. So are hierarchical JPEG and JPEG-LS: their
   structure is another one.

*Limitations.* Coded data is not decoded: bytes that somebody wrote behind the last coded pixel and
before the next marker stay. Tables and the way of coding hint at the maker's family of devices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import re2

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.exif import UPRIGHT, format_orientation, read_exif
from tipline.cleaning.labels import find_photoshop_kinds, find_xmp_kinds
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import WINDOW_BYTES, Pattern, Source
from tipline.cleaning.srgb import SRGB

SIGNATURE: Final = b"\xff\xd8\xff"

_SOI, EOI, SOS, _DQT, _DHT, _DAC, _DRI, _DNL, COM, _TEM = (
    0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xDC, 0xFE, 0x01,
)  # fmt: skip
_RESTARTS: Final = range(0xD0, 0xD8)
APPLICATIONS: Final = range(0xE0, 0xF0)
# Baseline, extended, progressive and lossless, by Huffman's codes or arithmetic ones.
FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB})
# A frame that differs from the one before, and what begins a hierarchy of them (DHP, EXP).
_HIERARCHICAL: Final = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE, 0xDF})

# Coded data is searched to the last byte: RE2 does that in less than half of the time of `re`.
_BYTES: Final = re2.Options()
_BYTES.encoding = re2.Options.Encoding.LATIN1
_NO_MARKER: Final = b"\x00\xff"  # behind FF: that FF is data, or fill
_MARKER: Final[Pattern] = re2.compile(rb"\xff[^\x00\xff]", _BYTES)
# Inside coded data a zero after FF says that FF is data, and restarts are a part of the data.
SCAN_END: Final[Pattern] = re2.compile(rb"\xff[^\x00\xff\xd0-\xd7]", _BYTES)

JFIF: Final = b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_HEAD: Final = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_ADOBE_BYTES: Final = 12
_RGB_IDS: Final = b"RGB"
_PROFILE: Final = b"ICC_PROFILE\0"
_OUR_PROFILE: Final = _PROFILE + b"\1\1" + SRGB  # the first part of one
_XMP_HEADS: Final = (
    b"http://ns.adobe.com/xap/1.0/\0",
    b"http://ns.adobe.com/xmp/extension/\0",
)


def plan_jpeg(source: Source) -> Plan:
    """
    Plan the cleaning of a JPEG.

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
        self._builder = PlanBuilder(format=Format.JPEG, source=source)
        self._component_ids: bytes | None = None
        self._scan_len = 0
        self._has_jfif = False
        self._transform: bytes | None = None
        self._orientation = UPRIGHT
        self._has_profile = False

    def read(self) -> Plan:
        self._builder.keep(0, 2)
        position = 2
        while True:
            self._builder.count_part()
            position, marker = self._find_marker(position)
            if marker == EOI:
                break
            position = self._read_segment(position, marker)
        if not self._scan_len:
            raise RefusedError(Reason.MALFORMED)
        self._builder.keep(position, 2)
        if position + 2 < self._source.length_bytes:
            self._builder.find(Kind.TRAILING)
        self._write_heads()
        return self._builder.build()

    def _find_marker(self, position: int) -> tuple[int, int]:
        """Return the next marker and its place; what lies before it goes."""
        here = self._source.read_up_to(position, 2)
        if len(here) == 2 and here[0] == 0xFF and here[1] not in _NO_MARKER:
            return position, here[1]
        found = self._source.find(_MARKER, position)
        if found is None:
            raise RefusedError(Reason.TRUNCATED)
        self._builder.find(Kind.OTHER)
        return found, self._source.read(found, 2)[1]

    def _read_segment(self, position: int, marker: int) -> int:
        """Keep or drop a segment; return where the next begins."""
        if marker == _TEM or marker in _RESTARTS:
            self._builder.find(Kind.OTHER)
            return position + 2
        if marker not in _WITH_LENGTH:
            raise RefusedError(Reason.MALFORMED)
        length = int.from_bytes(self._source.read(position + 2, 2), "big")
        if length < 2:
            raise RefusedError(Reason.MALFORMED)
        content = self._source.read(position + 4, length - 2)
        end = position + 2 + length
        if marker in APPLICATIONS or marker == COM:
            self._look_at(marker, content)
            return end
        self._check_kept(marker, content)
        self._builder.keep(position, end - position)
        return self._keep_scan(end) if marker == SOS else end

    def _check_kept(self, marker: int, content: bytes) -> None:
        if marker in _HIERARCHICAL:
            raise RefusedError(Reason.UNSUPPORTED)
        if marker in FRAMES:
            self._read_frame(content)
        elif marker == SOS:
            if self._component_ids is None or not is_scan_head(content):
                raise RefusedError(Reason.MALFORMED)
            self._scan_len += 1
        elif not TABLES[marker](content):
            raise RefusedError(Reason.MALFORMED)

    def _read_frame(self, content: bytes) -> None:
        if self._component_ids is not None or not is_frame(content):
            raise RefusedError(Reason.MALFORMED)
        self._component_ids = content[6::3]

    def _keep_scan(self, start: int) -> int:
        """Keep coded data; return where the next marker is."""
        found = self._source.find(SCAN_END, start)
        if found is None:
            raise RefusedError(Reason.TRUNCATED)
        end = self._cut_fill(start, found)
        if end != found:
            self._builder.find(Kind.OTHER)
        if end > start:
            self._builder.keep(start, end - start)
        return found

    def _cut_fill(self, start: int, end: int) -> int:
        """Any number of FF may stand before a marker: leave them out of what is kept."""
        while end > start:
            begin = max(start, end - WINDOW_BYTES)
            # Mostly there are none, and one byte tells.
            if self._source.read(end - 1, 1) != b"\xff":
                break
            kept = self._source.read(begin, end - begin).rstrip(b"\xff")
            end = begin + len(kept)
        return end

    # --- what is not kept -----------------------------------------------------------------------

    def _look_at(self, marker: int, content: bytes) -> None:
        if marker == COM:
            self._builder.find(Kind.TEXT)
        elif marker == 0xE0 and content.startswith(b"JFIF\0"):
            self._has_jfif = True
            if len(content) > 14:
                self._builder.find(Kind.PREVIEW)
        elif marker == 0xE0 and content.startswith(b"JFXX\0"):
            self._builder.find(Kind.PREVIEW)
        elif marker == 0xE1 and content.startswith(b"Exif\0"):
            exif = read_exif(content[6:])
            if self._orientation == UPRIGHT:
                self._orientation = exif.orientation
            self._builder.find(*exif.kinds)
        elif marker == 0xE1 and content.startswith(_XMP_HEADS):
            self._builder.find(*find_xmp_kinds(content))
        elif marker == 0xE2 and content.startswith(_PROFILE):
            self._look_at_profile(content)
        elif marker == 0xE2 and content.startswith(b"MPF\0"):
            self._builder.find(Kind.PREVIEW)
        elif marker == 0xED and content.startswith(b"Photoshop 3.0\0"):
            self._builder.find(*find_photoshop_kinds(content[14:]))
        elif marker == 0xEE and content.startswith(b"Adobe") and len(content) >= _ADOBE_BYTES:
            self._transform = content[11:12]
        else:
            self._builder.find(Kind.OTHER)

    def _look_at_profile(self, content: bytes) -> None:
        self._has_profile = True
        if content != _OUR_PROFILE:
            self._builder.find(Kind.PROFILE)

    # --- what is written anew ---------------------------------------------------------------------

    def _write_heads(self) -> None:
        """
        Write what tells a decoder how to read the colours, and which side is up.

        Decoders take three components for YCbCr if there is JFIF, else as Adobe's transform says,
        else by the components' ids. JFIF is written where that changes nothing, so that one more
        thing is the same for everybody.
        """
        ids = self._component_ids or b""
        is_plain = self._transform is None and len(ids) in (1, 3) and ids != _RGB_IDS
        heads = JFIF if self._has_jfif or is_plain else b""
        if self._transform is not None:
            heads += _ADOBE_HEAD + self._transform
        if self._orientation != UPRIGHT:
            heads += _format_segment(
                b"\xff\xe1", b"Exif\0\0" + format_orientation(self._orientation)
            )
        if self._has_profile and len(ids) == 3:
            heads += _format_segment(b"\xff\xe2", _OUR_PROFILE)
        if heads:
            self._builder.insert(heads, position=2)


def _format_segment(marker: bytes, content: bytes) -> bytes:
    return marker + (2 + len(content)).to_bytes(2, "big") + content


# --- segments of a fixed shape ------------------------------------------------------------------


def _is_quantisation(content: bytes) -> bool:
    offset = 0
    while offset < len(content):
        if content[offset] >> 4 > 1 or content[offset] & 15 > 3:
            return False
        offset += 129 if content[offset] >> 4 else 65
    return offset == len(content) > 0


def _is_huffman(content: bytes) -> bool:
    offset = 0
    while offset + 17 <= len(content):
        if content[offset] >> 4 > 1 or content[offset] & 15 > 3:
            return False
        offset += 17 + sum(content[offset + 1 : offset + 17])
    return offset == len(content) > 0


def _is_arithmetic(content: bytes) -> bool:
    return 0 < len(content) <= 64 and len(content) % 2 == 0


def is_frame(content: bytes) -> bool:
    """Tell whether a frame's head is whole, and has a width."""
    count = content[5] if len(content) > 5 else 0
    return count > 0 and len(content) == 6 + 3 * count and content[3:5] != b"\0\0"


def is_scan_head(content: bytes) -> bool:
    """Tell whether the head of a scan is whole."""
    return bool(content) and 1 <= content[0] <= 4 and len(content) == 4 + 2 * content[0]


def _is_number(content: bytes) -> bool:
    return len(content) == 2


TABLES: Final[dict[int, Callable[[bytes], bool]]] = {
    _DQT: _is_quantisation,
    _DHT: _is_huffman,
    _DAC: _is_arithmetic,
    _DRI: _is_number,
    _DNL: _is_number,
}
_WITH_LENGTH: Final = frozenset({*TABLES, *FRAMES, *_HIERARCHICAL, *APPLICATIONS, SOS, COM})
