"""
The key ceremony: making the desk's keys.

Each private half is written to one file, which never existed before; each public half is returned
to be printed, carried and compared by eye.
"""

from __future__ import annotations

import base64
import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.age.keys import format_identity_file
from crypto.errors import MalformedError
from crypto.keyset import ROOT_NAME
from crypto.keyset_fields import READER_NAME_START, is_id
from crypto.note import Signer, Verifier
from crypto.secret import Secret
from tipline.desk.keyfiles import format_signer_file, read_key_file, write_new, write_protected
from tipline.errors import UsageError

SIGNING_SUFFIX: Final = ".signing"  # of the file beside a reader's identity
# How tor writes a client's key, private or public.
_CLIENT_START: Final = "descriptor:x25519:"
_CLIENT_KEY_LEN: Final = 32


def make_reader_key(out: Path, *, passphrase: Secret, today: datetime.date) -> HybridRecipient:
    """
    Make a reader's identity.

    Args:
        out: Its file; must not exist.
        passphrase: Protects the file.
        today: In UTC.

    Returns:
        The recipient, for `readers.toml`.

    Raises:
        FileExistsError: something has the name already.
        OSError: the file cannot be written.
    """
    identity = HybridIdentity.generate()
    content = format_identity_file(identity, created_on=today)
    write_protected(out, content, passphrase=passphrase)
    return identity.recipient()


def make_root_key(out: Path, *, passphrase: Secret, today: datetime.date) -> Verifier:
    """
    Make a desk root.

    Args:
        out: Its file; must not exist.
        passphrase: Protects the file.
        today: In UTC.

    Returns:
        The verifier key, to be printed on paper and pinned everywhere.

    Raises:
        FileExistsError: something has the name already.
        OSError: the file cannot be written.
    """
    signer = Signer.generate(ROOT_NAME)
    content = format_signer_file(signer, created_on=today)
    write_protected(out, content, passphrase=passphrase)
    return signer.verifier()


def make_signing_key(
    out: Path, *, reader: str, passphrase: Secret, today: datetime.date
) -> Verifier:
    """
    Make the key that signs a reader's answers to sources.

    Args:
        out: Its file; must not exist.
        reader: The reader's id in `readers.toml`; the key is named after it.
        passphrase: Protects the file.
        today: In UTC.

    Returns:
        The verifier key, for `readers.toml`.

    Raises:
        UsageError: `reader_id`: there can be no such id.
        FileExistsError: something has the name already.
        OSError: the file cannot be written.
    """
    check_reader_id(reader)
    signer = Signer.generate(READER_NAME_START + reader)
    write_protected(out, format_signer_file(signer, created_on=today), passphrase=passphrase)
    return signer.verifier()


def check_reader_id(text: str) -> None:
    """
    Refuse what cannot be a reader's id.

    Args:
        text: As a person typed it.

    Raises:
        UsageError: `reader_id`.
    """
    if not is_id(text):
        raise UsageError("reader_id")


def make_client_key(out: Path) -> str:
    """
    Make the key by which the networked machine reaches the desk's onion.

    It has no passphrase: it opens nothing, it only lets tor find the desk's onion.

    Args:
        out: Its file; must not exist.

    Returns:
        The public half as tor writes it, for the operator.

    Raises:
        FileExistsError: something has the name already.
        OSError: the file cannot be written.
    """
    key = X25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    write_new(out, f"{_CLIENT_START}{_format_base32(private)}\n".encode())
    public = key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return _CLIENT_START + _format_base32(public)


def read_client_key(path: Path) -> Secret:
    """
    Read the networked machine's key.

    Args:
        path: Private to its owner.

    Returns:
        32 bytes.

    Raises:
        MalformedError: it is not such a key.
        PermissionsError: others can read it.
        OSError: it cannot be read.
    """
    try:
        line = read_key_file(path, ask=_no_passphrase).reveal().decode("ascii")
        encoded = line.removesuffix("\n").removeprefix(_CLIENT_START)
        key = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except ValueError as exc:
        raise MalformedError("client key") from exc
    if len(key) != _CLIENT_KEY_LEN or line != f"{_CLIENT_START}{_format_base32(key)}\n":
        raise MalformedError("client key")
    return Secret(key)


def _no_passphrase(path: Path) -> Secret:
    raise MalformedError("client key")


def _format_base32(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").rstrip("=")
