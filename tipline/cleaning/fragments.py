"""
Films in fragments (ISO/IEC 14496-12, 8.8): tables that stand between the samples.

Browsers and streams write them. They are put together into the tables of one whole film, which is
then read as any other: nothing of a fragment is kept but what a sample is, and when it is shown.
"""

from __future__ import annotations

import array
import dataclasses
import itertools
import struct
from collections.abc import Mapping
from typing import Final

from tipline.cleaning.boxes import Box, Cursor, format_box, list_boxes, list_named, need
from tipline.cleaning.errors import Reason, RefusedError

MAX_SAMPLES: Final = 4_000_000  # of one track: 18 hours of pictures

_HAS_BASE: Final = 0x01
_FROM_FRAGMENT: Final = 0x020000
_HAS_OFFSET: Final = 0x01
_HAS_FIRST_FLAGS: Final = 0x04
_IS_NO_SYNC: Final = 0x010000
_ENCRYPTED: Final = frozenset((b"senc", b"saiz", b"saio"))
_MAX_SHORT: Final = 2**32 - 1


@dataclasses.dataclass(slots=True, kw_only=True)
class _Defaults:
    description: int
    duration: int
    size: int
    flags: int


class _Samples:
    """The samples of one track, of all fragments so far."""

    def __init__(self) -> None:
        self.sizes = array.array("I")
        self.durations = array.array("I")
        self.shifts = array.array("I")
        self.syncs = array.array("I")
        self.offsets = array.array("Q")
        self.runs: list[tuple[int, int, int]] = []
        self.ends_at = 0
        self.shift_version = 0
        self.is_shifted = False

    def format(self) -> bytes:
        """Write the tables of a whole film."""
        count = len(self.sizes)
        boxes = [_format_pairs(b"stts", 0, self.durations)]
        if self.is_shifted:
            boxes.append(_format_pairs(b"ctts", self.shift_version, self.shifts))
        if len(self.syncs) != count:
            boxes.append(_format_list(b"stss", 0, self.syncs, code="I"))
        runs = struct.pack(">II", 0, len(self.runs))
        runs += b"".join(struct.pack(">3I", *run) for run in self.runs)
        sizes = struct.pack(f">3I{count}I", 0, 0, count, *self.sizes)
        boxes += [format_box(b"stsc", runs), format_box(b"stsz", sizes)]
        boxes.append(_format_list(b"co64", 0, self.offsets, code="Q"))
        return b"".join(boxes)


class Fragments:
    """
    Collects the samples of a film in fragments.

    Args:
        data: The content of `moov`, untrusted.
        box: `mvex` in it.

    Raises:
        RefusedError: what holds for all fragments is not whole.
    """

    def __init__(self, data: bytes, box: Box) -> None:
        self._defaults: dict[int, _Defaults] = {}
        self._samples: dict[int, _Samples] = {}
        for inside in list_boxes(data, box.start, box.end):
            if inside.name == b"trex":
                cursor = Cursor(data, inside.start, inside.end)
                cursor.take(4)
                number, *numbers = (cursor.number(4) for _ in range(5))
                description, duration, size, flags = numbers
                self._defaults[number] = _Defaults(
                    description=description, duration=duration, size=size, flags=flags
                )

    def add(self, data: bytes, start: int) -> None:
        """
        Add a fragment.

        Args:
            data: The content of `moof`, untrusted.
            start: Where the box begins in the file.

        Raises:
            RefusedError: it is not whole, encrypted, or shown earlier than the one before.
        """
        base = start
        for box in list_boxes(data, 0, len(data)):
            if box.name == b"traf":
                base = self._add_track(data, box, start=start, base=base)

    def format_tables(self, number: int) -> bytes | None:
        """
        Write the tables of a track.

        Args:
            number: Of the track.

        Returns:
            The boxes of `stbl` but the descriptions; None if no fragment has samples of it.
        """
        samples = self._samples.get(number)
        return samples.format() if samples is not None and samples.sizes else None

    def _add_track(self, data: bytes, box: Box, *, start: int, base: int) -> int:
        """Add a track's part; return where its last sample ends."""
        inside = list_named(data, box.start, box.end)
        if not _ENCRYPTED.isdisjoint(inside):
            raise RefusedError(Reason.UNSUPPORTED)
        number, defaults, base = self._read_head(data, need(inside, b"tfhd"), start, base)
        samples = self._samples.setdefault(number, _Samples())
        _move_to(samples, data, inside)
        at = base
        for run in list_boxes(data, box.start, box.end):
            if run.name == b"trun":
                at = _add_run(samples, defaults, Cursor(data, run.start, run.end), base, at)
        return at

    def _read_head(
        self, data: bytes, box: Box, start: int, base: int
    ) -> tuple[int, _Defaults, int]:
        cursor = Cursor(data, box.start, box.end)
        flags = cursor.number(4) & 0xFFFFFF
        number = cursor.number(4)
        known = self._defaults.get(number)
        if known is None:
            raise RefusedError(Reason.MALFORMED)
        if flags & _HAS_BASE:
            base = cursor.number(8)
        elif flags & _FROM_FRAGMENT:
            base = start
        told = [
            cursor.number(4) if flags & flag else default
            for flag, default in (
                (0x02, known.description),
                (0x08, known.duration),
                (0x10, known.size),
                (0x20, known.flags),
            )
        ]
        description, duration, size, sample_flags = told
        defaults = _Defaults(
            description=description, duration=duration, size=size, flags=sample_flags
        )
        return number, defaults, base


def _move_to(samples: _Samples, data: bytes, inside: Mapping[bytes, Box]) -> None:
    """Let the last sample last until the fragment begins."""
    box = inside.get(b"tfdt")
    if box is None:
        return
    cursor = Cursor(data, box.start, box.end)
    begins_at = cursor.number(8 if cursor.number(4) >> 24 == 1 else 4)
    gap = begins_at - samples.ends_at
    if gap:
        # What begins elsewhere than at 0 was cut out of something longer.
        if gap < 0 or not samples.durations or samples.durations[-1] + gap > _MAX_SHORT:
            raise RefusedError(Reason.UNSUPPORTED)
        samples.durations[-1] += gap
        samples.ends_at = begins_at


def _add_run(samples: _Samples, defaults: _Defaults, cursor: Cursor, base: int, at: int) -> int:
    """Add samples that lie one behind the other; return where the last one ends."""
    head = cursor.number(4)
    version, flags = head >> 24, head & 0xFFFFFF
    count = cursor.number(4)
    if len(samples.sizes) + count > MAX_SAMPLES:
        raise RefusedError(Reason.TOO_COMPLEX)
    if flags & _HAS_OFFSET:
        at = base + int.from_bytes(cursor.take(4), "big", signed=True)
    first_flags = cursor.number(4) if flags & _HAS_FIRST_FLAGS else None
    if at < 0:
        raise RefusedError(Reason.MALFORMED)
    if count:
        samples.offsets.append(at)
        row = (count, defaults.description)
        if not samples.runs or samples.runs[-1][1:] != row:
            samples.runs.append((len(samples.offsets), *row))
    for sample in range(count):
        duration = cursor.number(4) if flags & 0x100 else defaults.duration
        size = cursor.number(4) if flags & 0x200 else defaults.size
        told = cursor.number(4) if flags & 0x400 else defaults.flags
        shift = cursor.number(4) if flags & 0x800 else 0
        if sample == 0 and first_flags is not None:
            told = first_flags
        samples.sizes.append(size)
        samples.durations.append(duration)
        samples.shifts.append(shift)
        if not told & _IS_NO_SYNC:
            samples.syncs.append(len(samples.sizes))
        samples.ends_at += duration
        at += size
    if flags & 0x800:
        samples.is_shifted = True
        samples.shift_version = max(samples.shift_version, version & 1)
    return at


def _format_pairs(name: bytes, version: int, numbers: array.array[int]) -> bytes:
    rows = [(sum(1 for _ in row), number) for number, row in itertools.groupby(numbers)]
    head = struct.pack(">B3xI", version, len(rows))
    return format_box(name, head, b"".join(struct.pack(">II", *row) for row in rows))


def _format_list(name: bytes, version: int, numbers: array.array[int], *, code: str) -> bytes:
    count = len(numbers)
    return format_box(name, struct.pack(f">B3xI{count}{code}", version, count, *numbers))
