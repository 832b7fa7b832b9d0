"""
Whose slot file it is: kept beside it, because its place alone does not tell.

Two lines at one slot file would destroy each other's keys: each takes those that its rows do not
name for keys that nothing needs.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Final

from tipline.configuration import CONFIGURATION_NAME, SlotSettings
from tipline.files import make_private_directory, read_quietly, save_file
from tipline.service.database import DATABASE_NAME
from tipline.slots import find_slot_folders

OWNER_NAME: Final = "slot-file.line"
MAX_OWNER_BYTES: Final = 8192  # twice what Linux takes for a path


def note_owner(directory: Path, settings: SlotSettings, *, day: datetime.date) -> None:
    """
    Keep beside a slot file, and its mirror, whose it is.

    Args:
        directory: The instance.
        settings: Of its configuration.
        day: For the file's times.

    Raises:
        OSError: a disk refuses.
    """
    content = os.fsencode(directory.resolve()) + b"\n"
    for folder in find_slot_folders(directory, settings):
        if folder is not None and _read(folder) != content:
            make_private_directory(folder)
            save_file(folder / OWNER_NAME, content, day=day)


def find_other_owner(folder: Path, directory: Path) -> Path | None:
    """
    Find another line that a slot file may belong to.

    Args:
        folder: Of the slot file.
        directory: Of the line that is about to use it.

    Returns:
        The other line's directory, which need not be there; None if there is none.
    """
    line, place = directory.resolve(), folder.resolve()
    if place.is_relative_to(line):
        return None  # it was moved with all that the line has
    content = _read(folder)
    if content is not None:
        owner = Path(os.fsdecode(content.removesuffix(b"\n")))
    elif (place.parent / CONFIGURATION_NAME).is_file():
        owner = place.parent
    else:
        return None
    return None if owner == line or _is_same_file(owner, line) else owner


def has_database(line: Path) -> bool:
    """
    Tell whether a directory is a line that can be served.

    Args:
        line: Any directory, there or not.

    Returns:
        Whether.
    """
    return (line / CONFIGURATION_NAME).is_file() and (line / DATABASE_NAME).exists()


def has_lost_its_database(line: Path) -> bool:
    """
    Tell whether a directory is a line that needs no key any more, unless it is restored.

    Args:
        line: Any directory, there or not. One that is empty may be where a disk is mounted.

    Returns:
        Whether.
    """
    return (line / CONFIGURATION_NAME).is_file() and not (line / DATABASE_NAME).exists()


def _is_same_file(owner: Path, line: Path) -> bool:
    """Under two names, as of a disk that is mounted twice."""
    try:
        return os.path.samefile(owner / CONFIGURATION_NAME, line / CONFIGURATION_NAME)  # noqa: PTH121
    except OSError:
        return False


def _read(folder: Path) -> bytes | None:
    try:
        return read_quietly(folder / OWNER_NAME, length=MAX_OWNER_BYTES)
    except FileNotFoundError:
        return None
