"""Make the library that counts steps, and run a driver under it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIBRARY_NAME = "steps.so"
# What strace must count as the library does.
COUNTED_CALLS = (
    "write,pwrite64,writev,fsync,fdatasync,ftruncate,truncate,fallocate,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,utimensat"
)


def build(folder: Path) -> Path:
    """Compile the library."""
    library = folder / LIBRARY_NAME
    source = HERE / "steps.c"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"]
    subprocess.run([str(part) for part in command], check=True)
    return library


def run_driver(
    library: Path, module: str, *arguments: str, tracer: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a module of this folder with the library loaded."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*tracer, sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def fast_folder() -> str | None:
    """Where syncs cost nothing: SIGKILL takes nothing out of the kernel's memory."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def make_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in which the lines of a test lie."""
    return tempfile.TemporaryDirectory(prefix="steps-", dir=fast_folder())


def arm(kill_at: int) -> None:
    """Begin to count, in a process that runs with the library; 0 kills nothing."""
    ctypes.CDLL(None).steps_arm(ctypes.c_long(kill_at))


def counted() -> int:
    """Tell how many steps were counted."""
    function = ctypes.CDLL(None).steps_counted
    function.restype = ctypes.c_long
    return int(function())
