"""
What a backup copies, laid aside while the line goes on: the operations of `tipline backup`.

Rules:
1. The slot file and the state of the clock are never in it: a purge reaches every backup.
2. The copy (`laid_copy.py`) is there as long as the command that asked for it lives; what a crash
   leaves is removed at the next start, by the next backup, or by the next purge: what is in it dies
   in its time.
3. The log is told when the backup's bytes are on the disk, before they take their name.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crypto.randomness import system_random
from retention.log.entry import EntryType, make_statement
from retention.policy import Event, RecordClass
from tipline.errors import InstanceError, UsageError
from tipline.files import blur_times, make_private_directory
from tipline.laid_copy import COPY_NAME, lock_copy, remove_copy, remove_unwanted_copy
from tipline.log_database import LOG_NAME
from tipline.service.schema import VERSION
from tipline.unpacking import wipe_unpacked

if TYPE_CHECKING:
    from tipline.operations import Workings

OCCASION_BYTES: Final = 16
PARTIAL_RESTORING_NAME: Final = "restoring.partial"  # of a restore not begun, or ended already

Values = Mapping[str, Any]


@contextlib.contextmanager
def hold_copy(directory: Path) -> Iterator[Path]:
    """
    Keep what is copied as long as the context lasts, then remove it.

    Args:
        directory: The instance.

    Yields:
        Where the copy lies once it was made.

    Raises:
        InstanceError: `backup_running`: another command makes one.
    """
    lock = lock_copy(directory)
    if lock is None:
        raise InstanceError("backup_running", path=str(directory))
    try:
        yield directory / COPY_NAME
    finally:
        remove_copy(directory)
        os.close(lock)


def remove_left_copy(directory: Path) -> None:
    """
    Remove what a backup or a restore that was cut short left.

    Args:
        directory: The instance, locked by the caller.
    """
    wipe_unpacked(directory / PARTIAL_RESTORING_NAME)
    remove_unwanted_copy(directory)


async def begin_backup(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Lay copies of what changes aside. The caller holds `hold_copy`.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `made_on`, `dies_on` and `schema`: of the backup.

    Raises:
        OSError: the disk refuses.
    """
    if values:
        raise UsageError
    today = workings.keeper.today()
    folder = workings.directory / COPY_NAME
    await asyncio.to_thread(remove_copy, workings.directory)
    make_private_directory(folder)
    blur_times(folder.parent, day=today)
    await workings.store.copy_to(folder)
    # After the store: what the store promised to tell is in the log, or still in the store.
    await asyncio.to_thread(workings.copy_log, folder / LOG_NAME)
    dies_on = workings.promises.dies_on(RecordClass.BACKUP, {Event.MADE: today})
    return {"made_on": today.isoformat(), "dies_on": dies_on.isoformat(), "schema": VERSION}


async def end_backup(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell the log that a backup was made.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `today`.
    """
    if values:
        raise UsageError
    today = workings.keeper.today()
    # Each of them: a second backup on the same day is one more that has to go.
    await workings.queue(
        make_statement(EntryType.BACKUP, on=today), occasion=system_random(OCCASION_BYTES)
    )
    return {"today": today.isoformat()}


BACKUP_OPERATIONS: Final[Mapping[str, Callable[[Workings, Values], Awaitable[dict[str, Any]]]]] = {
    "backup-begin": begin_backup,
    "backup-end": end_backup,
}
