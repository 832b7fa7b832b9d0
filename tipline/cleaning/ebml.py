"""
EBML (RFC 8794): elements, each of a number, a length and a content.

What WebM and Matroska are read and written with. Nothing is believed of a length that does not fit
into what the element lies in. Numbers and lengths that are written have as few bytes as they need.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from tipline.cleaning.boxes import MAX_CHILDREN, MAX_NUMBER
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.source import Source
from tipline.cleaning.window import Window

SIGNATURE: Final = b"\x1a\x45\xdf\xa3"
EBML: Final = 0x1A45DFA3
VOID: Final = 0xEC
CRC_32: Final = 0xBF
MAX_HEAD_BYTES: Final = 12  # four of the number, eight of the length
MAX_VALUE_BYTES: Final = 8  # of a number
MAX_ELEMENTS: Final = 8_000_000  # of a file: 18 hours of pictures and sound
MAX_CONTENT_BYTES: Final = 1024 * 1024  # that is read at once; tracks of Vorbis have 8 KiB

_MAX_ID_BYTES: Final = 4
_FLOATS: Final = {4: ">f", 8: ">d"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    What stands before an element's content.

    Args:
        number: What the element is.
        size: Of its content in bytes; None if it does not say.
        length_bytes: Of the head itself.
    """

    number: int
    size: int | None
    length_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """
    An element in a file.

    Args:
        number: What it is.
        at: Where its head begins.
        start: Where its content begins.
        last: Where its content ends; None if it does not say.
    """

    number: int
    at: int
    start: int
    last: int | None

    @property
    def end(self) -> int:
        """Where its content ends; an element that must say it and does not is refused."""
        if self.last is None:
            raise RefusedError(Reason.MALFORMED)
        return self.last


class Elements:
    """
    Reads the elements of a file, and counts them.

    Args:
        source: The file.
    """

    def __init__(self, source: Source) -> None:
        self.window = Window(source)
        self._source = source
        self._count = 0

    def read(self, at: int, end: int) -> Element:
        """
        Read the head of an element.

        Args:
            at: Where it begins.
            end: Of what it lies in.

        Returns:
            The element.

        Raises:
            RefusedError: it does not lie in there, or it is one too many.
        """
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise RefusedError(Reason.TOO_COMPLEX)
        head = decode_head(self.window.read(at, min(MAX_HEAD_BYTES, end - at)))
        if head is None or (head.size and at + head.length_bytes + head.size > end):
            is_cut = end == self._source.length_bytes
            raise RefusedError(Reason.TRUNCATED if is_cut else Reason.MALFORMED)
        start = at + head.length_bytes
        last = None if head.size is None else start + head.size
        return Element(number=head.number, at=at, start=start, last=last)

    def read_content(self, element: Element) -> bytes:
        """
        Read what an element holds.

        Args:
            element: It.

        Returns:
            Its content.

        Raises:
            RefusedError: it is too long.
        """
        if element.end - element.start > MAX_CONTENT_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        return self._source.read(element.start, element.end - element.start)


def decode_head(untrusted: bytes) -> Head | None:
    """
    Read the head of an element.

    Args:
        untrusted: The first `MAX_HEAD_BYTES` of the element, or what there is.

    Returns:
        The head; None if it is not whole.

    Raises:
        RefusedError: it is none.
    """
    if not untrusted:
        return None
    id_bytes = 9 - untrusted[0].bit_length()
    if id_bytes > _MAX_ID_BYTES:
        raise RefusedError(Reason.MALFORMED)
    number = int.from_bytes(untrusted[:id_bytes], "big")
    length = decode_length(untrusted[id_bytes:])
    if length is None:
        return None
    size, size_bytes = length
    is_unknown = size == (1 << 7 * size_bytes) - 1
    return Head(
        number=number, size=None if is_unknown else size, length_bytes=id_bytes + size_bytes
    )


def decode_length(untrusted: bytes) -> tuple[int, int] | None:
    """
    Read a number that says its own length.

    Args:
        untrusted: Where it begins.

    Returns:
        The number, and its bytes; None if it is not whole.

    Raises:
        RefusedError: it has more than eight bytes.
    """
    if not untrusted:
        return None
    length_bytes = 9 - untrusted[0].bit_length()
    if length_bytes > MAX_VALUE_BYTES:
        raise RefusedError(Reason.MALFORMED)
    if len(untrusted) < length_bytes:
        return None
    marked = int.from_bytes(untrusted[:length_bytes], "big")
    return marked & (1 << 7 * length_bytes) - 1, length_bytes


def list_elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """
    List the elements that an element in memory holds.

    Args:
        data: Its content, untrusted.

    Yields:
        The number and the content of each.

    Raises:
        RefusedError: a length is not true, or there are too many.
    """
    at = count = 0
    while at < len(data):
        count += 1
        if count > MAX_CHILDREN:
            raise RefusedError(Reason.TOO_COMPLEX)
        head = decode_head(data[at : at + MAX_HEAD_BYTES])
        if head is None or head.size is None:
            raise RefusedError(Reason.MALFORMED)
        start = at + head.length_bytes
        at = start + head.size
        if at > len(data):
            raise RefusedError(Reason.MALFORMED)
        yield head.number, data[start:at]


def list_named(data: bytes) -> Mapping[int, bytes]:
    """
    List elements of which each has its own number.

    Args:
        data: Untrusted.

    Returns:
        Contents by number; of several with one number, the first.

    Raises:
        RefusedError: as of `list_elements`.
    """
    named: dict[int, bytes] = {}
    for number, content in list_elements(data):
        named.setdefault(number, content)
    return named


def read_number(content: bytes) -> int:
    """
    Read a number without a sign.

    Args:
        content: Of its element, untrusted.

    Returns:
        The number; 0 of no bytes.

    Raises:
        RefusedError: it is larger than anything that is counted here.
    """
    number = int.from_bytes(content, "big")
    if len(content) > MAX_VALUE_BYTES or number > MAX_NUMBER:
        raise RefusedError(Reason.MALFORMED)
    return number


def check_float(content: bytes) -> bytes:
    """
    Hold that a number with a fraction is one.

    Args:
        content: Of its element, untrusted.

    Returns:
        The content.

    Raises:
        RefusedError: it is not of four or eight bytes, or not finite.
    """
    code = _FLOATS.get(len(content))
    if code is None or not math.isfinite(struct.unpack(code, content)[0]):
        raise RefusedError(Reason.MALFORMED)
    return content


def format_head(number: int, size: int) -> bytes:
    """
    Write the head of an element.

    Args:
        number: What the element is.
        size: Of its content in bytes.

    Returns:
        The head.
    """
    size_bytes = 1
    while size >= (1 << 7 * size_bytes) - 1:
        size_bytes += 1
    marked = size | 1 << 7 * size_bytes
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + marked.to_bytes(
        size_bytes, "big"
    )


def format_element(number: int, *contents: bytes) -> bytes:
    """
    Write an element.

    Args:
        number: What it is.
        contents: What it holds, in parts.

    Returns:
        Its bytes.
    """
    return b"".join((format_head(number, sum(map(len, contents))), *contents))


def format_number(number: int, value: int) -> bytes:
    """
    Write an element that is a number.

    Args:
        number: What it is.
        value: Not below 0.

    Returns:
        Its bytes.
    """
    return format_element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
