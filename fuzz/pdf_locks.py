"""
Feeds locked PDFs, said otherwise and damaged by chance, to Python's cleaning and to the page's, and
compares: `python -m fuzz.pdf_locks [--seconds N] [--seed N]`.

What is exchanged or damaged keeps its length, so that the tables of the file stay right: what
differs then differs in how the code is opened, or in what comes out of it.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Final

from fuzz.pdf_forms import compare
from fuzz.running import read_no_seeds, run_cases, run_program
from tests.locked_pdfs import LOCKS, make_locked_pdf
from tests.page_cleaning import run_page_cleaning
from tests.pdfs import make_stream
from tests.vectors.cleaning_pdf_locks import EDITS, OBJECTS, ROOT

_CODED: Final = re.compile(rb"stream\n(.+?)\nendstream|<([0-9a-f]{4,})>", re.DOTALL)
_HEX: Final = b"0123456789abcdef"
_PASSWORDS: Final = (
    {"owner": b"x"},
    {"owner": b"x"},
    {"password": b"y", "owner": b""},
    {"password": b"y", "owner": b"x"},
)
_CHOICES: Final = (
    (rb"/V \d", (b"/V 1", b"/V 2", b"/V 4", b"/V 5")),
    (rb"/R \d", (b"/R 2", b"/R 3", b"/R 4", b"/R 5", b"/R 6")),
    (rb"/CFM /AESV\d", (b"/CFM /AESV2", b"/CFM /AESV3", b"/CFM /None ", b"/CFM /V2   ")),
    *((pattern, (said,)) for pattern, said in EDITS.values()),
)


def make_cases(chance: random.Random) -> Iterator[bytes]:
    """
    Make PDFs without end.

    Args:
        chance: What is taken for what.

    Yields:
        Files.
    """
    locks = list(LOCKS.values())
    while True:
        # Plain, so that what is damaged is drawn; of any length, up to some blocks.
        drawn = make_stream(b"0 0 %d 5 re f " % chance.randrange(99) * chance.randrange(400))
        case = make_locked_pdf(
            {**OBJECTS, 4: drawn},
            chance.choice(locks),
            root=ROOT,
            # Never both empty: then qpdf takes the owner's key, and the page the user's, which is
            # the same one if nothing is damaged.
            **chance.choice(_PASSWORDS),
            codes_metadata=chance.random() < 0.5,
        )
        for _ in range(chance.choice((0, 0, 1, 2))):
            pattern, said = chance.choice(_CHOICES)
            case = re.sub(pattern, chance.choice(said), case)
        yield _damage(case, chance)


def _damage(case: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(case)
    coded = list(_CODED.finditer(case))
    for _ in range(chance.choice((0, 1, 1, 3))):
        match = chance.choice(coded)
        is_text = match[1] is None
        at = chance.randrange(*match.span(2 if is_text else 1))
        damaged[at] = chance.choice(_HEX) if is_text else chance.randrange(256)
    return bytes(damaged)


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Compare cases until time or number is used up.

    Args:
        seeds: None are needed.
        seed: Of chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and how many of them were cleaned.

    Raises:
        AssertionError: a case differs; it was written to a file.
    """
    del seeds
    made = make_cases(random.Random(seed))
    with run_page_cleaning() as page:
        return run_cases(made, lambda case: compare(case, page), seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.pdf_locks", run, read_no_seeds, taken="cleaned")
