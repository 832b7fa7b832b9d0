"""A line with phones that is killed before any step ends, and starts again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.phone_scenarios import SCENARIOS
from tests.crash.stepping import build, make_folder, run_driver

DRIVER = "tests.crash.phone_driver"
EVERY = 89  # of the steps, in the default run: the others need --long


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the lines lie."""
    with make_folder() as name:
        build(Path(name))
        yield Path(name)


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", SCENARIOS)
def test_phones_when_killed_before_a_step_then_nothing_acknowledged_is_lost_or_comes_back(
    folder: Path, name: str, every: int
) -> None:
    """
    After the next start: of an epoch that ended nothing is left, and its log holds; each message is
    one tip, also if its provider repeats it; what STOP ended is gone; an answer goes, and at most
    the one that was under way twice.
    """
    done = run_driver(folder / "steps.so", DRIVER, str(folder), name, str(every))
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["wrong"] == [], done.stderr
    assert result["steps"] > 100
    # Two runs differ by a few steps: the last may never be reached.
    planned_len = len(range(1, result["steps"] + 1, every))
    assert result["killed"] >= planned_len - max(1, planned_len // 100)
