"""The page does not clean PDF, and takes none for something else."""

from __future__ import annotations

from tests.page_cleaning import run_page_cleaning
from tests.vectors.test_cleaning_own import VECTORS, make_input


def test_pdf_when_the_page_is_asked_to_clean_it_then_it_is_refused() -> None:
    """Also one that is all letters and could be taken for a text."""
    pdfs = [make_input(vector) for name, vector in VECTORS.items() if name.startswith("pdf-")]
    assert any(max(pdf) < 128 for pdf in pdfs)

    with run_page_cleaning() as page:
        answers = [page.clean(pdf) for pdf in pdfs]

    assert [answer for answer in answers if answer != {"refused": "unknown"}] == []
