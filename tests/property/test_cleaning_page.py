"""Whatever bytes come: the page makes of them what Python makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz.cleaning_page
from fuzz.cleaning import read_seeds
from fuzz.cleaning_page import run
from tests.page_cleaning import plan_in_python
from tests.pictures import make_jpeg


def test_page_when_pictures_are_damaged_then_it_does_as_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run, the same one each time: format, kinds, pieces and reasons are alike."""
    monkeypatch.chdir(tmp_path)

    cases, cleaned = run(read_seeds(None), seed=3, cases=4_000)

    assert cases == 4_000
    assert 300 < cleaned < 3_700  # both ways were gone


@pytest.mark.long
def test_page_when_pictures_are_damaged_for_long_then_it_does_as_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty minutes of it."""
    monkeypatch.chdir(tmp_path)

    assert run(read_seeds(None), seed=4, seconds=1_200)[0] > 100_000


def test_comparing_when_one_does_otherwise_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        fuzz.cleaning_page,
        "plan_in_python",
        lambda data: {**plan_in_python(data), "kinds": ["id"]},
    )

    with pytest.raises(AssertionError, match="otherwise"):
        run([make_jpeg()], seed=1, cases=100)

    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("finding-")
