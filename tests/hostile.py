"""
A sandbox whose inside is in an attacker's hands: what runs there is written by the test.

It is the real sandbox, with the real command, limits and filter: only the module that would open
the file is another one.
"""

from __future__ import annotations

import secrets
import shutil
import textwrap
from pathlib import Path

import tipline
from tipline.desk.sandbox import Job

# What an attacker begins with: the rights that are left when the first byte of the file is read.
TAKEN_OVER = """
import os, sys
from tipline.rendering.answers import *
from tipline.rendering.lockdown import limit, lock_down
"""
# Before anything was given up: what the walls of the sandbox hold by themselves.
FROM_THE_START = "os.write(1, START)\n"
AFTER_THE_LOCK = "lock_down(); os.write(1, START)\n"


def write_hostile(directory: Path, body: str, *, locked: bool, limit_seconds: float = 20) -> Job:
    """
    Put an attacker's code into the place of ours.

    Args:
        directory: For the code, and for the file that is shown.
        body: What runs there.
        locked: Whether it runs after the rights were given up.
        limit_seconds: How long it may take.

    Returns:
        The job.
    """
    ours = Path(tipline.__file__).parent
    own = directory / "own"
    directory.mkdir(exist_ok=True)
    shutil.copytree(ours / "cleaning", own / "cleaning")
    shutil.copytree(ours / "rendering", own / "rendering")
    for part in ("__init__.py", "core_dumps.py", "seccomp.py"):
        shutil.copyfile(ours / part, own / part)
    start = AFTER_THE_LOCK if locked else FROM_THE_START
    name = f"hostile_{secrets.token_hex(4)}"  # by it a test knows its own processes
    (own / "rendering" / f"{name}.py").write_text(TAKEN_OVER + start + textwrap.dedent(body))
    shown = directory / "shown"
    shown.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    return Job(
        name="view",
        path=shown,
        limit_seconds=limit_seconds,
        own=own,
        module=f"tipline.rendering.{name}",
    )
