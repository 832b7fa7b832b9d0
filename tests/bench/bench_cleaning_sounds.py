"""
How fast sounds are cleaned: voice notes of an hour, in Ogg and MP3.

Run it with `python -m tests.bench.bench_cleaning_sounds`; it prints figures and passes no
judgement. The sounds are made of noise in the shape of packets and frames; no decoder is asked.
Told is processor time of planning and writing, the median, and how much memory the process has
taken at most. With `--keep DIR` the files stay there, for `bench_cleaning_page DIR/FILE`.
"""

from __future__ import annotations

import argparse
import platform
import random
import resource
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench.bench_cleaning import clean, measure
from tests.sounds import BEGIN, END, MP3_ROOM_BYTES, OPUS_HEAD, OPUS_TAGS, make_mp3_frame, make_page
from tipline.cleaning.oggsums import compute_checksum

PACKET_BYTES: Final = 80  # twenty milliseconds at 32,000 bits a second
PACKETS_OF_AN_HOUR: Final = 180_000
FRAMES_OF_AN_HOUR: Final = 100_000  # of 36 milliseconds


def list_pages(packets_on_page: int) -> Iterator[bytes]:
    """List the pages of a voice note of an hour."""
    chance = random.Random(1)
    serial = b"\x12\x34\x56\x78"
    yield make_page(0, OPUS_HEAD, marks=BEGIN, serial=serial)
    yield make_page(1, OPUS_TAGS, serial=serial)
    page_len = PACKETS_OF_AN_HOUR // packets_on_page
    for number in range(page_len):
        marks = END if number == page_len - 1 else 0
        position = 960 * packets_on_page * (number + 1)
        head = b"OggS" + bytes([0, marks]) + struct.pack("<q", position) + serial
        head += (number + 2).to_bytes(4, "little")
        content = chance.randbytes(PACKET_BYTES * packets_on_page)
        rest = bytes([packets_on_page]) + bytes([PACKET_BYTES]) * packets_on_page + content
        yield head + compute_checksum(head + bytes(4) + rest).to_bytes(4, "little") + rest


def list_frames(filled_len: int) -> Iterator[bytes]:
    """List the frames of an MP3 of an hour, each so many-th of which is filled with a name."""
    chance = random.Random(2)
    for number in range(FRAMES_OF_AN_HOUR):
        sound = chance.randbytes(MP3_ROOM_BYTES - 20)
        is_filled = number % filled_len == 0
        room = sound + (b"LAME3.98r" * 2 if is_filled else bytes(20))
        yield make_mp3_frame(room, bits=(8 * len(sound), 0))


SOUNDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "second-pages.ogg": lambda: list_pages(50),
    "packet-pages.ogg": lambda: list_pages(1),
    "filled.mp3": lambda: list_frames(1),
    "half-filled.mp3": lambda: list_frames(100),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_cleaning_sounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {options.rounds} rounds")
    print("| file | MB | clean, s | memory of the process, MiB |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        for name, list_parts in SOUNDS.items():
            path = Path(directory) / name
            with path.open("wb") as file:
                file.writelines(list_parts())
            seconds = measure(clean, path, options.rounds)
            peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"| {name} | {path.stat().st_size / 1e6:.1f} | {seconds:.2f} | {peak_mib} |")
            if options.keep is not None:
                shutil.copy(path, options.keep)
            path.unlink()


if __name__ == "__main__":
    main()
