"""
A restore that was begun: of which file, and how. Kept beside what was unpacked, in `restoring`.

Rules:
1. It is gone on with by the same file and the same wishes alone.
2. Until the first part of it takes its place it can be called off, or another file be taken, and
   nothing of it stays: a slot file that it made is overwritten, because nobody would purge it.
3. From then on it is gone on with, and nothing else: half of one backup and half of another would
   be a line that never was.
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
from tipline.backing_up import PARTIAL_RESTORING_NAME
from tipline.errors import InstanceError
from tipline.files import make_private_directory, overwrite_file, save_file, sync_directory
from tipline.instance import RESTORING_NAME, take_lock
from tipline.restore_checks import Wishes, load_wished_configuration
from tipline.slots import SLOT_FILE_NAME, find_slot_folders
from tipline.unpacking import read_head, wipe_unpacked

BEGUN_NAME: Final = ".begun"  # no member of an archive begins with a dot
PLACING_NAME: Final = ".placing"
OCCASION_NAME: Final = ".occasion"
OCCASION_BYTES: Final = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """
    What was begun.

    Args:
        sha256: Of the file, in hex.
        wishes: How it is put back.
    """

    sha256: str
    wishes: Wishes

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
    fields = {"sha256": begun.sha256, "wishes": _list_wishes(begun.wishes)}
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
    return Begun(sha256=fields["sha256"], wishes=Wishes(**fields["wishes"]))


def note_placing(folder: Path, *, day: datetime.date) -> None:
    """
    Keep that the first part takes its place now. May be done again.

    Args:
        folder: `restoring` of an instance.
        day: For the file's times.
    """
    save_file(folder / PLACING_NAME, b"", day=day)


def can_be_given_up(directory: Path) -> bool:
    """
    Tell whether what was begun may be given up.

    Args:
        directory: The instance.

    Returns:
        Whether: not if a part of it took its place, or may have.
    """
    return not (directory / RESTORING_NAME / PLACING_NAME).exists()


def give_up(directory: Path) -> None:
    """
    Let go of what was begun. The caller holds the lock.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `restore_begun`: it has to be gone on with.
        FileError: `file_not_overwritten`: a key is left.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    folder = directory / RESTORING_NAME
    head = read_head(folder)
    if not can_be_given_up(directory):
        raise InstanceError("restore_begun", path=str(directory), made_on=head.made_on.isoformat())
    wishes = read_begun(folder).wishes
    if wishes.makes_slots(head):
        # It began without a slot file: what is there is its own, and holds nothing else.
        settings = load_wished_configuration(directory, folder, wishes).slots
        for slots in find_slot_folders(directory, settings):
            if slots is not None:
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
        FileError: `file_not_overwritten`: a key is left.
    """
    if not (directory / RESTORING_NAME).exists():
        raise InstanceError("restore_none", path=str(directory))
    with hold_lock(directory):
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
