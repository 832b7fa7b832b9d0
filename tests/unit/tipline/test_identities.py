"""Identity files, plain and sealed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crypto.age.armor import ArmorWriter
from crypto.age.file import seal
from crypto.age.hybrid import HybridIdentity
from crypto.age.keys import MAX_KEY_FILE_BYTES
from crypto.age.scrypt import ScryptRecipient
from crypto.errors import MalformedError, NoMatchError, TooLargeError, WrongPassphraseError
from crypto.secret import Secret
from tipline.errors import PermissionsError
from tipline.identities import read_identities, read_identity_file

IDENTITY = HybridIdentity(Secret(bytes(range(32))))
PASSPHRASE = Secret(b"passphrase")


def lock(content: bytes, *, armored: bool = False) -> bytes:
    sealed = io.BytesIO()
    recipients = [ScryptRecipient(PASSPHRASE, work_factor=1)]
    if armored:
        armor = ArmorWriter(sealed)
        seal(io.BytesIO(content), armor, recipients=recipients)
        armor.close()
    else:
        seal(io.BytesIO(content), sealed, recipients=recipients)
    return sealed.getvalue()


def never() -> Secret:
    raise AssertionError("asked")


def test_read_when_the_file_is_plain_then_nobody_is_asked(tmp_path: Path) -> None:
    """A plain identity file needs no passphrase."""
    path = tmp_path / "key"
    path.write_bytes(b"# mine\n" + IDENTITY.format().reveal() + b"\n")
    path.chmod(0o600)

    (identity,) = read_identity_file(path, ask=never)

    assert identity.format() == IDENTITY.format()


@pytest.mark.parametrize("armored", [False, True])
def test_read_when_the_file_is_sealed_then_the_passphrase_opens_it(armored: bool) -> None:
    """A sealed identity file opens, armored or not."""
    sealed = lock(IDENTITY.format().reveal(), armored=armored)

    (identity,) = read_identities(io.BytesIO(sealed), ask=lambda: PASSPHRASE)

    assert identity.format() == IDENTITY.format()


def test_read_when_the_passphrase_is_another_then_it_says_so() -> None:
    """A wrong passphrase is told from a broken file."""
    sealed = lock(IDENTITY.format().reveal())
    with pytest.raises(WrongPassphraseError):
        read_identities(io.BytesIO(sealed), ask=lambda: Secret(b"another"))


def test_read_when_sealed_to_a_key_then_it_does_not_open() -> None:
    """An identity file is sealed under a passphrase or not at all."""
    sealed = io.BytesIO()
    seal(io.BytesIO(b"x"), sealed, recipients=[IDENTITY.recipient()])
    with pytest.raises(NoMatchError):
        read_identities(io.BytesIO(sealed.getvalue()), ask=lambda: PASSPHRASE)


def test_read_when_what_was_sealed_is_no_identity_then_it_is_refused() -> None:
    """A sealed tip is not an identity file, and a file sealed twice is not one either."""
    for content in (b"a tip", lock(IDENTITY.format().reveal())):
        with pytest.raises(MalformedError):
            read_identities(io.BytesIO(lock(content)), ask=lambda: PASSPHRASE)


def test_read_when_the_stream_does_not_end_then_it_is_given_up() -> None:
    """A wrong file is not read to its end."""
    source = io.BytesIO(bytes(MAX_KEY_FILE_BYTES + 100))
    with pytest.raises(TooLargeError):
        read_identities(source, ask=never)
    assert source.tell() == MAX_KEY_FILE_BYTES + 1


def test_read_when_others_can_read_the_file_then_it_is_refused(tmp_path: Path) -> None:
    """Mode 0600 or it is not used."""
    path = tmp_path / "key"
    path.write_bytes(IDENTITY.format().reveal())
    path.chmod(0o644)
    with pytest.raises(PermissionsError):
        read_identity_file(path, ask=never)
