"""
JBIG2 and JPEG 2000, as scanners write them into a PDF.

1. Of JBIG2 (ITU-T T.88, 7.2) the segments that hold pixels, symbols and pages stay; extensions,
   which are comments, and what is not known go. What a page and its parts have as their data is
   as long as their format says.
2. Of JPEG 2000 (ISO 15444-1, annexes A and I) the boxes that a decoder needs stay, each as long as
   its format says, and of the codestream's head what decodes: comments and tables of lengths go,
   what is not known is refused. In a later head a comment is refused, too: lengths count it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

MAX_SEGMENTS: Final = 100_000  # of one image; a page of a scan has about ten

# Symbols, texts, patterns, halftones, regions, refinements, page, its end, stripe, tables.
_JBIG2_KEPT: Final = frozenset({0, 4, 6, 7, 16, 20, 22, 23, 36, 38, 39, 40, 42, 43, 48, 49, 50, 53})
_JBIG2_BYTES: Final = {48: 19, 49: 0, 50: 4}  # of a page, of its end, of a stripe's end
_JP2_SIGNATURE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_JP2_HEAD_KEPT: Final = frozenset({b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"})
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_SOT = b"\xff\x90"
# Comments, tables of lengths (TLM, PLM), where components lie on paper (CRG).
_HEAD_LEFT_OUT: Final = frozenset({b"\xff\x64", b"\xff\x55", b"\xff\x57", b"\xff\x63"})
# CAP, PRF, SIZ, COD, COC, QCD, QCC, RGN, POC, PPM.
_HEAD_KEPT: Final = frozenset(b"\xff" + bytes([code]) for code in b"PVQRS\x5c\x5d\x5e\x5f\x60")
# COD, COC, QCD, QCC, RGN, POC, PPT, PLT.
_TILE_KEPT: Final = frozenset(b"\xff" + bytes([code]) for code in b"RS\x5c\x5d\x5e\x5f\x61X")
_SOD, _EOC = b"\xff\x93", b"\xff\xd9"
_ENUMERATED: Final = b"\1"
# By the number of components.
_PLAIN_COLOURS: Final = {b"\0\1": b"\x11", b"\0\3": b"\x10", b"\0\4": b"\x0c"}


def clean_jbig2(untrusted: bytes) -> bytes:
    """
    Clean JBIG2 as PDF embeds it: segments without a file's head.

    Args:
        untrusted: The segments.

    Returns:
        Those that are kept.

    Raises:
        RefusedError: a segment's length is not known or lies, or there are too many.
    """
    kept: list[bytes] = []
    position = 0
    for _ in range(MAX_SEGMENTS):
        if position == len(untrusted):
            return b"".join(kept)
        kind, start, end = _measure_segment(untrusted, position)
        length = min(end - start, _JBIG2_BYTES.get(kind, end - start))
        if kind in _JBIG2_KEPT:
            kept.append(untrusted[position : start - 4] + length.to_bytes(4, "big"))
            kept.append(untrusted[start : start + length])
        position = end
    raise RefusedError(Reason.TOO_COMPLEX)


def _measure_segment(data: bytes, start: int) -> tuple[int, int, int]:
    """Return what a segment is, where its data begins, and where it ends."""
    number, flags = int.from_bytes(data[start : start + 4], "big"), _byte_at(data, start + 4)
    referred = _byte_at(data, start + 5) >> 5
    position = start + 6
    if referred == 7:
        referred = int.from_bytes(data[start + 5 : start + 9], "big") & 0x1FFFFFFF
        position = start + 9 + (referred + 8) // 8
    position += referred * (1 if number <= 256 else 2 if number <= 65_536 else 4)
    position += 4 if flags & 0x40 else 1
    length = int.from_bytes(data[position : position + 4], "big")
    end = position + 4 + length
    if length == 0xFFFFFFFF:
        raise RefusedError(Reason.UNSUPPORTED)
    if end > len(data):
        raise RefusedError(Reason.TRUNCATED)
    return flags & 0x3F, position + 4, end


def clean_jpeg2000(untrusted: bytes) -> bytes:
    """
    Clean JPEG 2000.

    Args:
        untrusted: A JP2 file, or a codestream alone.

    Returns:
        What a decoder needs.

    Raises:
        RefusedError: it breaks the rules above.
    """
    if untrusted.startswith(_CODESTREAM):
        return _clean_codestream(untrusted)
    if not untrusted.startswith(_JP2_SIGNATURE):
        raise RefusedError(Reason.MALFORMED)
    kept = [_JP2_SIGNATURE]
    for name, content in _list_boxes(untrusted):
        if name == b"jp2h":
            kept.append(_make_box(name, _clean_head(content)))
        elif name == b"jp2c":
            kept.append(_make_box(name, _clean_codestream(content)))
        elif name == b"ftyp":
            kept.append(_make_box(name, b"jp2 \0\0\0\0jp2 "))
    return b"".join(kept)


def _list_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    for _ in range(MAX_SEGMENTS):
        if position == len(data):
            return
        length, start = int.from_bytes(data[position : position + 4], "big"), position + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        elif length == 0:
            length = len(data) - position
        end = position + length
        if end < start or end > len(data):
            raise RefusedError(Reason.TRUNCATED)
        yield data[position + 4 : position + 8], data[start:end]
        position = end
    raise RefusedError(Reason.TOO_COMPLEX)


def _make_box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def _clean_head(content: bytes) -> bytes:
    """Keep what a decoder needs; in the place of a profile say grey, sRGB or CMYK."""
    kept = []
    components = b""
    for name, body in _list_boxes(content):
        if name == b"ihdr":
            components = body[8:10] if len(body) >= 10 else b""
        if name == b"colr" and not (body[:1] == _ENUMERATED and len(body) == 7):
            if components not in _PLAIN_COLOURS:
                raise RefusedError(Reason.UNSUPPORTED)
            body = b"\1\0\0\0\0\0" + _PLAIN_COLOURS[components]  # noqa: PLW2901  # its heir
        if name in _JP2_HEAD_KEPT:
            kept.append(_make_box(name, body[: _measure_box(name, body, components)]))
    return b"".join(kept)


def _measure_box(name: bytes, body: bytes, components: bytes) -> int:
    """Measure what a box has by its format."""
    count = int.from_bytes(body[:2], "big")
    match name:
        case b"ihdr":
            return 14
        case b"bpcc":
            return int.from_bytes(components, "big")
        case b"cdef":
            return 2 + 6 * count
        case b"pclr":
            columns = body[2] if len(body) > 2 else 0
            sizes = ((depth & 127) // 8 + 1 for depth in body[3 : 3 + columns])
            return 3 + columns + count * sum(sizes)
    return len(body)


def _clean_codestream(data: bytes) -> bytes:
    if not data.startswith(_CODESTREAM):
        raise RefusedError(Reason.MALFORMED)
    kept = [data[:2]]
    position = 2
    while (marker := data[position : position + 2]) != _SOT:
        end = _measure_marker(data, position)
        if marker in _HEAD_KEPT:
            kept.append(data[position:end])
        elif marker not in _HEAD_LEFT_OUT:
            raise RefusedError(Reason.UNSUPPORTED)
        position = end
    return b"".join(kept) + data[position : _check_tiles(data, position)]


def _measure_marker(data: bytes, position: int) -> int:
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    end = position + 2 + length
    if data[position : position + 1] != b"\xff" or length < 2 or end > len(data):
        raise RefusedError(Reason.MALFORMED)
    return end


def _check_tiles(data: bytes, start: int) -> int:
    """Walk the parts of tiles; return where the last ends, with the end's marker."""
    position = start
    for _ in range(MAX_SEGMENTS):
        if data[position : position + 2] == _EOC:
            return position + 2
        if data[position : position + 2] != _SOT:
            break
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        end = position + length if length else len(data)
        head = _measure_marker(data, position)
        while (marker := data[head : head + 2]) != _SOD:
            head = _measure_marker(data, head)
            if marker not in _TILE_KEPT:
                raise RefusedError(Reason.UNSUPPORTED)
        if head + 2 > end or end > len(data):
            raise RefusedError(Reason.TRUNCATED)
        if not length or end == len(data):
            return end
        position = end
    raise RefusedError(Reason.MALFORMED)


def _byte_at(data: bytes, position: int) -> int:
    if position >= len(data):
        raise RefusedError(Reason.TRUNCATED)
    return data[position]
