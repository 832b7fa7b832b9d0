"""
A process that computes beside the line: what `compute_pool.py` starts.

Rules:
1. Before it reads its first request it gives up every right but to compute (`tipline/seccomp.py`),
   where the kernel takes that: what it computes is ours, and no stranger's format is read here.
2. It ends with the line, however the line ends. A signal that ends the line does not end it: what
   was begun is computed first, and it ends when nothing more can come.
3. A refusal is told by its code. Anything else ends the process, and says nothing.

It says `READY` once. Then frames go in both directions: a length in 4 bytes, the highest first,
then so many bytes. An answer begins with `DONE` or `REFUSED`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO, Final

from crypto.errors import CryptoError
from tipline.core_dumps import forbid_core_dumps
from tipline.seccomp import allow_computing

LENGTH_BYTES: Final = 4
READY: Final = b"\x01"
DONE: Final = b"\x00"
REFUSED: Final = b"\x01"
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def compute_for_line(compute: Callable[[bytes], bytes]) -> None:
    """
    Answer requests until nothing more can come. The line's process id is the only argument.

    Args:
        compute: Makes an answer of a request.

    Raises:
        OSError: the kernel would let this process live on after the line.
    """
    for ended_by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended_by, signal.SIG_IGN)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(sys.argv[1]):
        return  # the line ended before it could be told
    forbid_core_dumps()
    with contextlib.suppress(OSError):
        allow_computing()
    source, destination = sys.stdin.buffer, sys.stdout.buffer
    destination.write(READY)
    destination.flush()
    while (request := read_frame(source)) is not None:
        try:
            answer = DONE + compute(request)
        except CryptoError as exc:
            answer = REFUSED + exc.code.encode("ascii")
        destination.write(make_frame(answer))
        destination.flush()


def make_frame(content: bytes) -> bytes:
    """
    Put its length in front of what is sent.

    Args:
        content: Less than 4 GiB.

    Returns:
        The frame.
    """
    return len(content).to_bytes(LENGTH_BYTES) + content


def read_frame(source: BinaryIO) -> bytes | None:
    """
    Read what was sent.

    Args:
        source: Where the line writes.

    Returns:
        The content of the next frame; None if the line has hung up.
    """
    length = source.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    content = source.read(size := int.from_bytes(length))
    return content if len(content) == size else None
