"""
A whole age file, from stream to stream.

Sealing takes recipients of one kind: hybrid ones, classic ones, or one passphrase. A classic
recipient beside a hybrid one would leave the file as weak as the classic one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from crypto.age.header import (
    FILE_KEY_BYTES,
    Header,
    Stanza,
    encode_header,
    make_header,
    read_header,
    verify_header,
)
from crypto.age.scrypt import STANZA_TYPE as SCRYPT_TYPE
from crypto.age.scrypt import ScryptIdentity
from crypto.age.stream import NONCE_BYTES, Writable, open_payload, seal_payload
from crypto.errors import MalformedError, NoMatchError, RecipientError, WrongPassphraseError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret


class Recipient(Protocol):
    """To whom a file key is wrapped."""

    def wrap(self, file_key: Secret, *, random: RandomSource = system_random) -> Stanza:
        """Wrap a file key."""
        ...


class Identity(Protocol):
    """Who may open a stanza."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> Secret | None:
        """Find the file key in the stanzas, if one is for this identity."""
        ...


def seal(
    source: BinaryIO,
    destination: Writable,
    *,
    recipients: Sequence[Recipient],
    random: RandomSource = system_random,
) -> None:
    """
    Seal a stream as one age file.

    Args:
        source: The plaintext, up to its end. Has `readinto`.
        destination: Takes the file.
        recipients: All hybrid, all classic, or one passphrase.
        random: Where file key, nonce and salts come from.

    Raises:
        RecipientError: no recipient, or recipients of more than one kind.
        TooLargeError: more recipients than a header holds.
    """
    if len({type(recipient) for recipient in recipients}) > 1:
        raise RecipientError("recipients of more than one kind")
    file_key = Secret(random(FILE_KEY_BYTES))
    stanzas = [recipient.wrap(file_key, random=random) for recipient in recipients]
    destination.write(encode_header(make_header(stanzas, file_key)))
    seal_payload(source, destination, file_key=file_key, nonce=random(NONCE_BYTES))


def open_(source: BinaryIO, destination: Writable, *, identities: Sequence[Identity]) -> None:
    """
    Open one age file.

    1. Read the header within its limits.
    2. Try each identity on it until one gives the file key.
    3. Hold the header's MAC against that file key.
    4. Verify the payload chunk by chunk, releasing each once it is verified.
    5. Hold that the last chunk came and nothing after it.

    Args:
        source: Untrusted, at the file's start. Has `readinto`.
        destination: Takes verified chunks. They are all of the payload only if this function
            returns: keep a temporary name until then.
        identities: Tried in this order.

    Raises:
        MalformedError: not an age file.
        TooLargeError: a limit of the header is exceeded.
        NoMatchError: none of the identities opens it.
        WrongPassphraseError: it has a passphrase, and none of the identities is that one.
        ForgedError: header or payload were changed or cut.
    """
    header = read_header(source)
    file_key = _find_file_key(header, identities)
    if len(file_key) != FILE_KEY_BYTES:
        raise MalformedError("age header: file key")
    verify_header(header, file_key)
    open_payload(source, destination, file_key=file_key)


def _find_file_key(header: Header, identities: Sequence[Identity]) -> Secret:
    for identity in identities:
        file_key = identity.unwrap(header.stanzas)
        if file_key is not None:
            return file_key
    if header.stanzas[0].type == SCRYPT_TYPE and any(
        isinstance(identity, ScryptIdentity) for identity in identities
    ):
        raise WrongPassphraseError("scrypt")
    raise NoMatchError("identities")
