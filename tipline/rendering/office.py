"""
Office documents as PDF, by LibreOffice, if the machine has it.

It runs in the same sandbox as a child that can start no process and make no socket. Macros do not
run: nobody is there to allow them, and the profile is empty.
"""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import Final

from tipline.rendering.answers import FailedError, Failure
from tipline.seccomp import refuse_processes

PROGRAM: Final = Path("/usr/lib/libreoffice/program/soffice.bin")
PLACE: Final = Path("/tmp")  # noqa: S108  # of the sandbox, in its memory, gone with it
RESTART_EXIT_CODE: Final = 81  # it made its profile, and asks to be started again
MAX_STARTS: Final = 3
SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")


def convert_office(untrusted: Path) -> io.BufferedReader:
    """
    Make a PDF of an office document.

    Args:
        untrusted: The document, which is only read.

    Returns:
        The PDF, as untrusted as the document.

    Raises:
        FailedError: LibreOffice is not installed, or makes nothing of it.
    """
    if not PROGRAM.exists():
        raise FailedError(Failure.NO_OFFICE)
    for _ in range(MAX_STARTS):
        done = subprocess.run(
            [
                str(PROGRAM),
                f"-env:UserInstallation=file://{PLACE}/profile",
                "--headless",
                "--norestore",
                "--nolockcheck",
                "--convert-to",
                "pdf",
                "--outdir",
                str(PLACE),
                str(untrusted),
            ],
            # Its libraries find each other by /proc, which is not here.
            env={**os.environ, "LD_LIBRARY_PATH": str(PROGRAM.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=refuse_processes,
            check=False,
        )
        if done.returncode != RESTART_EXIT_CODE:
            break
    made = PLACE / f"{untrusted.stem}.pdf"
    if not made.is_file():
        raise FailedError(Failure.UNREADABLE)
    return made.open("rb")
