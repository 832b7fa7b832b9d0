"""
The directories of a TIFF, entry by entry: what they say of themselves is checked before it is
believed. Where they and their contents lie is remembered, so that no pixels are taken from there.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.source import Source

ORDERS: Final[dict[bytes, Literal["little", "big"]]] = {b"II*\0": "little", b"MM\0*": "big"}
HEAD_BYTES: Final = 8
ENTRY_BYTES: Final = 12
MAX_DIRECTORIES: Final = 4_096  # a scan of a long file has some hundred pages
MAX_ENTRIES: Final = 1_000  # of one directory; a camera writes about sixty
MAX_ALL_ENTRIES: Final = 131_072  # of a file
MAX_REGIONS: Final = 131_072  # two for each strip of a hundred pages in single rows
BYTE, SHORT, LONG, RATIONAL, UNDEFINED = 1, 3, 4, 5, 7
SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

_NUMBERS: Final = (BYTE, SHORT, LONG, 13)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One entry of a directory, as it claims to be.

    Args:
        tag: Its name.
        type: Of its values; any number.
        count: How many there are.
        offset: Where they lie.
        length_bytes: 0 if the type is unknown; else not checked against the file.
    """

    tag: int
    type: int
    count: int
    offset: int
    length_bytes: int


class TiffFile:
    """
    Reads directories.

    Args:
        source: Begins with one of `ORDERS`.
    """

    def __init__(self, source: Source) -> None:
        head = source.read(0, HEAD_BYTES)
        self.source = source
        self.order = ORDERS[head[:4]]
        self.first = int.from_bytes(head[4:], self.order)
        self._regions = [(0, HEAD_BYTES, False)]
        self._seen: set[int] = set()
        self._entry_len = 0

    def claim(self, offset: int, length_bytes: int, *, is_pixels: bool) -> None:
        """
        Remember what a part of the file is.

        Args:
            offset: From its first byte.
            length_bytes: Lies within the file.
            is_pixels: Whether it is kept as pixels.

        Raises:
            RefusedError: it is one part too many.
        """
        if len(self._regions) >= MAX_REGIONS:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._regions.append((offset, offset + length_bytes, is_pixels))

    def check_regions(self) -> int:
        """
        Hold that pixels are pixels and nothing else.

        Returns:
            Where the last part ends.

        Raises:
            RefusedError: pixels overlap each other, or what is said of them.
        """
        pixels_end = any_end = 0
        for start, end, is_pixels in sorted(self._regions):
            if start < (any_end if is_pixels else pixels_end):
                raise RefusedError(Reason.MALFORMED)
            any_end = max(any_end, end)
            if is_pixels:
                pixels_end = end
        return any_end

    def is_seen(self, offset: int) -> bool:
        """Tell whether a directory was read already."""
        return offset in self._seen

    def has_directory(self, offset: int) -> bool:
        """
        Tell whether a directory can lie somewhere.

        Args:
            offset: As something claims.

        Returns:
            Whether all of it is in the file, and it has entries, but not too many.
        """
        count = self._count(offset)
        return 0 < count <= MAX_ENTRIES and (
            offset + 6 + count * ENTRY_BYTES <= self.source.length_bytes
        )

    def read_directory(self, offset: int) -> tuple[tuple[Entry, ...], int]:
        """
        Read a directory.

        Args:
            offset: As something claims.

        Returns:
            Its entries, and where the next is, or 0.

        Raises:
            RefusedError: it is there already, is not there, or is one too many.
        """
        if offset in self._seen:
            raise RefusedError(Reason.MALFORMED)
        self._seen.add(offset)
        count = self._count(offset)
        self._entry_len += count
        if (
            len(self._seen) > MAX_DIRECTORIES
            or count > MAX_ENTRIES
            or self._entry_len > MAX_ALL_ENTRIES
        ):
            raise RefusedError(Reason.TOO_COMPLEX)
        length = 6 + count * ENTRY_BYTES
        data = self.source.read(offset, length)
        if not count:
            raise RefusedError(Reason.MALFORMED)
        self.claim(offset, length, is_pixels=False)
        entries = tuple(
            self._read_entry(data, offset, start) for start in range(2, length - 4, ENTRY_BYTES)
        )
        return entries, int.from_bytes(data[-4:], self.order)

    def _count(self, offset: int) -> int:
        return int.from_bytes(self.source.read_up_to(offset, 2), self.order)

    def _read_entry(self, data: bytes, directory: int, start: int) -> Entry:
        tag, kind, count, place = (
            int.from_bytes(data[start + begin : start + end], self.order)
            for begin, end in ((0, 2), (2, 4), (4, 8), (8, 12))
        )
        length = SIZES.get(kind, 0) * count
        if length <= 4:
            place = directory + start + 8
        elif place + length <= self.source.length_bytes:
            self.claim(place, length, is_pixels=False)
        return Entry(tag=tag, type=kind, count=count, offset=place, length_bytes=length)

    def read_numbers(self, entry: Entry) -> tuple[int, ...]:
        """
        Read values that are whole numbers.

        Args:
            entry: Of a count that the caller bounds.

        Returns:
            They.

        Raises:
            RefusedError: they are of another type, or not in the file.
        """
        if entry.type not in _NUMBERS:
            raise RefusedError(Reason.MALFORMED)
        size = SIZES[entry.type]
        data = self.source.read(entry.offset, entry.length_bytes)
        return tuple(
            int.from_bytes(data[start : start + size], self.order)
            for start in range(0, len(data), size)
        )
