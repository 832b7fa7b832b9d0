"""
Feeds the same broken files to Python's cleaning and to the page's, and compares:
`python -m fuzz.cleaning_page [--seconds N] [--seed N] [DIR]`.

The cases are those of `fuzz.cleaning`. What one refuses the other refuses for the same reason; what
is cleaned has the same format, the same kinds, and is made of the same pieces.

Of PDFs this is held where qpdf, which reads for Python, has nothing to mend. What is mended, each
mends in its own way, and nearly always alike: docs/reference/cleaning.md says how often.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import io
import logging
import random

import pikepdf

from fuzz.cleaning import make_cases, read_seeds
from fuzz.running import run_cases, run_program
from tests.page_cleaning import PageCleaning, plan_in_python, run_page_cleaning
from tipline.cleaning.pdf import SIGNATURE


def compare(data: bytes, page: PageCleaning) -> bool:
    """
    Hold that both make the same of a file.

    Args:
        data: Untrusted.
        page: The page's cleaning.

    Returns:
        Whether it was cleaned.

    Raises:
        AssertionError: they differ.
    """
    answer = page.clean(data)
    expected = plan_in_python(data)
    is_same = {name: answer.get(name) for name in expected} == expected
    assert is_same or is_mended(data), "the page does otherwise"
    return "refused" not in answer


def is_mended(data: bytes) -> bool:
    """
    Tell whether a file is a PDF that qpdf mends, or cannot.

    Args:
        data: Untrusted.

    Returns:
        Whether it says so when all objects of the file are read.
    """
    if not data.startswith(SIGNATURE):
        return False
    log = logging.getLogger("pikepdf")
    is_silent, log.disabled = log.disabled, True
    try:
        with pikepdf.open(io.BytesIO(data), inherit_page_attributes=False) as document:
            list(document.objects), list(document.pages)
            return bool(document.get_warnings())
    except (pikepdf.PdfError, RuntimeError, ValueError):
        return True
    finally:
        log.disabled = is_silent


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Compare cases until time or number is used up.

    Args:
        seeds: What is damaged.
        seed: Of chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and how many of them were cleaned.

    Raises:
        AssertionError: a case differs; it was written to a file.
    """
    made = make_cases(list(seeds), random.Random(seed))
    with run_page_cleaning() as page:
        return run_cases(made, lambda case: compare(case, page), seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.cleaning_page", run, read_seeds, taken="cleaned")
