"""
Feeds the same broken files to Python's cleaning and to the page's, and compares:
`python -m fuzz.cleaning_page [--seconds N] [--seed N] [DIR]`.

The cases are those of `fuzz.cleaning`. What one refuses the other refuses for the same reason; what
is cleaned has the same format, the same kinds, and is made of the same pieces.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import random

from fuzz.cleaning import make_cases, read_seeds
from fuzz.running import run_cases, run_program
from tests.page_cleaning import PageCleaning, plan_in_python, run_page_cleaning


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
    assert {name: answer.get(name) for name in expected} == expected, "the page does otherwise"
    return "refused" not in answer


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
