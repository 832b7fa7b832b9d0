"""
Ogg (RFC 3533): pages of one stream of sound, from its first to its last.

1. The file is one stream of Opus, Vorbis, Speex or FLAC (`oggstreams`). Two streams, side by side
   or one behind the other, are refused: so are pictures, subtitles and indexes.
2. Each page begins where the one before it ends, and its marks of begin, continuation and end are
   right.
3. The pages before the sound are written anew: what a decoder must know, and empty comments.
4. Pages of sound are kept with their content, position and marks. Each page's serial number is the
   same for everybody, since programs draw it from the clock; its number counts from 0; its checksum
   changes as far as these do (`oggsums`).
5. A stream may lack the mark of its end, as of a recording that was broken off between two pages.
   Behind the mark nothing of the stream follows; other bytes there go.

All heads change, so small pages are copied whole (`patchwork`): voice notes with a page for every
20 milliseconds of sound reach the bound in three hours. Of large pages the content is not read.

*Limitations.* Coded sound is not decoded: bytes that somebody wrote behind it, inside a packet,
stay. So does a page whose checksum is wrong, with a wrong one: decoders pass over it or not, as
before. The size of pages hints at the program.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.oggstreams import Stream, read_identification
from tipline.cleaning.oggsums import add_zeros, compute_checksum
from tipline.cleaning.patchwork import LEAST_RANGE_BYTES, Patchwork
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

SIGNATURE: Final = b"OggS"
HEAD_BYTES: Final = 27
SERIAL: Final = (1).to_bytes(4, "little")
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a packet before the sound; one that is kept has 8 KiB

_CONTINUED, _BEGIN, _END = 1, 2, 4
_FULL: Final = 255  # a segment that the packet goes on behind, and the most segments of a page
_SERIAL_AND_NUMBER: Final = slice(14, 22)
_CHECKSUM: Final = slice(22, 26)
_NO_POSITION: Final = b"\xff" * 8  # of a page in which no packet ends


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    Where a page is, and its head.

    Args:
        offset: Of its first byte.
        head: With the lengths of its parts.
        content_len: How long its content is.
    """

    offset: int
    head: bytes
    content_len: int

    @property
    def marks(self) -> int:
        """Of continuation, begin and end."""
        return self.head[5]

    @property
    def serial(self) -> bytes:
        """Of its stream."""
        return self.head[_SERIAL_AND_NUMBER.start : _SERIAL_AND_NUMBER.start + len(SERIAL)]

    @property
    def segments(self) -> bytes:
        """The lengths of its parts."""
        return self.head[HEAD_BYTES:]


def plan_ogg(source: Source) -> Plan:
    """
    Plan the cleaning of an Ogg.

    Args:
        source: Begins with `SIGNATURE`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


def format_page(
    *, marks: int, position: bytes, number: int, segments: bytes, content: bytes
) -> bytes:
    """
    Write a page.

    Args:
        marks: Of continuation, begin and end.
        position: Eight bytes.
        number: Of the page.
        segments: The lengths of its parts, at most 255.
        content: As long as they say.

    Returns:
        The page, its checksum right.
    """
    fixed = SIGNATURE + bytes([0, marks]) + position + SERIAL + number.to_bytes(4, "little")
    rest = bytes([len(segments)]) + segments + content
    checksum = compute_checksum(fixed + bytes(4) + rest)
    return fixed + checksum.to_bytes(4, "little") + rest


def renumber(head: bytes, *, number: int, content_len: int) -> bytes:
    """
    Give a page everybody's serial number and another number.

    Args:
        head: With the lengths of its parts.
        number: The new one.
        content_len: How long the content is that follows.

    Returns:
        The head, its checksum right if it was.
    """
    named = SERIAL + number.to_bytes(4, "little")
    changed = bytes(new ^ old for new, old in zip(named, head[_SERIAL_AND_NUMBER], strict=True))
    behind_len = len(head) - _SERIAL_AND_NUMBER.stop + content_len
    difference = add_zeros(compute_checksum(changed), behind_len)
    checksum = int.from_bytes(head[_CHECKSUM], "little") ^ difference
    return (
        head[: _SERIAL_AND_NUMBER.start]
        + named
        + checksum.to_bytes(4, "little")
        + head[_CHECKSUM.stop :]
    )


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.OGG, source=source)
        self._position = 0
        self._number = 0  # of the next page that is written
        self._patchwork = Patchwork(builder=self._builder, source=source)
        self._is_open = False  # whether the last packet goes on in the next page

    def read(self) -> Plan:
        first = self._read_page()
        is_one_packet = len(first.segments) == 1 and first.content_len < _FULL
        if first.marks != _BEGIN or not is_one_packet:
            raise RefusedError(Reason.MALFORMED)
        self._serial = first.serial
        if first.serial != SERIAL:
            self._builder.find(Kind.ID)
        stream = read_identification(self._read_content(first))
        self._builder.find(*stream.kinds)
        self._write_packets([stream.identification], marks=_BEGIN)
        self._write_packets([stream.comments, *self._read_headers(stream)], marks=0)
        marks = 0
        while not marks & _END and self._position < self._source.length_bytes:
            marks = self._keep_page()
        if self._is_open:
            raise RefusedError(Reason.TRUNCATED)
        if self._position < self._source.length_bytes:
            if self._source.read_up_to(self._position, len(SIGNATURE)) == SIGNATURE:
                raise RefusedError(Reason.UNSUPPORTED)
            self._builder.find(Kind.TRAILING)
        self._patchwork.finish()
        return self._builder.build()

    def _read_page(self) -> Page:
        """Read the head of the next page."""
        self._builder.count_part()
        offset = self._position
        head = self._source.read(offset, HEAD_BYTES)
        if head[:5] != SIGNATURE + b"\0" or head[5] > _CONTINUED | _BEGIN | _END:
            raise RefusedError(Reason.MALFORMED)
        head += self._source.read(offset + HEAD_BYTES, head[-1])
        page = Page(offset=offset, head=head, content_len=sum(head[HEAD_BYTES:]))
        self._position = offset + len(head) + page.content_len
        self._source.check(offset, self._position - offset)
        return page

    def _read_content(self, page: Page) -> bytes:
        return self._source.read(page.offset + len(page.head), page.content_len)

    def _read_next(self) -> Page:
        """Read a page that goes on with the stream."""
        page = self._read_page()
        if page.serial != self._serial and page.marks & _BEGIN:
            raise RefusedError(Reason.UNSUPPORTED)
        if page.serial != self._serial or page.marks & _BEGIN:
            raise RefusedError(Reason.MALFORMED)
        if bool(page.marks & _CONTINUED) != self._is_open:
            raise RefusedError(Reason.MALFORMED)
        if page.segments:
            self._is_open = page.segments[-1] == _FULL
        return page

    def _read_headers(self, stream: Stream) -> Iterator[bytes]:
        """Read the packets before the sound; give those that are kept."""
        packet = bytearray()
        is_complete = False
        while not is_complete:
            page = self._read_next()
            if page.marks & _END:
                raise RefusedError(Reason.MALFORMED)
            content, start = self._read_content(page), 0
            for segment in page.segments:
                if is_complete:
                    raise RefusedError(Reason.MALFORMED)  # the sound begins on a page of its own
                room = MAX_LOOKED_AT_BYTES - len(packet)
                packet += content[start : start + min(segment, room)]
                start += segment
                if segment < _FULL:
                    kept = stream.read_header(bytes(packet))
                    self._builder.find(*stream.kinds)
                    if kept:
                        if len(packet) == MAX_LOOKED_AT_BYTES:
                            raise RefusedError(Reason.TOO_COMPLEX)
                        yield kept
                    is_complete = stream.is_complete
                    packet.clear()

    def _write_packets(self, packets: list[bytes], *, marks: int) -> None:
        """Write pages of packets before the sound."""
        content = b"".join(packets)
        segments = b"".join(
            bytes([_FULL]) * (len(packet) // _FULL) + bytes([len(packet) % _FULL])
            for packet in packets
        )
        while segments:
            now, segments = segments[:_FULL], segments[_FULL:]
            length = sum(now)
            has_end = any(segment < _FULL for segment in now)
            position = bytes(8) if has_end else _NO_POSITION
            page = format_page(
                marks=marks,
                position=position,
                number=self._number,
                segments=now,
                content=content[:length],
            )
            self._number += 1
            self._patchwork.write(page)
            content = content[length:]
            marks = _CONTINUED if now[-1] == _FULL else 0

    def _keep_page(self) -> int:
        """Keep a page of sound; return its marks."""
        page = self._read_next()
        head = renumber(page.head, number=self._number, content_len=page.content_len)
        self._number += 1
        if page.content_len < LEAST_RANGE_BYTES:
            self._patchwork.write(head + self._read_content(page))
        else:
            self._patchwork.write(head)
            self._patchwork.keep(page.offset + len(head), page.content_len)
        return page.marks
