"""
Runs a fuzzing until its time or its number is used up, and keeps what it found.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

Check = Callable[[bytes], bool]


class Run(Protocol):
    """A fuzzing."""

    def __call__(self, seeds: list[bytes], *, seed: int, seconds: float) -> tuple[int, int]:
        """Fuzz; say how many cases there were, and how many were taken."""
        ...


def read_no_seeds(_: Path | None) -> list[bytes]:
    """
    Read nothing, where all cases are made.

    Args:
        _: Not looked into.

    Returns:
        Nothing.
    """
    return []


def run_cases(
    cases: Iterable[bytes], check: Check, *, seconds: float, count: float
) -> tuple[int, int]:
    """
    Check cases until time or number is used up.

    Args:
        cases: Without end.
        check: Holds what holds for any of them, and says whether it was taken.
        seconds: At most so long.
        count: At most so many.

    Returns:
        How many cases there were, and how many of them were taken.

    Raises:
        AssertionError: a case does not hold; it was written to a file.
    """
    ends_at = time.monotonic() + seconds
    checked = taken = 0
    for case in cases:
        try:
            taken += check(case)
        except BaseException:
            Path(f"finding-{hashlib.sha256(case).hexdigest()[:16]}").write_bytes(case)
            raise
        checked += 1
        if checked >= count or time.monotonic() > ends_at:
            break
    return checked, taken


def run_program(
    program: str, run: Run, read_seeds: Callable[[Path | None], list[bytes]], *, taken: str
) -> None:
    """
    Fuzz as the command line says, and tell how much.

    Args:
        program: Its name.
        run: Fuzzes.
        read_seeds: Reads what is damaged; from a folder, too, if one is named.
        taken: The word for what was not refused.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    seeds = read_seeds(options.folder)
    count, taken_len = run(seeds, seed=options.seed, seconds=options.seconds)
    print(
        f"{count} cases from {len(seeds)} seeds, {taken_len} {taken}, {count - taken_len} refused"
    )
