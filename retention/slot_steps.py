"""
The steps by which a slot file grew, and what each is for.

    body of a step's first slot: purpose (1: 1 keys, 2 records) || step (4) || session (8)

Rules:
1. A step's first slot is written last, after its zeros are synced: a step without it is not there.
2. A step whose first slot is damaged keeps what it holds: its keys are found, its records are read
   where rows name them, nothing new is put there, and nothing in it is taken for left over.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Final, Self

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import NO_ROOT, SLOT_BYTES, Slot, SlotKind, decode_slot, encode_slot
from retention.slot_disk import PIECE_SLOTS, SlotDisk
from retention.slot_pair import Notice, SlotPair

STEP_SLOTS: Final = 1024
BODY_BYTES: Final = 13
ALONE: Final = 0  # the session of a file that is not mirrored


class Purpose(enum.Enum):
    """What a step is for."""

    KEYS = 1
    RECORDS = 2
    UNKNOWN = 3  # its first slot is damaged: nothing is put there, nothing is taken for left over


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What a step's first slot says.

    Args:
        file_id: 16 bytes, of the slot file.
        purpose: What the step is for.
        number: Its place.
        session: In step 0: how often the file was opened with its mirror; else 0.
    """

    file_id: bytes
    purpose: Purpose
    number: int
    session: int = ALONE

    def encode(self) -> bytes:
        """
        Write the step's first slot.

        Returns:
            4 KiB.
        """
        body = (
            bytes([self.purpose.value])
            + self.number.to_bytes(4, "big")
            + self.session.to_bytes(8, "big")
        )
        return encode_slot(
            Slot(kind=SlotKind.STEP, label=self.file_id, root_id=NO_ROOT, body=Secret(body))
        )

    @classmethod
    def decode(cls, slot: Slot, *, number: int) -> Self:
        """
        Read a step's first slot.

        Args:
            slot: What stands there.
            number: The step's place.

        Returns:
            The step.

        Raises:
            SlotError: `slot_malformed`: another kind of slot, or another step's.
        """
        body = slot.body.reveal()
        if (
            slot.kind is not SlotKind.STEP
            or len(body) != BODY_BYTES
            or body[0] not in (Purpose.KEYS.value, Purpose.RECORDS.value)
            or int.from_bytes(body[1:5], "big") != number
        ):
            raise SlotError("slot_malformed")
        return cls(
            file_id=slot.label,
            purpose=Purpose(body[0]),
            number=number,
            session=int.from_bytes(body[5:], "big"),
        )


class Steps:
    """
    The steps of an open slot file.

    Args:
        pair: The file and its mirror.
        file_id: 16 bytes.
        purposes: Of each step.
    """

    def __init__(self, pair: SlotPair, *, file_id: bytes, purposes: list[Purpose]) -> None:
        self.pair: Final = pair
        self.file_id: Final = file_id
        self._purposes = purposes

    def slots_len(self) -> int:
        """
        Tell how many slots there are, each step's first among them.

        Returns:
            Their number.
        """
        return len(self._purposes) * STEP_SLOTS

    def purpose(self, number: int) -> Purpose:
        """
        Tell what a slot's step is for.

        Args:
            number: Of the slot.

        Returns:
            Its purpose.
        """
        return self._purposes[number // STEP_SLOTS]

    def places(self, purpose: Purpose) -> Iterator[int]:
        """
        List the slots of a purpose, without each step's first.

        Args:
            purpose: Of the steps. Keys are looked for in steps of unknown purpose, too.

        Yields:
            Their numbers, rising.
        """
        for step, one in enumerate(self._purposes):
            if one is purpose or (one is Purpose.UNKNOWN and purpose is Purpose.KEYS):
                yield from range(step * STEP_SLOTS + 1, (step + 1) * STEP_SLOTS)

    def grow(self, purpose: Purpose) -> range:
        """
        Add a step.

        Args:
            purpose: What it is for.

        Returns:
            Its slots, all free.

        Raises:
            OSError: a disk refuses.
        """
        number = len(self._purposes)
        first = number * STEP_SLOTS
        write_step(self.pair, Step(file_id=self.file_id, purpose=purpose, number=number))
        self._purposes.append(purpose)
        return range(first + 1, first + STEP_SLOTS)


def write_step(target: SlotPair | SlotDisk, step: Step) -> None:
    """
    Write a new step: zeros, synced; then its first slot, synced.

    Args:
        target: Where to.
        step: What it is.

    Raises:
        OSError: a disk refuses.
    """
    first = step.number * STEP_SLOTS
    for start in range(0, STEP_SLOTS, PIECE_SLOTS):
        target.write(first + start, bytes(PIECE_SLOTS * SLOT_BYTES))
    target.sync_all()
    target.write(first, step.encode())
    target.sync()


def read_step(disk: SlotDisk, number: int) -> Step | None:
    """
    Read what one disk says of a step.

    Args:
        disk: One of the two.
        number: The step's place.

    Returns:
        The step; None if there is none.

    Raises:
        SlotError: `slot_malformed`.
    """
    slot = decode_slot(disk.read(number * STEP_SLOTS))
    return None if slot is None else Step.decode(slot, number=number)


def read_steps(
    pair: SlotPair, *, count: int, file_id: bytes, notice: Callable[[Notice], None]
) -> Steps:
    """
    Read the first slot of every step.

    Args:
        pair: The file and its mirror, brought together.
        count: How many whole steps both have.
        file_id: 16 bytes.
        notice: Told what is damaged.

    Returns:
        The steps, without those at the end that were not finished.
    """
    purposes: list[Purpose | None] = []
    for number in range(count):
        try:
            slot = pair.read(number * STEP_SLOTS)
            step = None if slot is None else Step.decode(slot, number=number)
            purposes.append(None if step is None else step.purpose)
        except SlotError:
            notice(Notice(code="slot_damaged", slot=number * STEP_SLOTS))
            purposes.append(Purpose.UNKNOWN)
    while purposes and purposes[-1] is None:
        purposes.pop()
    return Steps(pair, file_id=file_id, purposes=[one or Purpose.UNKNOWN for one in purposes])
