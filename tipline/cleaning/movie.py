"""
Films and voice notes: MP4, M4A, 3GP and QuickTime (ISO/IEC 14496-12 and -14, QuickTime's format).

1. The cleaned file is written anew as `ftyp`, `moov`, `mdat`, whatever it was before.
2. Kept are tracks of pictures and of sound, in codecs that `movie.json` names. All other tracks go:
   places, times, motion, texts, and pictures that stand for chapters.
3. `moov` is written from the few numbers that a decoder needs (`tracks`, `tables`,
   `descriptions`, `codecs`). No box that is not written here is there afterwards.
4. `mdat` has the samples of the tracks that are kept, in the order in which they lay, and nothing
   between them. They lay in `mdat` before, each in a place of its own.
5. Of a sample goes what is neither picture nor sound (`nals`, `obus`, `startcodes`, `fills`).
6. A film in fragments becomes a whole one (`fragments`). Refused are encrypted films, those whose
   samples are in another file, and those of which a part was cut out by a list: it would still be
   in them.

*Limitations.* Coded pictures and sound are not decoded. Up to two seconds that a list hides stay.
The head (`moov`) lies in memory, and its tables once more.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.boxes import Box, Cursor, format_box, format_long_head, list_boxes, list_named
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.fragments import Fragments
from tipline.cleaning.mediadata import pack_samples
from tipline.cleaning.movierules import MAX_LOOKED_AT_BYTES, find_movie_kinds
from tipline.cleaning.plan import MAX_PARTS, Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source
from tipline.cleaning.tracks import (
    ONE,
    SOUND,
    VISUAL,
    Track,
    format_matrix,
    format_track,
    read_handler,
    read_track,
    read_turn,
)

MAX_HEAD_BYTES: Final = 32 * 1024 * 1024  # of `moov`; an hour of 60 pictures a second has five
MAX_TRACKS: Final = 64
BRAND_BYTES: Final = 12  # of a file's first bytes, up to its brand

_QUICKTIME: Final = b"qt  "
_PHONE: Final = b"3g"
# What a file begins with: its brand, or, of old QuickTime, a box that holds the film.
_STARTS: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot")
_BRANDS: Final = {
    Format.MP4: b"mp42\0\0\0\0mp42isom",
    Format.M4A: b"M4A \0\0\0\0M4A mp42isom",
    Format.PHONE_VIDEO: b"3gp6\0\0\0\0" + b"3gp6isom",
    Format.MOV: b"qt  \0\0\0\0qt  ",
}
_REFUSED: Final = (b"cmov", b"rmra")  # a head that is compressed, or elsewhere
_OF_NO_USE: Final = (b"free", b"skip", b"wide", b"sidx", b"styp", b"mfra")
_TELLING_HANDLERS: Final = {
    b"tmcd": Kind.TIME,
    b"text": Kind.TEXT,
    b"sbtl": Kind.TEXT,
    b"subt": Kind.TEXT,
    b"clcp": Kind.TEXT,
    b"pict": Kind.PREVIEW,
}
_REFERENCES: Final = (b"chap", b"thmb")  # what they name are pictures and texts about the film
_LAST_WIDE: Final = 2**32


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Top:
    name: bytes
    start: int
    end: int
    head_bytes: int


def is_movie(head: bytes) -> bool:
    """
    Tell a film by its first bytes.

    Args:
        head: Untrusted.

    Returns:
        Whether it begins as one; pictures of the same build begin so, too.
    """
    return head[4:8] in _STARTS


def plan_movie(source: Source) -> Plan:
    """
    Plan the cleaning of a film or a voice note.

    Args:
        source: `is_movie`.

    Returns:
        The plan; its format says which of the four it is.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: set[Kind] = set()
        self._brand = _QUICKTIME
        self._media: list[tuple[int, int]] = []

    def read(self) -> Plan:
        head: _Top | None = None
        fragments: list[_Top] = []
        for box in self._list_top():
            if box.name == b"ftyp":
                self._brand = self._source.read(box.start, min(4, box.end - box.start))
            elif box.name == b"mdat":
                self._media.append((box.start, box.end))
            elif box.name == b"moov":
                if head is not None:
                    raise RefusedError(Reason.MALFORMED)
                head = box
            elif box.name == b"moof":
                fragments.append(box)
            elif box.name not in _OF_NO_USE:
                self._look_at(box)
        if head is None:
            raise RefusedError(Reason.MALFORMED)
        if sum(box.end - box.start for box in (head, *fragments)) > MAX_HEAD_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        data = self._source.read(head.start, head.end - head.start)
        timescale, turn = self._read_head(data)
        tracks = list(self._read_tracks(data, timescale, self._read_fragments(data, fragments)))
        if not tracks:
            raise RefusedError(Reason.MALFORMED)
        return self._build(tracks, timescale=timescale, turn=turn)

    def _list_top(self) -> Iterator[_Top]:
        """List the boxes that the file is made of; what is no box at its end goes."""
        at, end, count = 0, self._source.length_bytes, 0
        is_whole = False
        while at < end:
            count += 1
            if count > MAX_PARTS:
                raise RefusedError(Reason.TOO_COMPLEX)
            head = self._source.read_up_to(at, 16)
            length, head_bytes = int.from_bytes(head[:4], "big"), 8
            name = head[4:8]
            if length == 0:
                length = end - at
            elif length == 1:
                length, head_bytes = int.from_bytes(head[8:16], "big"), 16
            if length < head_bytes or at + length > end or len(head) < head_bytes:
                if is_whole and self._media and name not in (b"mdat", b"moof"):
                    self._found.add(Kind.TRAILING)
                    return
                raise RefusedError(Reason.TRUNCATED)
            is_whole = is_whole or name == b"moov"
            yield _Top(name=name, start=at + head_bytes, end=at + length, head_bytes=head_bytes)
            at += length

    def _look_at(self, box: _Top) -> None:
        length = min(box.end - box.start, MAX_LOOKED_AT_BYTES)
        content = self._source.read(box.start, length)
        self._found.update(find_movie_kinds(box.name + content))

    def _read_head(self, data: bytes) -> tuple[int, tuple[int, int, int, int]]:
        """Read the film's units in a second, and how it is turned."""
        box = list_named(data, 0, len(data)).get(b"mvhd")
        if box is None:
            raise RefusedError(Reason.MALFORMED)
        cursor = Cursor(data, box.start, box.end)
        width = 8 if cursor.number(4) >> 24 == 1 else 4
        if any(cursor.take(2 * width)):
            self._found.add(Kind.TIME)
        timescale = cursor.number(4)
        cursor.take(width + 16)
        turn = read_turn(cursor.take(36))
        if not timescale:
            raise RefusedError(Reason.MALFORMED)
        return timescale, turn

    def _read_fragments(self, data: bytes, boxes: list[_Top]) -> Fragments | None:
        """Read the tables that stand between the samples, if the film is in fragments."""
        extension = list_named(data, 0, len(data)).get(b"mvex")
        if not boxes:
            return None
        if extension is None:
            raise RefusedError(Reason.MALFORMED)
        fragments = Fragments(data, extension)
        for box in boxes:
            content = self._source.read(box.start, box.end - box.start)
            fragments.add(content, box.start - box.head_bytes)
        return fragments

    def _read_tracks(
        self, data: bytes, timescale: int, fragments: Fragments | None
    ) -> Iterator[Track]:
        boxes = list(list_boxes(data, 0, len(data)))
        aside = {
            number for box in boxes if box.name == b"trak" for number in _name_aside(data, box)
        }
        tracks_len = 0
        for box in boxes:
            if box.name in _REFUSED:
                raise RefusedError(Reason.UNSUPPORTED)
            if box.name == b"trak":
                tracks_len += 1
                if tracks_len > MAX_TRACKS:
                    raise RefusedError(Reason.TOO_COMPLEX)
                track = self._read_track(
                    data, box, timescale=timescale, aside=aside, fragments=fragments
                )
                if track is not None:
                    yield track
            elif box.name not in (b"mvhd", b"iods", b"mvex", *_OF_NO_USE):
                self._look_in(data, box)

    def _read_track(
        self,
        data: bytes,
        box: Box,
        *,
        timescale: int,
        aside: set[int],
        fragments: Fragments | None,
    ) -> Track | None:
        handler, codec = read_handler(data, box)
        if handler not in (VISUAL, SOUND):
            told = find_movie_kinds(codec)
            self._found.update(
                {_TELLING_HANDLERS[handler]} if handler in _TELLING_HANDLERS else told
            )
            return None
        boxes = list_named(data, box.start, box.end)
        number = _read_number(data, boxes.get(b"tkhd"))
        if number in aside:
            self._found.add(Kind.PREVIEW)
            return None
        for name in (b"udta", b"meta", b"uuid"):
            if name in boxes:
                self._look_in(data, boxes[name])
        return read_track(
            data,
            box,
            timescale=timescale,
            is_quicktime=self._brand == _QUICKTIME,
            tables_instead=fragments.format_tables(number) if fragments else None,
            found=self._found,
        )

    def _look_in(self, data: bytes, box: Box) -> None:
        end = min(box.end, box.start + MAX_LOOKED_AT_BYTES)
        # An empty one says nothing.
        if any(data[box.start : end]):
            self._found.update(find_movie_kinds(box.name + data[box.start : end]))

    def _build(
        self, tracks: list[Track], *, timescale: int, turn: tuple[int, int, int, int]
    ) -> Plan:
        known = self._choose_format(tracks)
        builder = PlanBuilder(format=known, source=self._source)
        offsets = pack_samples(
            tracks, source=self._source, media=self._media, builder=builder, found=self._found
        )
        content_bytes = builder.measure()
        if not content_bytes:
            raise RefusedError(Reason.MALFORMED)
        brand = format_box(b"ftyp", _BRANDS[known])
        media_head = format_long_head(b"mdat", content_bytes)
        is_quicktime = known == Format.MOV

        def format_head(base: int, *, is_wide: bool) -> bytes:
            duration = max(track.head.duration for track in tracks)
            code, version = ("Q", 1) if duration >= _LAST_WIDE else ("I", 0)
            head = struct.pack(f">B3x{code}{code}I{code}", version, 0, 0, timescale, duration)
            head += struct.pack(">IH10x", ONE, 0x100) + format_matrix(turn, 0, 0) + bytes(24)
            return format_box(
                b"moov",
                format_box(b"mvhd", head, (len(tracks) + 1).to_bytes(4, "big")),
                *(
                    format_track(
                        track,
                        [base + offset for offset in offsets[number]],
                        number=number + 1,
                        is_wide=is_wide,
                        is_quicktime=is_quicktime,
                    )
                    for number, track in enumerate(tracks)
                ),
            )

        # The offsets depend on the length of the head, and that on their width alone.
        front_bytes = len(brand) + len(media_head) + len(format_head(0, is_wide=False))
        is_wide = front_bytes + content_bytes >= _LAST_WIDE
        if is_wide:
            front_bytes = len(brand) + len(media_head) + len(format_head(0, is_wide=True))
        head = format_head(front_bytes, is_wide=is_wide)
        builder.insert(brand + head + media_head, position=0)
        builder.find(*self._found)
        return builder.build()

    def _choose_format(self, tracks: list[Track]) -> Format:
        if self._brand == _QUICKTIME:
            return Format.MOV
        if self._brand.startswith(_PHONE):
            return Format.PHONE_VIDEO
        has_pictures = any(track.handler == VISUAL for track in tracks)
        return Format.MP4 if has_pictures else Format.M4A


def _name_aside(data: bytes, box: Box) -> Iterator[int]:
    """Name the tracks that a track has for its chapters and previews."""
    references = list_named(data, box.start, box.end).get(b"tref")
    if references is not None:
        for reference in list_boxes(data, references.start, references.end):
            if reference.name in _REFERENCES:
                cursor = Cursor(data, reference.start, reference.end)
                while cursor.left >= 4:
                    yield cursor.number(4)


def _read_number(data: bytes, box: Box | None) -> int:
    """Read a track's number."""
    if box is None:
        raise RefusedError(Reason.MALFORMED)
    cursor = Cursor(data, box.start, box.end)
    cursor.take(16 if cursor.number(4) >> 24 == 1 else 8)
    return cursor.number(4)
