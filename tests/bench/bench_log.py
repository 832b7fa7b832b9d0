"""
What it costs to append a day's batch to the log, beyond the sync of the disk.

Run it with `python -m tests.bench.bench_log [--directory DIR] [--entries N]`; it prints figures and
passes no judgement. In memory (/dev/shm) a sync costs nothing: what is measured there is the cost
beyond it. With `--long DIR` it writes a good log of N entries there, as it is served, for whoever
measures a verifier.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

from crypto.note import Signer
from retention.log.checkpoint import make_log_name
from retention.log.entry import decode_entry
from tests.bench.long_log import DAY_ENTRIES, list_entries, write_long_log
from tipline.log_store import LogStore

BEGUN_ON = datetime.date(2000, 1, 1)
BATCHES = 200


def measure_sync(directory: Path) -> float:
    """Time a write and a sync of a page, in milliseconds."""
    path = directory / "sync"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    times = []
    for _ in range(50):
        os.pwrite(descriptor, os.urandom(4096), 0)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        times.append((time.perf_counter() - began) * 1000)
    os.close(descriptor)
    path.unlink()
    return statistics.median(times)


def measure_append(directory: Path, *, log: Signer, root: str, held: int) -> list[float]:
    """Time batches of one day each, on a log that holds so many entries."""
    count = held + BATCHES * DAY_ENTRIES
    entries = [
        decode_entry(entry) for entry in list_entries(count, log=log, root=root, begun_on=BEGUN_ON)
    ]
    days = [list(batch) for _, batch in itertools.groupby(entries, key=lambda entry: entry.day)]
    store = LogStore(
        directory,
        verifier=log.verifier(),
        today=lambda: BEGUN_ON,
        mark_folder=directory / "slots",
    )
    with contextlib.closing(store):
        before = [entry for day in days[:-BATCHES] for entry in day]
        store.append_batch(before, day=before[-1].day, signer=log)
        times = []
        for day in days[-BATCHES:]:
            began = time.perf_counter()
            store.append_batch(day, day=day[0].day, signer=log)
            times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    """Measure in memory and on the disk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"))  # a disk
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--long", type=Path)
    options = parser.parse_args()
    root = Signer.generate("tipline-root").verifier()
    log = Signer.generate(make_log_name(root))
    if options.long is not None:
        began = time.perf_counter()
        checkpoint = write_long_log(
            options.long, options.entries, log=log, root=root.format(), begun_on=BEGUN_ON
        )
        print(f"{checkpoint.size} entries in {time.perf_counter() - began:.1f} s")
        print(f"key: {log.verifier().format()}")
        return
    for place in (Path("/dev/shm"), options.directory):
        with tempfile.TemporaryDirectory(dir=place) as name:
            directory = Path(name)
            sync = measure_sync(directory)
            times = measure_append(directory, log=log, root=root.format(), held=options.entries)
        print(
            f"{place}: a batch of {DAY_ENTRIES} entries after {options.entries}:"
            f" median {statistics.median(times):.2f} ms,"
            f" p99 {statistics.quantiles(times, n=100)[98]:.2f} ms; a bare sync {sync:.2f} ms"
        )


if __name__ == "__main__":
    main()
