"""
Ogg (RFC 3533): pages of one stream of sound, from its first to its last.

1. The file is one stream of Opus, Vorbis, Speex or FLAC (`oggstreams`). Two streams, side by side
   or one behind the other, are refused: so are pictures, subtitles and indexes.
2. Every page's checksum is right, and its marks of begin, continuation and end are.
3. The pages before the sound are written anew: what a decoder must know, and empty comments.
4. Pages of sound are kept with their content, position and marks. Each page's serial number is the
   same for everybody, since programs draw it from the clock; its number counts from 0; its checksum
   is written anew.
5. A stream may lack the mark of its end, as of a recording that was broken off between two pages.
   Behind the mark nothing of the stream follows; other bytes there go.

All heads change, so a plan has two pieces for each page. Small pages are put together whole
(`LEAST_RANGE_BYTES`), which is bounded by `MAX_COPIED_BYTES`: voice notes with a page for every 20
milliseconds of sound fill it in three hours.

*Limitations.* Coded sound is not decoded: bytes that somebody wrote behind it, inside a packet,
stay. So does the size of pages, which hints at the program.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.oggstreams import Stream, read_identification
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

SIGNATURE: Final = b"OggS"
HEAD_BYTES: Final = 27
SERIAL: Final = (1).to_bytes(4, "little")
LEAST_RANGE_BYTES: Final = 4096  # of content; a shorter one takes less room than its piece's cost
MAX_COPIED_BYTES: Final = 64 * 1024 * 1024
PIECE_BYTES: Final = 256 * 1024
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a packet before the sound; one that is kept has 8 KiB

_CONTINUED, _BEGIN, _END = 1, 2, 4
_FULL: Final = 255  # a segment that the packet goes on behind, and the most segments of a page
_NO_POSITION: Final = b"\xff" * 8  # of a page in which no packet ends
_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    A page as it was read.

    Args:
        marks: Of continuation, begin and end.
        position: Of the sound, as it stands in the head.
        serial: Of its stream.
        segments: The lengths of its content's parts.
        offset: Of its content in the source.
        content: All of it.
    """

    marks: int
    position: bytes
    serial: bytes
    segments: bytes
    offset: int
    content: bytes


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


def format_head(*, marks: int, position: bytes, number: int, segments: bytes) -> bytes:
    """
    Write a page's head, without a checksum.

    Args:
        marks: Of continuation, begin and end.
        position: Eight bytes.
        number: Of the page.
        segments: At most 255.

    Returns:
        It, its checksum being 0.
    """
    fixed = SIGNATURE + bytes([0, marks]) + position + SERIAL + number.to_bytes(4, "little")
    return fixed + bytes(4) + bytes([len(segments)]) + segments


def seal_page(head: bytes, content: bytes) -> bytes:
    """
    Write the checksum into a page's head.

    Args:
        head: Of `format_head`.
        content: That follows it.

    Returns:
        The head.
    """
    return head[:22] + compute_checksum(head + content).to_bytes(4, "little") + head[26:]


def compute_checksum(page: bytes) -> int:
    """
    Compute a page's checksum.

    Args:
        page: Whole, its checksum being 0.

    Returns:
        The checksum.

    Source:
        RFC 3533 section 6: polynomial 04c11db7, first bit first, nothing inverted. zlib's has the
        same polynomial, last bit first, inverted before and after.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.OGG, source=source)
        self._position = 0
        self._number = 0  # of the next page that is written
        self._copied = bytearray()
        self._copied_len = 0
        self._is_open = False  # whether the last packet goes on in the next page

    def read(self) -> Plan:
        first = self._read_page()
        if first.marks != _BEGIN or list(first.segments) != [len(first.content)]:
            raise RefusedError(Reason.MALFORMED)
        self._serial = first.serial
        if first.serial != SERIAL:
            self._builder.find(Kind.ID)
        stream = read_identification(first.content)
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
        self._flush()
        return self._builder.build()

    def _read_page(self) -> Page:
        """Read the next page, and hold that it is whole."""
        self._builder.count_part()
        head = self._source.read(self._position, HEAD_BYTES)
        if head[:5] != SIGNATURE + b"\0" or head[5] > _CONTINUED | _BEGIN | _END:
            raise RefusedError(Reason.MALFORMED)
        segments = self._source.read(self._position + HEAD_BYTES, head[26])
        offset = self._position + HEAD_BYTES + len(segments)
        content = self._source.read(offset, sum(segments))
        summed = head[:22] + bytes(4) + head[26:] + segments + content
        if compute_checksum(summed) != int.from_bytes(head[22:26], "little"):
            raise RefusedError(Reason.MALFORMED)
        self._position = offset + len(content)
        return Page(
            marks=head[5],
            position=head[6:14],
            serial=head[14:18],
            segments=segments,
            offset=offset,
            content=content,
        )

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
            start = 0
            for segment in page.segments:
                if is_complete:
                    raise RefusedError(Reason.MALFORMED)  # the sound begins on a page of its own
                room = MAX_LOOKED_AT_BYTES - len(packet)
                packet += page.content[start : start + min(segment, room)]
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
            head = format_head(marks=marks, position=position, number=self._number, segments=now)
            self._number += 1
            self._copy(seal_page(head, content[:length]) + content[:length])
            content = content[length:]
            marks = _CONTINUED if now[-1] == _FULL else 0

    def _keep_page(self) -> int:
        """Keep a page of sound; return its marks."""
        page = self._read_next()
        head = format_head(
            marks=page.marks, position=page.position, number=self._number, segments=page.segments
        )
        self._number += 1
        self._copy(seal_page(head, page.content))
        if len(page.content) < LEAST_RANGE_BYTES:
            self._copy(page.content)
        else:
            self._flush()
            self._builder.keep(page.offset, len(page.content))
        return page.marks

    def _copy(self, data: bytes) -> None:
        """Write bytes, put together with those before them."""
        self._copied_len += len(data)
        if self._copied_len > MAX_COPIED_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._copied += data
        if len(self._copied) >= PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._copied:
            self._builder.write(bytes(self._copied))
            self._copied.clear()
