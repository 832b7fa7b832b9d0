"""
A restore that was begun: of which file, and how. Kept beside what was unpacked, in `restoring`.

Rules:
1. It is gone on with by the same file and the same wishes alone.
2. Until the database takes its place it can be called off, or another file be taken. Only what was
   missing in the line's directory was put there until then, and it stays; but not the slots of a
   handover, which are overwritten: nobody would purge them.
3. A handover whose slots were put into place is gone on with: they are nowhere else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from crypto.randomness import system_random
from retention.slot_moving import MOVING_SUFFIX
from tipline.backing_up import GIVEN_UP_RESTORING_NAME, PARTIAL_RESTORING_NAME
from tipline.backup import KIND_HANDOVER, SLOTS_NAME
from tipline.errors import InstanceError
from tipline.files import make_private_directory, overwrite_file, save_file, sync_directory
from tipline.instance import RESTORING_NAME, take_lock
from tipline.restore_checks import Wishes, load_wished_configuration
from tipline.service.database import DATABASE_NAME
from tipline.slots import SLOT_FILE_NAME, find_slot_folders
from tipline.unpacking import read_head, wipe_unpacked

BEGUN_NAME: Final = ".begun"  # no member of an archive begins with a dot
OCCASION_NAME: Final = ".occasion"
OCCASION_BYTES: Final = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """
    What was begun.

    Args:
        sha256: Of the file, in hex.
        wishes: How it is put back.
        made_slots: What kind of file was put back by the run that may have made a slot file: this
            one, or one before it that was given up; empty if none did.
    """

    sha256: str
    wishes: Wishes
    made_slots: str

    def is_same(self, sha256: str, wishes: Wishes) -> bool:
        """Tell whether this file, put back in this way, is what was begun."""
        return (self.sha256, _list_wishes(self.wishes)) == (sha256, _list_wishes(wishes))


def note_begun(folder: Path, begun: Begun, *, day: datetime.date) -> None:
    """
    Keep what is begun.

    Args:
        folder: Into which the backup was unpacked.
        begun: What.
        day: For the file's times.
    """
    fields = {
        "sha256": begun.sha256,
        "wishes": _list_wishes(begun.wishes),
        "made_slots": begun.made_slots,
    }
    save_file(folder / BEGUN_NAME, json.dumps(fields).encode(), day=day)


def find_occasion(folder: Path, *, day: datetime.date) -> bytes:
    """
    Tell one restore from another of the same backup on the same day.

    Args:
        folder: `restoring` of an instance.
        day: For the file's times.

    Returns:
        Random bytes; the same when the restore is gone on with.
    """
    path = folder / OCCASION_NAME
    if not path.exists():
        save_file(path, system_random(OCCASION_BYTES), day=day)
    return path.read_bytes()


def read_begun(folder: Path) -> Begun:
    """
    Read what was begun.

    Args:
        folder: `restoring` of an instance. The note was there, and whole, before it had its name.

    Returns:
        What.
    """
    fields: dict[str, Any] = json.loads((folder / BEGUN_NAME).read_bytes())
    return Begun(
        sha256=fields["sha256"],
        wishes=Wishes(**fields["wishes"]),
        made_slots=fields["made_slots"],
    )


def can_be_given_up(directory: Path) -> bool:
    """
    Tell whether what was begun may be given up.

    Args:
        directory: The instance.

    Returns:
        Whether: not if the database took its place, or a handover's slots did.
    """
    folder = directory / RESTORING_NAME
    is_handover = read_head(folder).kind == KIND_HANDOVER
    return (folder / DATABASE_NAME).exists() and (
        not is_handover or (folder / SLOTS_NAME / SLOT_FILE_NAME).exists()
    )


def check_given_up(directory: Path) -> None:
    """
    Hold that what was begun may be given up.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `restore_begun`: it has to be gone on with.
    """
    if not can_be_given_up(directory):
        made_on = read_head(directory / RESTORING_NAME).made_on.isoformat()
        raise InstanceError("restore_begun", path=str(directory), made_on=made_on)


def begin_unpacked(directory: Path) -> None:
    """
    Let what was unpacked take the place of what was begun, if anything was. The caller holds the
    lock.

    Args:
        directory: The instance; `restoring.partial` in it is whole.
    """
    begun = directory / RESTORING_NAME
    if begun.exists():
        # In one step: a part of it left by a crash would be neither begun nor ended.
        begun.rename(directory / GIVEN_UP_RESTORING_NAME)
        sync_directory(directory)
    (directory / PARTIAL_RESTORING_NAME).rename(begun)
    sync_directory(directory)
    settle_begun(directory)


def settle_begun(directory: Path) -> None:
    """
    End what `begin_unpacked` left undone. The caller holds the lock.

    Args:
        directory: The instance.
    """
    gone = directory / GIVEN_UP_RESTORING_NAME
    wipe_unpacked(directory / PARTIAL_RESTORING_NAME)
    if (directory / RESTORING_NAME).exists():
        wipe_unpacked(gone)
    elif gone.exists():  # whole: nothing took its place yet
        gone.rename(directory / RESTORING_NAME)
        sync_directory(directory)


def is_begun(directory: Path) -> bool:
    """
    Tell whether a restore was begun.

    Args:
        directory: The instance.

    Returns:
        Whether; also of one that is given up for another.
    """
    return any((directory / n).exists() for n in (RESTORING_NAME, GIVEN_UP_RESTORING_NAME))


def give_up(directory: Path) -> None:
    """
    Let go of what was begun. The caller holds the lock.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `restore_begun`: it has to be gone on with.
    """
    check_given_up(directory)
    folder = directory / RESTORING_NAME
    if read_head(folder).kind == KIND_HANDOVER:
        # It began without a slot file: what is there is its own, and is made again from its file.
        wishes = read_begun(folder).wishes
        settings = load_wished_configuration(directory, folder, wishes).slots
        slots, _ = find_slot_folders(directory, settings)
        for name in (SLOT_FILE_NAME, SLOT_FILE_NAME + MOVING_SUFFIX):
            overwrite_file(slots / name)
    # In one step: a part of it left by a crash would be neither begun nor ended.
    partial = directory / PARTIAL_RESTORING_NAME
    wipe_unpacked(partial)
    folder.rename(partial)
    sync_directory(directory)
    wipe_unpacked(partial)


def cancel_restore(directory: Path) -> None:
    """
    Call off a restore that was begun.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `restore_none`: none was begun; `restore_begun`: too late; or in use.
    """
    if not is_begun(directory):
        raise InstanceError("restore_none", path=str(directory))
    with hold_lock(directory):
        settle_begun(directory)
        give_up(directory)


@contextlib.contextmanager
def hold_lock(directory: Path) -> Iterator[None]:
    """
    Keep every other program out of a line that is restored.

    Args:
        directory: The instance; made if it is not there.

    Yields:
        Nothing.

    Raises:
        InstanceError: another program is in it.
    """
    make_private_directory(directory)
    lock = take_lock(directory)
    try:
        yield
    finally:
        os.close(lock)


def _list_wishes(wishes: Wishes) -> dict[str, Any]:
    return dataclasses.asdict(wishes)
