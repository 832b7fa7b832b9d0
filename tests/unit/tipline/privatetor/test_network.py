"""The private network, where it cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipline.errors import NetworkError
from tipline.privatetor import network, starting


def write_program(directory: Path, name: str, *, text: str) -> None:
    path = directory / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)


def test_network_when_tor_is_missing_names_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without tor is told so by name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError) as caught, network.run_private_network():
        pass
    assert (caught.value.code, caught.value.facts) == ("program_missing", {"program": "tor"})


def test_network_when_keys_cannot_be_made_tries_again_and_then_says_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails is tried a fixed number of times, and its directories are erased."""
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    programs.mkdir()
    temporary.mkdir()
    for name in ("tor", "tor-gencert"):
        write_program(programs, name, text="exit 1\n")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    reports: list[str] = []
    with (
        pytest.raises(NetworkError) as caught,
        network.run_private_network(report=reports.append),
    ):
        pass
    assert caught.value.facts == {"stage": "tor-gencert"}
    assert reports == ["tor-gencert"] * (network.ATTEMPT_LIMIT - 1)
    assert list(temporary.iterdir()) == []


def test_free_ports_are_distinct() -> None:
    """No two processes of the network are given one port."""
    ports = starting.find_free_ports(50)
    assert len(set(ports)) == 50
