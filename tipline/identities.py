"""
Identity files: keys that open tips, as text or as an age file under a passphrase.

The files are those of age itself, so that a reader is never bound to this software.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from crypto.age.armor import open_either
from crypto.age.file import open_
from crypto.age.keys import MAX_KEY_FILE_BYTES, KeyIdentity, is_age_file, parse_identity_file
from crypto.age.scrypt import ScryptIdentity
from crypto.errors import TooLargeError
from crypto.secret import Secret
from tipline.passphrase import check_private


def read_identity_file(path: Path, *, ask: Callable[[], Secret]) -> list[KeyIdentity]:
    """
    Read the identities in a file.

    Args:
        path: A file that only its owner can read, or a pipe.
        ask: Gives the file's passphrase; called only if it has one.

    Returns:
        The identities in their order, at least one.

    Raises:
        PermissionsError: others may read or write the file.
        MalformedError: neither identities nor an age file that holds them.
        TooLargeError: longer than a file of keys may be.
        WrongPassphraseError: the passphrase does not open it.
        NoMatchError: it is sealed, but not under a passphrase.
        ForgedError: it was changed or cut.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        check_private(os.fstat(file.fileno()), path=path)
        return read_identities(file, ask=ask)


def read_identities(source: BinaryIO, *, ask: Callable[[], Secret]) -> list[KeyIdentity]:
    """
    Read the identities in a stream.

    Args:
        source: What an identity file holds, up to its end.
        ask: Gives the passphrase; called only if there is one.

    Returns:
        The identities in their order, at least one.

    Raises:
        MalformedError: neither identities nor an age file that holds them.
        TooLargeError: longer than a file of keys may be.
        WrongPassphraseError: the passphrase does not open it.
        NoMatchError: it is sealed, but not under a passphrase.
        ForgedError: it was changed or cut.
        OSError: it cannot be read.
    """
    content = source.read(MAX_KEY_FILE_BYTES + 1)
    if len(content) > MAX_KEY_FILE_BYTES:
        raise TooLargeError("identity file", limit=MAX_KEY_FILE_BYTES)
    if is_age_file(content):
        opened = io.BytesIO()
        open_(open_either(io.BytesIO(content)), opened, identities=[ScryptIdentity(ask())])
        content = opened.getvalue()
    return parse_identity_file(Secret(content))
