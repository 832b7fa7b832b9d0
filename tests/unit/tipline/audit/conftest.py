"""A line of forty days, written once, and the auditor's commands."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit_year import SimulatedLine
from tipline.audit import cli, parsers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


def run_audit(*words: str | Path) -> Said:
    """Run one of the auditor's commands in this process."""
    import argparse

    parser = argparse.ArgumentParser()
    parsers.register(parser.add_subparsers(required=True), str)
    options = parser.parse_args([str(word) for word in words])
    out, err = io.StringIO(), io.StringIO()
    code = cli.act(options, cli.Talk(translate=str, language="en", out=out, err=err))
    return Said(code=code, out=out.getvalue(), err=err.getvalue())


@pytest.fixture(scope="session")
def audit() -> Callable[..., Said]:
    """The commands."""
    return run_audit


@pytest.fixture
def line() -> SimulatedLine:
    """A line after forty good days."""
    line = SimulatedLine()
    line.begin()
    line.live(40)
    return line


@pytest.fixture
def log(line: SimulatedLine, tmp_path: Path) -> Path:
    """Its log."""
    return line.write(tmp_path / "log")
