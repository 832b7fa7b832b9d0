"""
A backup or a handover opened and laid into a folder, and the one key of it that reaches no disk.

Rules:
1. What was verified to its end is whole; whatever fails leaves nothing.
2. The key under which a handover's slots are sealed is kept in memory. After a crash it is read
   again from the same file.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from crypto.age.file import Identity, open_
from crypto.errors import MalformedError
from crypto.secret import Secret
from tipline.archive import ArchiveReader
from tipline.backup import HEAD_NAME, KIND_HANDOVER, TRANSPORT_KEY_NAME, Head, parse_head
from tipline.errors import InstanceError
from tipline.files import make_private_directory
from tipline.service.schema import VERSION


class _EnoughError(Exception):
    """The one member that was wanted was read."""


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


def unpack(source: BinaryIO, folder: Path, *, identities: Sequence[Identity]) -> Secret | None:
    """
    Lay a backup's files into a folder.

    Args:
        source: Untrusted.
        folder: What an earlier run left there goes; what fails leaves nothing there.
        identities: One of them opens it.

    Returns:
        What a handover's slots are sealed under; None of a backup.

    Raises:
        CryptoError: it does not open, or is not whole, or not in its format.
        InstanceError: `instance_newer`.
        OSError: the disk refuses.
    """
    keys: list[Secret] = []

    def look(untrusted: bytes) -> None:
        head = parse_head(untrusted)
        if head.schema > VERSION:
            raise InstanceError("instance_newer", version=head.schema, known=VERSION)

    def take(key: bytes) -> None:
        keys.append(Secret(key))

    _begin_folder(folder)
    try:
        _open_into(folder, source, identities=identities, look=look, take=take)
        is_handover = read_head(folder).kind == KIND_HANDOVER
    except BaseException:
        shutil.rmtree(folder)
        raise
    if is_handover != bool(keys):
        shutil.rmtree(folder)
        raise MalformedError("archive key")
    return keys[0] if keys else None


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

    _begin_folder(folder)
    try:
        with contextlib.suppress(_EnoughError):
            _open_into(folder, source, identities=identities, look=parse_head, take=take)
    finally:
        shutil.rmtree(folder)
    if not keys:
        raise MalformedError("archive key")
    return keys[0]


def _begin_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
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
