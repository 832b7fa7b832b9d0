"""
What the slot file costs: a put, a start, and the destruction of 10,000 slots.

Run it with `python -m tests.bench.bench_slots [--directory DIR] [--records N]`; it prints figures
and passes no judgement. A million records need 5 GB.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crypto.secret import Secret
from retention.slot import SlotKind
from retention.slot_file import SlotFile

DYING = 10_000


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print how long the block took."""
    begun = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - begun:.2f} s")


def measure(path: Path, records: int) -> None:
    """Put, open and destroy."""
    SlotFile.create(path)
    file = SlotFile(path)
    file.reconcile([])
    named: list[tuple[int, SlotKind, bytes]] = []
    longest = 0.0
    with told(f"put {records} records"):
        for _ in range(records):
            label, secret = os.urandom(16), Secret(os.urandom(32))
            begun = time.perf_counter()
            named.append((file.put(SlotKind.RECORD, label, secret), SlotKind.RECORD, label))
            longest = max(longest, time.perf_counter() - begun)
        file.sync()
    print(f"the longest put, which waits for the file to grow: {longest * 1000:.0f} ms")
    print(f"the file: {path.stat().st_size >> 20} MiB")
    file.close()
    with told("open"):
        file = SlotFile(path)
    with told("learn which slots are used"):
        file.reconcile(slot for slot, _, _ in named)
    dying = random.sample(named, min(DYING, records))
    with told(f"destroy {len(dying)} of {records}"):
        file.destroy(dying)
    file.close()


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        measure(Path(folder) / "slots", options.records)


if __name__ == "__main__":
    main()
