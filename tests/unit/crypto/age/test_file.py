"""A whole file, from stream to stream."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from crypto.age.file import Identity, open_, seal
from crypto.age.header import MAX_STANZAS, encode_header, make_header
from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.age.scrypt import ScryptIdentity, ScryptRecipient
from crypto.age.x25519 import X25519Identity
from crypto.errors import (
    ForgedError,
    MalformedError,
    NoMatchError,
    RecipientError,
    TooLargeError,
    WrongPassphraseError,
)
from crypto.secret import Secret

HYBRID = HybridIdentity(Secret(bytes(range(32))))
OTHER = HybridIdentity(Secret(bytes(32)))
CLASSIC = X25519Identity(Secret(bytes(range(32))))
PASSPHRASE = ScryptRecipient(Secret(b"passphrase"), work_factor=1)
PLAIN = b"text"


def seal_bytes(recipients: Sequence[HybridRecipient]) -> bytes:
    sealed = io.BytesIO()
    seal(io.BytesIO(PLAIN), sealed, recipients=recipients)
    return sealed.getvalue()


def open_bytes(sealed: bytes, *identities: Identity) -> bytes:
    opened = io.BytesIO()
    open_(io.BytesIO(sealed), opened, identities=identities)
    return opened.getvalue()


def test_file_when_sealed_to_several_then_each_opens_it() -> None:
    """Every recipient's identity opens the file, alone and after strangers."""
    sealed = seal_bytes([OTHER.recipient(), HYBRID.recipient()])

    assert open_bytes(sealed, HYBRID) == PLAIN
    assert open_bytes(sealed, OTHER) == PLAIN
    assert open_bytes(sealed, CLASSIC, ScryptIdentity(Secret(b"x")), HYBRID) == PLAIN


def test_seal_when_done_twice_then_nothing_is_the_same() -> None:
    """File key and nonce are fresh for each file."""
    first, second = seal_bytes([HYBRID.recipient()]), seal_bytes([HYBRID.recipient()])

    assert first[-36:] != second[-36:]


def test_seal_when_given_randomness_then_a_classic_file_follows_from_it() -> None:
    """Outside HPKE, all that is random is passed in."""
    files = []
    for _ in range(2):
        sealed = io.BytesIO()
        seal(io.BytesIO(PLAIN), sealed, recipients=[CLASSIC.recipient()], random=bytes_of)
        files.append(sealed.getvalue())

    assert files[0] == files[1]


def bytes_of(length: int) -> bytes:
    return bytes(range(length))


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [HYBRID.recipient(), CLASSIC.recipient()],
        [CLASSIC.recipient(), HYBRID.recipient()],
        [HYBRID.recipient(), PASSPHRASE],
        [CLASSIC.recipient(), PASSPHRASE],
        [PASSPHRASE, PASSPHRASE],
    ],
)
def test_seal_when_recipients_do_not_go_together_then_nothing_is_written(
    recipients: list[HybridRecipient],
) -> None:
    """Nobody, a mix of kinds, and a passphrase beside another are refused before a byte is out."""
    sealed = io.BytesIO()
    with pytest.raises(RecipientError):
        seal(io.BytesIO(PLAIN), sealed, recipients=recipients)
    assert sealed.getvalue() == b""


def test_seal_when_there_are_too_many_recipients_then_nothing_is_written() -> None:
    """What would not be read is not written."""
    sealed = io.BytesIO()
    with pytest.raises(TooLargeError):
        seal(io.BytesIO(PLAIN), sealed, recipients=[CLASSIC.recipient()] * (MAX_STANZAS + 1))
    assert sealed.getvalue() == b""


def test_open_when_no_identity_matches_then_it_says_so() -> None:
    """A stranger's file does not open."""
    sealed = seal_bytes([OTHER.recipient()])
    for identities in ((), (HYBRID,), (HYBRID, ScryptIdentity(Secret(b"x")))):
        with pytest.raises(NoMatchError):
            open_bytes(sealed, *identities)


def test_open_when_the_passphrase_is_another_then_it_says_so() -> None:
    """A wrong passphrase is told from a missing one."""
    sealed = io.BytesIO()
    seal(io.BytesIO(PLAIN), sealed, recipients=[PASSPHRASE])

    assert open_bytes(sealed.getvalue(), ScryptIdentity(Secret(b"passphrase"))) == PLAIN
    with pytest.raises(WrongPassphraseError):
        open_bytes(sealed.getvalue(), HYBRID, ScryptIdentity(Secret(b"another")))
    with pytest.raises(NoMatchError):
        open_bytes(sealed.getvalue(), HYBRID)


def test_open_when_the_header_was_changed_then_nothing_is_released() -> None:
    """The MAC is held before the payload is looked at."""
    file_key = Secret(bytes(16))
    right = make_header([HYBRID.recipient().wrap(file_key)], file_key)
    wrong = make_header(right.stanzas, Secret(bytes(range(16))))
    opened = io.BytesIO()

    with pytest.raises(ForgedError) as caught:
        open_(io.BytesIO(encode_header(wrong)), opened, identities=[HYBRID])

    assert caught.value.detail == "age header: MAC"
    assert opened.getvalue() == b""


def test_open_when_the_file_key_has_another_length_then_it_is_refused() -> None:
    """A file key has one length, whoever hands it over."""

    class Long:
        def unwrap(self, stanzas: object) -> Secret:
            return Secret(bytes(17))

    with pytest.raises(MalformedError) as caught:
        open_bytes(seal_bytes([HYBRID.recipient()]), Long())
    assert caught.value.detail == "age header: file key"
