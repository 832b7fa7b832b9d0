"""A backup or a handover, opened and laid into a folder."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from crypto.age.file import seal
from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError, MalformedError
from tipline.archive import ArchiveSource, Kept
from tipline.backup import KIND_BACKUP, KIND_HANDOVER, TRANSPORT_KEY_NAME, Head, format_head
from tipline.errors import InstanceError
from tipline.service.schema import VERSION
from tipline.unpacking import read_transport_key, unpack

IDENTITY = HybridIdentity.generate()
KEY = b"k" * 32
DAY = datetime.date(2031, 3, 14)


def make(*, kind: str, keys: int = 0, schema: int = VERSION) -> BinaryIO:
    """Seal a file that says that it is one kind or the other."""
    head = Head(kind=kind, made_on=DAY, dies_on=DAY, root="tipline-root", schema=schema)
    files = [
        Kept(name="backup.json", content=format_head(head)),
        *[Kept(name=TRANSPORT_KEY_NAME, content=KEY)] * keys,
        Kept(name="log.db", content=b"log"),
    ]
    sealed = io.BytesIO()
    source = cast("BinaryIO", io.BufferedReader(ArchiveSource(files)))
    seal(source, sealed, recipients=[IDENTITY.recipient()])
    sealed.seek(0)
    return cast("BinaryIO", sealed)


def open_file(source: BinaryIO, folder: Path, *, identity: HybridIdentity = IDENTITY) -> object:
    """Unpack it; give its key."""
    key = unpack(source, folder, identities=[identity], on_head=lambda head: None).transport_key
    return None if key is None else key.reveal()


def test_unpack_when_it_is_a_handover_then_its_key_is_given_and_on_no_disk(tmp_path: Path) -> None:
    """What opens the slots goes from the sealed file into memory; it can be read once more."""
    folder = tmp_path / "out"
    source = make(kind=KIND_HANDOVER, keys=1)
    assert open_file(source, folder) == KEY
    assert KEY not in b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
    source.seek(0)
    again = tmp_path / "again"
    assert read_transport_key(source, again, identities=[IDENTITY]).reveal() == KEY
    assert not again.exists()


def test_unpack_when_it_is_a_backup_then_there_is_no_key(tmp_path: Path) -> None:
    """A backup opens only beside the slot file of its line."""
    assert open_file(make(kind=KIND_BACKUP), tmp_path / "out") is None
    assert (tmp_path / "out" / "log.db").read_bytes() == b"log"


@pytest.mark.parametrize(
    ("kind", "keys"), [(KIND_BACKUP, 1), (KIND_HANDOVER, 0), (KIND_HANDOVER, 2)]
)
def test_unpack_when_key_and_kind_contradict_then_refused_and_nothing_is_left(
    tmp_path: Path, kind: str, keys: int
) -> None:
    """A handover has one key, a backup none; what says otherwise is not laid into a line."""
    with pytest.raises(MalformedError):
        open_file(make(kind=kind, keys=keys), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_unpack_when_its_database_is_newer_then_refused_before_anything_is_laid(
    tmp_path: Path,
) -> None:
    """An older program does not guess at a newer one's tables."""
    with pytest.raises(InstanceError) as caught:
        open_file(make(kind=KIND_BACKUP, schema=VERSION + 1), tmp_path / "out")
    assert caught.value.code == "instance_newer"
    assert list(tmp_path.iterdir()) == []


def test_unpack_when_somebody_else_opens_it_then_nothing_is_left(tmp_path: Path) -> None:
    """A wrong identity gets neither files nor key."""
    folder, other = tmp_path / "out", HybridIdentity.generate()
    with pytest.raises(CryptoError):
        open_file(make(kind=KIND_HANDOVER, keys=1), folder, identity=other)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CryptoError):
        read_transport_key(make(kind=KIND_HANDOVER, keys=1), folder, identities=[other])
    assert list(tmp_path.iterdir()) == []


def test_key_when_the_file_has_none_then_refused(tmp_path: Path) -> None:
    """After a crash the same file is asked for; another one has no key, or another key."""
    with pytest.raises(MalformedError):
        read_transport_key(make(kind=KIND_BACKUP), tmp_path / "o", identities=[IDENTITY])
    assert list(tmp_path.iterdir()) == []
