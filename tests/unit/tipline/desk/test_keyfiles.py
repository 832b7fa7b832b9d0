"""The desk's key files."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest

from crypto.age import file as age_file
from crypto.age.armor import open_armor
from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.age.scrypt import ScryptIdentity
from crypto.errors import MalformedError, TooLargeError, WrongPassphraseError
from crypto.note import Signer, Verifier
from crypto.secret import Secret
from tipline.desk.ceremony import (
    make_client_key,
    make_reader_key,
    make_root_key,
    make_signing_key,
    read_client_key,
)
from tipline.desk.keyfiles import (
    check_absent,
    format_signer_file,
    read_all_identities,
    read_answer_signer,
    read_key_file,
    read_limited,
    read_root,
    write_new,
)
from tipline.errors import AnswerError, PermissionsError, UsageError

DAY = datetime.date(2026, 11, 21)
PASSPHRASE = Secret(b"correct horse")


def give(passphrase: bytes) -> Secret:
    """What a person would type."""
    return Secret(passphrase)


def refuse(path: Path) -> Secret:
    """Nobody is asked."""
    raise AssertionError(path)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, HybridRecipient]:
    """A reader's identity file, made once: a passphrase costs a second."""
    path = tmp_path_factory.mktemp("keys") / "ana.key"
    return path, make_reader_key(path, passphrase=PASSPHRASE, today=DAY)


def test_reader_key_when_made_then_its_file_opens_to_its_recipient(
    reader: tuple[Path, HybridRecipient],
) -> None:
    """The printed recipient is that of the identity in the file."""
    path, recipient = reader
    (identity,) = read_all_identities([path], ask=lambda p: PASSPHRASE)

    assert isinstance(identity, HybridIdentity)
    assert identity.recipient() == recipient
    assert path.stat().st_mode & 0o777 == 0o600


def test_reader_key_when_made_then_it_is_ages_own_passphrase_file(
    reader: tuple[Path, HybridRecipient],
) -> None:
    """The file is armored, under one scrypt stanza, with age's lines inside: age alone opens it."""
    path, recipient = reader
    content, opened = path.read_bytes(), io.BytesIO()
    age_file.open_(open_armor(io.BytesIO(content)), opened, identities=[ScryptIdentity(PASSPHRASE)])

    assert content.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    lines = opened.getvalue().decode().splitlines()
    assert lines[:2] == ["# created: 2026-11-21", f"# public key: {recipient.format()}"]
    assert lines[2].startswith("AGE-SECRET-KEY-PQ-1")


def test_key_when_the_passphrase_is_wrong_then_it_is_said(
    reader: tuple[Path, HybridRecipient],
) -> None:
    """A wrong passphrase is an error of its own."""
    with pytest.raises(WrongPassphraseError):
        read_key_file(reader[0], ask=lambda p: give(b"incorrect"))


def test_key_when_the_file_exists_then_nothing_is_overwritten(
    reader: tuple[Path, HybridRecipient],
) -> None:
    """A key is never written over another file."""
    path = reader[0]
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        make_client_key(path)
    with pytest.raises(FileExistsError):
        check_absent(path)
    assert path.read_bytes() == before


def test_root_when_made_then_its_file_opens_to_the_printed_key(tmp_path: Path) -> None:
    """The verifier key to pin is that of the signing key in the file."""
    verifier = make_root_key(tmp_path / "root.key", passphrase=PASSPHRASE, today=DAY)

    assert verifier.name == "tipline-root"
    root = read_root(tmp_path / "root.key", ask=lambda path: PASSPHRASE)
    assert root.verifier() == verifier == Verifier.parse(verifier.format())


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"x\ny\n", b"PRIVATE+KEY+x\n"])
def test_root_when_the_file_holds_something_else_then_it_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    """A root's file holds one signing key."""
    path = tmp_path / "root.key"
    write_new(path, content)

    with pytest.raises(MalformedError):
        read_root(path, ask=refuse)


def test_root_when_not_protected_then_it_is_read_if_private(tmp_path: Path) -> None:
    """A plain file of mode 0600 needs no passphrase; one that others can read is refused."""
    path, signer = tmp_path / "root.key", Signer.generate("tipline-root")
    write_new(path, format_signer_file(signer, created_on=DAY).reveal())

    assert read_root(path, ask=refuse).seed == signer.seed
    path.chmod(0o640)
    with pytest.raises(PermissionsError):
        read_root(path, ask=refuse)


def test_client_key_when_made_then_the_file_holds_its_private_half(tmp_path: Path) -> None:
    """The public half printed is that of the private half written."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    public = make_client_key(tmp_path / "client.key")
    private = read_client_key(tmp_path / "client.key")
    key = X25519PrivateKey.from_private_bytes(private.reveal()).public_key()

    import base64

    encoded = base64.b32encode(key.public_bytes_raw()).decode().rstrip("=")
    assert public == f"descriptor:x25519:{encoded}"
    assert (tmp_path / "client.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"descriptor:x25519:AAAA\n",
        b"descriptor:x25519:" + b"a" * 52 + b"\n",
        b"descriptor:x25519:" + b"A" * 52,
        b"descriptor:x25519:" + b"1" * 52 + b"\n",
        b"x25519:" + b"A" * 52 + b"\n",
        b"descriptor:x25519:" + b"\xff" * 52 + b"\n",
        b"age-encryption.org/v1\n",
    ],
)
def test_client_key_when_it_is_something_else_then_it_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    """A client key has one spelling."""
    write_new(tmp_path / "client.key", content)

    with pytest.raises(MalformedError):
        read_client_key(tmp_path / "client.key")


def test_files_when_too_long_then_they_are_refused(tmp_path: Path) -> None:
    """Whatever is read has an upper bound."""
    path = tmp_path / "file"
    write_new(path, b"x" * (1 << 21))

    with pytest.raises(TooLargeError):
        read_limited(path, max_bytes=(1 << 21) - 1)
    with pytest.raises(TooLargeError):
        read_key_file(path, ask=refuse)
    assert len(read_limited(path, max_bytes=1 << 21)) == 1 << 21


def test_signing_key_when_made_then_it_comes_back_under_its_readers_name(tmp_path: Path) -> None:
    """A reader's key for answers is named after the reader, and lies under the passphrase."""
    path = tmp_path / "ana.key.signing"
    verifier = make_signing_key(path, reader="ana", passphrase=PASSPHRASE, today=DAY)

    assert verifier.name == "tipline-reader/ana"
    assert read_answer_signer(path, ask=lambda path: PASSPHRASE).verifier() == verifier
    assert verifier.format().encode() not in path.read_bytes()


def test_signing_key_when_it_is_another_key_then_it_is_refused(tmp_path: Path) -> None:
    """The desk root signs no answers, and nobody is called what cannot be an id."""
    make_root_key(tmp_path / "root.key", passphrase=PASSPHRASE, today=DAY)
    with pytest.raises(AnswerError) as caught:
        read_answer_signer(tmp_path / "root.key", ask=lambda path: PASSPHRASE)
    assert caught.value.code == "answer_signing"
    with pytest.raises(UsageError) as refused:
        make_signing_key(tmp_path / "x", reader="Ana", passphrase=PASSPHRASE, today=DAY)
    assert refused.value.code == "reader_id"
