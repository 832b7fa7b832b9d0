"""Small pictures made of their parts, for the tests of cleaning: every byte has its place here."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from tipline.cleaning.jpeg import JFIF

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, content: bytes) -> bytes:
    """Make a segment of a JPEG."""
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content


def make_frame(*, marker: int = 0xC0, ids: bytes = b"\x01", precision: int = 8) -> bytes:
    """Make a frame of 8 by 8 pixels."""
    parts = b"".join(bytes([number, 0x11, 0]) for number in ids)
    return segment(marker, struct.pack(">BHHB", precision, 8, 8, len(ids)) + parts)


def make_scan(*, ids: bytes = b"\x01", data: bytes | None = None) -> bytes:
    """Make a scan: for each component one block, which is grey."""
    parts = b"".join(bytes([number, 0]) for number in ids)
    coded = bytes([0x0F]) if len(ids) == 1 else bytes(len(ids) // 2) + b"\x0f" * (len(ids) % 2)
    head = segment(0xDA, bytes([len(ids)]) + parts + b"\x00\x3f\x00")
    return head + (coded if data is None else data)


DQT = segment(0xDB, b"\x00" + b"\x01" * 64)
# One code of two bits in each table, for the value 0.
DHT = b"".join(segment(0xC4, bytes([number, 0, 1, *bytes(14), 0])) for number in (0x00, 0x10))


def make_jpeg(
    *before: bytes,
    frame: bytes | None = None,
    scans: Sequence[bytes] | None = None,
    behind: bytes = b"",
) -> bytes:
    """
    Make a JPEG that decoders open.

    Args:
        before: Segments between the start and the tables. Where none is given, our own JFIF.
        frame: One grey component if None.
        scans: One grey block if None.
        behind: Follows the end.
    """
    heads = b"".join(before) if before else JFIF
    body = b"".join([make_scan()] if scans is None else scans)
    return SOI + heads + DQT + (frame or make_frame()) + DHT + body + EOI + behind


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """Make a chunk of a PNG."""
    checksum = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + checksum


SIGNATURE = b"\x89PNG\r\n\x1a\n"
IEND = chunk(b"IEND")


def make_header(*, width: int = 2, height: int = 2, depth: int = 8, colour: int = 0) -> bytes:
    """Make a header, of four grey pixels if nothing is said."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


PIXELS = chunk(b"IDAT", zlib.compress(b"\x00\x10\x20" * 2))


def make_png(
    *between: bytes, header: bytes | None = None, pixels: bytes = PIXELS, behind: bytes = b""
) -> bytes:
    """
    Make a PNG that decoders open.

    Args:
        between: Chunks between header and pixels.
        header: Of four grey pixels if None.
        pixels: All chunks of pixels, and what follows them.
        behind: Follows the end.
    """
    return SIGNATURE + (header or make_header()) + b"".join(between) + pixels + IEND + behind


def make_exif(entries: Sequence[tuple[int, int, int, bytes]], *, order: str = ">") -> bytes:
    """
    Make EXIF of one directory.

    Args:
        entries: Tag, type, count and four bytes of value.
        order: As `struct` names it.
    """
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    body = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    return head + struct.pack(order + "H", len(entries)) + body + bytes(4)


def riff_chunk(name: bytes, content: bytes) -> bytes:
    """Make a chunk of a RIFF file, filled up to an even length."""
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def make_webp(*chunks: bytes, behind: bytes = b"") -> bytes:
    """Make a WebP of its chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body + behind


def make_canvas(flags: int = 0) -> bytes:
    """Make the chunk that says what else there is, of one pixel."""
    return riff_chunk(b"VP8X", bytes([flags]) + bytes(9))


VP8L = riff_chunk(b"VP8L", bytes.fromhex("2f00000000888808"))
VP8 = riff_chunk(b"VP8 ", b"coded")
ALPH = riff_chunk(b"ALPH", b"\0alpha")


def make_gif(*blocks: bytes, flags: int = 0x80, aspect: int = 0, behind: bytes = b"") -> bytes:
    """Make a GIF of its blocks: one image if none is given."""
    screen = b"GIF89a" + b"\1\0\1\0" + bytes([flags, 0, aspect])
    colours = bytes(6) if flags & 0x80 else b""
    return screen + colours + (b"".join(blocks) or GIF_IMAGE) + b";" + behind


def extension(label: int, *parts: bytes) -> bytes:
    """Make an extension of a GIF."""
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    return bytes([0x21, label]) + blocks + b"\0"


GIF_IMAGE = b"," + bytes(4) + b"\1\0\1\0\0" + b"\2\2\x44\1\0"
GIF_LOOP = extension(0xFF, b"NETSCAPE2.0", b"\1\0\0")
GIF_CONTROL = extension(0xF9, b"\1\2\0\0")
