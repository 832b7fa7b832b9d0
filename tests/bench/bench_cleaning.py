"""
How fast files are cleaned, beside reading and writing them.

Run it with `python -m tests.bench.bench_cleaning`; it prints figures and passes no judgement.
The pictures are noise, which compresses badly: a camera's of as many pixels is smaller. Everything
lies in memory (`/dev/shm`), so that the disk has no say, or below `--in DIR`. What is compared
takes turns, round for round, and of each the best round is told, so that other work has no say
either. The last table is of the search for a marker alone, as RE2 and Python's `re` do it.
"""

from __future__ import annotations

import argparse
import math
import platform
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.jpeg import SCAN_END
from tipline.cleaning.plan import COPY_BYTES, write_cleaned
from tipline.cleaning.source import Pattern, Source

WIDTH, HEIGHT = 4000, 3000  # 12 megapixels
SAME_IN_RE = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SAVED: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 90},
    "jpeg, restarts": {"quality": 90, "restart_marker_rows": 1},
    "jpeg, progressive": {"quality": 90, "progressive": True},
    "png": {"compress_level": 1},
}


def copy_whole(source: Path, destination: Path) -> None:
    """Read all, write all: what one would write down first."""
    destination.write_bytes(source.read_bytes())


def copy(source: Path, destination: Path) -> None:
    """Read and write with one buffer that is used again: the floor."""
    buffer = memoryview(bytearray(COPY_BYTES))
    with source.open("rb") as read, destination.open("wb") as written:
        while count := read.readinto(buffer):
            written.write(buffer[:count])


def clean(source: Path, destination: Path) -> None:
    """Plan and write."""
    with source.open("rb") as read, destination.open("wb") as written:
        write_cleaned(plan_cleaning(read), read, written)


def search_by_re2(source: Path, destination: Path) -> None:
    """Read and search to the end, as the plan does; nothing is written."""
    _search(SCAN_END, source)


def search_by_re(source: Path, destination: Path) -> None:
    """The same by Python's own patterns."""
    _search(SAME_IN_RE, source)


def _search(pattern: Pattern, source: Path) -> None:
    with source.open("rb") as read:
        untrusted = Source(read)
        position = untrusted.find(pattern, 2)
        while position is not None:
            position = untrusted.find(pattern, position + 2)


def measure_in_turn(
    acts: Sequence[Callable[[Path, Path], None]], source: Path, rounds: int
) -> list[float]:
    """
    Measure several acts beside each other.

    Args:
        acts: What is measured.
        source: The file.
        rounds: How often.

    Returns:
        Of each the seconds of processor in its best round.
    """
    best = [math.inf] * len(acts)
    for _ in range(rounds):
        for number, act in enumerate(acts):
            best[number] = min(best[number], measure(act, source, 1))
    return best


def measure(act: Callable[[Path, Path], None], source: Path, rounds: int) -> float:
    """
    Measure.

    Args:
        act: What is measured.
        source: The file.
        rounds: How often.

    Returns:
        Seconds of processor, the median.
    """
    seconds = []
    for _ in range(rounds):
        destination = source.with_suffix(".out")
        began_at = time.process_time()
        act(source, destination)
        seconds.append(time.process_time() - began_at)
        destination.unlink(missing_ok=True)
    return statistics.median(seconds)


def make_pictures(folder: Path) -> dict[str, Path]:
    """
    Make pictures of 12 megapixels.

    Args:
        folder: Where they go.

    Returns:
        The files, by their names in the tables.
    """
    small = Image.frombytes("RGB", (400, 300), random.Random(1).randbytes(3 * 400 * 300))
    large = small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    noise = Image.frombytes("L", (WIDTH, HEIGHT), random.Random(2).randbytes(WIDTH * HEIGHT))
    mixed = Image.blend(large, Image.merge("RGB", [noise] * 3), 0.06)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Lumenwerk", 6
    made = {}
    for name, settings in SAVED.items():
        made[name] = folder / name.replace(", ", "-")
        mixed.save(made[name], name.split(",")[0], exif=exif, **settings)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_cleaning")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--in", dest="place", metavar="DIR", default="/dev/shm")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {options.rounds} rounds")
    print("| file | MB | read and write, ms | with one buffer, ms | clean, ms | factors |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir=options.place) as directory:
        pictures = make_pictures(Path(directory))
        for name, path in pictures.items():
            whole, floor, needed = measure_in_turn((copy_whole, copy, clean), path, options.rounds)
            times = (f"{seconds * 1e3:.1f}" for seconds in (whole, floor, needed))
            factors = f"{needed / whole:.1f}, {needed / floor:.1f}"
            cells = (name, f"{path.stat().st_size / 1e6:.1f}", *times, factors)
            print("| " + " | ".join(cells) + " |")
        print("| file | search by RE2, ms | by re, ms |")
        print("| --- | --- | --- |")
        for name in sorted(SAVED.keys() - {"png"}):
            seconds = measure_in_turn((search_by_re2, search_by_re), pictures[name], options.rounds)
            print("| " + " | ".join((name, *(f"{each * 1e3:.1f}" for each in seconds))) + " |")


if __name__ == "__main__":
    main()
