"""
A slot file as a whole: made, opened with its mirror, and grown.

    body of a step's first slot: purpose (1: 1 keys, 2 records) || step (4) || session (8)

Rules:
1. A step's first slot is written last, after its zeros are synced: a step without it is not there.
2. The session number of step 0 rises on both disks whenever both are opened together, and is 0 on
   a file that was opened alone. So a mirror that missed something is known, and rebuilt whole;
   free in either is free in both only for two that were always together.
3. Of two files, one that is missing is rebuilt from the other, in place, its first slot last.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import (
    LABEL_BYTES,
    NO_ROOT,
    SLOT_BYTES,
    Slot,
    SlotKind,
    encode_slot,
)
from retention.slot_disk import PIECE_SLOTS, SlotDisk
from retention.slot_pair import Notice, SlotPair

STEP_SLOTS: Final = 1024
BODY_BYTES: Final = 13
ALONE: Final = 0  # the session of a file that is not mirrored

OpenDisk = Callable[[Path], SlotDisk]


class Purpose(enum.Enum):
    """What a step is for."""

    KEYS = 1
    RECORDS = 2
    UNKNOWN = 3  # its first slot is damaged: nothing is put there, nothing is taken for left over


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    file_id: bytes
    purpose: Purpose
    number: int
    session: int

    def encode(self) -> bytes:
        body = (
            bytes([self.purpose.value])
            + self.number.to_bytes(4, "big")
            + self.session.to_bytes(8, "big")
        )
        return encode_slot(
            Slot(kind=SlotKind.STEP, label=self.file_id, root_id=NO_ROOT, body=Secret(body))
        )

    @classmethod
    def decode(cls, slot: Slot, *, number: int) -> _Step:
        body = slot.body.reveal()
        if slot.kind is not SlotKind.STEP or len(body) != BODY_BYTES or body[0] not in (1, 2):
            raise SlotError("slot_damaged", slot=number * STEP_SLOTS)
        if int.from_bytes(body[1:5], "big") != number:
            raise SlotError("slot_damaged", slot=number * STEP_SLOTS)
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
        _write_step(
            self.pair,
            _Step(file_id=self.file_id, purpose=purpose, number=number, session=ALONE),
        )
        self._purposes.append(purpose)
        return range(first + 1, first + STEP_SLOTS)


def make_slot_file(
    path: Path, mirror: Path | None, *, random: RandomSource, create_disk: OpenDisk
) -> None:
    """
    Make a new slot file, and its mirror.

    Args:
        path: What stands there must be nothing, or what a crash left of this.
        mirror: None if there is none.
        random: Where its id comes from.
        create_disk: Opens a file, and makes it if there is none.

    Raises:
        SlotError: `slot_file_exists`, `slot_file_unsafe`.
        OSError: a disk refuses.
    """
    file_id = random(LABEL_BYTES)
    disks: list[SlotDisk] = []
    try:
        for one in (path, mirror):
            if one is None:
                continue
            disks.append(create_disk(one))
            if not _is_empty(disks[-1]):
                raise SlotError("slot_file_exists", path=str(one))
        session = ALONE if mirror is None else 1
        # Step 0 last: a file without it is unfinished.
        for number, purpose in ((1, Purpose.RECORDS), (0, Purpose.KEYS)):
            step = _Step(file_id=file_id, purpose=purpose, number=number, session=session)
            for disk in disks:
                _write_step(disk, step)
    finally:
        for disk in disks:
            disk.close()


def open_steps(
    path: Path,
    mirror: Path | None,
    *,
    random: RandomSource,
    notice: Callable[[Notice], None],
    open_disk: OpenDisk,
    create_disk: OpenDisk,
) -> Steps:
    """
    Open a slot file with its mirror, and bring the two together.

    Args:
        path: The slot file.
        mirror: None if there is none.
        random: For overwriting.
        notice: Told what was rebuilt or is damaged.
        open_disk: Opens a file that exists.
        create_disk: Opens a file, and makes it if there is none.

    Returns:
        Its steps.

    Raises:
        SlotError: `slot_file_missing`, `slot_file_unsafe`, `slot_file_unreadable`,
            `slot_mirror_foreign`, `slot_mirror_alone`.
        OSError: a disk refuses.
    """
    disks: list[SlotDisk] = []
    try:
        disks.append(open_disk(path))
        pair = SlotPair(disks, random=random, notice=notice)
        file_id, purposes = _read_steps(pair, disks, path=path, notice=notice)
    except FileNotFoundError as exc:
        raise SlotError("slot_file_missing", path=str(path)) from exc
    except BaseException:
        for disk in disks:
            disk.close()
        raise
    return Steps(pair, file_id=file_id, purposes=purposes)


def _read_steps(
    pair: SlotPair, disks: Sequence[SlotDisk], *, path: Path, notice: Callable[[Notice], None]
) -> tuple[bytes, list[Purpose]]:
    steps: list[_Step | None] = []
    for number in range(min(disk.count() for disk in disks) // STEP_SLOTS):
        try:
            slot = pair.read(number * STEP_SLOTS)
            if slot is None:
                break
            steps.append(_Step.decode(slot, number=number))
        except SlotError as exc:
            notice(Notice(code=exc.code, slot=number * STEP_SLOTS))
            steps.append(None)
    ids = {step.file_id for step in steps if step is not None}
    if len(ids) != 1:
        raise SlotError("slot_file_unreadable", path=str(path))
    return ids.pop(), [Purpose.UNKNOWN if step is None else step.purpose for step in steps]


def _write_step(target: SlotPair | SlotDisk, step: _Step) -> None:
    first = step.number * STEP_SLOTS
    for start in range(0, STEP_SLOTS, PIECE_SLOTS):
        target.write(first + start, bytes(PIECE_SLOTS * SLOT_BYTES))
    target.sync_all()
    target.write(first, step.encode())
    target.sync()


def _is_empty(disk: SlotDisk) -> bool:
    for first in range(0, disk.count(), PIECE_SLOTS):
        data = disk.read(first, min(PIECE_SLOTS, disk.count() - first))
        if data.count(0) != len(data):
            return False
    return True
