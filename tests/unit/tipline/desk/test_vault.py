"""The vault's directory."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.errors import KeysetError
from crypto.note import Signer
from tipline.desk.opening import open_bundle
from tipline.desk.vault import Vault
from tipline.errors import PermissionsError, VaultError


@pytest.fixture
def filled(line: Any, ana: HybridIdentity, tmp_path: Path) -> Vault:
    """A vault with two tips."""
    vault = line.make_vault(tmp_path)
    bundle = io.BytesIO(line.bundle(line.seal("a"), line.seal("b")))
    open_bundle(bundle, vault=vault, identities=[ana], today=line.draft.valid_from)
    return Vault.open(vault.directory)


def test_vault_when_made_then_it_opens_again_with_its_root(line: Any, tmp_path: Path) -> None:
    """The pinned root is the one that was given."""
    made = line.make_vault(tmp_path)

    assert Vault.open(made.directory) == made
    assert made.directory.stat().st_mode & 0o777 == 0o700
    assert made.pinned.read_keyset() is None


def test_vault_when_something_is_there_then_none_is_made(line: Any, tmp_path: Path) -> None:
    """A directory with anything in it is left alone."""
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "diary").write_bytes(b"")

    with pytest.raises(VaultError) as caught:
        line.make_vault(tmp_path)
    assert caught.value.code == "vault_exists"


def test_vault_when_missing_then_it_is_said(tmp_path: Path) -> None:
    """No vault is made by looking for one."""
    with pytest.raises(VaultError) as caught:
        Vault.open(tmp_path / "vault")
    assert caught.value.code == "vault_missing"


def test_vault_when_others_can_read_it_then_it_is_refused(line: Any, tmp_path: Path) -> None:
    """A vault that was opened to others is not used."""
    vault = line.make_vault(tmp_path)
    vault.directory.chmod(0o750)

    with pytest.raises(PermissionsError):
        Vault.open(vault.directory)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("root", b"tipline-root\n"),
        ("root", b"\xff"),
        ("root", b"x" * 5000),
        ("seen", b"[]"),
        ("seen", b'{"number":"1","sha256":""}'),
        ("seen", b'{"number":1}'),
    ],
)
def test_vault_when_damaged_then_it_is_not_guessed(
    line: Any, tmp_path: Path, name: str, content: bytes
) -> None:
    """What the vault remembers is read strictly or not at all."""
    vault = line.make_vault(tmp_path)
    (vault.directory / name).write_bytes(content)

    with pytest.raises(VaultError) as caught:
        Vault.open(vault.directory)
    assert caught.value.code == "vault_damaged"


def test_records_when_listed_then_every_tip_is_there(filled: Vault) -> None:
    """Each opened tip has its record."""
    assert [record.id for record in filled.list_records()] == [f"{n:032x}" for n in range(2)]


@pytest.mark.parametrize("content", [None, b"{}", b'{"version":2}', b"x"])
def test_record_when_damaged_then_it_is_said(filled: Vault, content: bytes | None) -> None:
    """A tip without a whole record is not shown as if it had one."""
    path = filled.directory / "records" / f"{0:032x}.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    with pytest.raises(VaultError) as caught:
        filled.list_records()
    assert caught.value.code == "vault_damaged"


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("", "vault_no_tip"),
        ("f", "vault_no_tip"),
        ("../tips", "vault_no_tip"),
        ("0", "vault_two_tips"),
    ],
)
def test_find_when_it_is_not_one_tip_then_it_is_said(filled: Vault, start: str, code: str) -> None:
    """Only one tip's id, or a beginning that no other has, finds it."""
    with pytest.raises(VaultError) as caught:
        filled.find(start)
    assert caught.value.code == code


def test_find_when_given_an_id_then_it_finds_the_tip(filled: Vault) -> None:
    """The whole id finds its tip."""
    place, record = filled.find(f"{1:032x}")

    assert place == filled.directory / "tips" / f"{1:032x}"
    assert (place / "text.txt").read_bytes() == b"b"
    assert record.id == f"{1:032x}"


@pytest.mark.parametrize("tip_id", ["..", "", "a" * 31, "A" * 32, f"{5:032x}"])
def test_place_when_the_id_is_none_then_there_is_none(filled: Vault, tip_id: str) -> None:
    """An id is never used as a path before it is known to be one."""
    assert filled.place_of(tip_id) is None
    with pytest.raises(VaultError):
        filled.read_record(tip_id)


def test_keyset_when_remembered_then_it_is_read_and_verified(filled: Vault, line: Any) -> None:
    """The newest keyset is kept, for the names of its channels, and verified when read."""
    assert filled.pinned.read_keyset() == line.keyset
    other = dataclasses.replace(filled.pinned, root=Signer.generate("tipline-root").verifier())
    with pytest.raises(KeysetError):
        other.read_keyset()
