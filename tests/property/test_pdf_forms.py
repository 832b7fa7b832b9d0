"""Whatever hangs on a page of a PDF: the page draws of it what Python draws."""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz.pdf_forms
from fuzz.pdf_forms import run
from tests.page_cleaning import plan_in_python


def test_page_when_forms_are_made_by_chance_then_it_draws_as_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run, the same one each time: fields in rings, with any value, flag and picture."""
    monkeypatch.chdir(tmp_path)

    cases, cleaned = run([], seed=5, cases=400)

    assert cases == 400
    assert 150 < cleaned < 300  # both ways were gone: notes without a picture are refused


@pytest.mark.long
def test_page_when_forms_are_made_for_long_then_it_draws_as_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of it."""
    monkeypatch.chdir(tmp_path)

    assert run([], seed=6, seconds=600)[0] > 10_000


def test_comparing_when_one_draws_otherwise_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        fuzz.pdf_forms, "plan_in_python", lambda data: {**plan_in_python(data), "kinds": ["id"]}
    )

    with pytest.raises(AssertionError, match="otherwise"):
        run([], seed=1, cases=20)

    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes().startswith(b"%PDF-")
