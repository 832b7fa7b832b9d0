"""An invariant is written once, numbered, and named on its page, in the code and in a test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"\bINV-[0-9]{2}\b")


def named_in(paths: Iterable[Path]) -> set[str]:
    return {number for path in paths for number in NUMBER.findall(path.read_text())}


def code_paths() -> list[Path]:
    paths = [ROOT / "setup.cfg"]  # the layers are kept by import-linter's contracts
    for package in ("crypto", "retention", "tipline"):
        for suffix in ("*.py", "*.ts"):
            paths += sorted((ROOT / package).rglob(suffix))
    return paths


def on_the_page() -> list[str]:
    page = (ROOT / "docs" / "reference" / "invariants.md").read_text()
    return re.findall(r"^\| (INV-[0-9]{2}) \|", page, flags=re.MULTILINE)


def test_invariants_when_the_page_is_read_then_they_are_numbered_without_a_gap() -> None:
    """Each number stands once, in order."""
    numbers = on_the_page()

    assert len(numbers) >= 10
    assert numbers == [f"INV-{number:02}" for number in range(1, len(numbers) + 1)]


def test_invariants_when_the_code_is_searched_then_it_names_each_and_no_other() -> None:
    """No invariant is without the code that keeps it."""
    assert named_in(code_paths()) == set(on_the_page())


def test_invariants_when_the_tests_are_searched_then_they_name_each_and_no_other() -> None:
    """No invariant is without a test."""
    here = Path(__file__).resolve()
    tests = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != here]

    assert named_in(tests) == set(on_the_page())
