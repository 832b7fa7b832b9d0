"""A purge that is killed before any step ends, run again, where it would have ended."""

from __future__ import annotations

import asyncio
import collections
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.purged_line import find_secrets, make_line, save_secrets
from tests.crash.stepping import COUNTED_CALLS, build, make_folder, run_driver

DRIVER = "tests.crash.purge_driver"
EVERY = 37  # of the steps, in the default run: the others need --long


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A line on the morning of the day, and the byte strings that must be nowhere after it."""
    with make_folder() as name:
        path = Path(name)
        asyncio.run(make_line(path / "line"))
        save_secrets(path / "secrets.json", find_secrets(path / "line"))
        build(path)
        yield path


def run(folder: Path, every: int, **more: Any) -> dict[str, Any]:
    done = run_driver(folder / "steps.so", DRIVER, str(folder), str(every), **more)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result.get("wrong", []) == [], done.stderr
    return result


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
def test_purge_when_killed_before_a_step_then_the_next_run_ends_in_the_same_state(
    folder: Path, every: int
) -> None:
    """
    Before each write, sync, rename, removal and change of length or times, of ours and of SQLite's:
    nothing died early, and after the next run nothing is left. By default one step in 37 is tried.
    """
    result = run(folder, every)
    assert result["steps"] > 300
    assert result["killed"] == len(range(1, result["steps"] + 1, every))


def test_steps_when_counted_then_the_kernel_saw_no_other(folder: Path) -> None:
    """What the kernel was asked to change is what was counted: no step is passed over."""
    trace = folder / "trace"
    tracer = ("strace", "-f", "-o", str(trace), "-e", f"trace={COUNTED_CALLS}")
    steps = run(folder, 0, tracer=tracer)["steps"]
    _, _, purge = trace.read_text().partition('"/steps-begin"')
    purge, _, _ = purge.partition('"/steps-end"')
    purge = purge[: purge.rindex("\n")]  # without the mark's own call
    calls = collections.Counter(
        match[1]
        for match in re.finditer(r"^\d+ +(\w+)\((?:(\d+)<?)?", purge, re.MULTILINE)
        if match[2] is None or int(match[2]) > 2  # what is printed is no step
    )
    assert calls["fsync"] + calls["fdatasync"] > 20
    assert calls["pwrite64"] > 100
    assert calls.total() == steps
