"""
What the desk's networked machine remembers from one pull to the next.

A directory of its own, 0700, with what `pinned` keeps and a lock. Nothing in it is secret; who can
change it can make an older keyset pass.

Rules:
    1. The root is pinned by the first bundle that verifies under it, not by a key that was typed.
    2. What is remembered is read again under the lock, so that of two pulls at the same time the
       one that ends later does not forget what the other saw.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crypto.bundle import Index
from crypto.errors import CryptoError
from crypto.note import Verifier
from tipline.desk.pinned import Pinned
from tipline.errors import VaultError
from tipline.files import check_private, make_private_directory

_LOCK_NAME: Final = "lock"


def choose_root(directory: Path, *, given: Verifier | None) -> Verifier:
    """
    Choose the desk root by which a bundle is judged.

    Args:
        directory: The memory; it may be missing.
        given: The root that a person named, or None.

    Returns:
        The root that is remembered; the first time, the one given.

    Raises:
        VaultError: `memory_missing`: neither is there; `memory_other_root`: they differ;
            `memory_damaged`; `vault_exists`: the directory holds something else.
        PermissionsError: others can reach it.
    """
    if Pinned.is_in(directory):
        root = _open(directory).root
        if given is not None and given != root:
            raise VaultError(
                "memory_other_root",
                path=str(directory),
                pinned=root.format(),
                given=given.format(),
            )
        return root
    _check_free(directory)
    if given is None:
        raise VaultError("memory_missing", path=str(directory))
    return given


def remember_index(directory: Path, index: Index, *, root: Verifier, today: datetime.date) -> None:
    """
    Refuse a bundle whose keyset contradicts what is remembered; else remember its keyset.

    Args:
        directory: The memory; made if it is missing.
        index: Verified under *root*.
        root: As `choose_root` gave it.
        today: In UTC.

    Raises:
        KeysetError: `keyset_old` or `keyset_forked`.
        VaultError: `memory_other_root`: another pull pinned another root meanwhile;
            `memory_damaged`; `vault_exists`.
        PermissionsError: others can reach it.
        OSError: it cannot be written.
    """
    _check_free(directory)
    make_private_directory(directory)
    with _lock(directory):
        if not Pinned.is_in(directory):
            Pinned.init(directory, root=root)
        choose_root(directory, given=root)
        pinned = _open(directory)
        pinned.check_keyset(index.keyset)
        pinned.remember_keyset(index.keyset, index.keyset_note, today=today)


def _open(directory: Path) -> Pinned:
    check_private(directory)
    try:
        return Pinned.open(directory)
    except CryptoError as exc:
        raise VaultError("memory_damaged", path=str(directory)) from exc


def _check_free(directory: Path) -> None:
    if Pinned.is_in(directory) or not directory.exists():
        return
    # A crash may have left the lock alone; anything else is somebody's, and its rights stay.
    if any(path.name != _LOCK_NAME for path in directory.iterdir()):
        raise VaultError("vault_exists", path=str(directory))


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
