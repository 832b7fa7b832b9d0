"""
A slot file made, and opened with its mirror: two files become one, or it is said why not.

Rules:
1. Of two files, one that is missing or unfinished is rebuilt from the other, in place, its first
   slot last. Both missing is an error: nothing begins anew by itself.
2. The session number of step 0 rises on both whenever both are opened together, and is 0 on a file
   that was opened alone. So the one that missed something is known, and rebuilt whole; only of two
   that were always together is free in either free in both.
3. Two that were both used alone, or belong to different files, are not mixed.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from crypto.randomness import RandomSource
from retention.errors import SlotError
from retention.slot import FREE_SLOT, LABEL_BYTES, SLOT_BYTES, SlotKind, decode_slot
from retention.slot_disk import PIECE_SLOTS, SlotDisk
from retention.slot_pair import Notice, SlotPair
from retention.slot_root import SlotRoot
from retention.slot_steps import (
    ALONE,
    STEP_SLOTS,
    Purpose,
    Step,
    Steps,
    read_step,
    read_steps,
    write_step,
)

OpenDisk = Callable[[Path], SlotDisk]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one file says of itself."""

    file_id: bytes | None  # None: its rebuilding was cut short
    session: int | None  # None: its first slot is damaged


def make_slot_file(
    path: Path,
    mirror: Path | None,
    root: SlotRoot,
    *,
    random: RandomSource,
    create_disk: OpenDisk,
) -> None:
    """
    Make a new slot file, and its mirror.

    Args:
        path: What stands there must be nothing, or what a crash left of this.
        mirror: None if there is none.
        root: What the secrets will be sealed under.
        random: Where its id comes from.
        create_disk: Opens a file, and makes it if there is none.

    Raises:
        SlotError: `slot_file_exists`, `slot_file_unsafe`, `slot_folder_missing`, or the root cannot
            be made.
        OSError: a disk refuses.
    """
    file_id = random(LABEL_BYTES)
    session = ALONE if mirror is None else 1
    disks: list[SlotDisk] = []
    try:
        for one in (path, mirror):
            if one is None:
                continue
            disks.append(_create(one, create_disk))
            if not _is_unfinished(disks[-1]):
                raise SlotError("slot_file_exists", path=str(one))
        root.create(file_id)
        for disk in disks:
            # Step 0 last: a file without it is unfinished.
            write_step(disk, Step(file_id=file_id, purpose=Purpose.RECORDS, number=1))
        for disk in disks:
            write_step(disk, Step(file_id=file_id, purpose=Purpose.KEYS, number=0, session=session))
    finally:
        for disk in disks:
            disk.close()


def open_slot_file(
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
    paths = [path] if mirror is None else [path, mirror]
    with contextlib.ExitStack() as stack:
        disks: list[SlotDisk | None] = []
        found: list[_Found | None] = []
        for one in paths:
            disk = _open_if_there(one, open_disk)
            if disk is not None:
                stack.callback(disk.close)
            disks.append(disk)
            found.append(None if disk is None else _identify(disk, one))
        source = _choose_source(found, paths)
        both: list[SlotDisk] = []
        for one, disk in zip(paths, disks, strict=True):
            if disk is not None:
                both.append(disk)
                continue
            both.append(_create(one, create_disk))
            stack.callback(both[-1].close)
        for index, disk in enumerate(both):
            if source is not None and index != source:
                _copy(both[source], disk)
                notice(Notice(code="slot_file_rebuilt", mirror=index > 0))
        file_id = _bring_together(both, found)
        pair = SlotPair(both, random=random, notice=notice)
        count = min(disk.count() for disk in both) // STEP_SLOTS
        steps = read_steps(pair, count=count, file_id=file_id, notice=notice)
        stack.pop_all()
        return steps


def _open_if_there(path: Path, open_disk: OpenDisk) -> SlotDisk | None:
    try:
        return open_disk(path)
    except FileNotFoundError:
        return None


def _create(path: Path, create_disk: OpenDisk) -> SlotDisk:
    try:
        return create_disk(path)
    except FileNotFoundError as exc:
        # Not made by itself: it may be the place of a device that is not mounted.
        raise SlotError("slot_folder_missing", path=str(path.parent)) from exc


def _identify(disk: SlotDisk, path: Path) -> _Found | None:
    """Say whose file it is; None if it is unfinished."""
    begun = disk.read(0) == FREE_SLOT
    if begun and _is_unfinished(disk):
        return None
    for number in range(disk.count() // STEP_SLOTS):
        try:
            step = read_step(disk, number)
        except SlotError:
            continue
        if step is not None:
            return _Found(file_id=step.file_id, session=step.session if number == 0 else None)
    if not begun:
        raise SlotError("slot_file_unreadable", path=str(path))
    return _Found(file_id=None, session=None)


def _choose_source(found: Sequence[_Found | None], paths: Sequence[Path]) -> int | None:
    """Say which file the other is rebuilt from; None if nothing is to be rebuilt."""
    there = [index for index, one in enumerate(found) if one is not None and one.file_id]
    ids = {one.file_id for one in found if one is not None and one.file_id}
    sound = {
        index: one.session
        for index, one in enumerate(found)
        if one is not None and one.session is not None
    }
    if not any(found):
        raise SlotError("slot_file_missing", path=str(paths[0]))
    if len(ids) > 1:
        raise SlotError("slot_mirror_foreign", path=str(paths[1]))
    if not there or (len(there) > 1 and not sound):
        raise SlotError("slot_file_unreadable", path=str(paths[0]))
    if len(found) == 1:
        return None
    if len(sound) < len(found):
        # The other is missing, unfinished, or its first slot was torn: by an opening before
        # anything was put, or by a rebuilding. Either way the sound one has everything.
        return next(iter(sound), there[0])
    if set(sound.values()) == {ALONE}:
        raise SlotError("slot_mirror_alone", path=str(paths[1]))
    if sound[0] == sound[1]:
        return None
    if ALONE in sound.values():
        return 0 if sound[0] == ALONE else 1
    return 0 if sound[0] > sound[1] else 1


def _copy(source: SlotDisk, target: SlotDisk) -> None:
    """Make *target* the same in place: without a first slot until everything else is there."""
    # A crash before leaves the first slot as it was, gone or torn: each time this begins again.
    for first in range(0, source.count(), PIECE_SLOTS):
        data = source.read(first, min(PIECE_SLOTS, source.count() - first))
        target.write(first, data if first else FREE_SLOT + data[SLOT_BYTES:])
    for first in range(source.count(), target.count(), PIECE_SLOTS):
        target.write(first, bytes(min(PIECE_SLOTS, target.count() - first) * SLOT_BYTES))
    target.sync_all()
    target.write(0, source.read(0))
    target.sync()


def _bring_together(disks: Sequence[SlotDisk], found: Sequence[_Found | None]) -> bytes:
    """Write the session that begins into every file, one after the other; return their id."""
    known = [one for one in found if one is not None]
    file_id = next(one.file_id for one in known if one.file_id is not None)
    if len(disks) > 1:
        session = 1 + max(one.session or ALONE for one in known)
    elif known[0].session == ALONE:
        return file_id  # a file without a mirror is not written to be opened
    else:
        session = ALONE
    first = Step(file_id=file_id, purpose=Purpose.KEYS, number=0, session=session)
    for disk in disks:
        disk.write(0, first.encode())
        disk.sync()
    return file_id


def _is_unfinished(disk: SlotDisk) -> bool:
    """Say whether there is nothing yet but steps being made: then no secret can be in it."""
    if disk.read(0) != FREE_SLOT:
        return False
    for first in range(0, disk.count(), PIECE_SLOTS):
        data = disk.read(first, min(PIECE_SLOTS, disk.count() - first))
        for start in range(0, len(data), SLOT_BYTES):
            if not _is_free_or_step(data[start : start + SLOT_BYTES]):
                return False
    return True


def _is_free_or_step(content: bytes) -> bool:
    try:
        slot = decode_slot(content)
    except SlotError:
        return False
    return slot is None or slot.kind is SlotKind.STEP
