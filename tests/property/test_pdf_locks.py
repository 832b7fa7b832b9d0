"""However a PDF is locked, and whatever is broken of it: the page reads of it what Python reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.pdf_locks import run


def test_page_when_locks_are_made_by_chance_then_it_opens_those_that_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run, the same one each time: every version, passwords, and bytes exchanged."""
    monkeypatch.chdir(tmp_path)

    cases, cleaned = run([], seed=7, cases=250)

    assert cases == 250
    assert 50 < cleaned < 200


@pytest.mark.long
def test_page_when_locks_are_made_for_long_then_it_opens_those_that_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of it."""
    monkeypatch.chdir(tmp_path)

    assert run([], seed=8, seconds=600)[0] > 2_000
