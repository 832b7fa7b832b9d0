"""
How fast age in Python seals and opens, beside what its AEAD alone allows.

Run it with `python -m tests.bench.bench_age`; it prints figures and passes no judgement.
The input is cached and everything lies in memory (`/dev/shm`), so that the disk has no say.
Each measurement is a process of its own, because the peak of memory is a process's.
The rate per processor second is the one to compare where others share the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cryptography
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.armor import ArmorWriter, open_armor
from crypto.age.file import open_, seal
from crypto.age.hybrid import HybridIdentity
from crypto.age.stream import CHUNK_BYTES, TAG_BYTES
from crypto.secret import Secret

MIB = 1024 * 1024
Seconds = tuple[float, float]  # on the clock, and of the processor
IDENTITY = HybridIdentity(Secret(bytes(range(32))))


def measure_seal(directory: Path, _size_mib: int) -> Seconds:
    """Seal the plaintext to eight recipients."""
    recipients = [IDENTITY.recipient()] * 8
    with (directory / "plain").open("rb") as source, (directory / "sealed").open("wb") as sealed:
        return _time(lambda: seal(source, sealed, recipients=recipients))


def measure_open(directory: Path, _size_mib: int) -> Seconds:
    """Open what was sealed."""
    with (directory / "sealed").open("rb") as source, (directory / "opened").open("wb") as opened:
        return _time(lambda: open_(source, opened, identities=[IDENTITY]))


class Drop:
    """Takes bytes and keeps none, so that a file system has no say."""

    def write(self, value: bytes | memoryview, /) -> int:
        """Take bytes."""
        return len(value)


def measure_seal_dropped(directory: Path, _size_mib: int) -> Seconds:
    """Seal the plaintext to eight recipients and keep nothing."""
    recipients = [IDENTITY.recipient()] * 8
    with (directory / "plain").open("rb") as source:
        return _time(lambda: seal(source, Drop(), recipients=recipients))


def measure_open_dropped(directory: Path, _size_mib: int) -> Seconds:
    """Open what was sealed and keep nothing."""
    with (directory / "sealed").open("rb") as source:
        return _time(lambda: open_(source, Drop(), identities=[IDENTITY]))


def measure_seal_armored(directory: Path, _size_mib: int) -> Seconds:
    """Seal into armor."""
    with (directory / "plain").open("rb") as source, (directory / "armored").open("wb") as text:
        armor = ArmorWriter(text)
        seconds = _time(lambda: seal(source, armor, recipients=[IDENTITY.recipient()]))
        armor.close()
    return seconds


def measure_open_armored(directory: Path, _size_mib: int) -> Seconds:
    """Open from armor."""
    with (directory / "armored").open("rb") as text, (directory / "opened").open("wb") as opened:
        return _time(lambda: open_(open_armor(text), opened, identities=[IDENTITY]))


def measure_aead(_directory: Path, size_mib: int) -> Seconds:
    """Seal one chunk again and again, in place: the ceiling."""
    aead = ChaCha20Poly1305(bytes(32))
    chunk = memoryview(bytearray(CHUNK_BYTES))
    sealed = bytearray(CHUNK_BYTES + TAG_BYTES)

    def run() -> None:
        for counter in range(size_mib * MIB // CHUNK_BYTES):
            aead.encrypt_into(counter.to_bytes(12, "big"), chunk, None, sealed)

    return _time(run)


def measure_copy(directory: Path, _size_mib: int) -> Seconds:
    """Copy the plaintext in slices of 1 MiB, with no sealing at all."""
    buffer = memoryview(bytearray(MIB))
    with (
        (directory / "plain").open("rb", buffering=0) as source,
        (directory / "copy").open("wb", buffering=0) as copy,
    ):

        def run() -> None:
            while read_len := source.readinto(buffer):
                copy.write(buffer[:read_len])

        return _time(run)


MEASUREMENTS: dict[str, Callable[[Path, int], Seconds]] = {
    "aead": measure_aead,
    "copy": measure_copy,
    "seal": measure_seal,
    "open": measure_open,
    "seal-dropped": measure_seal_dropped,
    "open-dropped": measure_open_dropped,
    "seal-armored": measure_seal_armored,
    "open-armored": measure_open_armored,
}

MADE = {
    "copy": ("copy",),
    "seal": ("sealed",),
    "open": ("opened",),
    "seal-armored": ("armored",),
    "open-armored": ("opened",),
}


def main() -> int:
    """Measure everything and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        seconds, processor_seconds = MEASUREMENTS[options.measure](
            options.directory, options.size_mib
        )
        print(seconds, processor_seconds, _read_peak_mib())
        return 0
    with contextlib.ExitStack() as stack:
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
        with (directory / "plain").open("wb") as file:
            for _ in range(options.size_mib):
                file.write(secrets.token_bytes(MIB))
        print(f"{platform.machine()}, {_read_processor()}, {os.cpu_count()} cores")
        print(f"Python {platform.python_version()}, cryptography {cryptography.__version__}")
        print(f"{options.size_mib} MiB in {memory or tempfile.gettempdir()}, one process each,")
        print(f"median of {options.rounds} [lowest..highest]")
        print()
        print("| what | MiB/s | MiB per processor second | peak RSS MiB |")
        print("| --- | --- | --- | --- |")
        for name in MEASUREMENTS:
            _print_row(name, directory, options)
        if (directory / "opened").read_bytes() != (directory / "plain").read_bytes():
            print("what was opened is not what was sealed", file=sys.stderr)
            return 1
    return 0


def _print_row(name: str, directory: Path, options: argparse.Namespace) -> None:
    rates, processor_rates, peaks = [], [], []
    for _ in range(options.rounds):
        # Every round writes new files: to overwrite pages is cheaper than to get them.
        for made in MADE.get(name, ()):
            (directory / made).unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.bench.bench_age", "--measure", name]
        command += ["--directory", str(directory), "--size-mib", str(options.size_mib)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, processor_seconds, peak = (float(word) for word in output.split())
        rates.append(options.size_mib / seconds)
        processor_rates.append(options.size_mib / processor_seconds)
        peaks.append(peak)
    print(f"| {name} | {_format(rates)} | {_format(processor_rates)} | {max(peaks):.0f} |")


def _format(rates: list[float]) -> str:
    return f"{statistics.median(rates):.0f} [{min(rates):.0f}..{max(rates):.0f}]"


def _time(run: Callable[[], None]) -> Seconds:
    start, processor_start = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - start, time.process_time() - processor_start


def _read_peak_mib() -> float:
    # Not getrusage: its peak includes the parent's memory from before the exec.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM")


def _read_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
