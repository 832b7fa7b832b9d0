"""What the page cleaned, the desk finds clean: no honest tip is called belied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page_cleaning import PageCleaning, run_page_cleaning
from tests.vectors.test_cleaning_own import VECTORS, make_input
from tipline.cleaning.clean import plan_cleaning

CLEANED = [name for name, vector in VECTORS.items() if "refused" not in vector]


@pytest.fixture(scope="module")
def page() -> Iterator[PageCleaning]:
    """The page's cleaning."""
    with run_page_cleaning() as running:
        yield running


@pytest.mark.parametrize("name", CLEANED)
def test_file_when_the_page_cleaned_it_then_the_desk_finds_nothing_in_it(
    name: str, page: PageCleaning, tmp_path: Path
) -> None:
    """Also where the two pack in different ways, the one's cleaned file is clean to the other."""
    out = tmp_path / "cleaned"
    page.clean(make_input(VECTORS[name]), out=out)

    with out.open("rb") as file:
        assert plan_cleaning(file).kinds == ()
