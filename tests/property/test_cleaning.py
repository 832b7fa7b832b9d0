"""Whatever bytes come: refused with a reason, or cleaned so that the result is clean; in time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import fuzz.cleaning
from fuzz.cleaning import check, damage, read_seeds, run
from tests.pictures import make_jpeg


def test_cleaning_when_pictures_are_damaged_then_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run of the fuzzing, the same one each time."""
    monkeypatch.chdir(tmp_path)

    cases, cleaned = run(read_seeds(None), seed=1, cases=4_000)

    assert cases == 4_000
    assert 400 < cleaned < 3_600  # both ways were gone


@pytest.mark.long
def test_cleaning_when_pictures_are_damaged_for_long_then_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty minutes of it."""
    monkeypatch.chdir(tmp_path)

    assert run(read_seeds(None), seed=2, seconds=1_200)[0] > 100_000


def test_fuzzing_when_the_cleaning_is_broken_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzzing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz.cleaning, "write_cleaned", lambda plan, source, out: out.write(b"x"))

    with pytest.raises(AssertionError, match="another length"):
        run([make_jpeg()], seed=1, cases=100)

    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("finding-")
    with pytest.raises(AssertionError):
        check(kept.read_bytes())


def test_damage_when_the_same_chance_decides_then_it_is_the_same() -> None:
    """A run can be repeated by its seed."""
    picture = make_jpeg()
    first, second = (
        [damage(picture, picture, random.Random(seed)) for seed in range(50)] for _ in range(2)
    )

    assert first == second
    assert len(set(first)) > 40
