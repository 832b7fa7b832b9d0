"""
EXIF: a TIFF structure of tags about an image.

Of all tags one is kept, the orientation, and it is written anew into the smallest structure that
decoders understand. The rest is only looked at for its kinds. What cannot be read has
`Kind.OTHER`: it goes all the same.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Final, Literal

from tipline.cleaning.plan import Kind
from tipline.cleaning.rules import EXIF_KINDS

MAX_DIRECTORIES: Final = 16  # a camera writes five
MAX_ENTRIES: Final = 1_000  # of one directory; a camera writes about sixty
ENTRY_BYTES: Final = 12
UPRIGHT: Final = 1
ORIENTATIONS: Final = range(1, 9)

_ORIENTATION: Final = 0x0112
_SUBDIRECTORIES: Final = {0x8769: "exif", 0x8825: "gps", 0xA005: "interoperability"}
_SHORT: Final = 3
_NUMBER_BYTES: Final = {1: 1, _SHORT: 2, 4: 4}  # some scanners write a longer or shorter number
_ORDERS: Final[dict[bytes, Literal["little", "big"]]] = {b"II*\0": "little", b"MM\0*": "big"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exif:
    """
    What EXIF says.

    Args:
        orientation: 1 to 8; 1 is upright.
        kinds: Of everything but the orientation.
    """

    orientation: int
    kinds: frozenset[Kind]


def read_exif(untrusted: bytes) -> Exif:
    """
    Read the orientation, and the kinds of all else.

    Args:
        untrusted: From its byte order mark on.

    Returns:
        Upright and `Kind.OTHER` if nothing in it can be read.
    """
    order = _ORDERS.get(untrusted[:4])
    if order is None or len(untrusted) < 8:
        return Exif(orientation=UPRIGHT, kinds=frozenset({Kind.OTHER}))
    return _Reader(untrusted, order).read()


def format_orientation(orientation: int) -> bytes:
    """
    Write EXIF that says the orientation and nothing else.

    Args:
        orientation: 2 to 8.

    Returns:
        26 bytes, the same for everybody.
    """
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)


class _Reader:
    """Walks the directories, each once."""

    def __init__(self, untrusted: bytes, order: Literal["little", "big"]) -> None:
        self._data = untrusted
        self._order = order
        self._orientation = UPRIGHT
        self._kinds: set[Kind] = set()

    def read(self) -> Exif:
        waiting = [("image", self._number(4, 4))]
        seen: set[int] = set()
        while waiting:
            name, offset = waiting.pop()
            if offset in seen or len(seen) >= MAX_DIRECTORIES:
                self._kinds.add(Kind.OTHER)
                continue
            seen.add(offset)
            waiting += self._read_directory(name, offset)
        return Exif(orientation=self._orientation, kinds=frozenset(self._kinds))

    def _number(self, offset: int, length_bytes: int) -> int:
        return int.from_bytes(self._data[offset : offset + length_bytes], self._order)

    def _read_directory(self, name: str, offset: int) -> list[tuple[str, int]]:
        """Note the kinds of a directory; return the directories that it names."""
        below = []
        count = self._number(offset, 2)
        end = offset + 2 + count * ENTRY_BYTES
        if end > len(self._data) or count > MAX_ENTRIES:
            self._kinds.add(Kind.OTHER)
            return []
        for start in range(offset + 2, end, ENTRY_BYTES):
            tag = self._number(start, 2)
            if name == "image" and tag == _ORIENTATION:
                self._read_orientation(start)
            elif tag in _SUBDIRECTORIES:
                below.append((_SUBDIRECTORIES[tag], self._number(start + 8, 4)))
            elif name == "gps":
                self._kinds |= {Kind.PLACE, *EXIF_KINDS["gps"].get(tag, ())}
            else:
                known = EXIF_KINDS.get("image" if name == "preview" else name, {})
                self._kinds |= known.get(tag, {Kind.PREVIEW if name == "preview" else Kind.OTHER})
        following = self._number(end, 4)
        if name == "image" and following:
            # The second directory of the chain describes the preview.
            self._kinds.add(Kind.PREVIEW)
            below.append(("preview", following))
        return below

    def _read_orientation(self, start: int) -> None:
        size_bytes = _NUMBER_BYTES.get(self._number(start + 2, 2), 0)
        value = self._number(start + 8, size_bytes)
        if value in ORIENTATIONS:
            self._orientation = value
