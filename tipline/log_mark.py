"""
What was shown of the log, remembered where no backup looks: beside the slot file.

Rules:
1. No checkpoint is shown before its size and root are kept here.
2. A log that is shorter than what is kept here, or another, is not served and not gone on from:
   with the same key that would be a second history, which nobody could take back.
3. Where nothing is kept, the log as it lies there is believed: the first time, or after the slot
   file was lost with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, MalformedError
from crypto.strict import decode_hex, format_json, parse_json_object
from retention.log.merkle import HASH_BYTES, Frontier
from retention.log.tiles import read_frontier
from tipline.errors import InstanceError
from tipline.files import make_private_directory, save_file, sync_directory
from tipline.service.database import looking

MARK_NAME: Final = "log-mark"
MARK_VERSION: Final = 1
MAX_MARK_BYTES: Final = 256


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogMark:
    """
    How far a log was shown.

    Args:
        size: How many entries.
        root: Of the tree over them.
    """

    size: int
    root: bytes


def read_mark(folder: Path) -> LogMark | None:
    """
    Read how far the log was shown.

    Args:
        folder: Of the slot file.

    Returns:
        The mark; None if none is kept.

    Raises:
        InstanceError: `log_mark`: it is damaged.
    """
    path = folder / MARK_NAME
    try:
        with path.open("rb") as file:
            untrusted = file.read(MAX_MARK_BYTES + 1)
    except FileNotFoundError:
        return None
    try:
        value = parse_json_object(untrusted, max_bytes=MAX_MARK_BYTES)
        size, root = value.get("size"), value.get("root")
        if type(size) is not int or size < 1 or not isinstance(root, str):
            raise MalformedError("log mark")
        mark = LogMark(size=size, root=decode_hex(root))
        if len(mark.root) != HASH_BYTES or _format(mark) != untrusted:
            raise MalformedError("log mark")
    except CryptoError as exc:
        raise InstanceError("log_mark", path=str(path)) from exc
    return mark


def keep_mark(folder: Path, frontier: Frontier, *, day: date) -> None:
    """
    Keep how far the log is shown from now on; it is on the disk when this returns.

    Args:
        folder: Of the slot file.
        frontier: Of the log; not empty.
        day: For the file's times.

    Raises:
        OSError: the disk refuses; the log must not be shown.
    """
    make_private_directory(folder)
    mark = LogMark(size=frontier.size, root=frontier.root())
    save_file(folder / MARK_NAME, _format(mark), day=day)


def forget_mark(folder: Path) -> None:
    """
    Forget how far the log was shown: a person decided to go on from an older one.

    Args:
        folder: Of the slot file. May be done again.
    """
    (folder / MARK_NAME).unlink(missing_ok=True)
    if folder.is_dir():
        sync_directory(folder)


def check_mark(
    folder: Path, frontier: Frontier, *, read_tile: Callable[[int, int], bytes], path: Path
) -> bool:
    """
    Hold a log against what was shown of it.

    Args:
        folder: Of the slot file.
        frontier: Of the log.
        read_tile: Reads the log's hashes, by level and number.
        path: Of the log, for the error.

    Returns:
        Whether the mark is of the whole log; if not, it has to be kept before the log is shown.

    Raises:
        InstanceError: `log_behind`, `log_other`, `log_mark`.
    """
    mark = read_mark(folder)
    if mark is None:
        return frontier.size == 0
    if frontier.size < mark.size:
        raise InstanceError("log_behind", path=str(path), count=frontier.size, known=mark.size)
    if read_frontier(mark.size, read_tile=read_tile).root() != mark.root:
        raise InstanceError("log_other", path=str(path))
    return frontier.size == mark.size


def check_length(folder: Path, path: Path) -> None:
    """
    Hold that a log which is to be put back is not shorter than what was shown.

    Args:
        folder: Of the slot file.
        path: Of the log.

    Raises:
        InstanceError: `restore_log_older`, `log_mark`.
        sqlite3.Error: the log cannot be read.
    """
    mark = read_mark(folder)
    if mark is None:
        return
    with looking(path) as log:
        (count,) = log.execute("SELECT count(*) FROM entries").fetchone()
    if count < mark.size:
        raise InstanceError("restore_log_older", count=count, known=mark.size)


def _format(mark: LogMark) -> bytes:
    return format_json({"v": MARK_VERSION, "size": mark.size, "root": mark.root.hex()})
