"""
A backup or a handover opened and laid into a folder, and the one key of it that reaches no disk.

Rules:
1. Nothing is laid down before its head was accepted.
2. What was verified to its end is whole; whatever fails leaves nothing, and keys are overwritten
   before they go: unlinked alone they would stay on the disk.
3. The key under which a handover's slots are sealed is kept in memory. After a crash it is read
   again from the same file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from crypto.age.file import Identity, open_
from crypto.errors import MalformedError
from crypto.secret import Secret
from tipline.archive import ArchiveReader
from tipline.backup import (
    HEAD_NAME,
    KIND_HANDOVER,
    ONION_NAME,
    SLOTS_NAME,
    TRANSPORT_KEY_NAME,
    Head,
    parse_head,
)
from tipline.errors import InstanceError
from tipline.files import make_private_directory, overwrite_file
from tipline.instance import KEYS_NAME
from tipline.service.schema import VERSION


class _EnoughError(Exception):
    """The one member that was wanted was read."""


class _HashedSource(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        self.digest.update(piece)
        return len(piece)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """
    What is known of a file that was unpacked.

    Args:
        transport_key: What a handover's slots are sealed under; None of a backup.
        sha256: Of the file, in hex.
    """

    transport_key: Secret | None
    sha256: str


def read_head(folder: Path) -> Head:
    """
    Read what a backup says of itself.

    Args:
        folder: Into which it was unpacked.

    Returns:
        The head.

    Raises:
        MalformedError: not in its format.
    """
    return parse_head((folder / HEAD_NAME).read_bytes())


def unpack(
    source: BinaryIO,
    folder: Path,
    *,
    identities: Sequence[Identity],
    on_head: Callable[[Head], object],
) -> Unpacked:
    """
    Lay a backup's files into a folder.

    Args:
        source: Untrusted.
        folder: What an earlier run left there goes; what fails leaves nothing there.
        identities: One of them opens it.
        on_head: Told its head before anything is laid; it may raise.

    Returns:
        What is known of it.

    Raises:
        CryptoError: it does not open, or is not whole, or not in its format.
        InstanceError: `instance_newer`.
        OSError: the disk refuses.
    """
    keys: list[Secret] = []
    hashed = _HashedSource(source)

    def look(untrusted: bytes) -> None:
        head = parse_head(untrusted)
        if head.schema > VERSION:
            raise InstanceError("instance_newer", version=head.schema, known=VERSION)
        on_head(head)
        begun.callback(wipe_unpacked, folder)
        _begin_folder(folder)

    def take(key: bytes) -> None:
        keys.append(Secret(key))

    with contextlib.ExitStack() as begun:
        buffered = cast("BinaryIO", io.BufferedReader(hashed))
        _open_into(folder, buffered, identities=identities, look=look, take=take)
        if (read_head(folder).kind == KIND_HANDOVER) != bool(keys):
            raise MalformedError("archive key")
        begun.pop_all()
    return Unpacked(transport_key=keys[0] if keys else None, sha256=hashed.digest.hexdigest())


def wipe_unpacked(folder: Path) -> None:
    """
    Let go of what was unpacked. May be done again.

    Args:
        folder: Into which it was unpacked. If it is gone already, nothing is done.

    Raises:
        FileError: `file_not_overwritten`: a key is left.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    if not folder.exists():
        return
    for name in (KEYS_NAME, ONION_NAME, SLOTS_NAME):
        for path in sorted((folder / name).rglob("*")):
            if path.is_file():
                overwrite_file(path)
    shutil.rmtree(folder)


def read_transport_key(source: BinaryIO, folder: Path, *, identities: Sequence[Identity]) -> Secret:
    """
    Read again what a handover's slots are sealed under, and nothing else.

    Args:
        source: Untrusted; the file that was unpacked before.
        folder: For what comes before it; it goes.
        identities: One of them opens it.

    Returns:
        The key.

    Raises:
        CryptoError: it does not open, or has no such key.
        OSError: the disk refuses.
    """
    keys: list[Secret] = []

    def take(key: bytes) -> None:
        keys.append(Secret(key))
        raise _EnoughError

    def look(untrusted: bytes) -> None:
        parse_head(untrusted)
        _begin_folder(folder)

    try:
        with contextlib.suppress(_EnoughError):
            _open_into(folder, source, identities=identities, look=look, take=take)
    finally:
        wipe_unpacked(folder)
    if not keys:
        raise MalformedError("archive key")
    return keys[0]


def _begin_folder(folder: Path) -> None:
    wipe_unpacked(folder)
    make_private_directory(folder)


def _open_into(
    folder: Path,
    source: BinaryIO,
    *,
    identities: Sequence[Identity],
    look: Callable[[bytes], object],
    take: Callable[[bytes], None],
) -> None:
    reader = ArchiveReader(folder, on_first=look, off_disk={TRANSPORT_KEY_NAME: take})
    with contextlib.closing(reader):
        open_(source, reader, identities=identities)
        reader.finish()
