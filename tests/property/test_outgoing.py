"""Outgoing bundles, broken on purpose."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import fuzz.outgoing
from fuzz.outgoing import make_cases, read_seeds, run


def test_bundles_when_broken_then_each_is_refused_or_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is signed or sealed, nothing but errors of ours and bounded values comes out."""
    monkeypatch.chdir(tmp_path)
    count, opened = run(read_seeds(None), seed=3, cases=1_000)

    assert count == 1_000
    assert 0 < opened < count


def test_bundles_when_the_service_believes_too_much_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzzing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz.outgoing, "MAX_ANSWER_CHARACTERS", 5)

    with pytest.raises(AssertionError, match="out of bounds"):
        run(read_seeds(None), seed=3, cases=1_000)

    assert len(list(tmp_path.iterdir())) == 1


def test_cases_when_the_same_chance_decides_then_as_many_are_signed() -> None:
    """A run can be repeated by its seed; only what is sealed anew differs."""
    seeds = read_seeds(None)
    first, second = (
        [case.startswith(b"tipline-outgoing/v1\n") for case in itertools.islice(cases, 60)]
        for cases in (make_cases(seeds, random.Random(7)), make_cases(seeds, random.Random(7)))
    )

    assert first == second
    assert sum(first) > 40
