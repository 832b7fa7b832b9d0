"""Small PDFs, written by hand: what a test is about, and as little else as there can be."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final

_HEAD: Final = re.compile(rb"(\d+) 0 obj\n")
_STREAM: Final = re.compile(rb"(<< [^\n]*)/Length (\d+) >>\nstream\n")
DRAWN = b"0 0 1 rg 10 10 50 50 re f\n"


def make_stream(data: bytes, entries: bytes = b"", *, is_deflated: bool = False) -> bytes:
    """Make a stream with the entries of its dictionary."""
    if is_deflated:
        data, entries = zlib.compress(data, 9), entries + b" /Filter /FlateDecode"
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def make_pdf(
    objects: Mapping[int, bytes],
    *,
    trailer: bytes = b"",
    root: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """Make a file: 1 is the root, 2 the tree, 3 the page and 4 what it shows, if not given."""
    every = {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % root,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: make_page(),
        4: make_stream(DRAWN),
        **objects,
    }
    data, offsets = b"%PDF-1.4\n", {}
    for number, body in sorted(every.items()):
        offsets[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size, start = max(every) + 1, len(data)
    data += b"xref\n0 %d\n" % size
    for number in range(size):
        if number in offsets:
            data += b"%010d 00000 n \n" % offsets[number]
        else:
            data += b"0000000000 65535 f \n"
    data += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (size, trailer)
    return data + b"startxref\n%d\n%%%%EOF\n" % start + behind


def append_version(pdf: bytes, number: int, body: bytes) -> bytes:
    """Append another version of an object to a file, as programs do that only save what changed."""
    before = pdf.rindex(b"xref\n0 ")
    at = len(pdf)
    pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
    trailer = b"trailer\n<< /Size 9 /Root 1 0 R /Prev %d >>\n" % before
    return pdf + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(pdf)


def make_page(entries: bytes = b"", *, resources: bytes = b"", contents: bytes = b"4 0 R") -> bytes:
    """Make a page that shows object 4."""
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents %s"
        b" /Resources << %s >> %s >>" % (contents, resources, entries)
    )


def read_objects(cleaned: bytes) -> dict[int, tuple[bytes, bytes]]:
    """
    Read a PDF that was cleaned.

    Args:
        cleaned: As `PdfWriter` writes it.

    Returns:
        By number, each object without its stream's length, and its stream, inflated.
    """
    objects = {}
    position = cleaned.index(b"1 0 obj\n")
    while (head := _HEAD.match(cleaned, position)) is not None:
        stream = _STREAM.match(cleaned, head.end())
        if stream is None:
            end = cleaned.index(b"\nendobj\n", head.end())
            objects[int(head[1])] = cleaned[head.end() : end], b""
            position = end + len(b"\nendobj\n")
            continue
        end = stream.end() + int(stream[2])
        data = cleaned[stream.end() : end]
        is_deflated = b"/Filter /FlateDecode " in stream[1]
        objects[int(head[1])] = stream[1], zlib.decompress(data) if is_deflated else data
        position = end + len(b"\nendstream\nendobj\n")
    return objects
