"""
The desk's key files.

Rules:
    1. A new key file is written once, 0600, and never over another file.
    2. Identities and the desk root lie in age's own passphrase files (scrypt, armored), so that age
       alone opens them when this program is gone.
    3. A key file is read only if its owner alone can read it.
"""

from __future__ import annotations

import datetime
import errno
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from crypto.age import file as age_file
from crypto.age.armor import ArmorWriter, open_either
from crypto.age.file import Identity
from crypto.age.keys import MAX_KEY_FILE_BYTES, is_age_file
from crypto.age.scrypt import ScryptIdentity, ScryptRecipient
from crypto.errors import MalformedError, TooLargeError
from crypto.keyset import ROOT_NAME
from crypto.keyset_fields import READER_NAME_START
from crypto.note import Signer, Verifier
from crypto.secret import Secret
from tipline.errors import AnswerError, UsageError
from tipline.files import write_atomically
from tipline.identities import read_identity_file
from tipline.passphrase import check_private

AskPassphrase = Callable[[Path], Secret]

_COMMENT: Final = b"#"


def write_protected(path: Path, content: Secret, *, passphrase: Secret) -> None:
    """
    Write a key file, protected by a passphrase as age does it.

    Args:
        path: Must not exist.
        content: What to keep.
        passphrase: The only way to it.

    Raises:
        FileExistsError: something has the name already.
        OSError: it cannot be written.
    """
    with write_atomically(path, replace=False) as file:
        armor = ArmorWriter(file)
        age_file.seal(io.BytesIO(content.reveal()), armor, recipients=[ScryptRecipient(passphrase)])
        armor.close()


def write_new(path: Path, content: bytes) -> None:
    """
    Write a file that only its owner can read, and never over another one.

    Args:
        path: Must not exist.
        content: The whole file.

    Raises:
        FileExistsError: something has the name already.
        OSError: it cannot be written.
    """
    with write_atomically(path, replace=False) as file:
        file.write(content)


def check_absent(path: Path) -> None:
    """
    Refuse to begin what could only end with a name that is taken.

    Args:
        path: Where a new file shall be.

    Raises:
        FileExistsError: something has the name already.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def read_limited(path: Path, *, max_bytes: int) -> bytes:
    """
    Read a file that is not secret.

    Args:
        path: It is untrusted, like everything it holds.
        max_bytes: The longest accepted.

    Returns:
        Its bytes.

    Raises:
        TooLargeError: it is longer.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLargeError("file", limit=max_bytes)
    return content


def read_key_file(path: Path, *, ask: AskPassphrase) -> Secret:
    """
    Read a key file, asking for its passphrase if it has one.

    Args:
        path: Private to its owner.
        ask: Gives the passphrase of the file named; called only if it has one.

    Returns:
        What it keeps.

    Raises:
        WrongPassphraseError: the passphrase does not open it.
        PermissionsError: others can read it.
        TooLargeError: longer than a file of keys may be.
        MalformedError: it is an age file that is cut or changed.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        check_private(os.fstat(file.fileno()), path=path)
        content = file.read(MAX_KEY_FILE_BYTES + 1)
    if len(content) > MAX_KEY_FILE_BYTES:
        raise TooLargeError("key file", limit=MAX_KEY_FILE_BYTES)
    if not is_age_file(content):
        return Secret(content)
    opened = io.BytesIO()
    identity = ScryptIdentity(ask(path))
    age_file.open_(open_either(io.BytesIO(content)), opened, identities=[identity])
    return Secret(opened.getvalue())


def read_all_identities(paths: list[Path], *, ask: AskPassphrase) -> list[Identity]:
    """
    Read readers' identity files.

    Args:
        paths: Each private to its owner.
        ask: Gives the passphrase of the file named; called only if it has one.

    Returns:
        Their identities, in order.

    Raises:
        CryptoError: a file does not hold identities, or does not open; see `read_identity_file`.
        PermissionsError: others can read a file.
        OSError: a file cannot be read.
    """
    identities: list[Identity] = []
    for path in paths:
        identities += read_identity_file(path, ask=functools.partial(ask, path))
    return identities


def format_signer_file(signer: Signer, *, created_on: datetime.date) -> Secret:
    """
    Write what the file of a desk root, or of a reader's key for answers, keeps.

    Args:
        signer: The key.
        created_on: Today.

    Returns:
        Comments for the person who opens it with age, then the signing key.
    """
    comments = f"# created: {created_on}\n# verifier key: {signer.verifier().format()}\n"
    return Secret(comments.encode() + signer.format().reveal() + b"\n")


def parse_root_key(text: str) -> Verifier:
    """
    Read the verifier key of a desk root, as a person typed it.

    Args:
        text: From paper.

    Returns:
        The key.

    Raises:
        MalformedError: it is not a verifier key.
        UsageError: `root_key`: it is one, but not of a desk root.
    """
    verifier = Verifier.parse(text)
    if verifier.name != ROOT_NAME:
        raise UsageError("root_key")
    return verifier


def read_root(path: Path, *, ask: AskPassphrase) -> Signer:
    """
    Read a desk root's file.

    Args:
        path: Private to its owner.
        ask: Gives the passphrase of the file named.

    Returns:
        The desk root.

    Raises:
        MalformedError: it does not hold exactly one signing key.
        CryptoError: see `read_key_file`.
        PermissionsError: others can read it.
        OSError: it cannot be read.
    """
    return _read_signer(path, ask=ask)


def read_answer_signer(path: Path, *, ask: AskPassphrase) -> Signer:
    """
    Read the file of a reader's key for answers.

    Args:
        path: Private to its owner.
        ask: Gives the passphrase of the file named.

    Returns:
        The key, named after its reader.

    Raises:
        AnswerError: `answer_signing`: the key is for something else.
        MalformedError: it does not hold exactly one signing key.
        CryptoError: see `read_key_file`.
        PermissionsError: others can read it.
        OSError: it cannot be read.
    """
    signer = _read_signer(path, ask=ask)
    if not signer.name.startswith(READER_NAME_START):
        raise AnswerError("answer_signing", path=str(path))
    return signer


def _read_signer(path: Path, *, ask: AskPassphrase) -> Signer:
    lines = [
        line
        for line in read_key_file(path, ask=ask).reveal().splitlines()
        if line and not line.startswith(_COMMENT)
    ]
    if len(lines) != 1:
        raise MalformedError("signing key file")
    return Signer.parse(Secret(lines[0]))
