"""Small TIFFs made of their parts, for the tests of cleaning: every byte has its place here."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from tests.pictures import DHT, DQT, EOI, SOI, make_frame, make_scan

Values = Sequence[int] | bytes
Entries = Mapping[int, tuple[int, Values]]

CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 13: "I"}
PIXELS = bytes(range(16, 32))
# Four by four grey pixels, in one strip.
GREY: Entries = {
    254: (4, [0]),
    256: (4, [4]),
    257: (4, [4]),
    258: (3, [8]),
    259: (3, [1]),
    262: (3, [1]),
    277: (3, [1]),
    278: (4, [4]),
}
JPEG_PART = SOI + make_frame() + make_scan() + EOI
JPEG_TABLES = SOI + DQT + DHT + EOI
JPEG: Entries = {
    **GREY,
    256: (4, [8]),
    257: (4, [8]),
    259: (3, [7]),
    278: (4, [8]),
    347: (7, JPEG_TABLES),
}


def make_tiff(
    *pages: tuple[Entries, Sequence[bytes]],
    order: str = "<",
    between: bytes = b"",
    behind: bytes = b"",
    last: int = 0,
) -> bytes:
    """
    Make a TIFF as the cleaning writes it, if its pages have only what that keeps.

    Args:
        pages: For each its entries, by tag, and its strips or tiles. Four grey pixels a side if
            there is none. The places and lengths of the pixels are put in where they are not.
        order: As `struct` names it.
        between: Stands before the pixels.
        behind: Follows the end.
        last: What the last directory says of the next.
    """
    chosen = pages or ((GREY, [PIXELS]),)
    lengths = [_measure(_complete(page, parts, 0)) for page, parts in chosen]
    pixels_at = 8 + sum(lengths) + len(between)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    position, pixels = 8, b""
    for number, (page, parts) in enumerate(chosen):
        following = position + lengths[number] if number + 1 < len(chosen) else last
        entries = _complete(page, parts, pixels_at + len(pixels))
        head += make_directory(entries, position, following, order=order)
        pixels += b"".join(parts)
        position += lengths[number]
    return head + between + pixels + behind


def make_directory(entries: Entries, position: int, following: int = 0, *, order: str) -> bytes:
    """Make a directory that stands at *position*, with its values behind it."""
    values_at = position + 6 + 12 * len(entries)
    listed, values = b"", b""
    for tag, (kind, numbers) in sorted(entries.items()):
        content = struct.pack(f"{order}{len(numbers)}{CODES[kind]}", *numbers)
        count = len(numbers) // 2 if kind == 5 else len(numbers)
        listed += struct.pack(order + "HHI", tag, kind, count)
        if len(content) <= 4:
            listed += content.ljust(4, b"\0")
        else:
            listed += struct.pack(order + "I", values_at + len(values))
            values += content + bytes(len(content) % 2)
    count = struct.pack(order + "H", len(entries))
    return count + listed + struct.pack(order + "I", following) + values


def _complete(page: Entries, parts: Sequence[bytes], pixels_at: int) -> Entries:
    offsets = [pixels_at + sum(map(len, parts[:number])) for number in range(len(parts))]
    tags = (324, 325) if 322 in page else (273, 279)
    return {tags[0]: (4, offsets), tags[1]: (4, [*map(len, parts)]), **page}


def _measure(entries: Entries) -> int:
    return len(make_directory(entries, 0, order="<"))
