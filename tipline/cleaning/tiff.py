"""
TIFF 6.0: a head, directories with the tags of a page each, and pixels.

1. Written anew: the head and, behind it, a directory for each page, its tags in their order
   (`tiffpages.py`). Behind all directories stand the pixels, page by page, strip by strip, with
   nothing between them. The order of bytes stays, since deep pixels are written in it.
2. A page that is named as smaller than another goes. A mask is refused: it belongs to a page.
3. Each directory is read once; what names one twice is refused. So is whatever has pixels that
   overlap each other, a directory or a value: nothing that is said leaves as pixels.
4. All else goes, known or not: EXIF, GPS, XMP, IPTC, Photoshop's resources, private tags,
   directories below, gaps, what lies behind. A profile is replaced by one of sRGB.
5. BigTIFF and what a camera's sensor saw (DNG, CFA) are refused, and so is a file whose whole
   picture lies in a directory below.

*Limitations.* Compressed pixels are not decoded: bytes that somebody wrote behind them, inside
their strip, stay. Resolutions go: who draws a fax by them has it flatter than it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.labels import find_iptc_kinds, find_photoshop_kinds, find_xmp_kinds
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.rules import EXIF_KINDS
from tipline.cleaning.source import Source
from tipline.cleaning.srgb import SRGB
from tipline.cleaning.tiffentries import (
    ENTRY_BYTES,
    HEAD_BYTES,
    LONG,
    MAX_DIRECTORIES,
    ORDERS,
    SIZES,
    Entry,
    TiffFile,
)
from tipline.cleaning.tiffpages import (
    KEPT,
    KIND,
    MAX_PARTS_OF_PIXELS,
    PROFILE,
    PROFILES,
    Field,
    Page,
    read_page,
)

BIG: Final = (b"II+\0", b"MM\0+")
SIGNATURES: Final = (*ORDERS, *BIG)
MAX_LOOKED_AT_BYTES: Final = 4 * 1024 * 1024  # of all values that go
MAX_WRITTEN_BYTES: Final = 8 * 1024 * 1024  # of directories; thousands of pages take one
MAX_BELOW: Final = 64  # directories that one tag names; a pyramid has about ten

_OLD_KIND: Final = 255
_SMALLER, _MASK, _OLD_SMALLER, _MASK_COLOURS = 1, 4, 2, 4
_PHOTOMETRIC: Final = 262
_DNG: Final = 0xC612
_BELOW: Final = 0x014A
_DIRECTORIES: Final = {0x8769: "exif", 0x8825: "gps", 0xA005: "interoperability"}
_XMP, _IPTC, _PHOTOSHOP = 0x02BC, 0x83BB, 0x8649
# What a page is, its resolution, its number: these say nothing that has a kind of its own.
_SILENT: Final = frozenset({KIND, _OLD_KIND, 282, 283, 296, 297})


def plan_tiff(source: Source) -> Plan:
    """
    Plan the cleaning of a TIFF.

    Args:
        source: Begins with one of `SIGNATURES`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    if source.read(0, 4) in BIG:
        raise RefusedError(Reason.UNSUPPORTED)
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.TIFF, source=source)
        self._tiff = TiffFile(source)
        self._pages: list[Page] = []
        self._left_len = MAX_PARTS_OF_PIXELS
        self._has_previews = False
        self._left_looked_at_bytes = MAX_LOOKED_AT_BYTES
        self._written_bytes = HEAD_BYTES
        self._waiting: list[tuple[str, int]] = []

    def read(self) -> Plan:
        following = self._tiff.first
        while following:
            entries, following = self._tiff.read_directory(following)
            self._read_page(entries)
        if not self._pages:
            raise RefusedError(Reason.UNSUPPORTED if self._tiff.first else Reason.MALFORMED)
        while self._waiting:
            self._look_below(*self._waiting.pop())
        end = self._tiff.check_regions()
        # Where the pixels of previews lie was not looked at.
        if end + end % 2 < self._source.length_bytes and not self._has_previews:
            self._builder.find(Kind.TRAILING)
        self._write()
        return self._builder.build()

    def _read_page(self, entries: Sequence[Entry]) -> None:
        if any(entry.tag == _DNG for entry in entries):
            raise RefusedError(Reason.UNSUPPORTED)
        is_smaller = self._is_smaller(entries)
        if is_smaller:
            self._find_preview()
        elif self._read_one(entries, KIND) & _MASK or (
            self._read_one(entries, _PHOTOMETRIC) == _MASK_COLOURS
        ):
            raise RefusedError(Reason.UNSUPPORTED)
        else:
            page = read_page(self._tiff, self._builder, entries, left_len=self._left_len)
            self._left_len -= len(page.parts)
            self._written_bytes += _measure_page(page)
            if self._written_bytes > MAX_WRITTEN_BYTES:
                raise RefusedError(Reason.TOO_COMPLEX)
            self._pages.append(page)
        for entry in entries:
            if is_smaller or entry.tag not in KEPT:
                self._look_at("preview" if is_smaller else "image", entry)

    def _is_smaller(self, entries: Sequence[Entry]) -> bool:
        return bool(self._read_one(entries, KIND) & _SMALLER) or (
            self._read_one(entries, _OLD_KIND) == _OLD_SMALLER
        )

    def _read_one(self, entries: Sequence[Entry], tag: int) -> int:
        for entry in entries:
            if entry.tag == tag and entry.count == 1:
                return self._tiff.read_numbers(entry)[0]
        return 0

    # --- what is not kept -------------------------------------------------------------------------

    def _look_at(self, name: str, entry: Entry) -> None:
        tag = entry.tag
        if tag in _DIRECTORIES:
            self._wait(_DIRECTORIES[tag], entry)
        elif tag == _BELOW:
            self._find_preview()
            self._wait("below", entry)
        elif name == "gps":
            self._builder.find(Kind.PLACE, *EXIF_KINDS["gps"].get(tag, ()))
        elif name in EXIF_KINDS and name != "image":
            self._builder.find(*EXIF_KINDS[name].get(tag, {Kind.OTHER}))
        elif tag not in _SILENT and not self._is_srgb(entry):
            is_preview = name == "preview"
            known = self._find_kinds(entry)
            self._builder.find(*(known or {Kind.PREVIEW if is_preview else Kind.OTHER}))

    def _find_preview(self) -> None:
        self._has_previews = True
        self._builder.find(Kind.PREVIEW)

    def _is_srgb(self, entry: Entry) -> bool:
        """Tell whether an entry is the profile that stands in the place of any other."""
        return (
            entry.tag == PROFILE
            and entry.length_bytes == len(SRGB)
            and self._source.read_up_to(entry.offset, len(SRGB)) == SRGB
        )

    def _find_kinds(self, entry: Entry) -> frozenset[Kind]:
        if entry.tag in PROFILES:
            return frozenset({Kind.PROFILE})
        if entry.tag not in (_XMP, _IPTC, _PHOTOSHOP):
            return EXIF_KINDS["image"].get(entry.tag, frozenset())
        length = min(entry.length_bytes, self._left_looked_at_bytes)
        self._left_looked_at_bytes -= length
        content = self._source.read_up_to(entry.offset, length)
        if entry.tag == _XMP:
            return find_xmp_kinds(content)
        if entry.tag == _PHOTOSHOP:
            return find_photoshop_kinds(content)
        return frozenset(find_iptc_kinds(content))

    def _wait(self, name: str, entry: Entry) -> None:
        """Note the directories that an entry names."""
        if not 0 < entry.count <= MAX_BELOW:
            raise RefusedError(Reason.TOO_COMPLEX if entry.count else Reason.MALFORMED)
        self._waiting += ((name, offset) for offset in self._tiff.read_numbers(entry))
        if len(self._waiting) > MAX_DIRECTORIES:
            raise RefusedError(Reason.TOO_COMPLEX)

    def _look_below(self, name: str, offset: int) -> None:
        self._builder.count_part()
        if self._tiff.is_seen(offset) or not self._tiff.has_directory(offset):
            # It goes, whatever it is.
            self._builder.find(Kind.OTHER)
            return
        entries, _ = self._tiff.read_directory(offset)
        if name == "below" and not self._is_smaller(entries):
            # The picture itself may be there, and what was taken for it a preview.
            raise RefusedError(Reason.UNSUPPORTED)
        for entry in entries:
            self._look_at("preview" if name == "below" else name, entry)

    # --- what is written anew ---------------------------------------------------------------------

    def _write(self) -> None:
        lengths = [_measure_page(page) for page in self._pages]
        pixels_at = self._written_bytes
        head = [self._source.read(0, 4), self._encode(HEAD_BYTES)]
        position = HEAD_BYTES
        for number, page in enumerate(self._pages):
            following = position + lengths[number] if number + 1 < len(self._pages) else 0
            counts = [sum(piece.length_bytes for piece in part) for part in page.parts]
            offsets = []
            for count in counts:
                offsets.append(pixels_at)
                pixels_at += count
            if pixels_at >= 2**32:
                raise RefusedError(Reason.TOO_COMPLEX)
            fields = (
                *page.fields,
                self._field(page.offsets_tag, offsets),
                self._field(page.counts_tag, counts),
            )
            head.append(self._format_directory(fields, position, following))
            position += lengths[number]
        self._builder.write(b"".join(head))
        for page in self._pages:
            for part in page.parts:
                for piece in part:
                    self._builder.keep(piece.offset, piece.length_bytes)

    def _encode(self, number: int, length_bytes: int = 4) -> bytes:
        return number.to_bytes(length_bytes, self._tiff.order)

    def _field(self, tag: int, numbers: Sequence[int]) -> Field:
        return Field(tag=tag, type=LONG, content=b"".join(map(self._encode, numbers)))

    def _format_directory(self, fields: Sequence[Field], position: int, following: int) -> bytes:
        values_at = position + 6 + ENTRY_BYTES * len(fields)
        entries, values = [self._encode(len(fields), 2)], []
        for field in sorted(fields, key=lambda field: field.tag):
            entries += [self._encode(field.tag, 2), self._encode(field.type, 2)]
            entries.append(self._encode(field.count))
            if len(field.content) <= 4:
                entries.append(field.content.ljust(4, b"\0"))
                continue
            entries.append(self._encode(values_at))
            value = field.content + bytes(len(field.content) % 2)
            values.append(value)
            values_at += len(value)
        return b"".join([*entries, self._encode(following), *values])


def _measure_page(page: Page) -> int:
    contents = [len(field.content) for field in page.fields] + [SIZES[LONG] * len(page.parts)] * 2
    values = sum(length + length % 2 for length in contents if length > 4)
    return 6 + ENTRY_BYTES * len(contents) + values
