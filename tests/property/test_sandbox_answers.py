"""Whatever a sandbox answers: the desk shows pages within the bounds, or says that it cannot."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import fuzz.answers
from fuzz.answers import make_cases, read_seeds, run
from tipline.rendering.answers import START


def test_answers_when_they_are_damaged_then_the_desk_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run of the fuzzing, the same one each time."""
    monkeypatch.chdir(tmp_path)

    cases, taken = run(read_seeds(None), seed=1, cases=300)

    assert cases == 300
    assert 60 < taken < 240  # both ways were gone


@pytest.mark.long
def test_answers_when_they_are_damaged_for_long_then_the_desk_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty minutes of it."""
    monkeypatch.chdir(tmp_path)

    assert run(read_seeds(None), seed=2, seconds=1_200)[0] > 10_000


def test_answers_when_the_desk_believes_too_much_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzzing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz.answers, "MAX_TOTAL_PIXELS", 5)

    with pytest.raises(AssertionError, match="too many pixels"):
        run(read_seeds(None), seed=1, cases=100)

    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes().startswith(START)


def test_answers_when_the_same_chance_decides_then_they_are_the_same() -> None:
    """A run can be repeated by its seed, and most cases get past the first line."""
    first, second = (
        list(itertools.islice(make_cases(read_seeds(None), random.Random(7)), 80)) for _ in range(2)
    )

    assert first == second
    assert sum(case.startswith(START) for case in first) > 60
