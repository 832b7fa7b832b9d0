"""
Feeds broken pictures to the cleaning: `python -m fuzz.cleaning [--seconds N] [--seed N] [DIR]`.

Valid pictures are damaged: bytes changed, parts cut out, doubled, or brought in from another
picture, lengths made to lie. Whatever comes of it must hold `check`: it is refused with a reason,
or cleaned so that the result is clean, and both within time. The valid pictures are the inputs of
the vectors, and the files in DIR if it is named; what reaches lines that nothing reached before is
kept for this run and damaged further.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import io
import json
import random
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from fuzz.archives import damage_member
from fuzz.mending import mend
from fuzz.running import run_cases, run_program
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import write_cleaned

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST_BYTES: Final = 1024 * 1024  # of a seed; longer ones only take time
LONGEST_SECONDS: Final = 5.0  # for one case of a megabyte, on a busy machine
MAX_KEPT: Final = 2_000
TELLING: Final = (0x00, 0x01, 0x7F, 0x80, 0xC0, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xE1, 0xFE, 0xFF)

Lines = set[tuple[str, int]]


def read_seeds(folder: Path | None) -> list[bytes]:
    """
    Read valid pictures, and some that are not.

    Args:
        folder: Of real files; None for the vectors alone.

    Returns:
        Their bytes.
    """
    seeds = [
        b"".join(bytes.fromhex(part["hex"]) * part.get("times", 1) for part in vector["input"])
        for path in sorted((ROOT / "tests" / "vectors" / "cleaning").glob("*.json"))
        for vector in json.loads(path.read_text())
    ]
    if folder is not None:
        seeds += [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return [seed for seed in seeds if 0 < len(seed) <= LONGEST_BYTES]


def damage(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """
    Damage a picture in one to four ways.

    Args:
        data: The picture.
        other: Another, from which parts may come.
        chance: Decides.

    Returns:
        What became of it.
    """
    if data.startswith(b"PK") and chance.randrange(8):
        inside = damage_member(data, other, chance, damage)
        if inside is not None:
            return inside
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        start = chance.randrange(len(changed))
        end = min(len(changed), start + chance.choice((1, 2, 4, 8, 64, 4096)))
        match chance.randrange(8):
            case 0:
                changed[start] = chance.choice(TELLING)
            case 1:
                changed[start] = chance.randrange(256)
            case 2:
                del changed[start:end]
            case 3:
                changed[start:start] = changed[start:end]
            case 4:
                place = chance.randrange(len(other))
                changed[start:start] = other[place : place + end - start]
            case 5:
                changed[start:end] = chance.choice((b"\0", b"\xff")) * (end - start)
            case 6:
                length = chance.choice((0, 1, 2, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1))
                changed[start : start + 4] = length.to_bytes(4, "big")
            case _:
                del changed[start:]
    return mend(bytes(changed)) if chance.randrange(4) else bytes(changed)


def check(data: bytes) -> bool:
    """
    Hold what holds for any bytes at all.

    Args:
        data: Untrusted.

    Returns:
        Whether it was cleaned.

    Raises:
        AssertionError: the result is not clean, or it took too long.
    """
    began_at = time.process_time()
    source, out, again = io.BytesIO(data), io.BytesIO(), io.BytesIO()
    try:
        plan = plan_cleaning(source)
    except RefusedError:
        return False
    finally:
        assert time.process_time() - began_at < LONGEST_SECONDS, "slow"
    write_cleaned(plan, source, out)
    assert len(out.getvalue()) == plan.length_bytes, "another length than planned"
    assert source.getvalue() == data, "the source was changed"
    assert plan.kinds or out.getvalue() == data, "changed without a kind"
    second = plan_cleaning(out)
    assert not second.kinds, "not clean afterwards"
    write_cleaned(second, out, again)
    assert again.getvalue() == out.getvalue(), "cleaned twice is not cleaned once"
    return True


def trace_lines(act: Callable[[], object]) -> Lines:
    """
    Note which lines of the cleaning run.

    Args:
        act: What is run.

    Returns:
        Files and lines.
    """
    lines: Lines = set()

    def trace(frame: types.FrameType, event: str, _: object) -> object:
        name = frame.f_code.co_filename
        if "/cleaning/" not in name or name == __file__:
            return None
        if event == "line":
            lines.add((name, frame.f_lineno))
        return trace

    before = sys.gettrace()  # a measuring of coverage goes on afterwards
    sys.settrace(trace)  # type: ignore[arg-type]  # a trace function is not annotated more closely
    try:
        act()
    finally:
        sys.settrace(before)
    return lines


def make_cases(seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """
    Make damaged pictures without end.

    Args:
        seeds: What is damaged; grows by what reaches new lines.
        chance: Decides.

    Yields:
        A case; the same ones for the same seed.
    """
    reached: Lines = set()
    while True:
        case = damage(chance.choice(seeds), chance.choice(seeds), chance)
        yield case
        # Tracing takes long: of one case in ten, and only of small ones.
        if len(seeds) < MAX_KEPT and 0 < len(case) < 65_536 and chance.randrange(10) == 0:
            lines = trace_lines(lambda case=case: check(case))  # type: ignore[misc]
            if not lines <= reached:
                reached |= lines
                seeds.append(case)


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
        How many cases there were, and how many of them were cleaned.

    Raises:
        AssertionError: a case does not hold; it was written to a file.
    """
    made = make_cases(list(seeds), random.Random(seed))
    return run_cases(made, check, seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.cleaning", run, read_seeds, taken="cleaned")
