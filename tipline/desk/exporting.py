"""
Copying a tip's files out of the vault.

Rules:
    1. Into a directory that did not exist before; nothing is overwritten, nothing is followed.
    2. Under the generated names: a real name is a source's word, and may be made to harm.
    3. Untouched originals stay apart, in a folder of their own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from tipline.files import make_private_directory, sync_directory

ORIGINALS: Final = "originals"  # the folder of them in a payload, and in what is exported


def export_tip(place: Path, out: Path) -> list[Path]:
    """
    Copy a tip's files.

    Args:
        place: The tip's directory in the vault.
        out: Must not exist.

    Returns:
        The new files, in order of their names.

    Raises:
        FileExistsError: *out* exists.
        OSError: it cannot be written.
    """
    out.mkdir(mode=0o700)
    written = []
    for source in sorted(path for path in place.rglob("*") if path.is_file()):
        target = out / source.relative_to(place)
        if target.parent != out:
            make_private_directory(target.parent)
        with source.open("rb") as reading, target.open("xb") as writing:
            target.chmod(0o600)
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            os.fsync(writing.fileno())
        written.append(target)
    for directory in {path.parent for path in written}:
        sync_directory(directory)
    return written
