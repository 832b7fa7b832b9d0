"""`tipline init` with a slot file somewhere else, or sealed."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from crypto.note import Signer
from tipline.__main__ import main
from tipline.configuration import SlotRootChoice, load_configuration
from tipline.console import Console
from tipline.slots import CREDENTIAL_NAME, CREDENTIALS_VARIABLE, SLOT_FILE_NAME, TCTI_VARIABLE

ROOT = Signer.generate("tipline-root").verifier().format()


def init(directory: Path, *words: str | Path) -> tuple[int, str]:
    """Make a line; give the exit code and what was said."""
    console = Console(translate=str, out=io.StringIO(), err=io.StringIO(), input=io.BytesIO())
    given = ("--root", ROOT, "--name", "Harbour", "--emergency", "112", "--json", *map(str, words))
    code = main(["init", str(directory), *given], console=console)
    assert isinstance(console.err, io.StringIO)
    return code, console.err.getvalue()


def test_init_when_a_place_is_given_then_the_slot_file_and_its_mirror_lie_there(
    tmp_path: Path,
) -> None:
    """No key is ever written elsewhere first, and the configuration knows the places."""
    line, keys, mirror = tmp_path / "line", tmp_path / "keys", tmp_path / "mirror"

    assert init(line, "--slots", keys, "--mirror", mirror, "--volatile") == (0, "")

    slots = load_configuration(line).slots
    assert (slots.path, slots.mirror, slots.volatile) == (str(keys), str(mirror), True)
    assert slots.root is SlotRootChoice.NONE
    assert (keys / SLOT_FILE_NAME).stat().st_size == (mirror / SLOT_FILE_NAME).stat().st_size > 0
    assert not (line / "slots").exists()


def test_init_when_the_credential_is_missing_then_the_next_try_finds_an_empty_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be made leaves nothing in the way of making it."""
    monkeypatch.delenv(CREDENTIALS_VARIABLE, raising=False)
    line = tmp_path / "line"

    code, said = init(line, "--slot-root", "credential")

    assert code == 40
    assert CREDENTIAL_NAME in said
    assert list(line.iterdir()) == []
    (tmp_path / CREDENTIAL_NAME).touch(mode=0o600)
    (tmp_path / CREDENTIAL_NAME).write_bytes(os.urandom(32))
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path))
    assert init(line, "--slot-root", "credential") == (0, "")
    assert load_configuration(line).slots.root is SlotRootChoice.CREDENTIAL


def test_init_when_there_is_no_tpm_then_the_next_try_finds_an_empty_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TPM that does not answer leaves no slot file that nothing could open."""
    monkeypatch.setenv(TCTI_VARIABLE, "swtpm:host=127.0.0.1,port=1")
    line = tmp_path / "line"

    code, said = init(line, "--slot-root", "tpm")

    assert code == 32
    assert "the TPM refuses" in said
    assert list(line.iterdir()) == []
    assert init(line) == (0, "")


def test_init_when_a_slot_file_is_there_already_then_it_stays(tmp_path: Path) -> None:
    """Another line's keys are never taken away by an attempt that is refused."""
    keys = tmp_path / "keys"
    assert init(tmp_path / "first", "--slots", keys) == (0, "")
    before = (keys / SLOT_FILE_NAME).read_bytes()

    code, said = init(tmp_path / "second", "--slots", keys)

    assert code == 32
    assert str(keys) in said
    assert (keys / SLOT_FILE_NAME).read_bytes() == before
