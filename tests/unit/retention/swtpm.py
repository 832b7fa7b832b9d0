"""A TPM 2.0 in software, for tests: a real one for everything above it."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Swtpm:
    """
    A running TPM.

    Args:
        tcti: How tpm2-tools reach it.
    """

    tcti: str


@contextlib.contextmanager
def run_swtpm(folder: Path) -> Iterator[Swtpm]:
    """
    Run a TPM until the block ends.

    Args:
        folder: For its state; what was written there stays for a next one.

    Yields:
        The TPM.
    """
    program = shutil.which("swtpm")
    assert program is not None, "swtpm is missing: script/setup installs it"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        while True:
            port = find_ports()
            process = subprocess.Popen(
                [
                    program,
                    "socket",
                    "--tpm2",
                    "--tpmstate",
                    f"dir={folder}",
                    "--server",
                    f"type=tcp,port={port},bindaddr=127.0.0.1",
                    "--ctrl",
                    f"type=tcp,port={port + 1},bindaddr=127.0.0.1",
                    "--flags",
                    "not-need-init,startup-clear",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            if wait_until_it_answers(process, port):
                break
            process.communicate()
        stack.callback(process.communicate)
        stack.callback(process.terminate)
        yield Swtpm(tcti=f"swtpm:host=127.0.0.1,port={port}")


def find_ports() -> int:
    """Find a port that is free, and the next one too: tpm2-tools expect the pair."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the TPM listens; false if somebody else took its port."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        # The control channel: it takes more than one caller.
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port + 1), timeout=1).close()
            return True
        time.sleep(0.01)
    return False
