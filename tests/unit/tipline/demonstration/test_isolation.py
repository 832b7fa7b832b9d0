"""A process without network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipline.demonstration import isolation
from tipline.errors import NetworkError


def write_unshare(directory: Path, *, text: str) -> None:
    path = directory / "unshare"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)


def test_process_when_cut_off_runs_the_command(tmp_path: Path) -> None:
    """A command runs in the namespace, and its output comes back."""
    done = isolation.run_offline(["--version"], directory=tmp_path)
    assert (done.returncode, done.stdout) == (0, "tipline 0.1.0\n")


def test_process_when_it_is_not_cut_off_finds_the_network() -> None:
    """Where the tests run there is at least a loopback interface that is up."""
    assert not isolation.is_offline()


def test_process_when_the_namespace_was_not_made_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program `unshare` that only pretends is found out inside, before the command runs."""
    write_unshare(tmp_path, text='shift\nexec "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NetworkError) as caught:
        isolation.run_offline(["--version"], directory=tmp_path)
    assert caught.value.code == "offline_impossible"


def test_process_when_the_machine_forbids_namespaces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no namespace can be made, nothing is run and the reason is named."""
    write_unshare(tmp_path, text="exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NetworkError) as caught:
        isolation.check_isolation()
    assert caught.value.code == "offline_impossible"


def test_process_when_unshare_is_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without the program is told so by name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError) as caught:
        isolation.check_isolation()
    assert caught.value.code == "program_missing"
