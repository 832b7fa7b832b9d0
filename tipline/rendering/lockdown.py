"""
Giving up every right, before anything of a stranger's is read.

Limits hold for this process and what it starts; the filter of system calls for good.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from typing import Final

from tipline.core_dumps import forbid_core_dumps
from tipline.seccomp import allow_computing

MEMORY_BYTES: Final = 2 << 30  # a picture of 150 megapixels, twice
CPU_SECONDS: Final = 300  # the clock on the wall, outside, is stricter
FILE_BYTES: Final = 256 << 20  # the largest that is written into the sandbox's memory
DESCRIPTORS: Final = 256
THREADS: Final = 64

# What the root directory of the sandbox holds; on a machine it holds more.
PLACES: Final = frozenset(
    {"bin", "dev", "etc", "input", "lib", "lib32", "lib64", "libx32", "packages", "sbin", "tmp"}
    | {"usr"}
)


class NoSandboxError(Exception):
    """This process does not stand in a sandbox."""


def check_sandbox(*, prefix: str) -> None:
    """
    Look whether this process stands in a sandbox: a program that only pretends to make one is found
    out here.

    Args:
        prefix: Where Python itself lies.

    Raises:
        NoSandboxError: there is a network, another process, or more of the disk than belongs here.
    """
    own = prefix.split("/")[1]
    if set(os.listdir("/")) - PLACES - {own}:  # noqa: PTH208  # names, not paths
        raise NoSandboxError("disk")
    if {name for _, name in socket.if_nameindex()} - {"lo"} or _reaches_anybody():
        raise NoSandboxError("network")


def _reaches_anybody() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # UDP: this asks for a route, and sends nothing.
        probe.connect(("192.0.2.1", 9))
        return True
    return False


def limit() -> None:
    """Bound memory, processor, files and threads of this process and of what it starts."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_NPROC, THREADS),
    ):
        resource.setrlimit(what, (most, most))
    forbid_core_dumps()


def lock_down() -> None:
    """
    Keep nothing but reading, computing and writing what is open.

    Raises:
        OSError: the kernel does not take the filter.
    """
    limit()
    allow_computing()
