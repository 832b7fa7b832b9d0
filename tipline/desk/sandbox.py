"""
A process that opens what strangers sent, and can reach nothing.

Rules:
    1. bubblewrap makes it: namespaces of its own for network, processes, users and the rest, no
       capability; of the disk it sees the system's programs and Python, read-only, and one file.
       It needs no right of root. Where it is missing or not allowed, nothing is opened: never
       without.
    2. What runs inside looks for itself first, then gives up its rights (`tipline/rendering`).
    3. It has a time on the wall, and is killed with all that it started when that is over.
    4. What comes out is read in pieces of known length, and believed in nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import tipline
from tipline.errors import SandboxError
from tipline.rendering.answers import START, FailedError, Failure

PROGRAM: Final = "bwrap"
MODULE: Final = "tipline.rendering.inside"
TEMPORARY_BYTES: Final = 256 << 20  # /tmp inside, in memory
PIPE_BYTES: Final = 1 << 20  # as much as the kernel gives without asking
READ_BYTES: Final = 1 << 20
VIEW_SECONDS: Final = 120  # 200 pages take 10, LibreOffice up to 20
CLEAN_SECONDS: Final = 600  # a file of 4 GiB from a slow disk
_OWN_PARTS: Final = ("__init__.py", "core_dumps.py", "seccomp.py", "cleaning", "rendering")
# Below these lies what programs need; what is a link is a link inside, too.
_SYSTEM: Final = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_SETTINGS: Final = ("/etc/ld.so.cache", "/etc/fonts", "/etc/libreoffice", "/etc/alternatives")
_DEVICES: Final = ("/dev/null", "/dev/urandom")
_RUN: Final = (
    "import runpy, sys;"
    " sys.path[:0] = ['/packages/own', '/packages/libraries'];"
    " sys.argv = sys.argv[1:];"
    " runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    What is to be done in the sandbox.

    Args:
        name: `view`, `check` or `clean`.
        path: The file; nothing of it is trusted.
        limit_seconds: How long it may take.
        first: The page to begin with, from 1.
        own: The folder of the package `tipline` that is shown inside.
        module: What runs inside.
    """

    name: str
    path: Path
    limit_seconds: float
    first: int = 1
    own: Path = Path(tipline.__file__).parent
    module: str = MODULE


class Answer:
    """
    What comes out, untrusted, read before a deadline.

    Args:
        descriptor: The end of a pipe.
        limit_seconds: From now.
    """

    def __init__(self, descriptor: int, *, limit_seconds: float) -> None:
        self._descriptor = descriptor
        self._deadline = time.monotonic() + limit_seconds
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def read(self, length_bytes: int) -> bytes:
        """
        Read a part.

        Args:
            length_bytes: Exactly so many. The caller bounds it.

        Returns:
            The bytes.

        Raises:
            FailedError: it ended before, or the time is over.
        """
        return b"".join(self.read_pieces(length_bytes))

    def read_pieces(self, length_bytes: int) -> Iterator[bytes]:
        """
        Read a part, piece by piece.

        Args:
            length_bytes: Exactly so many.

        Yields:
            Pieces of at most `READ_BYTES`.

        Raises:
            FailedError: it ended before, or the time is over.
        """
        while length_bytes:
            left_seconds = self._deadline - time.monotonic()
            if left_seconds <= 0 or not self._poll.poll(left_seconds * 1000):
                raise FailedError(Failure.TOO_SLOW)
            piece = os.read(self._descriptor, min(length_bytes, READ_BYTES))
            if not piece:
                raise FailedError(Failure.DIED)
            length_bytes -= len(piece)
            yield piece


@contextlib.contextmanager
def open_sandbox(job: Job) -> Iterator[Answer]:
    """
    Do a job in a sandbox, for as long as the block lasts.

    Args:
        job: What is to be done.

    Yields:
        What comes out, behind its first line.

    Raises:
        SandboxError: `sandbox_missing` or `sandbox_impossible`: nothing was opened.
        FailedError: it ended too early, or the time is over before its first line.
    """
    process = subprocess.Popen(
        make_command(job),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        with process.stdout:
            descriptor = process.stdout.fileno()
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            answer = Answer(descriptor, limit_seconds=job.limit_seconds)
            _await_start(answer)
            yield answer
    finally:
        # All that it started dies with it: it is the first process of its namespace's parent.
        process.kill()
        process.wait()


def _await_start(answer: Answer) -> None:
    try:
        start = answer.read(len(START))
    except FailedError as exc:
        if exc.failure == Failure.DIED:
            raise SandboxError("sandbox_impossible") from exc
        raise
    if start != START:
        raise SandboxError("sandbox_impossible")


def make_command(job: Job) -> list[str]:
    """
    Write down the sandbox and what runs in it.

    Args:
        job: What is to be done.

    Returns:
        The command.

    Raises:
        SandboxError: `sandbox_missing`: this machine has no bubblewrap.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise SandboxError("sandbox_missing")
    return [
        program,
        *("--unshare-all", "--unshare-user", "--disable-userns"),
        *("--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--clearenv"),
        *("--setenv", "HOME", "/tmp", "--setenv", "LC_ALL", "C.UTF-8"),  # noqa: S108  # its own
        *_show_system(),
        *_show_python(job.own),
        *("--ro-bind", str(job.path.resolve()), "/input/file"),
        *("--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp"),  # noqa: S108  # its own
        *("--remount-ro", "/", "--chdir", "/"),
        *(_find_python(), "-I", "-S", "-X", "frozen_modules=on", "-c", _RUN),
        *(job.module, job.name, str(job.first)),
    ]


def _show_system() -> list[str]:
    shown = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        place = Path("/", name)
        if place.is_symlink():
            shown += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            shown += ["--ro-bind", str(place), str(place)]
    for setting in _SETTINGS:
        shown += ["--ro-bind-try", setting, setting]
    for device in _DEVICES:
        shown += ["--dev-bind", device, device]
    return shown


def _show_python(own: Path) -> list[str]:
    shown = []
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        shown += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    for part in _OWN_PARTS:
        shown += ["--ro-bind", str(own / part), f"/packages/own/tipline/{part}"]
    return [*shown, "--ro-bind", str(_find_libraries()), "/packages/libraries"]


def _find_libraries() -> Path:
    """Find the folder into which Pillow and the other decoders were installed."""
    found = find_spec("PIL")
    if found is None or found.origin is None:
        raise SandboxError("sandbox_libraries")
    return Path(found.origin).parent.parent


def _find_python() -> str:
    # In a virtual environment, the Python that it was made of: the environment is not inside.
    return str(Path(sys.executable).resolve())
