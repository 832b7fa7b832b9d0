"""
Keys as people keep them: a recipient or an identity as a word, and files of them, one a line.

In a file, empty lines and lines that begin with `#` are skipped. A file of identities may itself be
an age file under a passphrase: `is_age_file` tells, and whoever reads files opens it first.
"""

from __future__ import annotations

import datetime
from typing import Final

from crypto.age.armor import is_armored
from crypto.age.header import VERSION_LINE
from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.age.x25519 import X25519Identity, X25519Recipient
from crypto.errors import CryptoError, MalformedError, TooLargeError
from crypto.secret import Secret

MAX_KEY_FILE_BYTES: Final = 1024 * 1024  # 500 hybrid recipients; a wrong file stops here
MAX_KEYS: Final = 512  # each identity is tried on each stanza

_HYBRID_RECIPIENT: Final = "age1pq1"
_CLASSIC_RECIPIENT: Final = "age1"
_HYBRID_IDENTITY: Final = b"AGE-SECRET-KEY-PQ-1"
_CLASSIC_IDENTITY: Final = b"AGE-SECRET-KEY-1"

KeyRecipient = HybridRecipient | X25519Recipient
KeyIdentity = HybridIdentity | X25519Identity


def is_age_file(untrusted_start: bytes) -> bool:
    """
    Tell an age file, binary or armored, from a text file of keys.

    Args:
        untrusted_start: Its first bytes, at least 64.

    Returns:
        Whether it begins as an age file does.
    """
    return untrusted_start.startswith(VERSION_LINE) or is_armored(untrusted_start)


def parse_recipient(text: str) -> KeyRecipient:
    """
    Read a recipient.

    Args:
        text: Untrusted.

    Returns:
        The recipient, hybrid or classic.

    Raises:
        MalformedError: not a recipient that we know.
        TooLargeError: far too long for one.
    """
    if text.startswith(_HYBRID_RECIPIENT):
        return HybridRecipient.parse(text)
    if text.startswith(_CLASSIC_RECIPIENT):
        return X25519Recipient.parse(text)
    raise MalformedError("recipient")


def parse_identity(text: Secret) -> KeyIdentity:
    """
    Read an identity.

    Args:
        text: In ASCII.

    Returns:
        The identity, hybrid or classic.

    Raises:
        MalformedError: not an identity that we know.
        TooLargeError: far too long for one.
    """
    value = text.reveal()
    if value.startswith(_HYBRID_IDENTITY):
        return HybridIdentity.parse(text)
    if value.startswith(_CLASSIC_IDENTITY):
        return X25519Identity.parse(text)
    raise MalformedError("identity")


def parse_recipient_file(untrusted: bytes) -> list[KeyRecipient]:
    """
    Read a file of recipients.

    Args:
        untrusted: One recipient a line, comments and empty lines between.

    Returns:
        The recipients in their order, at least one.

    Raises:
        MalformedError: a line is not a recipient (`line` says which), or there is none.
        TooLargeError: more than `MAX_KEY_FILE_BYTES` or `MAX_KEYS`.
    """
    recipients = []
    for number, line in _split(untrusted, "recipient file"):
        try:
            recipients.append(parse_recipient(line.decode("latin-1")))
        except CryptoError as exc:
            raise MalformedError("recipient file", line=number) from exc
    return recipients


def parse_identity_file(content: Secret) -> list[KeyIdentity]:
    """
    Read a file of identities.

    Args:
        content: One identity a line, comments and empty lines between.

    Returns:
        The identities in their order, at least one.

    Raises:
        MalformedError: a line is not an identity (`line` says which), or there is none.
        TooLargeError: more than `MAX_KEY_FILE_BYTES` or `MAX_KEYS`.
    """
    identities = []
    for number, line in _split(content.reveal(), "identity file"):
        try:
            identities.append(parse_identity(Secret(line)))
        except CryptoError as exc:
            raise MalformedError("identity file", line=number) from exc
    return identities


def format_identity_file(identity: KeyIdentity, *, created_on: datetime.date) -> Secret:
    """
    Write a file of one identity as `age-keygen` does, with the day instead of the second.

    Args:
        identity: The identity.
        created_on: Today.

    Returns:
        The file's content.
    """
    comments = f"# created: {created_on}\n# public key: {identity.recipient().format()}\n"
    return Secret(comments.encode("ascii") + identity.format().reveal() + b"\n")


def _split(content: bytes, name: str) -> list[tuple[int, bytes]]:
    if len(content) > MAX_KEY_FILE_BYTES:
        raise TooLargeError(name, limit=MAX_KEY_FILE_BYTES)
    lines = [
        (number, line.removesuffix(b"\r"))
        for number, line in enumerate(content.split(b"\n"), start=1)
        if line.removesuffix(b"\r") and not line.startswith(b"#")
    ]
    if not lines:
        raise MalformedError(name)
    if len(lines) > MAX_KEYS:
        raise TooLargeError(name, limit=MAX_KEYS)
    return lines
