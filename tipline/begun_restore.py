"""
A restore that was begun: of which file, and how. Kept beside what was unpacked, in `restoring`.

Rules:
1. It is gone on with by the same file and the same wishes alone.
2. Until the first part of it takes its place it can be called off, or another file be taken, and
   nothing of it stays: a slot file that it made is overwritten, because nobody would purge it. It
   has a name that no line uses until then: what lies under a slot file's own name is never touched.
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
from tipline.backing_up import PARTIAL_RESTORING_NAME
from tipline.configuration import SlotRootChoice
from tipline.errors import InstanceError
from tipline.files import make_private_directory, save_file, sync_directory
from tipline.instance import RESTORING_NAME, take_lock
from tipline.restore_checks import Wishes, load_wished_configuration
from tipline.restored_slots import check_made_slots, overwrite_made_slots, read_making
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
        """
        Tell whether this file, put back in this way, is what was begun.

        That the log may be older can be said at any time: only then it may turn out to be.
        """
        same = dataclasses.replace(wishes, older_log=self.wishes.older_log)
        return (self.sha256, self.wishes) == (sha256, same)


def note_begun(folder: Path, begun: Begun, *, day: datetime.date) -> None:
    """
    Keep what is begun.

    Args:
        folder: Into which the backup was unpacked.
        begun: What.
        day: For the file's times.
    """
    fields = {"sha256": begun.sha256, "wishes": dataclasses.asdict(begun.wishes)}
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
    root = fields["wishes"].pop("slot_root")
    slot_root = None if root is None else SlotRootChoice(root)
    return Begun(sha256=fields["sha256"], wishes=Wishes(**fields["wishes"], slot_root=slot_root))


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
        InstanceError: `restore_begun`: it has to be gone on with; `restore_slots_away`: the slot
            file that it made is not where it made it, and cannot be overwritten.
        FileError: `file_not_overwritten`: a key is left.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    folder = directory / RESTORING_NAME
    if not can_be_given_up(directory):
        made_on = read_head(folder).made_on.isoformat()
        raise InstanceError("restore_begun", path=str(directory), made_on=made_on)
    if read_making(folder) is not None:
        settings = load_wished_configuration(directory, folder, read_begun(folder).wishes).slots
        check_made_slots(directory, settings, folder)
        overwrite_made_slots(directory, settings)
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
        InstanceError: `restore_none`: none was begun; or as `give_up` says; or in use.
        FileError: `file_not_overwritten`: a key is left.
    """
    begun, partial = directory / RESTORING_NAME, directory / PARTIAL_RESTORING_NAME
    if not begun.exists() and not partial.exists():
        raise InstanceError("restore_none", path=str(directory))
    with hold_lock(directory):
        if begun.exists():
            give_up(directory)
        wipe_unpacked(partial)


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
