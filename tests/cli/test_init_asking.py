"""`tipline init` at a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crypto.note import Signer
from tipline.__main__ import main
from tipline.configuration import load_configuration
from tipline.console import Console

ROOT = Signer.generate("tipline-root").verifier().format()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def run(directory: Path, typed: str) -> tuple[int, str]:
    err = Terminal()
    console = Console(
        translate=lambda text: text,
        out=io.StringIO(),
        err=err,
        input=io.BytesIO(typed.encode()),
    )
    return main(["init", str(directory)], console=console), err.getvalue()


def test_init_when_at_a_terminal_then_it_asks_for_what_is_not_given(tmp_path: Path) -> None:
    """Root, name and number are asked for, and what was typed is what is written."""
    code, asked = run(tmp_path / "line", f"{ROOT}\nLínea del puerto\n911\n")
    assert code == 0
    assert asked.count(": ") == 3
    configuration = load_configuration(tmp_path / "line")
    assert configuration.root.format() == ROOT
    assert configuration.name["pt"] == "Línea del puerto"
    assert all("911" in text for text in configuration.emergency.values())
    assert len(set(configuration.emergency.values())) == 3


@pytest.mark.parametrize("typed", ["", "\n", f"{ROOT}\n\n"])
def test_init_when_nothing_is_typed_then_nothing_is_made(tmp_path: Path, typed: str) -> None:
    """An empty answer is not taken for one."""
    code, said = run(tmp_path / "line", typed)
    assert code == 2
    assert "is not given" in said
    assert not (tmp_path / "line").exists()
