"""
The slot file and its mirror on a second device, as one.

Rules:
1. What is written is written to both, and durable when both say so.
2. Free in either is free in both: a destruction that a crash cut short is never undone.
3. Damaged in one is repaired from the other. Damaged in both is named, and not touched.
4. A destruction writes random bytes, syncs, writes zeros, syncs, and reads back from the disk, on
   both. Anything left is an error; nobody says "gone" before.
5. After a sync that failed nothing is known, and a second one would not tell: no more is served.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from crypto.randomness import RandomSource
from retention.errors import SlotError
from retention.slot import FREE_SLOT, SLOT_BYTES, Slot, decode_slot, encode_slot
from retention.slot_disk import PIECE_SLOTS, SlotDisk

BATCH_SLOTS: Final = 1024  # 4 MiB between two syncs, so that an arrival's sync waits for no more
READERS: Final = 8  # a disk of today answers so many at once

_FREE_PIECE: Final = bytes(PIECE_SLOTS * SLOT_BYTES)


class State(enum.Enum):
    """What is in a place where no slot can be read."""

    FREE = "free"
    DAMAGED = "damaged"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    Something a person must be told about the slot file.

    Args:
        code: Names its words.
        slot: Which slot; None for the whole file.
        mirror: Whether it is the mirror's.
    """

    code: str
    slot: int | None = None
    mirror: bool = False


class SlotPair:
    """
    One or two disks.

    Args:
        disks: The slot file, and the mirror if there is one.
        random: Where the bytes of the first round come from.
        notice: Told what was repaired.
    """

    def __init__(
        self,
        disks: Sequence[SlotDisk],
        *,
        random: RandomSource,
        notice: Callable[[Notice], None],
    ) -> None:
        self._disks = disks
        self._random = random
        self._notice = notice
        self._broken = False

    def check_sound(self) -> None:
        """
        Refuse to go on after a sync that failed: the kernel may have dropped what was written.

        Raises:
            SlotError: `slot_file_broken`.
        """
        if self._broken:
            raise SlotError("slot_file_broken")

    def read(self, number: int) -> Slot | None:
        """
        Read a slot, and repair it where one copy is damaged.

        Args:
            number: Of the slot.

        Returns:
            The slot; None if it is free.

        Raises:
            SlotError: `slot_damaged`, `slot_differs`.
        """
        return self.decide(number, [disk.read(number) for disk in self._disks])

    def decide(self, number: int, contents: Sequence[bytes]) -> Slot | None:
        """
        Make one slot of its copies.

        Args:
            number: Of the slot.
            contents: Untrusted: the bytes on each disk.

        Returns:
            The slot; None if it is free.

        Raises:
            SlotError: `slot_damaged`, `slot_differs`.
        """
        states = [_look(content) for content in contents]
        if State.FREE in states:
            return None
        good = [state for state in states if isinstance(state, Slot)]
        if not good:
            raise SlotError("slot_damaged", slot=number)
        if any(slot != good[0] for slot in good):
            raise SlotError("slot_differs", slot=number)
        for index, (disk, state) in enumerate(zip(self._disks, states, strict=True)):
            if state is State.DAMAGED:
                disk.write(number, encode_slot(good[0]))
                self.sync()
                self._notice(Notice(code="slot_repaired", slot=number, mirror=index > 0))
        return good[0]

    def look(self, number: int) -> tuple[Slot | State, ...]:
        """
        See what each disk has, and change nothing.

        Args:
            number: Of the slot.

        Returns:
            One for each disk.
        """
        return tuple(_look(disk.read(number)) for disk in self._disks)

    def read_pieces(self, numbers: Iterable[int]) -> Iterator[tuple[int, list[bytes]]]:
        """
        Read many slots in large pieces.

        Args:
            numbers: Rising.

        Yields:
            Each number with the bytes on each disk.
        """
        for first, pieces in self.read_runs(numbers):
            for start in range(0, len(pieces[0]), SLOT_BYTES):
                number = first + start // SLOT_BYTES
                yield number, [piece[start : start + SLOT_BYTES] for piece in pieces]

    def read_runs(self, numbers: Iterable[int]) -> Iterator[tuple[int, list[bytes]]]:
        """
        Read many slots in large pieces, as they come.

        Args:
            numbers: Rising.

        Yields:
            The first number of neighbours with the bytes of all of them on each disk.
        """
        for first, count in _runs(numbers):
            yield first, [disk.read(first, count) for disk in self._disks]

    def find_not_free(self, numbers: Iterable[int]) -> list[int]:
        """
        Find what is not all zeros.

        Args:
            numbers: Rising.

        Returns:
            Those that are not free on one disk at least.
        """
        found = []
        for first, count in _runs(numbers):
            for disk in self._disks:
                found += _find_bytes(disk.read(first, count), first)
        return sorted(set(found))

    def expect(self, numbers: Iterable[int]) -> None:
        """
        Say that these slots will be read soon.

        Args:
            numbers: Rising.
        """
        for first, count in _runs(numbers):
            for disk in self._disks:
                disk.expect(first, count)

    def write(self, first: int, data: bytes) -> None:
        """
        Write slots to every disk.

        Args:
            first: The first slot.
            data: Whole slots.
        """
        for disk in self._disks:
            disk.write(first, data)

    def sync(self) -> None:
        """
        Make durable what was written in place, on every disk.

        Raises:
            OSError: a disk refuses; nothing is known of what was written since the last sync.
        """
        try:
            for disk in self._disks:
                disk.sync()
        except OSError:
            self._broken = True
            raise

    def sync_all(self) -> None:
        """Make durable what was written and the files' new length, on every disk."""
        for disk in self._disks:
            disk.sync_all()

    def overwrite(self, numbers: Iterable[int]) -> None:
        """
        Overwrite slots in place on every disk, and read back that nothing is left.

        Args:
            numbers: Rising.

        Raises:
            SlotError: `slot_not_destroyed`: something is left.
            OSError: a disk refuses; nothing is known of these slots then.
        """
        batch: list[int] = []
        for number in numbers:
            batch.append(number)
            if len(batch) == BATCH_SLOTS:
                self._overwrite_batch(batch)
                batch = []
        if batch:
            self._overwrite_batch(batch)

    def close(self) -> None:
        """Close every disk."""
        for disk in self._disks:
            disk.close()

    def _overwrite_batch(self, numbers: Sequence[int]) -> None:
        for make in (self._random, bytes):
            for first, count in _runs(numbers):
                self.write(first, make(count * SLOT_BYTES))
            self.sync()
        runs = list(_runs(numbers))
        # Scattered slots are read several at a time: each read waits for the disk.
        parts = [runs[start::READERS] for start in range(min(READERS, len(runs)))]
        with concurrent.futures.ThreadPoolExecutor(len(parts)) as readers:
            left = sum(readers.map(self._count_left, parts))
        if left:
            raise SlotError("slot_not_destroyed", count=left)

    def _count_left(self, runs: Sequence[tuple[int, int]]) -> int:
        return sum(
            len(_find_bytes(disk.read_back(first, count), first))
            for first, count in runs
            for disk in self._disks
        )


def _look(untrusted: bytes) -> Slot | State:
    try:
        return decode_slot(untrusted) or State.FREE
    except SlotError:
        return State.DAMAGED


def _find_bytes(data: bytes, first: int) -> list[int]:
    # Almost always nothing: one comparison of a whole piece, then slot by slot.
    if data == _FREE_PIECE[: len(data)]:
        return []
    return [
        first + index
        for index in range(len(data) // SLOT_BYTES)
        if data[index * SLOT_BYTES : (index + 1) * SLOT_BYTES] != FREE_SLOT
    ]


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Join neighbours, up to a piece."""
    first = count = 0
    for number in numbers:
        if count and number == first + count and count < PIECE_SLOTS:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count
