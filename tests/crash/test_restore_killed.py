"""A restore that is killed before any step ends, by the same command, where it would have ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crash.stepping import build, make_folder, run_driver

EVERY = 37  # of the steps, in the default run: the others need --long


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
def test_restore_when_killed_before_a_step_then_the_same_command_ends_it(every: int) -> None:
    """Every living tip opens, what died is not there, and nothing of the restore is left."""
    with make_folder() as name:
        build(Path(name))
        done = run_driver(Path(name) / "steps.so", "tests.crash.restore_driver", name, str(every))
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["wrong"] == [], done.stderr
        assert result["steps"] > 50
        assert result["killed"] == len(range(1, result["steps"] + 1, every))
