"""
Clusters of WebM and Matroska (RFC 9559, 5.1.3): a time, and the blocks that follow it.

Blocks of tracks that are kept stay as they are, if they hold nothing that goes. Of a group stay the
block, its duration, what it refers to, and how much of it is not played. In a track of VP8 or VP9
that may be seen through, the other half of the picture stays, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from tipline.cleaning import ebml
from tipline.cleaning.ebml import Element, Elements
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.matroskablocks import (
    GROUP_FLAGS,
    KEY,
    LACED,
    SIMPLE_FLAGS,
    Block,
    read_block,
)
from tipline.cleaning.matroskatracks import Track
from tipline.cleaning.patchwork import MAX_COPIED_BYTES, Patchwork
from tipline.cleaning.plan import Kind, Piece, Range, measure_piece
from tipline.cleaning.samples import choose_look

MAX_CLUSTERS: Final = 65_536  # 18 hours with one for each second
MAX_CHANGES: Final = 65_536  # pieces of a cluster
MAX_REFERENCES: Final = 16  # of a block to others; codecs have two

CLUSTER: Final = 0x1F43B675
# What ends a cluster that does not say how long it is: clusters, cues, info, tracks, seek heads,
# tags, attachments, chapters.
_TOP: Final = (
    *(CLUSTER, 0x1C53BB6B, 0x1549A966, 0x1654AE6B, 0x114D9B74),
    *(0x1254C367, 0x1941A469, 0x1043A770),
)
_TIME: Final = 0xE7
_BEFORE: Final = (0xA7, 0xAB, ebml.VOID, ebml.CRC_32)  # where the cluster and its neighbour lay
_SIMPLE_BLOCK: Final = 0xA3
_GROUP: Final = 0xA0
_BLOCK: Final = 0xA1
_REFERENCE: Final = 0xFB
_GROUP_NUMBERS: Final = (0x9B, 0x75A2, _REFERENCE)  # duration, what is not played
_ADDITIONS: Final = 0x75A1
_MORE: Final = 0xA6
_KIND: Final = 0xEE  # of an addition
_ADDITIONAL: Final = 0xA5
_ALPHA: Final = 1
_REFUSED: Final = (0xA4, 0xAF)  # a codec's state, encrypted blocks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    pieces: list[Piece]
    block: Block
    is_key: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    element: Element
    told: list[bytes]
    is_key: bool
    is_whole: bool  # nothing else is in it
    additions: list[Element]


class Clusters:
    """
    Keeps the clusters of a file, one behind the other.

    Args:
        tracks: Those that are kept.
        elements: Of the file.
        patchwork: Takes the pieces.
        found: Takes the kinds of what goes.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        *,
        elements: Elements,
        patchwork: Patchwork,
        found: set[Kind],
    ) -> None:
        self._elements = elements
        self._window = elements.window
        self._patchwork = patchwork
        self._found = found
        self._see_through = {track.number: track.keeps_alpha for track in tracks if track.has_alpha}
        self._clusters_len = 0
        self._looks = {
            track.number: choose_look(
                elements.window,
                track.config,
                is_hevc=track.is_hevc,
                is_av1=track.is_av1,
                found=found,
            )
            for track in tracks
        }
        # Whoever jumps jumps to a picture.
        self.cue_track = min(tracks, key=lambda track: not track.is_video).number
        self.cues: list[tuple[int, int]] = []
        self.written_bytes = 0

    def keep(self, cluster: Element, end: int) -> int:
        """
        Keep what is kept of a cluster.

        Args:
            cluster: It.
            end: Of what it lies in.

        Returns:
            Where the next element is.

        Raises:
            RefusedError: it does not hold the rules.
        """
        at, limit = cluster.start, end if cluster.last is None else cluster.last
        time: int | None = None
        cue: int | None = None
        pieces = _Pieces()
        while at < limit:
            element = self._elements.read(at, limit)
            if cluster.last is None and element.number in _TOP:
                break
            at = element.end
            if element.number == _TIME:
                if time is not None:
                    raise RefusedError(Reason.MALFORMED)
                time = ebml.read_number(self._elements.read_content(element))
            kept = self._keep_element(element)
            if kept is not None:
                if time is None:
                    raise RefusedError(Reason.MALFORMED)
                pieces.add(kept.pieces)
                # Nobody jumps to a block of which nothing is left.
                is_key = kept.is_key and bool(kept.pieces)
                if cue is None and is_key and kept.block.number == self.cue_track:
                    cue = max(0, time + kept.block.time)
        if pieces.length_bytes:
            self._write(time or 0, cue, pieces)
        return at

    def _keep_element(self, element: Element) -> _Kept | None:
        if element.number == _SIMPLE_BLOCK:
            return self._keep_simple(element)
        if element.number == _GROUP:
            return self._keep_group(element)
        if element.number not in (_TIME, *_BEFORE):
            self._found.add(Kind.OTHER)
        return None

    def _write(self, time: int, cue: int | None, pieces: _Pieces) -> None:
        self._clusters_len += 1
        if self._clusters_len > MAX_CLUSTERS:
            raise RefusedError(Reason.TOO_COMPLEX)
        if cue is not None:
            self.cues.append((cue, self.written_bytes))
        told = ebml.format_number(_TIME, time)
        head = ebml.format_head(CLUSTER, len(told) + pieces.length_bytes) + told
        self._patchwork.write(head)
        for piece in pieces.pieces:
            if isinstance(piece, bytes):
                self._patchwork.write(piece)
            else:
                self._patchwork.keep(piece.offset, piece.length_bytes)
        self.written_bytes += len(head) + pieces.length_bytes

    def _keep_simple(self, element: Element) -> _Kept | None:
        block = read_block(self._window, element.start, element.end - element.start)
        if block.number not in self._looks:
            return None
        pieces = self._filter(element, block, SIMPLE_FLAGS)
        is_key = bool(block.flags & KEY)
        return _Kept(pieces=[_whole(element)] if pieces is None else pieces, block=block,
                     is_key=is_key)  # fmt: skip

    def _keep_group(self, element: Element) -> _Kept | None:
        """Keep what is kept of a block and what is said of it."""
        group = self._read_group(element)
        inside = group.element
        block = read_block(self._window, inside.start, inside.end - inside.start)
        if block.number not in self._looks:
            return None
        beside: list[Piece] = []
        is_whole = group.is_whole and not group.additions
        if group.additions and block.number in self._see_through:
            if not self._see_through[block.number]:
                raise RefusedError(Reason.UNSUPPORTED)  # half of the picture would go
            beside, is_as_written = self._read_alpha(group.additions)
            is_whole = group.is_whole and is_as_written
        pieces = self._filter(inside, block, GROUP_FLAGS)
        if pieces is None:
            pieces = [_whole(element if is_whole else inside)]
        if pieces and pieces != [_whole(element)]:
            length = _measure(pieces) + sum(map(len, group.told)) + _measure(beside)
            pieces = [ebml.format_head(_GROUP, length), *pieces, *group.told, *beside]
        return _Kept(pieces=pieces, block=block, is_key=group.is_key)

    def _read_group(self, element: Element) -> _Group:
        told: list[bytes] = []
        numbers: list[int] = []
        inside: Element | None = None
        is_whole = True
        additions: list[Element] = []
        at = element.start
        while at < element.end:
            child = self._elements.read(at, element.end)
            at = child.end
            if child.number in _REFUSED:
                raise RefusedError(Reason.UNSUPPORTED)
            if child.number == _BLOCK:
                if inside is not None:
                    raise RefusedError(Reason.MALFORMED)
                is_whole = is_whole and not numbers
                inside = child
            elif child.number in _GROUP_NUMBERS:
                numbers.append(child.number)
                told.append(self._read_told(child, numbers))
            elif child.number == _ADDITIONS:
                additions.append(child)
            else:
                is_whole = False
        if inside is None:
            raise RefusedError(Reason.MALFORMED)
        return _Group(
            element=inside,
            told=told,
            is_key=_REFERENCE not in numbers,
            is_whole=is_whole,
            additions=additions,
        )

    def _read_alpha(self, additions: list[Element]) -> tuple[list[Piece], bool]:
        """Read the other half of a picture; say whether it stands there as it is written anew."""
        addition = additions[0]
        if len(additions) > 1 or addition.start == addition.end:
            raise RefusedError(Reason.UNSUPPORTED)
        more = self._elements.read(addition.start, addition.end)
        if more.number != _MORE or more.end != addition.end:
            raise RefusedError(Reason.UNSUPPORTED)
        data: Element | None = None
        at = more.start
        while at < more.end:
            child = self._elements.read(at, more.end)
            at = child.end
            if child.number == _ADDITIONAL and data is None and child.start < child.end:
                data = child
            elif (
                child.number != _KIND
                or ebml.read_number(self._elements.read_content(child)) != _ALPHA
            ):
                raise RefusedError(Reason.UNSUPPORTED)
        if data is None:
            raise RefusedError(Reason.UNSUPPORTED)
        size = data.end - data.start
        head = ebml.format_number(_KIND, _ALPHA) + ebml.format_head(_ADDITIONAL, size)
        head = ebml.format_head(_MORE, len(head) + size) + head
        head = ebml.format_head(_ADDITIONS, len(head) + size) + head
        is_as_written = (
            data.start - addition.at == len(head)
            and data.end == addition.end
            and self._window.read(addition.at, len(head)) == head
        )
        return [head, Range(offset=data.start, length_bytes=size)], is_as_written

    def _read_told(self, element: Element, numbers: list[int]) -> bytes:
        """Read a number that is told of a block, as it is written."""
        length = element.end - element.start
        most = MAX_REFERENCES if element.number == _REFERENCE else 1
        if length > ebml.MAX_VALUE_BYTES or numbers.count(element.number) > most:
            raise RefusedError(Reason.MALFORMED)
        return ebml.format_element(element.number, self._window.read(element.start, length))

    def _filter(self, element: Element, block: Block, flags: int) -> list[Piece] | None:
        """Find what of a block is kept: None if all of it is, nothing if no sample is left."""
        at = element.start + block.head_bytes
        look = self._looks[block.number]
        kept: list[Piece] = []
        is_changed = bool(block.flags & ~flags)
        for size in block.sizes:
            pieces = look(at, size) if look is not None else None
            if pieces is not None:
                is_changed = True
                if block.flags & LACED and _measure(pieces) != size:
                    raise RefusedError(Reason.UNSUPPORTED)
            kept += [Range(offset=at, length_bytes=size)] if pieces is None else pieces
            at += size
        if not is_changed:
            return None
        kept = [piece for piece in kept if measure_piece(piece)]
        if not kept:
            return []
        head = bytearray(self._window.read(element.start, block.head_bytes))
        head[block.flags_at] &= flags
        length = len(head) + _measure(kept)
        return [ebml.format_head(element.number, length) + bytes(head), *kept]


class _Pieces:
    """The pieces of a cluster; what lies behind each other is one."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.length_bytes = 0
        self._copied_bytes = 0

    def add(self, pieces: list[Piece]) -> None:
        """Add some behind the others."""
        for piece in pieces:
            self.length_bytes += measure_piece(piece)
            last = self.pieces[-1] if self.pieces else None
            if isinstance(piece, bytes):
                self._copied_bytes += len(piece)
            elif isinstance(last, Range) and last.offset + last.length_bytes == piece.offset:
                length = last.length_bytes + piece.length_bytes
                self.pieces[-1] = Range(offset=last.offset, length_bytes=length)
                continue
            self.pieces.append(piece)
        if len(self.pieces) > MAX_CHANGES or self._copied_bytes > MAX_COPIED_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)


def _whole(element: Element) -> Range:
    """All of an element, with its head."""
    return Range(offset=element.at, length_bytes=element.end - element.at)


def _measure(pieces: list[Piece]) -> int:
    return sum(map(measure_piece, pieces))
