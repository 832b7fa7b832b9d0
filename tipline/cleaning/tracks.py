"""
A track of a film or a voice note: pictures or sound, and what is needed to show them.

A track is read into its few numbers and written anew from them. Times are 0, languages `und`,
names of programs empty. Of the matrix one of eight orientations stays, of the edits those that are
played at their own speed.
"""

from __future__ import annotations

import dataclasses
import itertools
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from tipline.cleaning.boxes import MAX_NUMBER, Box, Cursor, format_box, list_boxes, list_named, need
from tipline.cleaning.descriptions import Description, read_descriptions
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind
from tipline.cleaning.tables import Table

MAX_EDITS: Final = 1_000
LONGEST_HIDDEN_SECONDS: Final = 2  # a coder's delay, or pictures before the first that is shown

VISUAL: Final = b"vide"
SOUND: Final = b"soun"
UNDETERMINED: Final = 0x55C4  # the language `und`
ONE: Final = 0x10000
_NORMAL_RATE: Final = 0x00010000
_SHOWN: Final = 7  # enabled, in the film, in its preview
_MAX_SHORT: Final = 2**32 - 1
_OWN_FILE: Final = 1
_LAST: Final = 0x40000000
# What turns a picture: of each row of the matrix one number is 1 or -1, and all others are 0.
_TURNS: Final = frozenset(
    turn
    for one in (ONE, -ONE)
    for other in (ONE, -ONE)
    for turn in ((one, 0, 0, other), (0, one, other, 0))
)
_UPRIGHT: Final = (ONE, 0, 0, ONE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """
    A part of the media that is shown.

    Args:
        duration: In the film's units.
        start: In the media's units; -1 shows nothing.
    """

    duration: int
    start: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    How a track is shown.

    Args:
        flags: Whether it is shown.
        duration: In the film's units.
        layer: And the group of tracks that stand for each other: four bytes.
        volume: With a fraction of 8 bits.
        turn: Four numbers of the matrix.
        width: With a fraction of 16 bits.
        height: Likewise.
    """

    flags: int
    duration: int
    layer: bytes
    volume: int
    turn: tuple[int, int, int, int]
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """
    A track that is kept.

    Args:
        handler: `VISUAL` or `SOUND`.
        head: How it is shown.
        edits: What of it is shown.
        timescale: The media's units in a second.
        media_duration: In these.
        descriptions: How samples are decoded.
        table: Where they are.
    """

    handler: bytes
    head: Head
    edits: tuple[Edit, ...]
    timescale: int
    media_duration: int
    descriptions: tuple[Description, ...]
    table: Table


def read_handler(data: bytes, box: Box) -> tuple[bytes, bytes]:
    """
    Tell what a track is.

    Args:
        data: Untrusted; what the box lies in.
        box: `trak`.

    Returns:
        Its handler, and the codec of its first description (b"" if it has none).

    Raises:
        RefusedError: it has no media.
    """
    media = need(list_named(data, box.start, box.end), b"mdia")
    inside = list_named(data, media.start, media.end)
    handler = need(inside, b"hdlr")
    information = need(inside, b"minf")
    table = need(list_named(data, information.start, information.end), b"stbl")
    descriptions = list_named(data, table.start, table.end).get(b"stsd")
    codec = data[descriptions.start + 12 : descriptions.start + 16] if descriptions else b""
    return Cursor(data, handler.start, handler.end).take(12)[8:], codec


def read_track(
    data: bytes,
    box: Box,
    *,
    timescale: int,
    is_quicktime: bool,
    tables_instead: bytes | None,
    found: set[Kind],
) -> Track | None:
    """
    Read a track of pictures or sound.

    Args:
        data: Untrusted; what the box lies in.
        box: `trak`.
        timescale: The film's units in a second.
        is_quicktime: The file is QuickTime's.
        tables_instead: Those of a film in fragments.
        found: Takes the kinds of what goes.

    Returns:
        The track; None if it has no samples.

    Raises:
        RefusedError: it does not hold the rules.
    """
    boxes = list_named(data, box.start, box.end)
    media = need(boxes, b"mdia")
    inside = list_named(data, media.start, media.end)
    name = need(inside, b"hdlr")
    handler = Cursor(data, name.start, name.end).take(12)[8:]
    if any(data[name.start + 24 : name.end].strip(b"\0")) or any(
        data[name.start + 12 : name.start + 16]
    ):
        found.add(Kind.SOFTWARE)
    information = need(inside, b"minf")
    below = list_named(data, information.start, information.end)
    _check_own_file(data, below)
    stbl = need(below, b"stbl")
    tables = list_named(data, stbl.start, stbl.end)
    if not {b"senc", b"saiz", b"saio"}.isdisjoint(tables):
        raise RefusedError(Reason.UNSUPPORTED)
    descriptions = read_descriptions(
        data, need(tables, b"stsd"), handler=handler, is_quicktime=is_quicktime, found=found
    )
    table = Table(data, tables, descriptions_len=len(descriptions))
    head = _read_head(data, need(boxes, b"tkhd"), found=found)
    units, media_duration = _read_media_head(data, need(inside, b"mdhd"), found=found)
    edits = _read_edits(data, boxes)
    if tables_instead is not None:
        if table.count:
            raise RefusedError(Reason.UNSUPPORTED)
        named = list_named(tables_instead, 0, len(tables_instead))
        table = Table(tables_instead, named, descriptions_len=len(descriptions))
        media_duration = table.measure_time()
        duration = _convert(media_duration, timescale, units)
        head = dataclasses.replace(head, duration=duration)
        edits = tuple(
            edit
            if edit.duration or edit.start < 0
            else Edit(
                duration=_convert(max(media_duration - edit.start, 0), timescale, units),
                start=edit.start,
            )
            for edit in edits
        )
    if not table.count:
        return None
    _check_shown(edits, timescale=timescale, units=units, media_duration=media_duration)
    return Track(
        handler=handler,
        head=head,
        edits=edits,
        timescale=units,
        media_duration=media_duration,
        descriptions=descriptions,
        table=table,
    )


def format_track(
    track: Track, offsets: Sequence[int], *, number: int, is_wide: bool, is_quicktime: bool
) -> bytes:
    """
    Write a track.

    Args:
        track: As it was read, with its samples' new lengths.
        offsets: Where each chunk is now.
        number: Of the track, from 1.
        is_wide: Offsets have 64 bits.
        is_quicktime: The handler is named as QuickTime wants it.

    Returns:
        `trak`.
    """
    is_visual = track.handler == VISUAL
    told = track.head
    version, code = _choose_version(told.duration)
    head = struct.pack(f">B3s{code}{code}I4x{code}", version, bytes([0, 0, told.flags]), 0, 0,
                       number, told.duration)  # fmt: skip
    head += struct.pack(">8x4sHH", told.layer, told.volume, 0)
    head += format_matrix(told.turn, told.width, told.height)
    head += struct.pack(">II", told.width, told.height)
    version, code = _choose_version(track.media_duration)
    media = struct.pack(f">B3x{code}{code}I{code}HH", version, 0, 0, track.timescale,
                        track.media_duration, UNDETERMINED, 0)  # fmt: skip
    kind = b"mhlr" if is_quicktime else bytes(4)
    entries = [description.entry for description in track.descriptions]
    own_file = format_box(b"url ", b"\0\0\0\1")
    stbl = format_box(
        b"stbl",
        format_box(b"stsd", bytes(4), len(entries).to_bytes(4, "big"), *entries),
        track.table.format(offsets, is_wide=is_wide),
    )
    information = format_box(
        b"minf",
        format_box(b"vmhd", b"\0\0\0\1", bytes(8)) if is_visual else format_box(b"smhd", bytes(8)),
        format_box(b"dinf", format_box(b"dref", bytes(4), b"\0\0\0\1", own_file)),
        stbl,
    )
    return format_box(
        b"trak",
        format_box(b"tkhd", head),
        _format_edits(track.edits),
        format_box(
            b"mdia",
            format_box(b"mdhd", media),
            format_box(b"hdlr", bytes(4), kind, track.handler, bytes(12), b"\0"),
            information,
        ),
    )


def read_turn(matrix: bytes) -> tuple[int, int, int, int]:
    """
    Tell how a picture is turned.

    Args:
        matrix: Nine numbers, untrusted.

    Returns:
        The four that turn; upright if it is turned in a way that no camera turns.
    """
    a, b, _, c, d = struct.unpack_from(">5i", matrix)
    return (a, b, c, d) if (a, b, c, d) in _TURNS else _UPRIGHT


def format_matrix(turn: tuple[int, int, int, int], width: int, height: int) -> bytes:
    """
    Write the matrix that turns a picture and leaves it at its place.

    Args:
        turn: Its four numbers.
        width: Of the picture, before it is turned.
        height: Likewise.

    Returns:
        Nine numbers.
    """
    a, b, c, d = turn
    left = -(min(a, 0) * width + min(c, 0) * height) // ONE
    top = -(min(b, 0) * width + min(d, 0) * height) // ONE
    return struct.pack(">iiIiiIIII", a, b, 0, c, d, 0, left, top, _LAST)


def _convert(time: int, units: int, old_units: int) -> int:
    """Say a time in other units, cut to a whole one."""
    converted = time * units // old_units
    if max(time, converted) > MAX_NUMBER:
        raise RefusedError(Reason.MALFORMED)
    return converted


def _choose_version(duration: int) -> tuple[int, str]:
    return (1, "Q") if duration > _MAX_SHORT else (0, "I")


def _read_head(data: bytes, box: Box, *, found: set[Kind]) -> Head:
    cursor = Cursor(data, box.start, box.end)
    head = cursor.number(4)
    width = 8 if head >> 24 == 1 else 4
    if any(cursor.take(2 * width)):
        found.add(Kind.TIME)
    cursor.take(8)
    duration = cursor.number(width)
    cursor.take(8)
    layer = cursor.take(4)
    volume = cursor.number(2)
    cursor.take(2)
    turn = read_turn(cursor.take(36))
    return Head(
        flags=head & _SHOWN,
        duration=duration,
        layer=layer,
        volume=volume,
        turn=turn,
        width=cursor.number(4),
        height=cursor.number(4),
    )


def _read_media_head(data: bytes, box: Box, *, found: set[Kind]) -> tuple[int, int]:
    cursor = Cursor(data, box.start, box.end)
    width = 8 if cursor.number(4) >> 24 == 1 else 4
    if any(cursor.take(2 * width)):
        found.add(Kind.TIME)
    units, duration = cursor.number(4), cursor.number(width)
    if not units:
        raise RefusedError(Reason.MALFORMED)
    return units, duration


def _check_own_file(data: bytes, boxes: Mapping[bytes, Box]) -> None:
    """Hold that the samples are in this file, and not where a name says."""
    if b"dinf" not in boxes:
        return
    inside = list_named(data, boxes[b"dinf"].start, boxes[b"dinf"].end)
    if b"dref" in inside:
        for box in list_boxes(data, inside[b"dref"].start + 8, inside[b"dref"].end):
            if not Cursor(data, box.start, box.end).number(4) & _OWN_FILE:
                raise RefusedError(Reason.UNSUPPORTED)


def _read_edits(data: bytes, boxes: Mapping[bytes, Box]) -> tuple[Edit, ...]:
    if b"edts" not in boxes:
        return ()
    inside = list_named(data, boxes[b"edts"].start, boxes[b"edts"].end)
    if b"elst" not in inside:
        return ()
    cursor = Cursor(data, inside[b"elst"].start, inside[b"elst"].end)
    width = 8 if cursor.number(4) >> 24 == 1 else 4
    count = cursor.number(4)
    if count > MAX_EDITS:
        raise RefusedError(Reason.TOO_COMPLEX)
    edits = []
    for _ in range(count):
        duration = cursor.number(width)
        start = int.from_bytes(cursor.take(width), "big", signed=True)
        if cursor.number(4) != _NORMAL_RATE or start < -1:
            raise RefusedError(Reason.UNSUPPORTED)
        if start > MAX_NUMBER:
            raise RefusedError(Reason.MALFORMED)
        edits.append(Edit(duration=duration, start=start))
    return tuple(edits)


def _check_shown(
    edits: tuple[Edit, ...], *, timescale: int, units: int, media_duration: int
) -> None:
    """Hold that all of the media is shown: what a list cuts out is still in the file."""
    shown = [
        (edit.start, edit.start + edit.duration * units // timescale)
        for edit in edits
        if edit.start >= 0
    ]
    if not shown or (len(shown) == 1 and shown[0][0] == shown[0][1]):
        return
    hidden = media_duration - sum(end - start for start, end in shown)
    overlap = any(one[1] > other[0] + 1 for one, other in itertools.pairwise(shown))
    if hidden > LONGEST_HIDDEN_SECONDS * units or overlap:
        raise RefusedError(Reason.UNSUPPORTED)


def _format_edits(edits: tuple[Edit, ...]) -> bytes:
    if not edits:
        return b""
    is_long = any(max(edit.duration, edit.start) >= 2**31 for edit in edits)
    code = ">Qqi" if is_long else ">Iii"
    entries = b"".join(struct.pack(code, edit.duration, edit.start, _NORMAL_RATE) for edit in edits)
    head = struct.pack(">B3xI", int(is_long), len(edits))
    return format_box(b"edts", format_box(b"elst", head, entries))
