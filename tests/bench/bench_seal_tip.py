"""
How fast a tip with a large attachment is sealed, opened, and opened into a vault.

Run it with `python -m tests.bench.bench_seal_tip`; it prints figures and passes no judgement.
Everything lies in memory (`/dev/shm`), so that the disk has no say. Each measurement is a process
of its own, because the peak of memory is a process's.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from crypto.age.file import open_
from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START, IndexEntry, format_index, format_trailer
from crypto.envelope import AttachedFile, seal_tip
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from crypto.payload import read_tip_payload
from crypto.secret import Secret
from crypto.tip import Tip
from tests.bench.bench_age import (
    MIB,
    Drop,
    Seconds,
    _format,
    _read_peak_mib,
    _read_processor,
    _time,
)
from tipline.desk.opening import open_bundle
from tipline.desk.vault import Vault

DAY = datetime.date(2026, 11, 21)
IDENTITIES = [HybridIdentity(Secret(bytes([number]) * 32)) for number in range(8)]
ROOT = Signer(name="tipline-root", seed=Secret(bytes(32)))
SERVICE = Signer(name="tipline-service", seed=Secret(bytes(32)))


def seal_into(directory: Path, destination: object) -> int:
    """Seal the file as a tip's attachment."""
    with (directory / "plain").open("rb") as source:
        return seal_tip(
            destination,  # type: ignore[arg-type]  # whatever takes bytes
            tip=Tip(text="a"),
            files=[
                AttachedFile(
                    extension="bin",
                    size_bytes=(directory / "plain").stat().st_size,
                    source=source,
                    name="plain",
                    media_type="application/octet-stream",
                )
            ],
            recipients=[identity.recipient() for identity in IDENTITIES],
        )


def measure_seal(directory: Path) -> Seconds:
    """Seal the tip into a file."""
    with (directory / "sealed").open("wb", buffering=0) as sealed:
        return _time(lambda: seal_into(directory, sealed))


def measure_seal_dropped(directory: Path) -> Seconds:
    """Seal the tip and keep nothing."""
    return _time(lambda: seal_into(directory, Drop()))


def measure_open(directory: Path) -> Seconds:
    """Open the tip into a payload and judge it."""

    def run() -> None:
        with (
            (directory / "sealed").open("rb") as source,
            (directory / "payload.tar").open("w+b", buffering=0) as payload,
        ):
            open_(source, payload, identities=[IDENTITIES[7]])
            read_tip_payload(payload)

    return _time(run)


def measure_vault(directory: Path) -> Seconds:
    """Open a bundle with that one tip into a vault: hash, open, judge, unpack, sync."""
    shutil.rmtree(directory / "vault", ignore_errors=True)
    vault = Vault.init(directory / "vault", root=ROOT.verifier())

    def run() -> None:
        with (directory / "bundle").open("rb") as bundle:
            outcome = open_bundle(bundle, vault=vault, identities=IDENTITIES[7:], today=DAY)
        if outcome.ids("opened") != ["0" * 32]:
            raise RuntimeError(str(outcome))

    return _time(run)


def make_bundle(directory: Path) -> None:
    """Put the sealed tip into a bundle, as the service does."""
    readers = tuple(
        Reader(id=f"r{n}", name="R", unit="U", since_on=DAY, recipient=identity.recipient())
        for n, identity in enumerate(IDENTITIES)
    )
    entries = tuple(
        ChannelReader(reader=reader.id, from_on=DAY, until_on=None, optional=False)
        for reader in readers
    )
    names = dict.fromkeys(("en", "es", "pt"), "C")
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY,
        service=SERVICE.verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=readers,
        channels=(Channel(id="c", names=names, categories=(), readers=entries),),
    )
    keyset = sign_keyset(draft, signer=ROOT, today=DAY)
    sealed = directory / "sealed"
    with sealed.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    entry = IndexEntry(
        id="0" * 32,
        arrived_on=DAY,
        dies_on=DAY,
        channel="c",
        size_bytes=sealed.stat().st_size,
        sealed_by_service=False,
        keyset=1,
        offset=len(START),
        sha256=sha256,
    )
    index = format_index([entry], made_on=DAY, keyset_note=keyset, signer=SERVICE)
    with (directory / "bundle").open("wb") as bundle, sealed.open("rb") as file:
        bundle.write(START)
        shutil.copyfileobj(file, bundle, MIB)
        bundle.write(index + format_trailer(len(index)))


MEASUREMENTS: dict[str, Callable[[Path], Seconds]] = {
    "seal": measure_seal,
    "seal-dropped": measure_seal_dropped,
    "open": measure_open,
    "vault": measure_vault,
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
        seconds, processor_seconds = MEASUREMENTS[options.measure](options.directory)
        print(seconds, processor_seconds, _read_peak_mib())
        return 0
    with contextlib.ExitStack() as stack:
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
        with (directory / "plain").open("wb") as file:
            for _ in range(options.size_mib):
                file.write(secrets.token_bytes(MIB))
        print(f"{platform.machine()}, {_read_processor()}, {os.cpu_count()} cores")
        print(f"{options.size_mib} MiB attached, median of {options.rounds} [lowest..highest]")
        print()
        print("| what | MiB/s | MiB per processor second | peak RSS MiB |")
        print("| --- | --- | --- | --- |")
        for name in MEASUREMENTS:
            if name == "vault":
                make_bundle(directory)
                for done in ("sealed", "payload.tar"):
                    (directory / done).unlink()
            _print_row(name, directory, options)
        unpacked = directory / "vault" / "tips" / ("0" * 32) / "files" / "01.bin"
        with unpacked.open("rb") as opened, (directory / "plain").open("rb") as plain:
            same = hashlib.file_digest(opened, "sha256").digest()
            if same != hashlib.file_digest(plain, "sha256").digest():
                print("what was opened is not what was sealed", file=sys.stderr)
                return 1
    return 0


def _print_row(name: str, directory: Path, options: argparse.Namespace) -> None:
    rates, processor_rates, peaks = [], [], []
    for _ in range(options.rounds):
        command = [sys.executable, "-m", "tests.bench.bench_seal_tip", "--measure", name]
        command += ["--directory", str(directory)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, processor_seconds, peak = (float(word) for word in output.split())
        rates.append(options.size_mib / seconds)
        processor_rates.append(options.size_mib / processor_seconds)
        peaks.append(peak)
    print(f"| {name} | {_format(rates)} | {_format(processor_rates)} | {max(peaks):.0f} |")


if __name__ == "__main__":
    sys.exit(main())
