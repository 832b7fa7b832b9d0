"""
A backup: one age file of one tar, of everything a line has but what must be able to die.

Rules:
1. It has no slot and no mark of the clock: what it holds opens only beside the slot file, as long
   as the keys in there live. Only a handover has them.
2. It is sealed to hybrid recipients alone.
3. Its name is there when all of it is, and not before.

docs/reference/formats.md, "Backup".
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from crypto.age.file import seal
from crypto.age.hybrid import HybridRecipient
from crypto.errors import MalformedError
from crypto.strict import format_json, parse_day, parse_json_object
from tipline.archive import PIECE_BYTES, ArchiveSource, Kept
from tipline.closing import CLOSING_NAME
from tipline.configuration import CONFIGURATION_NAME
from tipline.errors import FileError
from tipline.files import write_atomically
from tipline.gateway.settings import GATEWAYS_NAME
from tipline.instance import KEYS_NAME, POLICY_NAME, TOR_NAME
from tipline.keysets import HISTORY_NAME, KEYSET_NAME
from tipline.log_database import LOG_NAME
from tipline.onion.services import SERVICE_DIRECTORY_NAME
from tipline.service.database import DATABASE_NAME
from tipline.service.envelope_files import ENVELOPES_NAME

HEAD_NAME: Final = "backup.json"
HEAD_VERSION: Final = 1
MAX_HEAD_BYTES: Final = 4096
ONION_NAME: Final = f"{TOR_NAME}/{SERVICE_DIRECTORY_NAME}"
KIND_BACKUP: Final = "backup"
KIND_HANDOVER: Final = "handover"
SLOTS_NAME: Final = "slots"  # in a handover alone
TRANSPORT_KEY_NAME: Final = f"{SLOTS_NAME}/transport-key"  # what its slots are sealed under
# Of a line's single files, those that a backup has where they are there.
SINGLE_NAMES: Final = (
    CONFIGURATION_NAME,
    POLICY_NAME,
    GATEWAYS_NAME,
    KEYSET_NAME,
    HISTORY_NAME,
    CLOSING_NAME,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    What a backup says of itself, in its first member.

    Args:
        kind: `backup` or `handover`.
        made_on: The day.
        dies_on: The day from which on it must not be used, by the policy's class `backup`.
        root: The desk root's verifier key.
        schema: The version of the database.
    """

    kind: str
    made_on: datetime.date
    dies_on: datetime.date
    root: str
    schema: int


def format_head(head: Head) -> bytes:
    """
    Write what a backup says of itself.

    Args:
        head: All of it.

    Returns:
        A JSON object on one line.
    """
    fields = {
        "v": HEAD_VERSION,
        "kind": head.kind,
        "made_on": head.made_on.isoformat(),
        "dies_on": head.dies_on.isoformat(),
        "root": head.root,
        "schema": head.schema,
    }
    return format_json(fields) + b"\n"


def parse_head(untrusted: bytes) -> Head:
    """
    Read what a backup says of itself.

    Args:
        untrusted: Its first member.

    Returns:
        The head; `format_head` of it is the same bytes.

    Raises:
        MalformedError: not in its format.
        TooLargeError: longer than it can be.
    """
    value: dict[str, Any] = parse_json_object(
        untrusted.removesuffix(b"\n"), max_bytes=MAX_HEAD_BYTES
    )
    kind, root, schema = value.get("kind"), value.get("root"), value.get("schema")
    made_on, dies_on = value.get("made_on"), value.get("dies_on")
    if (
        kind not in (KIND_BACKUP, KIND_HANDOVER)
        or not all(isinstance(text, str) for text in (made_on, dies_on, root))
        or type(schema) is not int
    ):
        raise MalformedError("backup head")
    head = Head(
        kind=str(kind),
        made_on=parse_day(str(made_on)),
        dies_on=parse_day(str(dies_on)),
        root=str(root),
        schema=schema,
    )
    if format_head(head) != untrusted:
        raise MalformedError("backup head")
    return head


def list_kept(directory: Path, copy: Path, *, head: Head) -> Iterator[Kept]:
    """
    List what goes into a backup, in its order.

    Args:
        directory: The instance.
        copy: Where the copies of what changes lie.
        head: What it says of itself.

    Yields:
        The files.
    """
    yield Kept(name=HEAD_NAME, content=format_head(head))
    for name in SINGLE_NAMES:
        # Small, and replaced as a whole when they change: read at once.
        if (directory / name).is_file():
            yield Kept(name=name, content=(directory / name).read_bytes())
    for folder in (KEYS_NAME, ONION_NAME):
        if (directory / folder).is_dir():
            for path in sorted((directory / folder).iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    yield Kept(name=f"{folder}/{path.name}", content=path.read_bytes())
    for name in (LOG_NAME, DATABASE_NAME):
        yield Kept(name=name, path=copy / name)
    for path in sorted((copy / ENVELOPES_NAME).iterdir()):
        yield Kept(name=f"{ENVELOPES_NAME}/{path.name}", path=path)


def write_backup(
    out: Path,
    files: Sequence[Kept],
    *,
    recipients: Sequence[HybridRecipient],
    before_named: Callable[[], object],
    on_bytes: Callable[[int], None] = lambda count: None,
) -> str:
    """
    Write a backup.

    Args:
        out: Its name; nothing has it yet.
        files: What goes in.
        recipients: To whom it is sealed.
        before_named: Done when all of it is on the disk, and before it takes its name.
        on_bytes: Told how many bytes were read.

    Returns:
        SHA-256 of the file, in hex, as read back.

    Raises:
        FileExistsError: something has the name already.
        OSError: a disk refuses.
    """
    if out.exists() or out.is_symlink():
        raise FileError("file_exists", path=str(out))
    with write_atomically(out, replace=False) as file:
        source = cast("BinaryIO", io.BufferedReader(ArchiveSource(files, on_bytes=on_bytes)))
        seal(source, file, recipients=recipients)
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        digest = hash_file(file)
        before_named()
    return digest


def hash_file(file: BinaryIO) -> str:
    """
    Hash a file from where it stands to its end.

    Args:
        file: Open.

    Returns:
        SHA-256, in hex.
    """
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()
