"""Transcripts of `tipline restore` with an identity file that has a passphrase."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from crypto.errors import WrongPassphraseError
from tests.cli.test_clock import DAY, keep, uptime_of_test
from tests.cli.test_operations import OLD, TODAY, YOUNG, add_tips, make_line, run
from tipline.errors import PermissionsError
from tipline.service.database import DATABASE_NAME


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A line with two tips that was backed up, and then lost its database."""
    line = tmp_path / "line"
    make_line(line)
    asyncio.run(add_tips(line, {OLD: 20, YOUNG: 50}))
    write_secret(tmp_path / "passphrase", "correct horse\n")
    write_secret(tmp_path / "another", "battery staple\n")
    words = ("desk", "keygen", "--out", tmp_path / "identity", "--json")
    code, out, err = run(*words, "--passphrase-file", tmp_path / "passphrase")
    assert code == 0, err
    code, out, err = run(
        "backup", line, tmp_path / "backup.age", "-r", json.loads(out)["recipient"]
    )
    assert code == 0, err
    for path in line.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    shutil.rmtree(line / "envelopes", ignore_errors=True)
    return line


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.write_text(text)


def put_back(line: Path, passphrase: str, *options: str) -> tuple[int, str, str]:
    """Put the backup back, with the passphrase from this file."""
    folder = line.parent
    words = (folder / "backup.age", line, "-i", folder / "identity", *options)
    return run("restore", *words, "--passphrase-file", folder / passphrase)


def test_restore_when_the_passphrase_is_in_a_file_then_nobody_is_asked(lost: Path) -> None:
    """Who has no terminal restores, too: every tip is there again."""
    code, out, err = put_back(lost, "passphrase", "--json")

    assert (code, err) == (0, "")
    assert json.loads(out)["tips"] == 2
    code, out, _ = run("purge", lost, "--json")
    assert code == 0
    counts = json.loads(out)["counts"]
    assert sum(entry["count"] for entry in counts if entry["class"] == "sealed_tip") == 2


def test_restore_when_the_slot_file_is_named_then_it_is_where_the_person_is(
    lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is meant as in every command, and written down for the line."""
    (lost / "slots").rename(lost.with_name("moved"))
    monkeypatch.chdir(lost.parent)
    code, _, err = put_back(lost, "passphrase", "--slots", "moved")
    assert (code, err) == (0, "")
    assert f'path = "{lost.with_name("moved")}"' in (lost / "tipline.toml").read_text()


def test_restore_when_the_clock_waits_then_it_is_said_with_the_command_that_helps(
    lost: Path,
) -> None:
    """After days without power nothing dies until a person says which day it is."""
    keep(lost, off=30 * DAY + uptime_of_test())
    code, out, err = put_back(lost, "passphrase")
    assert code == 0
    assert f"Nothing was due by {TODAY - 30 * DAY}, the day that the line still goes by." in out
    assert f"the clock jumped to {TODAY} and waits for you: tipline clock DIR\n" in err
    told = json.loads(run("purge", lost, "--apply", "--json")[1])
    assert (told["today"], told["waiting"]) == (str(TODAY - 30 * DAY), str(TODAY))
    assert run("clock", lost, "--confirm", TODAY)[0] == 0
    code, out, err = run("purge", lost, "--apply")
    assert (code, err) == (0, "")
    assert "still goes by" not in out


def test_restore_when_the_file_holds_another_passphrase_then_nothing_is_done(lost: Path) -> None:
    """A wrong passphrase is said, and the same command can be given again."""
    before = sorted(lost.rglob("*"))

    code, out, err = put_back(lost, "another")

    assert (code, out) == (WrongPassphraseError.exit_code, "")
    assert "wrong passphrase" in err
    assert sorted(lost.rglob("*")) == before
    assert put_back(lost, "passphrase")[0] == 0


def test_restore_when_others_can_read_the_passphrase_then_it_is_not_used(lost: Path) -> None:
    """A passphrase that lies open is refused before the backup is touched."""
    (lost.parent / "passphrase").chmod(0o644)

    code, out, err = put_back(lost, "passphrase", "--json")

    assert (code, out) == (PermissionsError.exit_code, "")
    assert str(lost.parent / "passphrase") in err
    assert not (lost / DATABASE_NAME).exists()
