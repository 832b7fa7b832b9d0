"""
How fast films of a gigabyte are cleaned, in how much memory, beside reading and writing them.

Run it with `python -m tests.bench.bench_films [--keep DIR]`; it prints figures and passes no
judgement. The films are made here: their tables and the heads of their samples are real, what is
coded is holes of a sparse file. They lie in memory (`/dev/shm`), so that the disk has no say.
`phone` is of 8 minutes, `long` of two hours, `telling` of 40 minutes with an encoder's words in
each picture, near the bound of pieces. Copying all at once and with one buffer, planning and
cleaning take turns; told are of each the processor time of its best round, and the most memory that
the process had. With `--keep` they stay, for `bench_cleaning_page FILE`.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench.bench_cleaning import copy, copy_whole
from tests.films import AAC, MP42, MakeTrack, make_esds, make_sound, make_visual, sei
from tipline.cleaning.boxes import format_box, format_long_head
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.plan import write_cleaned

GIGABYTE: Final = 1024**3
FRAME: Final = b"\x01\x40\x22\x80".ljust(200, b"\0")
PICTURES_OF_A_CHUNK: Final = 15


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    A film that is made.

    Args:
        pictures: How many there are.
        frames: Of sound.
        told: What each picture has before it.
    """

    pictures: int
    frames: int
    told: bytes = b""


WAYS: Final = {
    "phone": Way(pictures=15_000, frames=23_000),
    "long": Way(pictures=180_000, frames=340_000),
    "telling": Way(pictures=60_000, frames=115_000, told=sei(5, bytes(16) + b"x264")),
}


def make_gigabyte(path: Path, way: Way) -> None:
    """
    Make a film of a gigabyte, its head first.

    Args:
        path: Where it goes.
        way: Which.
    """
    chunks = way.pictures // PICTURES_OF_A_CHUNK
    frames = way.frames // chunks
    sound_bytes = frames * len(FRAME)
    picture = GIGABYTE // way.pictures - sound_bytes // PICTURES_OF_A_CHUNK - len(way.told)
    unit = struct.pack(">I", picture - 4) + b"\x41"
    picture_bytes = len(way.told) + picture
    chunk_bytes = PICTURES_OF_A_CHUNK * picture_bytes + sound_bytes

    def format_head(base: int) -> bytes:
        places = [base + number * chunk_bytes for number in range(chunks)]
        behind = [place + PICTURES_OF_A_CHUNK * picture_bytes for place in places]
        visual = _make_track(make_visual(), b"vide", places, PICTURES_OF_A_CHUNK, picture_bytes)
        sound = _make_track(
            make_sound(b"mp4a", make_esds(config=AAC)), b"soun", behind, frames, len(FRAME)
        )
        head = struct.pack(">5I", 0, 1, 1, 1000, chunks * PICTURES_OF_A_CHUNK * 100)
        return format_box(b"moov", format_box(b"mvhd", head, bytes(80)), *(visual + sound))

    front = len(MP42) + len(format_head(0))
    media = format_long_head(b"mdat", chunks * chunk_bytes)
    with path.open("wb") as file:
        file.write(MP42 + format_head(front + len(media)) + media)
        for _ in range(chunks):
            for _ in range(PICTURES_OF_A_CHUNK):
                file.write(way.told + unit)
                file.seek(picture - len(unit), 1)
            file.write(FRAME * frames)


def _make_track(
    entry: bytes, handler: bytes, places: list[int], count: int, size: int
) -> list[bytes]:
    """Make a track whose lengths stand one by one, as if they were not the same."""
    samples = count * len(places)
    sizes = struct.pack(">3I", 0, 0, samples) + struct.pack(">I", size) * samples
    tables = [
        format_box(b"stts", struct.pack(">4I", 0, 1, samples, 100)),
        format_box(b"stsc", struct.pack(">5I", 0, 1, 1, count, 1)),
        format_box(b"stsz", sizes),
        format_box(b"stco", struct.pack(f">{2 + len(places)}I", 0, len(places), *places)),
    ]
    number = 1 if handler == b"vide" else 2
    track = MakeTrack([], entry, handler=handler, chunks=[], number=number, tables=tables)
    return [track.format([], mhlr=bytes(4))]


def plan_alone(source: Path, destination: Path) -> None:
    """Plan."""
    with source.open("rb") as read:
        print(len(plan_cleaning(read).pieces), "pieces;", end=" ")


def clean(source: Path, destination: Path) -> None:
    """Plan and write."""
    with source.open("rb") as read, destination.open("wb") as written:
        write_cleaned(plan_cleaning(read), read, written)


ACTS: Final[dict[str, Callable[[Path, Path], None]]] = {
    "copy whole": copy_whole,
    "copy": copy,
    "plan": plan_alone,
    "clean": clean,
}


def _read_seconds(line: str) -> float:
    return float(line.rpartition(" s,")[0].rpartition(" ")[2])


def main() -> None:
    """Make, measure in a process of its own for each, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_films")
    parser.add_argument("--keep", metavar="DIR", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--act", nargs=2, metavar=("ACT", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.act:
        act, source = options.act[0], Path(options.act[1])
        began_at = time.process_time()
        ACTS[act](source, source.with_suffix(".out"))
        seconds = time.process_time() - began_at
        # Not `getrusage`: that counts what the process had before it became this one.
        status = Path("/proc/self/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
        print(f"{seconds:.2f} s, {peak} MiB")
        return
    print(f"Python {platform.python_version()}, {platform.machine()}")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        folder = options.keep or Path(directory)
        for name, way in WAYS.items():
            path = folder / f"{name}.mp4"
            make_gigabyte(path, way)
            told: dict[str, list[str]] = {act: [] for act in ACTS}
            for _ in range(options.rounds):
                for act, lines in told.items():
                    command = [sys.executable, "-m", __spec__.name, "--act", act, str(path)]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)
                    lines.append(done.stdout.strip())
                    path.with_suffix(".out").unlink(missing_ok=True)
            for act, lines in told.items():
                print(f"{name}: {act}: {min(lines, key=_read_seconds)}")
            if options.keep is None:
                path.unlink()


if __name__ == "__main__":
    main()
