"""
The log as files: the paths under which it is served, in a folder.

Rules:
1. A full tile that is there already is left: it never changes.
2. The checkpoint comes last, so a folder never promises what is not in it.
3. The keyset lies beside it, as it is served: it names the log's key and the witnesses.
"""

from __future__ import annotations

from pathlib import Path

from retention.log.checkpoint import verify_checkpoint
from retention.log.tiles import TILE_WIDTH, list_tiles
from tipline.errors import InstanceError
from tipline.files import write_atomically
from tipline.keysets import KEYSET_NAME
from tipline.log_store import LogStore

PUBLIC_FILE_MODE = 0o644  # whoever checks it need not be who made it


def export_log(log: LogStore, directory: Path, *, keyset: bytes | None) -> int:
    """
    Write a log for whoever checks it.

    Args:
        log: The log; it may be served meanwhile.
        directory: Made if it is missing; an earlier export is brought up to date.
        keyset: The line's, as the desk signed it; None if there is none.

    Returns:
        How many entries it has.

    Raises:
        InstanceError: `log_empty`.
        OSError: the disk refuses.
    """
    note = log.read_checkpoint()
    if note is None:
        raise InstanceError("log_empty")
    size = verify_checkpoint(note, log.verifier).size
    for path in list_tiles(size):
        place = directory / path.format()
        if path.width == TILE_WIDTH and place.exists():
            continue
        tile = log.read_tile(path)
        if tile is None:
            raise InstanceError("log_damaged", path=str(directory))
        place.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(place, PUBLIC_FILE_MODE) as file:
            file.write(tile)
    if keyset is not None:
        with write_atomically(directory / KEYSET_NAME, PUBLIC_FILE_MODE) as file:
            file.write(keyset)
    with write_atomically(directory / "checkpoint", PUBLIC_FILE_MODE) as file:
        file.write(note)
    return size
