"""
Where a track's samples are, how long each is and when it is shown (ISO/IEC 14496-12, 8.6 and 8.7).

Tables are kept as numbers, not as objects, and are never longer than the bytes that they were read
from. What they say together must be true: as many samples in the chunks as there are lengths and
times.
"""

from __future__ import annotations

import array
import dataclasses
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence

from tipline.cleaning.boxes import MAX_NUMBER, Box, Cursor, format_box, need
from tipline.cleaning.errors import Reason, RefusedError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """
    Samples that lie one behind the other.

    Args:
        number: In its track, from 0.
        offset: In the file.
        first: Its first sample, from 0.
        count: How many there are.
        description: Which of the track's descriptions they have, from 0.
    """

    number: int
    offset: int
    first: int
    count: int
    description: int


class Table:
    """
    A track's samples.

    Args:
        data: Untrusted; what the boxes lie in.
        boxes: Of `stbl`, by name.
        descriptions_len: How many descriptions there are.

    Raises:
        RefusedError: they are not true together.
    """

    def __init__(self, data: bytes, boxes: Mapping[bytes, Box], *, descriptions_len: int) -> None:
        self.uniform_bytes, self.count, self.sizes = _read_sizes(data, boxes)
        self.offsets = _read_offsets(data, boxes)
        self._runs = _read_runs(data, boxes)
        self.times = _read_pairs(data, need(boxes, b"stts"), self.count)
        self.shifts = b""
        if b"ctts" in boxes:
            pairs = _read_pairs(data, boxes[b"ctts"], self.count)
            self.shifts = bytes([data[boxes[b"ctts"].start] & 1, 0, 0, 0]) + pairs
        self.syncs = _read_syncs(data, boxes, self.count)
        if any(not 1 <= run[2] <= descriptions_len for run in self._runs):
            raise RefusedError(Reason.MALFORMED)

    @property
    def duration_is_one(self) -> bool:
        """Whether every sample lasts one unit: so QuickTime counts the samples of plain sound."""
        return self.times[4:] == b"\0\0\0\1" and len(self.times) == 8

    def measure_time(self) -> int:
        """
        Measure how long all samples last.

        Returns:
            In the media's units.
        """
        numbers = _unpack(self.times, "I")
        return sum(count * time for count, time in zip(numbers[::2], numbers[1::2], strict=True))

    def list_chunks(self) -> Iterator[Chunk]:
        """
        List the chunks as the track counts them.

        Yields:
            Each chunk.

        Raises:
            RefusedError: they have other samples than there are.
        """
        first = 0
        runs = self._runs
        if not runs or runs[0][0] != 1:
            raise RefusedError(Reason.MALFORMED)
        for number, run in enumerate(runs):
            following = runs[number + 1][0] if number + 1 < len(runs) else len(self.offsets) + 1
            if not run[0] < following <= len(self.offsets) + 1 or not run[1]:
                raise RefusedError(Reason.MALFORMED)
            for chunk in range(run[0] - 1, following - 1):
                if first + run[1] > self.count:
                    raise RefusedError(Reason.MALFORMED)
                yield Chunk(
                    number=chunk,
                    offset=self.offsets[chunk],
                    first=first,
                    count=run[1],
                    description=run[2] - 1,
                )
                first += run[1]
        if first != self.count:
            raise RefusedError(Reason.MALFORMED)

    def measure(self, chunk: Chunk) -> int:
        """
        Measure a chunk.

        Args:
            chunk: Of this table.

        Returns:
            Its length in bytes.
        """
        if self.uniform_bytes:
            return self.uniform_bytes * chunk.count
        return sum(self.sizes[chunk.first : chunk.first + chunk.count])

    def size(self, sample: int) -> int:
        """
        Tell how long a sample is.

        Args:
            sample: From 0.

        Returns:
            Its length in bytes.
        """
        return self.uniform_bytes or self.sizes[sample]

    def list_sizes(self, start: int, end: int) -> Sequence[int]:
        """
        List how long samples are that follow each other.

        Args:
            start: The first, from 0.
            end: Behind the last.

        Returns:
            Their lengths in bytes, as they are now.
        """
        if self.uniform_bytes:
            return (self.uniform_bytes,) * (end - start)
        return self.sizes[start:end]

    def resize(self, sample: int, size: int) -> None:
        """
        Note that a sample has another length now.

        Args:
            sample: From 0.
            size: Its new length in bytes.
        """
        if self.uniform_bytes:
            self.sizes = array.array("I", [self.uniform_bytes]) * self.count
            self.uniform_bytes = 0
        self.sizes[sample] = size

    def format(self, offsets: Sequence[int], *, is_wide: bool) -> bytes:
        """
        Write the boxes of the table.

        Args:
            offsets: Where each chunk is now.
            is_wide: With 64 bits.

        Returns:
            The boxes.
        """
        boxes = [_format_list(b"stts", self.times, 8)]
        if self.shifts:
            head, pairs = self.shifts[:4], self.shifts[4:]
            boxes.append(_format_list(b"ctts", pairs, 8, head=head))
        if self.syncs is not None:
            boxes.append(_format_list(b"stss", self.syncs, 4))
        runs = b"".join(struct.pack(">3I", *run) for run in self._runs)
        boxes.append(_format_list(b"stsc", runs, 12))
        sizes = b"" if self.uniform_bytes else _pack(self.sizes, "I")
        if sizes and sizes == sizes[:4] * self.count and any(sizes[:4]):
            self.uniform_bytes, sizes = self.sizes[0], b""
        head = struct.pack(">3I", 0, self.uniform_bytes, self.count)
        boxes.append(format_box(b"stsz", head, sizes))
        packed = _pack(offsets, "Q" if is_wide else "I")
        boxes.append(_format_list(b"co64" if is_wide else b"stco", packed, 8 if is_wide else 4))
        return b"".join(boxes)


def _read_sizes(data: bytes, boxes: Mapping[bytes, Box]) -> tuple[int, int, array.array[int]]:
    if b"stsz" in boxes:
        cursor = Cursor(data, boxes[b"stsz"].start, boxes[b"stsz"].end)
        cursor.take(4)
        uniform, count = cursor.number(4), cursor.number(4)
        if uniform:
            return uniform, count, array.array("I")
        return 0, count, _unpack(cursor.take(4 * count), "I")
    box = need(boxes, b"stz2")
    cursor = Cursor(data, box.start, box.end)
    cursor.take(7)
    bits, count = cursor.number(1), cursor.number(4)
    if bits == 16:
        return 0, count, array.array("I", _unpack(cursor.take(2 * count), "H"))
    if bits == 8:
        return 0, count, array.array("I", list(cursor.take(count)))
    if bits != 4:
        raise RefusedError(Reason.MALFORMED)
    halves = array.array("I")
    for byte in cursor.take((count + 1) // 2):
        halves.extend((byte >> 4, byte & 15))
    return 0, count, halves[:count]


def _read_offsets(data: bytes, boxes: Mapping[bytes, Box]) -> array.array[int]:
    if b"co64" in boxes:
        offsets = _unpack(_take_list(data, boxes[b"co64"], 8), "Q")
        if any(offset > MAX_NUMBER for offset in offsets):
            raise RefusedError(Reason.MALFORMED)
        return offsets
    return array.array("Q", _unpack(_take_list(data, need(boxes, b"stco"), 4), "I"))


def _read_runs(data: bytes, boxes: Mapping[bytes, Box]) -> list[tuple[int, int, int]]:
    """Read which chunks have how many samples; runs of the same become one."""
    runs: list[tuple[int, int, int]] = []
    for first, count, description in struct.iter_unpack(
        ">3I", _take_list(data, need(boxes, b"stsc"), 12)
    ):
        if not runs or (count, description) != runs[-1][1:]:
            runs.append((first, count, description))
    return runs


def _read_pairs(data: bytes, box: Box, samples_len: int) -> bytes:
    """Read pairs of a number of samples and a time, for exactly as many samples."""
    pairs = _take_list(data, box, 8)
    counts = _unpack(pairs, "I")[::2]
    if sum(counts) != samples_len or 0 in counts:
        raise RefusedError(Reason.MALFORMED)
    return pairs


def _read_syncs(data: bytes, boxes: Mapping[bytes, Box], samples_len: int) -> bytes | None:
    """Read which samples can be begun with; without a list all can."""
    if b"stss" not in boxes:
        return None
    packed = _take_list(data, boxes[b"stss"], 4)
    last = 0
    for number in _unpack(packed, "I"):
        if not last < number <= samples_len:
            raise RefusedError(Reason.MALFORMED)
        last = number
    return packed


def _take_list(data: bytes, box: Box, entry_bytes: int) -> bytes:
    cursor = Cursor(data, box.start, box.end)
    cursor.take(4)
    return cursor.take(entry_bytes * cursor.number(4))


def _format_list(name: bytes, entries: bytes, entry_bytes: int, *, head: bytes = bytes(4)) -> bytes:
    return format_box(name, head, (len(entries) // entry_bytes).to_bytes(4, "big"), entries)


def _unpack(packed: bytes, code: str) -> array.array[int]:
    numbers: array.array[int] = array.array(code)
    numbers.frombytes(packed)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _pack(numbers: Sequence[int], code: str) -> bytes:
    packed: array.array[int] = array.array(code, numbers)
    if sys.byteorder == "little":
        packed.byteswap()
    return packed.tobytes()
