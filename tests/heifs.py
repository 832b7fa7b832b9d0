"""Small HEICs and AVIFs made of their boxes, for the tests of cleaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tests.films import HEVC, unit
from tipline.cleaning.boxes import format_box

ISPE = format_box(b"ispe", bytes(4), b"\0\0\0\x08\0\0\0\x08")
PIXI = format_box(b"pixi", bytes(4), b"\3\x08\x08\x08")
NCLX = format_box(b"colr", b"nclx\0\1\0\x0d\0\6\x80")
PROFILE = format_box(b"colr", b"prof", b"of my display")
TURN = format_box(b"irot", b"\1")
ALPHA = format_box(b"auxC", bytes(4), b"urn:mpeg:hevc:2015:auxid:1\0")
DEPTH = format_box(b"auxC", bytes(4), b"urn:mpeg:hevc:2015:auxid:2\0")
AV1 = format_box(b"av1C", b"\x81\0\0\0")
GREY_AV1 = format_box(b"av1C", b"\x81\0\x1c\0")
# The usual one of the four ways to have colours (4:2:0); `HEVC` has none.
HEVC_IN_COLOURS = HEVC[:24] + b"\xfd" + HEVC[25:]
CODED = unit(b"\x26\1\7")
CODED_AV1 = b"\x32\2\1\2"
GRID = b"\0\0\0\1\0\x10\0\x08"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MakeItem:
    """
    An item to be put into a picture.

    Args:
        number: Of the item.
        data: Its data.
        kind: Four bytes.
        properties: Places in the list, from 1; 128 more if a reader must know it.
        name: Its name, and what follows it.
        flags: 1 if it is hidden.
        method: 1 puts its data into `idat`.
        protection: Not 0 if it is encrypted.
    """

    number: int
    data: bytes = CODED
    kind: bytes = b"hvc1"
    properties: Sequence[int] = (0x81, 2)
    name: bytes = b"\0"
    flags: int = 0
    method: int = 0
    protection: int = 0


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")


def link(kind: bytes, source: int, *targets: int) -> bytes:
    """Make a link of an item to others."""
    return format_box(kind, *map(_short, (source, len(targets), *targets)))


def make_heif(
    *items: MakeItem,
    properties: Sequence[bytes] = (HEVC, ISPE),
    links: Sequence[bytes] = (),
    primary: int = 1,
    brand: bytes = b"heic\0\0\0\0mif1heic",
    more: bytes = b"",
    before: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """
    Make a picture.

    Args:
        items: Their data lie in their order.
        properties: What is said of them.
        links: How they belong together.
        primary: The item that is shown.
        brand: `ftyp`.
        more: Boxes in `meta`.
        before: Boxes before `mdat`.
        behind: Follows the last box.
    """
    inner = b"".join(item.data for item in items if item.method)

    def format_meta(base: int) -> bytes:
        rows = []
        at = {0: base, 1: 0}
        for item in items:
            places = (item.number, item.method, 0, 1)
            row = b"".join(map(_short, places))
            rows.append(
                row + at[item.method].to_bytes(4, "big") + len(item.data).to_bytes(4, "big")
            )
            at[item.method] += len(item.data)
        entries = [
            format_box(
                b"infe",
                b"\2\0\0" + bytes([item.flags]),
                _short(item.number),
                _short(item.protection),
                item.kind,
                item.name,
            )
            for item in items
        ]
        uses = [
            _short(item.number) + bytes([len(item.properties), *item.properties]) for item in items
        ]
        return format_box(
            b"meta",
            bytes(4),
            format_box(b"hdlr", bytes(8), b"pict", bytes(13)),
            format_box(b"pitm", bytes(4), _short(primary)),
            format_box(b"iloc", b"\1\0\0\0\x44\0", _short(len(items)), *rows),
            format_box(b"iinf", bytes(4), _short(len(items)), *entries),
            format_box(b"iref", bytes(4), *links) if links else b"",
            format_box(
                b"iprp",
                format_box(b"ipco", *properties),
                format_box(b"ipma", bytes(4), len(items).to_bytes(4, "big"), *uses),
            ),
            format_box(b"idat", inner) if inner else b"",
            more,
        )

    front = format_box(b"ftyp", brand)
    base = len(front) + len(format_meta(0)) + len(before) + 8
    media = format_box(b"mdat", *(item.data for item in items if not item.method))
    return front + format_meta(base) + before + media + behind
