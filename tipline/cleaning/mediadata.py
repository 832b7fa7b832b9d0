"""
The samples of a film: where they lie, in which order, and what of each is kept.

Chunks are taken in the order in which they lie in the file, so what was one piece stays one. They
must lie in `mdat`, each in a place of its own.
"""

from __future__ import annotations

import array
import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind, Piece, PlanBuilder, Range
from tipline.cleaning.samples import choose_look
from tipline.cleaning.source import Source
from tipline.cleaning.tables import Chunk
from tipline.cleaning.tracks import Track
from tipline.cleaning.window import Window

MAX_FILTERED: Final = 4_000_000  # samples of one track that are looked into: 18 hours of pictures

_HEVC: Final = (b"hvc1", b"hev1")
_AV1: Final = b"av01"


def pack_samples(
    tracks: Sequence[Track],
    *,
    source: Source,
    media: Sequence[tuple[int, int]],
    builder: PlanBuilder,
    found: set[Kind],
) -> list[array.array[int]]:
    """
    Put the samples of the tracks that are kept one behind the other.

    Args:
        tracks: Their tables are told the new lengths of samples.
        source: The file.
        media: Where each `mdat` begins and ends.
        builder: Takes the pieces.
        found: Takes the kinds of what goes.

    Returns:
        For each track the place of each chunk, from the first sample on.

    Raises:
        RefusedError: chunks lie over each other, or elsewhere, or a sample is not whole.
    """
    places = [array.array("Q", bytes(8 * len(track.table.offsets))) for track in tracks]
    packer = _Packer(source=source, builder=builder, found=found)
    parts = iter(sorted(media))
    start, end = 0, 0
    for offset, number, chunk in heapq.merge(*map(_sort_chunks, range(len(tracks)), tracks)):
        length = measure(tracks[number], chunk)
        if not length:
            continue
        while offset + length > end:
            following = next(parts, None)
            if following is None:
                raise RefusedError(Reason.TRUNCATED)
            start, end = following
        if offset < start:
            raise RefusedError(Reason.MALFORMED)
        start = offset + length
        place = packer.written_bytes
        packer.keep(tracks[number], chunk, length)
        # A chunk of which nothing is kept has the place of the first sample: it says nothing.
        places[number][chunk.number] = place if packer.written_bytes > place else 0
    return places


def measure(track: Track, chunk: Chunk) -> int:
    """
    Measure a chunk.

    Args:
        track: Whose chunk it is.
        chunk: The chunk.

    Returns:
        Its length in bytes. Of plain sound QuickTime counts samples, not bytes.

    Raises:
        RefusedError: a chunk of plain sound has half a packet.
    """
    packet = track.descriptions[chunk.description].packet
    if packet is None or not track.table.duration_is_one:
        return track.table.measure(chunk)
    samples, packet_bytes = packet
    if chunk.count % samples:
        raise RefusedError(Reason.MALFORMED)
    return chunk.count // samples * packet_bytes


def _sort_chunks(number: int, track: Track) -> Iterator[tuple[int, int, Chunk]]:
    """List a track's chunks by their places. Most files have them so."""
    offsets = track.table.offsets
    is_sorted = all(one <= other for one, other in itertools.pairwise(offsets))
    chunks = track.table.list_chunks()
    if not is_sorted:
        chunks = iter(sorted(chunks, key=lambda chunk: (chunk.offset, chunk.number)))
    return ((chunk.offset, number, chunk) for chunk in chunks)


class _Packer:
    def __init__(self, *, source: Source, builder: PlanBuilder, found: set[Kind]) -> None:
        self._source = Window(source)
        self._builder = builder
        self._found = found
        self.written_bytes = 0

    def keep(self, track: Track, chunk: Chunk, length: int) -> None:
        """Keep what is kept of a chunk."""
        description = track.descriptions[chunk.description]
        look = choose_look(
            self._source,
            description.config,
            is_hevc=description.codec in _HEVC,
            is_av1=description.codec == _AV1,
            found=self._found,
        )
        if look is None:
            self._write([Range(offset=chunk.offset, length_bytes=length)])
            return
        if track.table.count > MAX_FILTERED:
            raise RefusedError(Reason.TOO_COMPLEX)
        # What is kept in a row is one piece: most films have no other.
        kept_from = offset = chunk.offset
        for sample in range(chunk.first, chunk.first + chunk.count):
            size = track.table.size(sample)
            pieces = look(offset, size)
            if pieces is not None:
                self._write([Range(offset=kept_from, length_bytes=offset - kept_from)])
                before = self.written_bytes
                self._write(pieces)
                if self.written_bytes - before != size:
                    track.table.resize(sample, self.written_bytes - before)
                kept_from = offset + size
            offset += size
        self._write([Range(offset=kept_from, length_bytes=offset - kept_from)])

    def _write(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                if piece:
                    self._builder.write(piece)
                    self.written_bytes += len(piece)
            elif piece.length_bytes:
                self._builder.keep(piece.offset, piece.length_bytes)
                self.written_bytes += piece.length_bytes
