"""
The slot file of a restore: a handover's, or a new one.

It is made under a name that no line uses (`slot-file.restoring`), so that it can be overwritten
when the restore is called off, and nothing that lies under a slot file's own name is ever touched.
It takes that name with the first part of the restore that takes its place.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crypto.secret import Secret
from retention.slot_moving import MOVING_SUFFIX
from tipline.backup import SLOTS_NAME
from tipline.configuration import SlotSettings
from tipline.day_keeper import STATE_NAME
from tipline.errors import InstanceError
from tipline.files import make_private_directory, overwrite_file, save_file, sync_directory
from tipline.log_mark import MARK_NAME
from tipline.slots import (
    NEW_SLOT_FILE_NAME,
    SLOT_FILE_NAME,
    create_slots,
    find_slot_folders,
    unpack_slots,
)

MAKING_NAME: Final = ".making-slots"


class Making(enum.StrEnum):
    """How far the slot file of a restore has come."""

    BEGUN = "begun"
    MADE = "made"


def note_making(folder: Path, step: Making, *, day: datetime.date) -> None:
    """
    Keep how far the slot file of a restore has come. May be done again.

    Args:
        folder: `restoring` of an instance.
        step: Before it is made, and when it is whole.
        day: For the file's times.
    """
    save_file(folder / MAKING_NAME, step.encode(), day=day)


def read_making(folder: Path) -> Making | None:
    """
    Read how far the slot file of a restore has come.

    Args:
        folder: `restoring` of an instance.

    Returns:
        How far; None before it is begun.
    """
    path = folder / MAKING_NAME
    return Making(path.read_text()) if path.exists() else None


def check_made_slots(directory: Path, settings: SlotSettings, folder: Path) -> None:
    """
    Hold that a handover's slot file is where it was made: it is to be overwritten, or gone on with.

    Args:
        directory: The instance.
        settings: Of the configuration that it will have.
        folder: `restoring` in it.

    Raises:
        InstanceError: `restore_slots_away`: its disk is not mounted.
    """
    path = find_slot_folders(directory, settings)[0] / NEW_SLOT_FILE_NAME
    has_keys = (folder / SLOTS_NAME).is_dir() and read_making(folder) is Making.MADE
    if has_keys and not path.exists() and not settings.volatile:
        raise InstanceError("restore_slots_away", path=str(path))


def overwrite_made_slots(directory: Path, settings: SlotSettings) -> None:
    """
    Overwrite a slot file that a restore made and that has not taken its place. May be done again.

    Args:
        directory: The instance.
        settings: Of the configuration that it will have.

    Raises:
        FileError: `file_not_overwritten`: a key is left.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    for slots in find_slot_folders(directory, settings):
        if slots is not None:
            for name in (NEW_SLOT_FILE_NAME, NEW_SLOT_FILE_NAME + MOVING_SUFFIX):
                overwrite_file(slots / name)


class RestoredSlots:
    """
    The slot file of one restore.

    Args:
        directory: The instance.
        settings: Of the configuration that it will have.
        folder: `restoring` in it.
        day: For files' times.
    """

    def __init__(
        self, directory: Path, settings: SlotSettings, *, folder: Path, day: datetime.date
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._folder = folder
        self._day = day
        self._place, _ = find_slot_folders(directory, settings)

    @property
    def name(self) -> str:
        """Which name it has by now."""
        is_new = (self._place / NEW_SLOT_FILE_NAME).exists()
        return NEW_SLOT_FILE_NAME if is_new else SLOT_FILE_NAME

    def make(self, transport_key: Secret | None, environment: Mapping[str, str]) -> None:
        """
        Make it, unless that was done. May be done again.

        Args:
            transport_key: What a handover's slots are sealed under; None: a new one is made.
            environment: Of the process, for what seals it here.

        Raises:
            InstanceError: `restore_slots_away`: it was made, and its disk is not mounted.
            SlotError: it cannot be made.
            OSError: a disk refuses.
        """
        check_made_slots(self._directory, self._settings, self._folder)
        if read_making(self._folder) is Making.MADE and self.name == NEW_SLOT_FILE_NAME:
            return
        note_making(self._folder, Making.BEGUN, day=self._day)
        overwrite_made_slots(self._directory, self._settings)  # what a crash left
        if transport_key is not None:
            unpack_slots(
                self._folder / SLOTS_NAME / SLOT_FILE_NAME,
                self._directory,
                self._settings,
                key=transport_key,
                environment=environment,
                name=NEW_SLOT_FILE_NAME,
            )
        else:
            create_slots(
                self._directory,
                self._settings,
                environment=environment,
                name=NEW_SLOT_FILE_NAME,
            )
        note_making(self._folder, Making.MADE, day=self._day)

    def place(self, *, is_handover: bool) -> None:
        """
        Give it its name, and let go of what a handover brought it in. May be done again.

        Args:
            is_handover: Whether clock and log mark came with it.

        Raises:
            InstanceError: `restore_slots_away`: its disk is not mounted.
            FileError: `file_not_overwritten`: a key is left.
            OSError: a disk refuses.
        """
        path = self._place / self.name
        if not path.exists() and not self._settings.volatile:
            raise InstanceError("restore_slots_away", path=str(path))
        make_private_directory(self._place)  # memory may have lost that, too
        for place in find_slot_folders(self._directory, self._settings):
            if place is not None and (place / NEW_SLOT_FILE_NAME).exists():
                (place / NEW_SLOT_FILE_NAME).rename(place / SLOT_FILE_NAME)
                sync_directory(place)
        if not is_handover:
            return
        packed = self._folder / SLOTS_NAME
        # In the place of what an earlier line left there: these belong to the slots.
        for name in (STATE_NAME, MARK_NAME):
            if (packed / name).exists():
                save_file(self._place / name, (packed / name).read_bytes(), day=self._day)
            else:
                (self._place / name).unlink(missing_ok=True)
        overwrite_file(packed / SLOT_FILE_NAME)
