"""
What an auditor keeps between two verifications, so that the next one reads only what is new.

The file is the auditor's own. It holds the checkpoint that was verified, the unfinished tiles of
its tree, and what the log had promised by then.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from pathlib import Path
from typing import Any, Final

from tipline.audit.errors import AuditError, InputError
from tipline.audit.notes import Checkpoint, Key, verify_checkpoint
from tipline.audit.strict import decode_hash, parse_day
from tipline.audit.tree import GrowingTree

VERSION: Final = 2
MAX_KEPT_BYTES: Final = 64 << 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    What was kept.

    Args:
        checkpoint: Verified then.
        verified_on: On which day. A batch of an earlier one that comes later was made afterwards.
        tree: Its unfinished tiles.
        replay: What `Replay.format_state` gave.
    """

    checkpoint: Checkpoint
    verified_on: datetime.date
    tree: GrowingTree
    replay: dict[str, Any]


def read_kept(path: Path, *, log: Key) -> Kept | None:
    """
    Read what was kept.

    Args:
        path: The auditor's file.
        log: The log's key.

    Returns:
        What was kept, or None if there is no file yet.

    Raises:
        InputError: the file is of another log, or damaged.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEPT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise InputError("kept", path=str(path)) from exc
    try:
        value = json.loads(content)
        version = value["v"]
    except (ValueError, LookupError, TypeError, RecursionError) as exc:
        raise InputError("kept", path=str(path)) from exc
    if version != VERSION:
        raise InputError("kept_version", path=str(path))
    try:
        is_same = value["log"] == log.format()
        checkpoint = verify_checkpoint(value["note"].encode(), log=log) if is_same else None
        tree = GrowingTree([[decode_hash(text) for text in level] for level in value["levels"]])
        verified_on = parse_day(value["verified_on"])
        replay = dict(value["replay"])
    except (
        AuditError, ArithmeticError, ValueError, LookupError, TypeError, AttributeError,
        RecursionError,
    ) as exc:  # fmt: skip
        raise InputError("kept", path=str(path)) from exc
    if checkpoint is None:
        raise InputError("kept_other", path=str(path))
    if tree.size != checkpoint.size or tree.root() != checkpoint.root:
        raise InputError("kept", path=str(path))
    return Kept(checkpoint=checkpoint, verified_on=verified_on, tree=tree, replay=replay)


def save_kept(path: Path, kept: Kept, *, log: Key) -> None:
    """
    Keep what was verified.

    Args:
        path: The auditor's file; replaced as a whole.
        kept: What to keep.
        log: The log's key.

    Raises:
        OSError: it cannot be written.
    """
    value = {
        "v": VERSION,
        "log": log.format(),
        "note": kept.checkpoint.note.decode(),
        "verified_on": kept.verified_on.isoformat(),
        "levels": [[value.hex() for value in level] for level in kept.tree.levels],
        "replay": kept.replay,
    }
    write_whole(path, json.dumps(value, ensure_ascii=False).encode() + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """
    Write a file, whole or not at all.

    Args:
        path: Replaced if it is there.
        content: All of it.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        # The new name has to be on disk, too: a witness must not forget what it signed.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
