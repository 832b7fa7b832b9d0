"""
The lists of a HEIC or an AVIF (ISO/IEC 23008-12 and 14496-12, 8.11): items, and their properties.

Everything is read into the few numbers that it consists of. What refers to something that is not
there is refused where it is needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final

from tipline.cleaning.boxes import Box, Cursor, list_boxes, list_named, need
from tipline.cleaning.errors import Reason, RefusedError

MAX_ITEMS: Final = 4_096  # a picture of 48 megapixels has 200
MAX_NAME_BYTES: Final = 4_096  # of what an item says of itself
MAX_EXTENTS: Final = 16_384  # of all items together

_IN_FILE: Final = 0
_IN_META: Final = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """
    A part of an item.

    Args:
        offset: From the file's first byte, or from that of `idat`.
        length_bytes: Of the part.
    """

    offset: int
    length_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where an item lies.

    Args:
        method: 0 in the file, 1 in `idat`.
        extents: Its parts.
    """

    method: int
    extents: tuple[Extent, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    An item.

    Args:
        kind: Four bytes.
        is_hidden: It is a part of another.
        is_protected: It is encrypted.
        content_type: What it says of itself, if it is a file of another format.
    """

    kind: bytes
    is_hidden: bool
    is_protected: bool
    content_type: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    That an item belongs to others.

    Args:
        kind: Four bytes.
        source: The item.
        targets: The others.
    """

    kind: bytes
    source: int
    targets: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """
    What `meta` says.

    Args:
        primary: The item that is shown.
        items: By number, in their order.
        places: By number.
        links: In their order.
        properties: In their order.
        uses: By item, which properties it has: their places in `properties`, and whether a
            reader must know them.
    """

    primary: int
    items: Mapping[int, Item]
    places: Mapping[int, Place]
    links: tuple[Link, ...]
    properties: tuple[Box, ...]
    uses: Mapping[int, tuple[tuple[int, bool], ...]]


def read_lists(data: bytes) -> Lists:
    """
    Read the lists.

    Args:
        data: The content of `meta`, untrusted.

    Returns:
        They.

    Raises:
        RefusedError: one is missing, or not whole.
    """
    boxes = list_named(data, 4, len(data))
    primary = _open(data, need(boxes, b"pitm"))
    properties = list_named(data, need(boxes, b"iprp").start, need(boxes, b"iprp").end)
    container = need(properties, b"ipco")
    return Lists(
        primary=primary[0].number(4 if primary[1] else 2),
        items=dict(_read_items(data, need(boxes, b"iinf"))),
        places=_read_places(data, need(boxes, b"iloc")),
        links=tuple(_read_links(data, boxes.get(b"iref"))),
        properties=tuple(list_boxes(data, container.start, container.end)),
        uses=_read_uses(data, need(boxes, b"iprp")),
    )


def _open(data: bytes, box: Box) -> tuple[Cursor, int, int]:
    """Return what is behind the version and the flags, and these."""
    cursor = Cursor(data, box.start, box.end)
    version = cursor.number(1)
    return cursor, version, cursor.number(3)


def _read_items(data: bytes, box: Box) -> Iterator[tuple[int, Item]]:
    cursor, version, _ = _open(data, box)
    count = cursor.number(4 if version else 2)
    entries = list(list_boxes(data, box.end - cursor.left, box.end))
    if count != len(entries) or count > MAX_ITEMS:
        raise RefusedError(Reason.MALFORMED)
    for entry in entries:
        cursor, version, flags = _open(data, entry)
        if entry.name != b"infe" or version not in (2, 3):
            raise RefusedError(Reason.UNSUPPORTED)
        number = cursor.number(4 if version == 3 else 2)
        is_protected = cursor.number(2) != 0
        kind = cursor.take(4)
        rest = cursor.take(min(cursor.left, MAX_NAME_BYTES))
        yield (
            number,
            Item(
                kind=kind,
                is_hidden=bool(flags & 1),
                is_protected=is_protected,
                content_type=rest.partition(b"\0")[2].partition(b"\0")[0],
            ),
        )


def _read_places(data: bytes, box: Box) -> Mapping[int, Place]:
    cursor, version, _ = _open(data, box)
    widths = cursor.number(2)
    offset_bytes, length_bytes, base_bytes = widths >> 12, widths >> 8 & 15, widths >> 4 & 15
    index_bytes = widths & 15 if version else 0
    if any(width not in (0, 4, 8) for width in (offset_bytes, length_bytes, base_bytes)):
        raise RefusedError(Reason.MALFORMED)
    places: dict[int, Place] = {}
    extents_len = 0
    count = cursor.number(4 if version == 2 else 2)
    if count > MAX_ITEMS:
        raise RefusedError(Reason.TOO_COMPLEX)
    for _ in range(count):
        number = cursor.number(4 if version == 2 else 2)
        method = cursor.number(2) & 15 if version else _IN_FILE
        is_elsewhere = cursor.number(2) != 0
        base = cursor.number(base_bytes)
        extents = []
        for _ in range(cursor.number(2)):
            cursor.take(index_bytes)
            offset = base + cursor.number(offset_bytes)
            extents.append(Extent(offset=offset, length_bytes=cursor.number(length_bytes)))
            extents_len += 1
            if extents_len > MAX_EXTENTS:
                raise RefusedError(Reason.TOO_COMPLEX)
        # What lies in another file or in another item is as if it were nowhere.
        if not is_elsewhere and method in (_IN_FILE, _IN_META):
            places[number] = Place(method=method, extents=tuple(extents))
    return places


def _read_links(data: bytes, box: Box | None) -> Iterator[Link]:
    if box is None:
        return
    cursor, version, _ = _open(data, box)
    width = 4 if version else 2
    for entry in list_boxes(data, box.end - cursor.left, box.end):
        inside = Cursor(data, entry.start, entry.end)
        source = inside.number(width)
        count = inside.number(2)
        if count > MAX_ITEMS:
            raise RefusedError(Reason.TOO_COMPLEX)
        targets = tuple(inside.number(width) for _ in range(count))
        yield Link(kind=entry.name, source=source, targets=targets)


def _read_uses(data: bytes, box: Box) -> Mapping[int, tuple[tuple[int, bool], ...]]:
    uses: dict[int, tuple[tuple[int, bool], ...]] = {}
    for entry in list_boxes(data, box.start, box.end):
        if entry.name != b"ipma":
            continue
        cursor, version, flags = _open(data, entry)
        width = 2 if flags & 1 else 1
        essential = 1 << 8 * width - 1
        count = cursor.number(4)
        if count > MAX_ITEMS:
            raise RefusedError(Reason.TOO_COMPLEX)
        for _ in range(count):
            number = cursor.number(4 if version else 2)
            told = [cursor.number(width) for _ in range(cursor.number(1))]
            # 0 is no property.
            used = tuple((one % essential - 1, one >= essential) for one in told if one % essential)
            uses[number] = uses.get(number, ()) + used
    return uses
