"""A process that does what a test asks of it."""

from __future__ import annotations

import os
import socket

from crypto.errors import TooLargeError
from tipline.compute_process import compute_for_line


def _compute(request: bytes) -> bytes:
    match request:
        case b"pid":
            return str(os.getpid()).encode()
        case b"environment":
            return b"\n".join(f"{name}={value}".encode() for name, value in os.environ.items())
        case b"refuse":
            raise TooLargeError("request", limit=1)
        case b"die":
            os._exit(3)
        case b"connect":
            return _try(socket.socket)
        case b"write":
            return _try(lambda: open("/tmp/computing", "w"))  # noqa: PTH123
        case b"program":
            return _try(lambda: os.execv("/bin/true", ["true"]))
    return request[::-1]


def _try(act: object) -> bytes:
    try:
        act()  # type: ignore[operator]
    except OSError as exc:
        return type(exc).__name__.encode()
    return b"done"


if __name__ == "__main__":
    compute_for_line(_compute)
