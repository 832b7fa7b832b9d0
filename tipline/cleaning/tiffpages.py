"""
A page of a TIFF: of its tags those that a decoder needs, each of one shape.

1. Numbers are checked, and written anew in the type that the standard names first; what has the
   value that it would have anyway is left out.
2. In the place of a profile, or of what else says the colours of a device, stands sRGB
   (`srgb.py`), if the page has red, green and blue, or colours that are made of them.
3. There are exactly as many strips or tiles as the page needs. Pixels that are not compressed have
   exactly their length; what stands behind them goes.
4. JPEG is walked by its own rules (`tiffjpeg.py`). JPEG of the older way (6) is refused, and so
   is whatever else has no entry here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import PlanBuilder, Range
from tipline.cleaning.srgb import SRGB
from tipline.cleaning.tiffentries import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    SIZES,
    UNDEFINED,
    Entry,
    TiffFile,
)
from tipline.cleaning.tiffjpeg import read_jpeg

MAX_PARTS_OF_PIXELS: Final = 65_536  # of all pages; 4 gigapixels in the usual tiles
MAX_SAMPLES: Final = 64  # of a pixel; a picture from a satellite has about twelve
MAX_TABLES_BYTES: Final = 65_536

KIND = 254  # what a page is to the others: what stays is a whole one
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS, STRIP_COUNTS, PLANAR = 273, 274, 277, 278, 279, 284
T4_OPTIONS, T6_OPTIONS, PREDICTOR, COLOURS = 292, 293, 317, 320
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS = 322, 323, 324, 325
INKS, EXTRA, SAMPLE_FORMAT, TABLES = 332, 338, 339, 347
COEFFICIENTS, SUBSAMPLING, POSITIONING, REFERENCE = 529, 530, 531, 532
PROFILE = 34675
PROFILES: Final = (PROFILE, 301, 318, 319)  # and curves, white point, primaries
KEPT: Final = frozenset(
    {WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS, ORIENTATION,
     SAMPLES, ROWS, STRIP_COUNTS, PLANAR, T4_OPTIONS, T6_OPTIONS, PREDICTOR, COLOURS, TILE_WIDTH,
     TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, INKS, EXTRA, SAMPLE_FORMAT, TABLES, COEFFICIENTS,
     SUBSAMPLING, POSITIONING, REFERENCE}
)  # fmt: skip

_PLAIN, _T4, _T6, _LZW, _JPEG, _DEFLATE, _OLD_DEFLATE = 1, 3, 4, 5, 7, 8, 32946
_COMPRESSIONS: Final = (_PLAIN, 2, _T4, _T6, _LZW, _JPEG, _DEFLATE, _OLD_DEFLATE, 32773)
_PREDICTED: Final = (_LZW, _DEFLATE, _OLD_DEFLATE)
_RGB, _PALETTE, _SEPARATED, _YCC = 2, 3, 5, 6
_PHOTOMETRICS: Final = (0, 1, _RGB, _PALETTE, _SEPARATED, _YCC, 8)  # 8 is CIE L*a*b*
_DEPTHS: Final = (*range(1, 17), 24, 32, 64)
_PALETTE_DEPTHS: Final = range(1, 17)
_ANY: Final = range(1, 2**31)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    An entry, written anew.

    Args:
        tag: Its name.
        type: Of its values.
        content: They, in the order of the file's bytes.
    """

    tag: int
    type: int
    content: bytes

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.content) // SIZES[self.type]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    What stays of a page.

    Args:
        fields: All but the places and lengths of its pixels.
        offsets_tag: The tag of these places.
        counts_tag: The tag of these lengths.
        parts: Its strips or tiles, each in the pieces that stay of it.
    """

    fields: tuple[Field, ...]
    offsets_tag: int
    counts_tag: int
    parts: tuple[tuple[Range, ...], ...]


def read_page(
    tiff: TiffFile, builder: PlanBuilder, entries: Sequence[Entry], *, left_len: int
) -> Page:
    """
    Read a page.

    Args:
        tiff: The file.
        builder: Is told what goes.
        entries: Of the page's directory.
        left_len: How many strips and tiles it may have.

    Returns:
        What stays of it.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    kept = [entry for entry in entries if entry.tag in KEPT]
    by_tag = {entry.tag: entry for entry in kept}
    if len(by_tag) != len(kept):
        raise RefusedError(Reason.MALFORMED)
    has_profile = any(entry.tag in PROFILES for entry in entries)
    return _Reader(tiff, builder, by_tag, left_len=left_len, has_profile=has_profile).read()


class _Reader:
    def __init__(
        self,
        tiff: TiffFile,
        builder: PlanBuilder,
        entries: dict[int, Entry],
        *,
        left_len: int,
        has_profile: bool,
    ) -> None:
        self._tiff = tiff
        self._builder = builder
        self._entries = entries
        self._left_len = left_len
        self._has_profile = has_profile
        self._fields: list[Field] = []

    def read(self) -> Page:
        self._compression = self._one(COMPRESSION, _PLAIN)
        self._photometric = self._one(PHOTOMETRIC, None)
        if self._compression not in _COMPRESSIONS or self._photometric not in _PHOTOMETRICS:
            raise RefusedError(Reason.UNSUPPORTED)
        self._width = self._one(WIDTH, None, _ANY)
        self._length = self._one(LENGTH, None, _ANY)
        self._samples = self._one(SAMPLES, 1, range(1, MAX_SAMPLES + 1))
        depths = self._each(BITS)
        self._depth = depths[0]
        if self._depth not in _DEPTHS or set(depths) != {self._depth}:
            raise RefusedError(Reason.UNSUPPORTED)
        self._planar = self._one(PLANAR, 1, (1, 2))
        self._write(KIND, LONG, 0)
        self._write(WIDTH, LONG, self._width)
        self._write(LENGTH, LONG, self._length)
        self._write(BITS, SHORT, *depths)
        self._write(COMPRESSION, SHORT, self._compression)
        self._write(PHOTOMETRIC, SHORT, self._photometric)
        self._write(SAMPLES, SHORT, self._samples)
        if self._planar != 1:
            self._write(PLANAR, SHORT, self._planar)
        self._keep_options()
        self._keep_colours()
        return self._read_pixels()

    # --- numbers ----------------------------------------------------------------------------------

    def _one(self, tag: int, default: int | None, allowed: Collection[int] = range(2**32)) -> int:
        """Return the only value of a tag; without a default the tag must be there."""
        if tag not in self._entries:
            if default is None:
                raise RefusedError(Reason.MALFORMED)
            return default
        (value,) = self._numbers(tag, (1,))
        if value not in allowed:
            raise RefusedError(Reason.MALFORMED)
        return value

    def _each(self, tag: int) -> tuple[int, ...]:
        """Return a value for each sample. One alone holds for all; without the tag it is 1."""
        if tag not in self._entries:
            return (1,) * self._samples
        values = self._numbers(tag, (1, self._samples))
        return values * self._samples if len(values) == 1 else values

    def _numbers(self, tag: int, counts: Collection[int]) -> tuple[int, ...]:
        entry = self._entries[tag]
        if entry.count not in counts:
            raise RefusedError(Reason.MALFORMED)
        return self._tiff.read_numbers(entry)

    def _write(self, tag: int, type: int, *values: int) -> None:  # noqa: A002  # as the standard
        size = SIZES[type]
        if max(values) >= 256**size:
            raise RefusedError(Reason.MALFORMED)
        content = b"".join(value.to_bytes(size, self._tiff.order) for value in values)
        self._fields.append(Field(tag=tag, type=type, content=content))

    # --- what else a decoder needs ----------------------------------------------------------------

    def _keep_options(self) -> None:
        self._keep_one(FILL_ORDER, SHORT, 1, (1, 2))
        self._keep_one(ORIENTATION, SHORT, 1, range(1, 9))
        if self._compression == _T4:
            self._keep_one(T4_OPTIONS, LONG, 0, range(8))
        if self._compression == _T6:
            self._keep_one(T6_OPTIONS, LONG, 0, (0, 2))
        if self._compression in _PREDICTED:
            self._keep_one(PREDICTOR, SHORT, 1, (1, 2, 3))
        if self._photometric == _SEPARATED:
            self._keep_one(INKS, SHORT, 1, (1, 2))
        if EXTRA in self._entries:
            extra = self._numbers(EXTRA, range(1, self._samples + 1))
            if max(extra) > 2:
                raise RefusedError(Reason.MALFORMED)
            self._write(EXTRA, SHORT, *extra)
        formats = self._each(SAMPLE_FORMAT)
        if not 1 <= min(formats) <= max(formats) <= 6:
            raise RefusedError(Reason.MALFORMED)
        if set(formats) != {1}:
            self._write(SAMPLE_FORMAT, SHORT, *formats)
        if self._compression == _JPEG and TABLES in self._entries:
            self._keep_tables(self._entries[TABLES])

    def _keep_one(self, tag: int, type: int, default: int, allowed: Collection[int]) -> None:  # noqa: A002  # as the standard
        value = self._one(tag, default, allowed)
        if value != default:
            self._write(tag, type, value)

    def _keep_colours(self) -> None:
        if self._photometric == _PALETTE:
            if COLOURS not in self._entries or self._depth not in _PALETTE_DEPTHS:
                raise RefusedError(Reason.MALFORMED)
            self._write(COLOURS, SHORT, *self._numbers(COLOURS, (3 << self._depth,)))
        if self._photometric == _YCC:
            self._keep_rationals(COEFFICIENTS, 3)
            self._keep_rationals(REFERENCE, 6)
            self._keep_one(POSITIONING, SHORT, 1, (1, 2))
            if SUBSAMPLING in self._entries:
                self._write(SUBSAMPLING, SHORT, *self._subsampling())
        if self._has_profile and self._photometric in (_RGB, _PALETTE, _YCC):
            self._fields.append(Field(tag=PROFILE, type=UNDEFINED, content=SRGB))

    def _subsampling(self) -> tuple[int, int]:
        if SUBSAMPLING not in self._entries:
            return 2, 2
        across, down = self._numbers(SUBSAMPLING, (2,))
        if across not in (1, 2, 4) or down not in (1, 2, 4):
            raise RefusedError(Reason.MALFORMED)
        return across, down

    def _keep_rationals(self, tag: int, count: int) -> None:
        entry = self._entries.get(tag)
        if entry is None:
            return
        if (entry.type, entry.count) != (RATIONAL, count):
            raise RefusedError(Reason.MALFORMED)
        content = self._tiff.source.read(entry.offset, entry.length_bytes)
        self._fields.append(Field(tag=tag, type=RATIONAL, content=content))

    def _keep_tables(self, entry: Entry) -> None:
        if entry.type not in (BYTE, UNDEFINED) or entry.count > MAX_TABLES_BYTES:
            raise RefusedError(Reason.MALFORMED)
        source = self._tiff.source
        source.check(entry.offset, entry.length_bytes)
        ranges = read_jpeg(
            source,
            self._builder,
            offset=entry.offset,
            length_bytes=entry.length_bytes,
            is_picture=False,
        )
        content = b"".join(source.read(part.offset, part.length_bytes) for part in ranges)
        self._fields.append(Field(tag=TABLES, type=UNDEFINED, content=content))

    # --- pixels -----------------------------------------------------------------------------------

    def _read_pixels(self) -> Page:
        is_tiled = TILE_WIDTH in self._entries
        if is_tiled:
            width = self._one(TILE_WIDTH, None, _ANY)
            rows = self._one(TILE_LENGTH, None, _ANY)
            self._write(TILE_WIDTH, LONG, width)
            self._write(TILE_LENGTH, LONG, rows)
        else:
            width = self._width
            rows = min(self._one(ROWS, 2**32 - 1, range(1, 2**32)), self._length)
            self._write(ROWS, LONG, rows)
        across, down = -(-self._width // width), -(-self._length // rows)
        planes = self._samples if self._planar == 2 else 1
        total = across * down * planes
        if total > self._left_len:
            raise RefusedError(Reason.TOO_COMPLEX)
        offsets_tag, counts_tag = (
            (TILE_OFFSETS, TILE_COUNTS) if is_tiled else (STRIP_OFFSETS, STRIP_COUNTS)
        )
        if offsets_tag not in self._entries:
            raise RefusedError(Reason.MALFORMED)
        offsets = self._numbers(offsets_tag, (total,))
        counts = self._read_counts(counts_tag, total)
        parts = []
        for number, offset in enumerate(offsets):
            is_last = not is_tiled and number % down == down - 1
            part_rows = self._length - rows * (down - 1) if is_last else rows
            parts.append(self._keep_part(offset, counts[number], width, part_rows))
        fields = tuple(sorted(self._fields, key=lambda field: field.tag))
        return Page(
            fields=fields, offsets_tag=offsets_tag, counts_tag=counts_tag, parts=tuple(parts)
        )

    def _read_counts(self, tag: int, total: int) -> Sequence[int | None]:
        """Return the lengths as they are claimed; what is not compressed may leave them out."""
        if tag in self._entries:
            return self._numbers(tag, (total,))
        if self._compression != _PLAIN:
            raise RefusedError(Reason.MALFORMED)
        return (None,) * total

    def _keep_part(
        self, offset: int, claimed: int | None, width: int, rows: int
    ) -> tuple[Range, ...]:
        length = claimed
        if self._compression == _PLAIN:
            length = self._measure(width, rows)
            if claimed is not None and claimed < length:
                raise RefusedError(Reason.TRUNCATED)
        if not length:
            raise RefusedError(Reason.MALFORMED)
        source = self._tiff.source
        source.check(offset, length)
        self._tiff.claim(offset, length, is_pixels=True)
        if self._compression != _JPEG:
            return (Range(offset=offset, length_bytes=length),)
        return read_jpeg(source, self._builder, offset=offset, length_bytes=length, is_picture=True)

    def _measure(self, width: int, rows: int) -> int:
        """Return how long so many rows are without compression."""
        across, down = self._subsampling() if self._photometric == _YCC else (1, 1)
        if (across, down) == (1, 1):
            samples = 1 if self._planar == 2 else self._samples
            return rows * -(-width * samples * self._depth // 8)
        if (self._planar, self._samples, self._depth) != (1, 3, 8):
            raise RefusedError(Reason.UNSUPPORTED)
        return -(-width // across) * -(-rows // down) * (across * down + 2)
