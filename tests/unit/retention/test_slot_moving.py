"""A slot file written once more, under another root."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import NO_ROOT, SLOT_BYTES, Slot, SlotKind, encode_slot
from retention.slot_disk import FileDisk
from retention.slot_file import SlotFile
from retention.slot_moving import MOVING_SUFFIX, move_slots
from retention.slot_root import CredentialRoot, PlainRoot, SlotRoot
from retention.slot_steps import STEP_SLOTS
from retention.tpm_root import TpmRoot
from tests.unit.retention.slot_disks import make_random
from tests.unit.retention.swtpm import Swtpm, run_swtpm

DAY, HOLD, RECORD, GONE = b"d" * 16, b"h" * 16, b"r" * 16, b"g" * 16
SECRETS = {label: Secret(label + label) for label in (DAY, HOLD, RECORD, GONE)}
KINDS = {DAY: SlotKind.DAY, HOLD: SlotKind.HOLD, RECORD: SlotKind.RECORD, GONE: SlotKind.RECORD}
TRANSPORT = Secret(b"one key for one transport, 32 by")


def make(path: Path, mirror: Path | None, root: SlotRoot) -> dict[bytes, int]:
    """Make a slot file with four secrets, one of which is destroyed; give their places."""
    SlotFile.create(path, mirror, root, random=make_random(path.name))
    file = SlotFile(path, mirror, root, random=make_random("put"))
    file.reconcile(())
    places = {label: file.put(KINDS[label], label, secret) for label, secret in SECRETS.items()}
    file.sync()
    file.destroy([(places[GONE], SlotKind.RECORD, GONE)])
    file.close()
    return places


def move(path: Path, target: Path, *, old: SlotRoot, new: SlotRoot, **more: Path | None) -> None:
    """Move a slot file."""
    move_slots(path, target, old=old, new=new, random=make_random(f"{target}"), **more)


def read(path: Path, root: SlotRoot, places: dict[bytes, int]) -> dict[bytes, bytes | str]:
    """Give each secret, or why there is none."""
    file = SlotFile(path, None, root, random=make_random("read"))
    found: dict[bytes, bytes | str] = {}
    for label, place in places.items():
        try:
            found[label] = file.get(place, KINDS[label], label).reveal()
        except SlotError as exc:
            found[label] = exc.code
    file.close()
    return found


def spoil(path: Path, place: int, content: bytes) -> None:
    """Write over a slot."""
    with path.open("r+b") as file:
        file.seek(place * SLOT_BYTES)
        file.write(content)


ALL: dict[bytes, bytes | str] = {
    **{label: secret.reveal() for label, secret in SECRETS.items()},
    GONE: "slot_free",
}


@pytest.fixture(scope="module")
def tpms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Swtpm]]:
    """Two machines' TPMs."""
    with (
        run_swtpm(tmp_path_factory.mktemp("here")) as here,
        run_swtpm(tmp_path_factory.mktemp("there")) as there,
    ):
        yield [here, there]


@pytest.mark.parametrize("mirrored", [False, True])
def test_move_when_sealed_by_one_tpm_then_it_opens_by_another(
    tmp_path: Path, tpms: list[Swtpm], mirrored: bool
) -> None:
    """On the way no secret lies in clear; what lives opens there, what died does not."""
    here, there = (TpmRoot(tcti=tpm.tcti) for tpm in tpms)
    path, mirror = tmp_path / f"here-{mirrored}", tmp_path / "mirror" if mirrored else None
    places = make(path, mirror, here)
    carried, target = tmp_path / "carried", tmp_path / "there"
    move(path, carried, mirror=mirror, old=here, new=CredentialRoot(TRANSPORT))
    move(carried, target, old=CredentialRoot(TRANSPORT), new=there)
    assert read(target, TpmRoot(tcti=tpms[1].tcti), places) == ALL
    for file in (carried, target):
        assert not any(secret.reveal() in file.read_bytes() for secret in SECRETS.values())
    assert read(path, TpmRoot(tcti=tpms[0].tcti), places) == ALL  # it stays as it was
    with pytest.raises(SlotError, match="slot_root_missing"):
        SlotFile(target, None, TpmRoot(tcti=tpms[0].tcti))


def test_move_when_the_file_was_written_then_its_id_is_another(tmp_path: Path) -> None:
    """It is never taken for the mirror of the file it came from."""
    places = make(tmp_path / "old", None, PlainRoot())
    move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    with pytest.raises(SlotError, match="slot_mirror_foreign"):
        SlotFile(tmp_path / "old", tmp_path / "new")
    assert read(tmp_path / "new", PlainRoot(), places) == ALL


def test_move_when_the_key_is_another_then_nothing_takes_the_name(tmp_path: Path) -> None:
    """A wrong key is an error, and never a file without secrets."""
    make(tmp_path / "old", None, CredentialRoot(TRANSPORT))
    with pytest.raises(SlotError, match="slot_root_other"):
        move(
            tmp_path / "old",
            tmp_path / "new",
            old=CredentialRoot(Secret(b"w" * 32)),
            new=PlainRoot(),
        )
    assert not (tmp_path / "new").exists()


def test_move_when_one_record_is_under_another_root_then_refused(tmp_path: Path) -> None:
    """Keys alone are read at the opening; a record of another root is not left out in silence."""
    places = make(tmp_path / "old", None, CredentialRoot(TRANSPORT))
    foreign = CredentialRoot(Secret(b"w" * 32)).seal(
        SECRETS[RECORD], kind=SlotKind.RECORD, label=RECORD
    )
    spoil(tmp_path / "old", places[RECORD], encode_slot(foreign))
    with pytest.raises(SlotError, match="slot_root_other"):
        move(tmp_path / "old", tmp_path / "new", old=CredentialRoot(TRANSPORT), new=PlainRoot())
    assert not (tmp_path / "new").exists()


def test_move_when_the_name_is_taken_then_refused(tmp_path: Path) -> None:
    """A slot file that is there is never replaced, nor a link followed."""
    make(tmp_path / "old", None, PlainRoot())
    (tmp_path / "new").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    (tmp_path / "new").unlink()
    make(tmp_path / "new", None, PlainRoot())
    with pytest.raises(FileExistsError):
        move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())


def test_move_when_a_run_was_cut_short_then_nothing_of_it_is_left(tmp_path: Path) -> None:
    """What stands under the name of a file being written is written over to its end."""
    places = make(tmp_path / "old", None, PlainRoot())
    rest = (tmp_path / "old").read_bytes() + encode_slot(
        Slot(kind=SlotKind.RECORD, label=b"x" * 16, root_id=NO_ROOT, body=Secret(b"x" * 32))
    )
    moving = tmp_path / f"new{MOVING_SUFFIX}"
    moving.write_bytes(rest)
    moving.chmod(0o600)
    move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    assert read(tmp_path / "new", PlainRoot(), places) == ALL
    assert b"x" * 32 not in (tmp_path / "new").read_bytes()
    assert not moving.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"torn" * 1024,
        encode_slot(Slot(kind=SlotKind.STEP, label=DAY, root_id=NO_ROOT, body=Secret(b"1"))),
        # Sound, but its body is none of a secret.
        encode_slot(Slot(kind=SlotKind.RECORD, label=RECORD, root_id=NO_ROOT, body=Secret(b"1"))),
    ],
)
def test_move_when_a_slot_holds_no_secret_then_it_is_left_out(
    tmp_path: Path, content: bytes
) -> None:
    """Nobody opens it any more; the others are moved all the same."""
    places = make(tmp_path / "old", None, PlainRoot())
    spoil(tmp_path / "old", places[RECORD], content)
    move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    assert read(tmp_path / "new", PlainRoot(), places) == {**ALL, RECORD: "slot_free"}


@pytest.mark.parametrize("step", [0, 1])
def test_move_when_the_first_slot_of_a_step_is_damaged_then_its_secrets_are_moved(
    tmp_path: Path, step: int
) -> None:
    """The file's own first slot is mended; another stays, and keys are looked for there."""
    places = make(tmp_path / "old", None, PlainRoot())
    spoil(tmp_path / "old", step * STEP_SLOTS, b"torn" * 1024)
    move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    first = (tmp_path / "new").read_bytes()[step * STEP_SLOTS * SLOT_BYTES :][:SLOT_BYTES]
    assert (first == b"torn" * 1024) is (step == 1)
    assert read(tmp_path / "new", PlainRoot(), places) == ALL


def test_move_when_the_disk_is_full_then_what_was_written_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret stays in the blocks of a file that never took its name."""
    make(tmp_path / "old", None, PlainRoot())
    seen: list[int] = []

    def refuse(disk: FileDisk) -> None:
        path = tmp_path / f"new{MOVING_SUFFIX}"
        with path.open("ab") as file:
            file.write(SECRETS[DAY].reveal())  # a part of a slot
        assert SECRETS[RECORD].reveal() in path.read_bytes()
        seen.append(os.open(path, os.O_RDONLY))
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(FileDisk, "sync_all", refuse)
    with pytest.raises(OSError, match="full"):
        move(tmp_path / "old", tmp_path / "new", old=PlainRoot(), new=PlainRoot())
    content = os.pread(seen[0], 1 << 24, 0)
    os.close(seen[0])
    assert content
    assert not any(content)
    assert not list(tmp_path.glob("new*"))
