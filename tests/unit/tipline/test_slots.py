"""A line's slot file: made and opened as the configuration says."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SlotKind
from retention.slot_root import Method
from tests.unit.retention.swtpm import run_swtpm
from tipline.configuration import SlotRootChoice, SlotSettings
from tipline.errors import ConfigurationError, PermissionsError
from tipline.slots import CREDENTIAL_NAME, create_slots, open_slots, settle_path

SETTINGS = SlotSettings(path="slots", mirror="", root=SlotRootChoice.NONE, volatile=False)
LABEL = b"l" * 16
SECRET = Secret(b"a secret of thirty-two bytes ...")


def put(folder: Path, settings: SlotSettings, environment: dict[str, str]) -> None:
    """Put one secret into the line's slot file."""
    file = open_slots(folder, settings, environment=environment).file
    file.put(SlotKind.DAY, LABEL, SECRET)
    file.sync()
    file.close()


def get(folder: Path, settings: SlotSettings, environment: dict[str, str]) -> Secret:
    """Read it back."""
    file = open_slots(folder, settings, environment=environment).file
    try:
        return file.get(0, SlotKind.DAY, LABEL)
    finally:
        file.close()


@pytest.mark.parametrize("mirror", ["", "mirror"])
def test_slots_when_made_then_they_lie_where_the_operator_said(tmp_path: Path, mirror: str) -> None:
    """A directory of its own, for its owner alone; the mirror alike."""
    settings = dataclasses.replace(SETTINGS, mirror=mirror)
    create_slots(tmp_path, settings, environment={})
    put(tmp_path, settings, {})

    for name in filter(None, ("slots", mirror)):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
        assert SECRET.reveal() in (tmp_path / name / "slot-file").read_bytes()
    assert get(tmp_path, settings, {}) == SECRET


def test_slots_when_a_path_is_absolute_then_it_is_taken(tmp_path: Path) -> None:
    """A partition of its own need not lie in the instance."""
    settings = dataclasses.replace(SETTINGS, path=str(tmp_path / "partition"))
    create_slots(tmp_path / "line", settings, environment={})

    assert (tmp_path / "partition" / "slot-file").exists()


@pytest.mark.parametrize(
    ("typed", "settled"),
    [
        ("keys", "{here}/keys"),
        ("../keys", "{above}/keys"),
        ("line/keys", "keys"),
        ("./line/keys/../slots", "slots"),
        ("{here}/line/keys", "keys"),
        ("{here}/linear", "{here}/linear"),
        ("/keys/line", "/keys/line"),
    ],
)
def test_path_when_typed_then_it_is_meant_where_the_person_is(
    typed: str, settled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in every command; inside the line's directory it goes where the directory goes."""
    places = {"here": tmp_path, "above": tmp_path.parent}
    monkeypatch.chdir(tmp_path)
    for line in (Path("line"), tmp_path / "line"):
        assert settle_path(typed.format(**places), line) == settled.format(**places)


def test_slots_when_lost_then_they_are_begun_anew_only_if_that_was_asked_for(
    tmp_path: Path,
) -> None:
    """Everything stored is dead without them: nobody goes on as if nothing had been."""
    create_slots(tmp_path, SETTINGS, environment={})
    put(tmp_path, SETTINGS, {})
    (tmp_path / "slots" / "slot-file").unlink()
    with pytest.raises(SlotError) as caught:
        open_slots(tmp_path, SETTINGS, environment={})
    assert caught.value.code == "slot_file_missing"
    assert not (tmp_path / "slots" / "slot-file").exists()

    volatile = dataclasses.replace(SETTINGS, volatile=True)
    opened = open_slots(tmp_path, volatile, environment={})
    assert opened.begun_anew
    assert opened.file.find(SlotKind.DAY) == {}
    opened.file.close()
    opened = open_slots(tmp_path, volatile, environment={})
    assert not opened.begun_anew
    opened.file.close()


def test_slots_when_volatile_and_damaged_then_it_is_still_an_error(tmp_path: Path) -> None:
    """Only what is gone is begun anew, never what is there and wrong."""
    volatile = dataclasses.replace(SETTINGS, volatile=True)
    create_slots(tmp_path, volatile, environment={})
    (tmp_path / "slots" / "slot-file").chmod(0o644)
    with pytest.raises(SlotError, match="slot_file_unsafe"):
        open_slots(tmp_path, volatile, environment={})


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, str]:
    """The directory that systemd names in the environment."""
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    (folder / CREDENTIAL_NAME).write_bytes(b"c" * 32)
    (folder / CREDENTIAL_NAME).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def test_credential_when_handed_over_then_the_disk_alone_opens_nothing(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    """Sealed under what systemd hands over, and opened with it alone."""
    settings = dataclasses.replace(SETTINGS, root=SlotRootChoice.CREDENTIAL)
    create_slots(tmp_path, settings, environment=credentials)
    put(tmp_path, settings, credentials)

    assert SECRET.reveal() not in (tmp_path / "slots" / "slot-file").read_bytes()
    assert get(tmp_path, settings, credentials) == SECRET
    path = Path(credentials["CREDENTIALS_DIRECTORY"]) / CREDENTIAL_NAME
    path.chmod(0o600)
    path.write_bytes(b"d" * 32)
    with pytest.raises(SlotError, match="slot_root_other"):
        open_slots(tmp_path, settings, environment=credentials)


@pytest.mark.parametrize("length", [None, 0, 31, 33])
def test_credential_when_it_is_none_then_it_is_named(
    tmp_path: Path, credentials: dict[str, str], length: int | None
) -> None:
    """A missing credential, or one of another length, is no root."""
    settings = dataclasses.replace(SETTINGS, root=SlotRootChoice.CREDENTIAL)
    path = Path(credentials["CREDENTIALS_DIRECTORY"]) / CREDENTIAL_NAME
    path.unlink()
    if length is not None:
        path.write_bytes(b"c" * length)
        path.chmod(0o400)
    for environment in (credentials, {}):
        with pytest.raises(ConfigurationError) as caught:
            create_slots(tmp_path, settings, environment=environment)
        assert caught.value.code == "slots_credential"


def test_credential_when_others_can_read_it_then_it_is_refused(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    """A root that everybody has is none; a right of the group is systemd's access list."""
    path = Path(credentials["CREDENTIALS_DIRECTORY"]) / CREDENTIAL_NAME
    settings = dataclasses.replace(SETTINGS, root=SlotRootChoice.CREDENTIAL)
    (tmp_path / "line").mkdir()
    path.chmod(0o440)
    create_slots(tmp_path / "line", settings, environment=credentials)
    path.chmod(0o444)
    with pytest.raises(PermissionsError):
        create_slots(tmp_path, settings, environment=credentials)


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A TPM in software, as tpm2-tools are told of it."""
    with run_swtpm(tmp_path / "tpm") as running:
        yield {"TPM2TOOLS_TCTI": running.tcti}


def test_tpm_when_configured_then_a_death_is_a_destruction(
    tmp_path: Path, tpm: dict[str, str]
) -> None:
    """From the configuration to the chip: sealed, opened again, destroyed."""
    settings = dataclasses.replace(SETTINGS, root=SlotRootChoice.TPM)
    create_slots(tmp_path, settings, environment=tpm)
    put(tmp_path, settings, tpm)
    copy = (tmp_path / "slots" / "slot-file").read_bytes()
    assert SECRET.reveal() not in copy
    assert get(tmp_path, settings, tpm) == SECRET
    file = open_slots(tmp_path, settings, environment=tpm).file
    assert file.method(SlotKind.DAY) is Method.DESTROYED
    file.destroy([(0, SlotKind.DAY, LABEL)])
    file.close()
    # Whoever kept the whole file, and has the machine, still opens nothing.
    descriptor = os.open(tmp_path / "slots" / "slot-file", os.O_WRONLY)
    os.pwrite(descriptor, copy, 0)
    os.close(descriptor)
    with pytest.raises(SlotError, match="slot_free"):
        get(tmp_path, settings, tpm)
