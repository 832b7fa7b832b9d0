"""
The samples of a film: where they lie, in which order, and what of each is kept.

Chunks are taken in the order in which they lie in the file, so what was one piece stays one. They
must lie in `mdat`, each in a place of its own.
"""

from __future__ import annotations

import array
import bisect
import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind, Piece, PlanBuilder
from tipline.cleaning.samples import Look, choose_look
from tipline.cleaning.skimming import Skim, choose_skim
from tipline.cleaning.source import WINDOW_BYTES, Source
from tipline.cleaning.tables import Chunk, Table
from tipline.cleaning.tracks import Track
from tipline.cleaning.window import Window

MAX_FILTERED: Final = 4_000_000  # samples of one track that are looked into: 18 hours of pictures
SKIMMED_BYTES: Final = 16 * 1024  # of a sample on average; of longer ones only heads are read
SKIMMED_AT_ONCE: Final = 1_024

Ways = tuple[Look | None, Skim | None]
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
    ways = list(map(packer.choose_ways, tracks))
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
        way = ways[number][chunk.description]
        packer.keep(tracks[number].table, chunk, length, ways=way)
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

    def keep(self, table: Table, chunk: Chunk, length: int, *, ways: Ways) -> None:
        """Keep what is kept of a chunk."""
        look, skim = ways
        if look is None:
            self._keep(chunk.offset, chunk.offset + length)
            return
        if table.count > MAX_FILTERED:
            raise RefusedError(Reason.TOO_COMPLEX)
        # What is kept in a row is one piece: most films have no other.
        kept_from = chunk.offset
        if skim is not None and length <= SKIMMED_BYTES * chunk.count:
            looked_at = self._skim(table, chunk, skim)
        else:
            looked_at = _list_samples(table, chunk)
        for sample, offset, size in looked_at:
            pieces = look(offset, size)
            if pieces is not None:
                self._keep(kept_from, offset)
                before = self.written_bytes
                self._write(pieces)
                if self.written_bytes - before != size:
                    table.resize(sample, self.written_bytes - before)
                kept_from = offset + size
        self._keep(kept_from, chunk.offset + length)

    def choose_ways(self, track: Track) -> list[Ways]:
        """Choose for each of a track's descriptions how its samples are looked at."""
        ways = []
        for description in track.descriptions:
            is_hevc = description.codec in _HEVC
            look = choose_look(
                self._source,
                description.config,
                is_hevc=is_hevc,
                is_av1=description.codec == _AV1,
                found=self._found,
            )
            ways.append((look, choose_skim(description.config, is_hevc=is_hevc)))
        return ways

    def _skim(self, table: Table, chunk: Chunk, skim: Skim) -> Iterator[tuple[int, int, int]]:
        """List those of a chunk's samples of which something may go."""
        first, offset = chunk.first, chunk.offset
        end = first + chunk.count
        while first < end:
            sizes = table.list_sizes(first, min(end, first + SKIMMED_AT_ONCE))
            length = sum(sizes)
            if length > WINDOW_BYTES:
                fitting = bisect.bisect_right(list(itertools.accumulate(sizes)), WINDOW_BYTES)
                sizes = sizes[: fitting or 1]
                length = sum(sizes)
            if length > WINDOW_BYTES:
                yield first, offset, length
            else:
                numbers = list(skim(self._source.load(offset, length), sizes))
                starts = list(itertools.accumulate(sizes, initial=offset)) if numbers else []
                for number in numbers:
                    yield first + number, starts[number], sizes[number]
            first, offset = first + len(sizes), offset + length

    def _keep(self, start: int, end: int) -> None:
        if end > start:
            self._builder.keep(start, end - start)
            self.written_bytes += end - start

    def _write(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if not isinstance(piece, bytes):
                self._keep(piece.offset, piece.offset + piece.length_bytes)
            elif piece:
                self._builder.write(piece)
                self.written_bytes += len(piece)


def _list_samples(table: Table, chunk: Chunk) -> Iterator[tuple[int, int, int]]:
    """List a chunk's samples: which, where, how long."""
    offset = chunk.offset
    for sample in range(chunk.first, chunk.first + chunk.count):
        size = table.size(sample)
        yield sample, offset, size
        offset += size
