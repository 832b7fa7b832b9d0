"""Compares the log's tree with what was signed: a log that was changed is not served."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from crypto.errors import CryptoError
from crypto.note import Verifier
from retention.log.checkpoint import verify_checkpoint
from retention.log.merkle import Frontier
from retention.log.tiles import TILE_WIDTH, read_frontier
from tipline.errors import InstanceError


def read_hashes(database: Database, level: int, number: int) -> bytes:
    """
    Read the hashes of a tile.

    Args:
        database: The log's.
        level: Of the tile.
        number: Of the tile.

    Returns:
        As many as there are.
    """
    rows = database.execute(
        "SELECT hash FROM hashes WHERE level = ? AND number >= ? AND number < ? ORDER BY number",
        [level, number * TILE_WIDTH, (number + 1) * TILE_WIDTH],
    )
    return b"".join(row[0] for row in rows)


def check_tree(database: Database, verifier: Verifier, *, path: Path) -> Frontier:
    """
    Compare the tree with the newest checkpoint.

    Args:
        database: The log's.
        verifier: The log's key.
        path: Of the log, for the error.

    Returns:
        The frontier of what was signed; an empty one before the first batch.

    Raises:
        InstanceError: `log_damaged`: it is not what was signed.
    """
    damaged = InstanceError("log_damaged", path=str(path))
    # One view of it all: a running line may add a batch meanwhile.
    with database.atomic():
        row = database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        count = database.execute("SELECT count(*) FROM entries").fetchone()[0]
        if row is None and count == 0:
            return Frontier.empty()
        try:
            checkpoint = verify_checkpoint(bytes(row[0]), verifier)
            frontier = read_frontier(
                checkpoint.size,
                read_tile=lambda level, number: read_hashes(database, level, number),
            )
        except (CryptoError, TypeError, ValueError) as exc:
            raise damaged from exc
    if frontier.root() != checkpoint.root or count != checkpoint.size:
        raise damaged
    return frontier
