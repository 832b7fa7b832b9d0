"""The directory in which everything of a demonstration stands, and which is erased at the end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# In memory, where the machine has it: what is erased there is gone with its last reader.
MEMORY_DIRECTORY: Final = Path("/dev/shm")  # noqa: S108  # only below mkdtemp's name
PREFIX: Final = "tipline-"


@contextlib.contextmanager
def make_throwaway_directory() -> Iterator[Path]:
    """
    Make a directory that only its owner enters, and erase it afterwards.

    Yields:
        Its path: short, because sockets stand in it; in memory if the machine has such a place.

    Raises:
        OSError: it cannot be made, or not be erased.
    """
    in_memory = MEMORY_DIRECTORY.is_dir() and os.access(MEMORY_DIRECTORY, os.W_OK)
    parent = MEMORY_DIRECTORY if in_memory else None
    # mkdtemp makes it 0700. Nothing is ignored: what could not be erased must be heard of.
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as name:
        yield Path(name)
