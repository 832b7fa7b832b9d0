"""
A PDF that was cleaned before, told by its bytes.

No two programs compress alike. What the page wrote would not be what Python writes, byte for byte,
though nothing in it goes: then the file stays as it is. It has to be written as `pdf_writer.py`
writes, to the last byte, and every stream has to hold the same and nothing behind its end, in about
as many bytes: a compressor may say a thing in many ways, and one who chooses among them writes a
text.
"""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.pdf_writer import FILE_HEAD, PdfWriter

_NUMBER: Final = re.compile(rb"[0-9]{1,6} 0 obj\n")
_HEAD: Final = re.compile(rb"(<< .*)/Length ([0-9]{1,9}) >>", re.DOTALL)
_STREAM, _END, _STREAM_END = b"\nstream\n", b"\nendobj\n", b"\nendstream"
_DEFLATED: Final = b"/Filter /FlateDecode "
# Compressors differ by a twentieth; the bytes are for streams that are short.
_MAX_LONGER_SHARE: Final = 8
_MAX_LONGER_BYTES: Final = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """What stands between `obj` and `endobj`; of a stream its dictionary and its data as well."""

    body: bytes
    head: bytes | None = None
    data: bytes = b""


def is_same_again(untrusted: bytes, written: bytes) -> bool:
    """
    Tell whether a file is what is written of it, but for the way in which it is compressed.

    Args:
        untrusted: The file.
        written: What cleaning makes of it.

    Returns:
        Whether it can stay as it is.
    """
    if not untrusted.startswith(FILE_HEAD):
        return False
    writer = PdfWriter()
    theirs = _list_objects(untrusted)
    for ours in _list_objects(written):
        other = next(theirs, None)
        if other is None or not _is_same_object(other, ours):
            return False
        writer.put(writer.reserve(), other.body)
    return writer.build(root=1) == untrusted


def _list_objects(data: bytes) -> Iterator[_Listed]:
    """List the objects of a file, as long as they are written as ours."""
    position = len(FILE_HEAD)
    stream_at = 0
    while (number := _NUMBER.match(data, position)) is not None:
        start = number.end()
        end = data.find(_END, start)
        if end < 0:
            return
        if stream_at < start:  # each is looked for once
            stream_at = data.find(_STREAM, start) % (len(data) + 1)
        if stream_at > end:
            yield _Listed(body=data[start:end])
        else:
            head = _HEAD.fullmatch(data, start, stream_at)
            if head is None:
                return
            data_at = stream_at + len(_STREAM)
            data_end = data_at + int(head[2])
            end = data_end + len(_STREAM_END)
            yield _Listed(body=data[start:end], head=head[1], data=data[data_at:data_end])
        position = end + len(_END)


def _is_same_object(other: _Listed, ours: _Listed) -> bool:
    if other.body == ours.body:
        return True
    if ours.head is None or ours.head != other.head or _DEFLATED not in ours.head:
        return False
    longer_bytes = len(other.data) - len(ours.data)
    if longer_bytes > len(ours.data) // _MAX_LONGER_SHARE + _MAX_LONGER_BYTES:
        return False
    data = zlib.decompress(ours.data)
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(other.data, len(data) + 1)
    except zlib.error:
        return False
    # One byte more is asked for than there may be, so the end was reached.
    return found == data and inflater.eof and not inflater.unused_data
