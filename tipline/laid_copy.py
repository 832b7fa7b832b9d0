"""
The copy that a backup lays aside, and what is left of it when the backup is killed.

    run/backup/         copies of both databases, second names of the envelopes' files
    run/backup.lock     held by the command that wants them
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

from tipline.files import PRIVATE_FILE_MODE

COPY_NAME: Final = "run/backup"
COPY_LOCK_NAME: Final = "run/backup.lock"


def lock_copy(directory: Path) -> int | None:
    """
    Take the lock of whoever wants the copy.

    Args:
        directory: The instance.

    Returns:
        The lock, to be closed; None if a command has it.
    """
    path = directory / COPY_LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def remove_copy(directory: Path) -> None:
    """
    Remove the copy.

    Args:
        directory: The instance; the caller has the copy's lock.

    Raises:
        OSError: the disk refuses.
    """
    folder = directory / COPY_NAME
    if folder.exists():
        shutil.rmtree(folder)


def remove_unwanted_copy(directory: Path) -> None:
    """
    Remove the copy, unless a command wants it.

    Args:
        directory: The instance.

    Raises:
        OSError: the disk refuses.
    """
    if (directory / COPY_NAME).exists():
        lock = lock_copy(directory)
        if lock is not None:
            try:
                remove_copy(directory)
            finally:
                os.close(lock)


def has_left_copy(directory: Path) -> bool:
    """
    Tell whether a copy lies there that no command wants any more.

    Args:
        directory: The instance.

    Returns:
        Whether.
    """
    if not (directory / COPY_NAME).exists():
        return False
    lock = lock_copy(directory)
    if lock is None:
        return False
    os.close(lock)
    return True
