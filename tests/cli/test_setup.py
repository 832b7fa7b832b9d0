"""`script/setup`: what is missing is named once, and nothing is done twice."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with stamps and root of its own."""
    spec = importlib.util.spec_from_file_location("script_setup", ROOT / "script/setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(ROOT / "script")
    # Its dataclasses look themselves up there.
    monkeypatch.setitem(sys.modules, "script_setup", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / ".stamps")
    (tmp_path / ".stamps").mkdir()
    return module


def write_program(directory: Path, name: str, text: str) -> None:
    """Write a shell program."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)


@pytest.fixture
def step(setup: ModuleType, tmp_path: Path) -> Callable[..., object]:
    """A step that copies `in` to `out` and counts how often."""
    (tmp_path / "in").write_text("one")

    def act(run: Callable[..., None]) -> None:
        with (tmp_path / "count").open("a") as count:
            count.write("x")
        run("cp", str(tmp_path / "in"), str(tmp_path / "out"))

    return lambda **more: setup.Step(
        name="copy", inputs=[tmp_path / "in"], outputs=[tmp_path / "out"], act=act, **more
    )


def test_step_when_nothing_changed_is_not_done_again(
    setup: ModuleType, step: Callable[..., object], tmp_path: Path
) -> None:
    """A step is done again if its inputs, its salt or its outputs changed, and only then."""

    def count_after(**more: str) -> int:
        setup.take(step(**more))
        return len((tmp_path / "count").read_text())

    assert count_after() == 1
    assert count_after() == 1
    (tmp_path / "in").write_text("two")
    assert count_after() == 2
    assert (tmp_path / "out").read_text() == "two"
    (tmp_path / "out").unlink()
    assert count_after() == 3
    assert count_after(salt="other python") == 4
    assert count_after(salt="other python") == 4


def test_step_when_it_fails_shows_why_and_is_tried_again(
    setup: ModuleType,
    step: Callable[..., object],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A failed step leaves no stamp: the next run does it anew."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "in").mkdir()
    with pytest.raises(setup.StepError):
        setup.take(step())
    assert "cp: cannot" in capsys.readouterr().err
    assert not (tmp_path / ".stamps/copy").exists()
    (tmp_path / "out" / "in").rmdir()
    (tmp_path / "out").rmdir()
    setup.take(step())
    assert (tmp_path / ".stamps/copy").exists()


@pytest.mark.parametrize(
    ("version", "has_npm", "is_taken"),
    [
        ("v20.1.0", True, True),
        ("v24.19.0", True, True),
        ("v18.20.4", True, False),
        ("v20.1.0", False, False),
        ("nonsense", True, False),
    ],
)
def test_node_when_it_is_too_old_or_lacks_npm_is_not_taken(
    setup: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    *,
    has_npm: bool,
    is_taken: bool,
) -> None:
    """The system's node is used from version 20 on and together with its npm; else the wheel's."""
    write_program(tmp_path / "bin", "node", f"echo {version}")
    if has_npm:
        write_program(tmp_path / "bin", "npm", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert (setup.find_node() is not None) == is_taken


def test_setup_when_python_is_too_old_says_so(tmp_path: Path) -> None:
    """The script looks for a Python that is new enough before anything else."""
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        write_program(tmp_path / "bin", name, "exit 1")
    for name in ("bash", "dirname"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        [ROOT / "script/setup"],
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "Python 3.11 or later is not installed" in done.stderr


@pytest.mark.parametrize("installed", [True, False])
def test_setup_when_packages_were_installed_starts_anew(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, *, installed: bool
) -> None:
    """apt may replace the Python that runs: the steps' stamps name the one that is there now."""
    started: list[tuple[str, list[str]]] = []

    class StartedAnewError(Exception):
        pass

    def start(program: str, arguments: list[str]) -> None:
        started.append((program, arguments))
        raise StartedAnewError

    monkeypatch.setattr(setup.sys, "argv", ["script/setup.py", "run"])
    monkeypatch.setattr(setup, "list_requirements", lambda _what, search_path: [])
    monkeypatch.setattr(setup, "install_missing", lambda *_given, agreed, log: installed)
    monkeypatch.setattr(setup, "list_steps", lambda _what, wheels: [])
    monkeypatch.setattr(setup.os, "execv", start)
    if installed:
        with pytest.raises(StartedAnewError):
            setup.main()
    else:
        assert setup.main() == 0
    assert started == [(sys.executable, sys.orig_argv)] * installed


def test_setup_when_everything_is_there_says_nothing_and_is_quick() -> None:
    """A second run does no step, prints nothing and takes a moment."""
    subprocess.run([ROOT / "script/setup", "run"], check=True, capture_output=True)
    done = subprocess.run(
        [ROOT / "script/setup", "run"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
