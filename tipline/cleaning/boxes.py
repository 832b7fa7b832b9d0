"""
ISO base media (ISO/IEC 14496-12): boxes, each of a length, a name and a content.

The small things that every part of a film, a voice note and a HEIC is read and written with.
Nothing is believed of a length that does not fit into what the box lies in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

MAX_CHILDREN: Final = 4_096  # of one box; a HEIC of 48 megapixels has 200 properties
HEAD_BYTES: Final = 8
MAX_NUMBER: Final = 2**53 - 1  # JavaScript knows no larger ones; no file is as long
_LONG_HEAD_BYTES: Final = 16
_MAX_SHORT_BYTES: Final = 2**32 - 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """
    A box that lies in memory.

    Args:
        name: Four bytes.
        start: Where its content begins.
        end: Where it ends.
    """

    name: bytes
    start: int
    end: int


def list_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """
    List the boxes of a part.

    Args:
        data: Untrusted.
        start: Where the first begins.
        end: Where the last ends. QuickTime ends some lists with zeros, which are no box.

    Yields:
        Each box.

    Raises:
        RefusedError: a length is not true, or there are too many.
    """
    for _ in range(MAX_CHILDREN):
        if start == end or (end - start <= HEAD_BYTES and not any(data[start:end])):
            return
        if end - start < HEAD_BYTES:
            break
        length, head = int.from_bytes(data[start : start + 4], "big"), HEAD_BYTES
        name = data[start + 4 : start + 8]
        if length == 1:
            length, head = int.from_bytes(data[start + 8 : start + 16], "big"), _LONG_HEAD_BYTES
        if length < head or start + length > end:
            raise RefusedError(Reason.MALFORMED)
        yield Box(name=name, start=start + head, end=start + length)
        start += length
    else:
        raise RefusedError(Reason.TOO_COMPLEX)
    raise RefusedError(Reason.MALFORMED)


def list_named(data: bytes, start: int, end: int) -> Mapping[bytes, Box]:
    """
    List the boxes of a part of which each has its own name.

    Args:
        data: Untrusted.
        start: Where the first begins.
        end: Where the last ends.

    Returns:
        By name; of several with one name, the first.

    Raises:
        RefusedError: as of `list_boxes`.
    """
    named: dict[bytes, Box] = {}
    for box in list_boxes(data, start, end):
        named.setdefault(box.name, box)
    return named


def need(named: Mapping[bytes, Box], name: bytes) -> Box:
    """
    Take a box that must be there.

    Args:
        named: Boxes by name.
        name: Four bytes.

    Returns:
        The box.

    Raises:
        RefusedError: it is not there.
    """
    box = named.get(name)
    if box is None:
        raise RefusedError(Reason.MALFORMED)
    return box


def format_box(name: bytes, *contents: bytes) -> bytes:
    """
    Write a box.

    Args:
        name: Four bytes.
        contents: What it holds, in parts.

    Returns:
        Its bytes.
    """
    length = HEAD_BYTES + sum(map(len, contents))
    return b"".join((length.to_bytes(4, "big"), name, *contents))


def format_long_head(name: bytes, content_bytes: int) -> bytes:
    """
    Write the head of a box whose content is not in memory.

    Args:
        name: Four bytes.
        content_bytes: How long the content is.

    Returns:
        8 bytes, or 16 if the length needs them.
    """
    length = HEAD_BYTES + content_bytes
    if length <= _MAX_SHORT_BYTES:
        return length.to_bytes(4, "big") + name
    return b"\0\0\0\1" + name + (length + 8).to_bytes(8, "big")


class Cursor:
    """
    Reads numbers and bytes one behind the other, and holds that they are all there.

    Args:
        data: Untrusted.
        start: Where the first is.
        end: Behind the last.
    """

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._end - self._at

    def take(self, length_bytes: int) -> bytes:
        """
        Take bytes.

        Args:
            length_bytes: Exactly so many.

        Returns:
            They.

        Raises:
            RefusedError: there are not so many.
        """
        if length_bytes > self.left:
            raise RefusedError(Reason.MALFORMED)
        self._at += length_bytes
        return self._data[self._at - length_bytes : self._at]

    def number(self, length_bytes: int) -> int:
        """
        Take a number, big end first, without a sign.

        Args:
            length_bytes: Of it.

        Returns:
            The number.

        Raises:
            RefusedError: it is not whole, or larger than anything that is counted here.
        """
        number = int.from_bytes(self.take(length_bytes), "big")
        if number > MAX_NUMBER:
            raise RefusedError(Reason.MALFORMED)
        return number

    def finish(self) -> None:
        """
        Hold that nothing is left.

        Raises:
            RefusedError: something hides behind.
        """
        if self.left:
            raise RefusedError(Reason.MALFORMED)
