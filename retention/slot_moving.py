"""
A slot file written once more, sealed under another root: for a line that moves to another machine.

Rules:
1. What an earlier run left undone is done first: a root that was being replaced, a mirror that
   missed something. So every key stands there once.
2. Each secret is opened and sealed anew in memory. It lies on no disk but as the new root seals it.
3. A slot keeps its number, because rows name it. The new file has an id of its own: it is never
   taken for the mirror of the old one, and its root in a TPM has a place of its own.
4. What cannot be read is left out: nobody opens it any more. What it opened is named when the new
   file is opened with its rows.
5. The new file takes its name when all of it is on the disk. If it does not, what was written of it
   is overwritten before it goes: the new root may be none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource
from retention.errors import SlotError
from retention.slot import FREE_SLOT, LABEL_BYTES, SLOT_BYTES, Slot, SlotKind, encode_slot
from retention.slot_disk import PIECE_SLOTS, FileDisk
from retention.slot_file import SlotFile
from retention.slot_pair import SlotPair
from retention.slot_root import SlotRoot
from retention.slot_steps import STEP_SLOTS, Purpose, Step, Steps, read_steps

MOVING_SUFFIX: Final = ".moving"


def move_slots(
    source: Path,
    target: Path,
    *,
    mirror: Path | None = None,
    old: SlotRoot,
    new: SlotRoot,
    random: RandomSource,
) -> None:
    """
    Write a slot file once more, sealed under another root. The old one stays as it is.

    Args:
        source: The slot file; nobody has it open.
        target: Nothing has its name; it may lie on another device.
        mirror: Of the source; None if there is none.
        old: What the secrets are sealed under.
        new: What they will be sealed under; it is made here.
        random: Where the new file's id comes from.

    Raises:
        SlotError: the slot file does not hold (`slot_root_other`: it is sealed under another root),
            or the new root cannot be made.
        FileExistsError: something has the target's name.
        OSError: a disk refuses.
    """
    if target.exists() or target.is_symlink():
        raise FileExistsError(str(target))
    SlotFile(source, mirror, old, random=random).close()
    file_id = random(LABEL_BYTES)
    new.create(file_id)
    new.attach(file_id)
    moving = target.with_name(target.name + MOVING_SUFFIX)
    with contextlib.ExitStack() as stack:
        sources = [FileDisk.open(path) for path in (source, mirror) if path is not None]
        for disk in sources:
            stack.callback(disk.close)
        steps = _read_steps(sources, file_id=file_id, random=random)
        written = FileDisk.create(moving)
        stack.callback(written.close)
        with contextlib.ExitStack() as unfinished:
            unfinished.callback(_wipe, written, moving, random)
            _write_slots(steps, written, old=old, new=new)
            written.sync_all()
            moving.rename(target)
            unfinished.pop_all()
    _sync_folder(target.parent)


def _read_steps(disks: Sequence[FileDisk], *, file_id: bytes, random: RandomSource) -> Steps:
    pair = SlotPair(disks, random=random, notice=lambda notice: None)
    count = min(disk.count() for disk in disks) // STEP_SLOTS
    return read_steps(pair, count=count, file_id=file_id, notice=lambda notice: None)


def _write_slots(steps: Steps, target: FileDisk, *, old: SlotRoot, new: SlotRoot) -> None:
    piece = bytearray()
    first = 0
    for number, contents in steps.pair.read_pieces(range(steps.slots_len())):
        if number % STEP_SLOTS:
            piece += _seal_anew(steps.pair, number, contents, old=old, new=new)
        else:
            piece += _make_first(steps, number, contents)
        if len(piece) == PIECE_SLOTS * SLOT_BYTES:
            target.write(first, bytes(piece))
            first += PIECE_SLOTS
            piece.clear()
    # Steps are whole pieces. What a run that was cut short left behind them goes.
    for start in range(first, target.count(), PIECE_SLOTS):
        target.write(start, bytes(PIECE_SLOTS * SLOT_BYTES))


def _wipe(disk: FileDisk, path: Path, random: RandomSource) -> None:
    whole, torn_bytes = divmod(path.stat().st_size, SLOT_BYTES)
    disk.write(whole, bytes(torn_bytes))  # what a full disk took of one more
    pair = SlotPair([disk], random=random, notice=lambda notice: None)
    pair.overwrite(range(whole))
    disk.sync()
    path.unlink()
    _sync_folder(path.parent)


def _make_first(steps: Steps, number: int, contents: Sequence[bytes]) -> bytes:
    purpose = steps.purpose(number)
    if purpose is Purpose.UNKNOWN:
        return contents[0]  # damaged it stays: keys are looked for in such a step
    return Step(file_id=steps.file_id, purpose=purpose, number=number // STEP_SLOTS).encode()


def _seal_anew(
    pair: SlotPair, number: int, contents: Sequence[bytes], *, old: SlotRoot, new: SlotRoot
) -> bytes:
    if FREE_SLOT in contents:  # free in either is free in both
        return FREE_SLOT
    try:
        slot = pair.decide(number, contents)
        if slot is None or slot.kind is SlotKind.STEP:
            return FREE_SLOT
        return encode_slot(_change_root(slot, old=old, new=new))
    except SlotError as exc:
        if exc.code in ("slot_damaged", "slot_differs", "slot_malformed"):
            return FREE_SLOT
        raise


def _change_root(slot: Slot, *, old: SlotRoot, new: SlotRoot) -> Slot:
    return new.seal(old.open(slot), kind=slot.kind, label=slot.label)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
