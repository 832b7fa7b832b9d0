"""
How fast a long log is verified, from its first entry and from where the last time ended.

    python -m tests.bench.bench_audit [ENTRIES]

Prints seconds, those of them on a core, entries a second and the verifier's peak memory; the
verifier is a process of its own, as an auditor starts it. The log lies in a temporary directory.
Above the table stands how busy the machine was: the seconds on a core tell little of that.
"""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crypto.note import Signer
from crypto.secret import Secret
from retention.log.checkpoint import make_log_name
from tests.bench.long_log import write_long_log

ENTRIES = 1_000_000
NEW_ENTRIES = 1_000
BEGUN_ON = datetime.date(2020, 1, 1)
ROOT = Signer(name="tipline-root", seed=Secret(b"\x01" * 32)).verifier()
LOG = Signer(name=make_log_name(ROOT), seed=Secret(b"\x02" * 32))


def measure(directory: Path, *options: str) -> tuple[float, float, int, dict[str, object]]:
    """Verify once: seconds, those on a core, peak memory in bytes, verdict."""
    command = [
        sys.executable, "-m", "tipline", "audit", "verify", str(directory),
        "--key", LOG.verifier().format(), "--today", "9999-01-01", "--json", *options,
    ]  # fmt: skip
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    said = process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    core_seconds = usage.ru_utime + usage.ru_stime
    return time.monotonic() - start, core_seconds, usage.ru_maxrss << 10, json.loads(said)


def make(directory: Path, size: int) -> None:
    """Write the log."""
    write_long_log(directory, size, log=LOG, root=ROOT.format(), begun_on=BEGUN_ON)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        kept = directory / "kept"
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        print("| what | entries read | seconds | on a core | entries a second | peak RSS MiB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for what, size in (("all of it", count), ("what is new", count + NEW_ENTRIES)):
            log = directory / "log"
            # In a process of its own: a child's peak begins with what its parent held.
            maker = multiprocessing.get_context("spawn").Process(target=make, args=(log, size))
            maker.start()
            maker.join()
            seconds, core_seconds, peak, verdict = measure(log, "--keep", str(kept))
            kinds = {finding["kind"] for finding in verdict["findings"]}  # type: ignore[attr-defined]
            # To be judged as in the year 9999: long silent, and what is new was made afterwards.
            assert kinds == {"stale"} | ({"back_dated"} if size > count else set()), kinds
            read = int(str(verdict["read"]))
            speed, peak_mib = read / seconds, peak / 2**20
            spent = f"{seconds:.1f} | {core_seconds:.1f}"
            print(f"| {what} | {read:,} | {spent} | {speed:,.0f} | {peak_mib:.0f} |")


if __name__ == "__main__":
    main()
