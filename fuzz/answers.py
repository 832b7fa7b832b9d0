"""
Feeds broken answers of a sandbox to the desk: `python -m fuzz.answers [--seconds N] [--seed N]`.

The sandbox is believed in nothing: whoever took it over writes what he likes. So whatever comes,
the desk shows pages within the bounds or says that it cannot, and what it writes are PNGs of their
own size and cleaned copies of the length that was told. Here `cat` stands in the sandbox's place,
and gives out what a case says.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from unittest import mock

from PIL import Image

from fuzz.cleaning import damage
from fuzz.running import Check, run_cases, run_program
from tipline.cleaning.plan import Format, Kind
from tipline.desk import judging, viewing
from tipline.desk.sandbox import Job
from tipline.errors import SandboxError
from tipline.rendering.answers import (
    BROKEN_PAGE,
    CLEANING,
    COUNT,
    DATA,
    END,
    FAILURE,
    LENGTH,
    MAX_PAGES,
    MAX_TOTAL_PIXELS,
    START,
    Failure,
    format_page_head,
    format_word,
)

LONGEST_SECONDS: Final = 5.0
_MEMORY: Final = Path("/dev/shm")  # only so that the disk has no say in the speed


def read_seeds(folder: Path | None) -> list[bytes]:
    """
    Make answers as a sandbox gives them.

    Args:
        folder: Of further ones, without their first line.

    Returns:
        Their bytes, without the first line.
    """
    page = format_page_head(3, 2) + bytes(range(18))
    cleaning = CLEANING + format_word(Format.JPEG) + format_word(f"{Kind.PLACE},{Kind.TIME}")
    seeds = [
        page + END + COUNT.pack(1),
        page,
        page + BROKEN_PAGE + page + page + END + COUNT.pack(4),
        page + FAILURE + format_word(Failure.TOO_LARGE),
        format_page_head(600, 400) + bytes(720_000) + END + COUNT.pack(1),
        (BROKEN_PAGE * MAX_PAGES) + END + COUNT.pack(MAX_PAGES + 1),
        cleaning + END + COUNT.pack(0),
        cleaning + DATA + LENGTH.pack(5) + b"clean" + END + COUNT.pack(0),
        *(FAILURE + format_word(failure) for failure in Failure),
    ]
    if folder is not None:
        seeds += [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]
    return seeds


def make_cases(seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """
    Make damaged answers without end.

    Args:
        seeds: What is damaged.
        chance: Decides.

    Yields:
        A case; the same ones for the same seed.
    """
    while True:
        case = chance.choice(seeds)
        if chance.randrange(2):
            case = b"".join(chance.choice(seeds) for _ in range(chance.randint(1, 3)))
        if chance.randrange(4):
            case = damage(case, chance.choice(seeds), chance)
        yield START + case if chance.randrange(16) else case


def check_view(case: Path, out: Path) -> bool:
    """
    Hold what holds for a view, whatever the sandbox says.

    Args:
        case: What it says.
        out: A directory that is not there yet.

    Returns:
        Whether a page was shown.

    Raises:
        AssertionError: it does not hold.
    """
    try:
        view = viewing.view_file(case, out, limit_seconds=LONGEST_SECONDS)
    except SandboxError:
        assert not case.read_bytes().startswith(START), "a sandbox was taken for none"
        assert not out.exists(), "written, and nothing was opened"
        return False
    written = sorted(out.iterdir()) if out.exists() else []
    assert written == sorted(view.pages), "other files than pages"
    assert len(written) + view.broken_len <= MAX_PAGES, "too many pages"
    pixels = 0
    for page in written:
        if page.suffix == ".png":
            with Image.open(page) as image:
                image.load()
                pixels += image.width * image.height
                assert (image.mode, image.info) == ("RGB", {}), "a picture that tells something"
    assert pixels <= MAX_TOTAL_PIXELS, "too many pixels"
    assert not view.is_whole or view.broken_len == 0, "whole, and a page is missing"
    return bool(view.pages)


def check_judgement(case: Path, out: Path) -> bool:
    """
    Hold what holds for a cleaned copy, whatever the sandbox says.

    Args:
        case: What it says.
        out: A directory that is not there yet.

    Returns:
        Whether there is a copy.

    Raises:
        AssertionError: it does not hold.
    """
    out.mkdir()
    try:
        judgement, copy = judging.clean(case.parent, case.name, out, claim=None)
    except SandboxError:
        assert not case.read_bytes().startswith(START), "a sandbox was taken for none"
        judgement, copy = None, None
    written = [path for path in out.rglob("*") if path.is_file()]
    assert written == ([] if copy is None else [copy]), "other files than the copy"
    if judgement is None or copy is None:
        return False
    assert judgement.format is not None, "a copy of what was refused"
    assert copy.read_bytes() in case.read_bytes(), "a copy of something else"
    return True


@contextlib.contextmanager
def stand_in() -> Iterator[Check]:
    """
    Let `cat` stand in the sandbox's place, for as long as the block lasts.

    Yields:
        What checks a case, and says whether something was shown or copied.
    """
    place = _MEMORY if _MEMORY.is_dir() else None

    def make_command(job: Job) -> list[str]:
        return ["cat", str(job.path)]

    def check(data: bytes) -> bool:
        began_at = time.monotonic()
        acts: tuple[Callable[[Path, Path], bool], ...] = (check_view, check_judgement)
        with tempfile.TemporaryDirectory(dir=place) as directory:
            case = Path(directory, "case")
            case.write_bytes(data)
            done = [act(case, Path(directory, f"out-{i}")) for i, act in enumerate(acts)]
        assert time.monotonic() - began_at < LONGEST_SECONDS, "slow"
        return any(done)

    with mock.patch("tipline.desk.sandbox.make_command", make_command):
        yield check


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Check cases until time or number is used up.

    Args:
        seeds: What is damaged.
        seed: Of chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and of how many something was shown or copied.

    Raises:
        AssertionError: a case does not hold; it was written to a file.
    """
    made = make_cases(seeds, random.Random(seed))
    with stand_in() as check:
        return run_cases(made, check, seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.answers", run, read_seeds, taken="shown or copied")
