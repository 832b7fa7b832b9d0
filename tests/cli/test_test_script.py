"""`script/test` in a tree whose tools only end, well or not: a check goes by its exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("ruff", "mypy", "lint-imports", "node", "coverage", "pytest")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the real script, and tools that end well at once."""
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script" / "test", tmp_path / "script" / "test")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for tool in ("script/setup", "script/catalogue", *(f".venv/bin/{tool}" for tool in TOOLS)):
        _let_end(tmp_path / tool, 0)
    return tmp_path


def _let_end(tool: Path, code: int) -> None:
    tool.write_text(f"#!/bin/sh\nexit {code}\n")
    tool.chmod(0o755)


def _run(tree: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tree)}
    return subprocess.run(
        [tree / "script" / "test", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("tests/unit",)])
def test_script_test_when_everything_passes_then_it_ends_well_and_leaves_nothing(
    tree: Path, options: tuple[str, ...]
) -> None:
    """A run in which nothing failed ends with 0, in both lanes or in one."""
    before = set(tree.iterdir())
    ended = _run(tree, *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert set(tree.iterdir()) == before


@pytest.mark.parametrize("tool", TOOLS)
def test_script_test_when_one_tool_fails_then_it_fails(tree: Path, tool: str) -> None:
    """Whatever failed, the whole fails, and its end says so."""
    _let_end(tree / ".venv" / "bin" / tool, 1)
    ended = _run(tree)
    assert ended.returncode == 1
    assert "FAILED" in ended.stdout
