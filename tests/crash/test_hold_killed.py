"""A hold placed or released, killed before any step ends, gone on with, where it must end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.held_line import (
    DOUBLE,
    LATE,
    SINGLE,
    YOUNG,
    add_hold,
    add_tips,
    make_line,
    operate,
)
from tests.crash.stepping import build, make_folder, run_driver

DRIVER = "tests.crash.hold_driver"
EVERY = 23  # of the steps, in the default run: the others need --long


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A line on which nothing is held, and one with two holds over what is past its day."""
    with make_folder() as name:
        path = Path(name)
        make_line(path / "place")
        asyncio.run(add_tips(path / "place", 0, SINGLE))
        make_line(path / "release")
        asyncio.run(add_tips(path / "release", 0, SINGLE, DOUBLE))
        add_hold(path / "release", SINGLE, DOUBLE)
        add_hold(path / "release", DOUBLE)
        operate(path / "release", "purge", days=LATE)
        asyncio.run(add_tips(path / "release", LATE, YOUNG))
        build(path)
        yield path


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["place", "release"])
def test_hold_when_killed_before_a_step_then_it_is_whole_or_not_there(
    folder: Path, name: str, every: int
) -> None:
    """
    No key without a hold, no hold without its entry in the log, none told twice; what a release
    lets go is gone, and what another hold covers, or whose day is far, opens.
    """
    done = run_driver(folder / "steps.so", DRIVER, str(folder), name, str(every))
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["wrong"] == [], done.stderr
    assert result["steps"] > 50
    assert result["killed"] == len(range(1, result["steps"] + 1, every))
