"""What `tipline serve` does before anything of a line is in memory."""

from __future__ import annotations

import argparse
import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tipline.commands import serve
from tipline.console import Console
from tipline.errors import InstanceError

NO_LIMIT = resource.RLIM_INFINITY

# Serves what is no line, so that only what comes before is done; then crashes.
CHILD = """
import argparse, io, os, pathlib, resource
from tipline.commands import serve
from tipline.console import Console
from tipline.errors import InstanceError
try:
    serve.run(argparse.Namespace(directory=pathlib.Path("none")), None)
except InstanceError:
    print(*resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.abort()
"""


@pytest.mark.parametrize(("hard", "limit"), [(NO_LIMIT, 1), (4096, 1), (1, 1), (0, 0)])
def test_serve_when_begun_then_core_dumps_are_forbidden_before_the_line_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hard: int, limit: int
) -> None:
    """Neither to a file nor to a program: a limit of 0 is ignored by the latter."""
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (0, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda what, value: limits.append((what, value)))
    console = Console(out=io.StringIO(), err=io.StringIO(), translate=str)
    with pytest.raises(InstanceError):
        serve.run(argparse.Namespace(directory=tmp_path / "none"), console)
    assert limits == [(resource.RLIMIT_CORE, (limit, limit))]


def test_serve_when_it_crashes_then_the_kernel_keeps_to_the_limit(tmp_path: Path) -> None:
    """A real process, crashed: its limit is set, and no dump was made."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(serve.__file__).parents[2])},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGABRT
    limit = b"0" if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0 else b"1"
    assert done.stdout.split() == [limit, limit]
    assert list(tmp_path.iterdir()) == []
