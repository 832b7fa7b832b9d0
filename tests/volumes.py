"""
File systems mounted for a test.

Only root may mount, and not in every container. Where nobody may, the test is skipped, and pytest's
closing lines say so: this is the one place of the tests where that may happen.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mount(folder: Path, *options: str) -> Iterator[None]:
    """Mount something on *folder* until the block ends."""
    folder.mkdir()
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"this machine lets no file system be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def make_ext4(image: Path, *, size_bytes: int) -> None:
    """Make an empty ext4 volume, as the system's own tool does by default."""
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert mkfs is not None
    image.touch()
    os.truncate(image, size_bytes)
    subprocess.run([mkfs, "-q", str(image)], check=True)
