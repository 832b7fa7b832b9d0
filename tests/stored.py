"""A store of its own for a test: a directory and a slot file, made when there is none."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retention.slot_file import SlotFile
from tipline.service.sqlite_store import SqliteStore

SLOT_FILE_NAME = "slot-file"


def open_slots(directory: Path) -> SlotFile:
    """Open the slot file of a directory, and make it first if there is none."""
    folder = directory / "slots"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        SlotFile.create(folder / SLOT_FILE_NAME)
    return SlotFile(folder / SLOT_FILE_NAME)


def open_store(directory: Path, *, today: Callable[[], datetime.date], **more: Any) -> SqliteStore:
    """Open a store with its slot file."""
    return SqliteStore(directory, slots=open_slots(directory), today=today, **more)
