"""Tiny drawings of Windows (EMF, WMF), put together by hand: valid, and broken in one place."""

from __future__ import annotations

import struct

from tests.pictures import make_jpeg, segment

BOX = struct.pack("<4i", 0, 0, 99, 99)
FACE = "Sans".encode("utf-16-le")
TELLING = b"by Ana Quiroga!!"
LINE_TO = struct.pack("<4I", 54, 16, 5, 5)
PLUS_HEAD, PLUS_RECTANGLE = 0x4001, 0x400A


def make_record(number: int, *content: bytes) -> bytes:
    """
    Make a record of EMF.

    Args:
        number: Its type.
        content: Behind its length.

    Returns:
        It, filled up to four bytes.
    """
    joined = b"".join(content)
    joined += bytes(-len(joined) % 4)
    return struct.pack("<2I", number, 8 + len(joined)) + joined


def make_emf(
    *records: bytes, description: str = "", behind: bytes = b"", end: bool = True
) -> bytes:
    """
    Make an EMF.

    Args:
        records: Between its head and its end.
        description: Of the program and the title.
        behind: What stands behind its end.
        end: Whether it has one.

    Returns:
        It.
    """
    said = description.encode("utf-16-le")
    head_bytes = 88 + len(said) + (-len(said) % 4)
    ending = struct.pack("<5I", 14, 20, 0, 16, 20) if end else b""
    body = b"".join(records) + ending
    head = struct.pack("<2I", 1, head_bytes) + BOX + BOX + b" EMF" + struct.pack("<I", 0x10000)
    head += struct.pack("<2I2H", head_bytes + len(body), len(records) + 2, 3, 0)
    head += struct.pack("<3I", len(description), 88 if said else 0, 0)
    head += struct.pack("<4i", 1920, 1080, 508, 286)
    return head + said.ljust(head_bytes - 88, b"\0") + body + behind


def make_comment(content: bytes) -> bytes:
    """
    Make a comment of EMF.

    Args:
        content: Of it.

    Returns:
        The record.
    """
    return make_record(70, struct.pack("<I", len(content)), content)


def make_plus(*records: tuple[int, int]) -> bytes:
    """
    Make a comment that holds EMF+.

    Args:
        records: Of each its number and its flags.

    Returns:
        The record.
    """
    content = b"".join(struct.pack("<2H2I", number, flags, 12, 0) for number, flags in records)
    return make_comment(b"EMF+" + content)


def make_dib(
    *,
    width: int = 3,
    height: int = 2,
    depth: int = 8,
    compression: int = 0,
    colours: bytes = b"\1\2\3\4\5\6\7\x08",
    head_bytes: int = 40,
) -> bytes:
    """
    Make the head of a bitmap, with its colours.

    Args:
        width: In pixels.
        height: In pixels; below 0 from the top.
        depth: Bits of a pixel.
        compression: By its number.
        colours: Four bytes each, as many as it says.
        head_bytes: Its length; what is beyond the fields tells.

    Returns:
        Both; the resolution tells.
    """
    count = len(colours) // 4 if depth <= 8 else 0
    head = struct.pack(
        "<IiiHHIIiiII", head_bytes, width, height, 1, depth, compression, 0, 7, 7, count, 0
    )
    return head + (TELLING * 8)[: head_bytes - 40] + colours


def make_bits(
    head: bytes, pixels: bytes, *, number: int = 81, usage: int = 0, between: bytes = b"\0\0\0\0"
) -> bytes:
    """
    Make a record of EMF that shows a bitmap.

    Args:
        head: Of the bitmap.
        pixels: Of it.
        number: STRETCHDIBITS, or one of a pattern (93, 94).
        usage: What its colours are.
        between: What stands between the two.

    Returns:
        It.
    """
    own_bytes = 80 if number == 81 else 32
    places = struct.pack(
        "<4I", own_bytes, len(head), own_bytes + len(head) + len(between), len(pixels)
    )
    if number == 81:
        own = BOX + bytes(24) + places + struct.pack("<4I", usage, 0xCC0020, 3, 2)
    else:
        own = struct.pack("<2I", 1, usage) + places
    return make_record(number, own, head, between, pixels)


def make_word_record(number: int, *content: bytes) -> bytes:
    """
    Make a record of WMF.

    Args:
        number: Its function.
        content: Of it, of an even length.

    Returns:
        It.
    """
    joined = b"".join(content)
    return struct.pack("<IH", 3 + len(joined) // 2, number) + joined


def make_wmf(*records: bytes, is_placed: bool = False, behind: bytes = b"") -> bytes:
    """
    Make a WMF.

    Args:
        records: Between its head and its end.
        is_placed: Whether it has the head that says its place.
        behind: What stands behind its end.

    Returns:
        It.
    """
    body = b"".join(records) + struct.pack("<IH", 3, 0)
    head = struct.pack("<3HIHIH", 1, 9, 0x300, 9 + len(body) // 2, 2, 99, 0)
    placed = b"\xd7\xcd\xc6\x9a\5\0" + struct.pack("<4hHIH", 0, 0, 9, 9, 96, 7, 1)
    return (placed if is_placed else b"") + head + body + behind


TELLING_JPEG = make_jpeg(segment(0xFE, b"by Ana"))
