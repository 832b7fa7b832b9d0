"""
Servers that keep silent, on unix sockets of our own account and on loopback.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from tipline.errors import InstanceError
from tipline.service.silence import Faults, Handler, SilentServer

BACKLOG: Final = 4096  # measured: with 128, connections are refused under load
MAX_SOCKET_PATH_BYTES: Final = 107  # sun_path of Linux, without its end
SOCKET_UMASK: Final = 0o177  # sockets are born 0600
SHUTDOWN_SECONDS: Final = 2.0  # for answers that are being written when a server ends


async def start_server(
    handler: Handler, *, faults: Faults, idle_seconds: float, trusts: bool
) -> web.ServerRunner:
    """
    Prepare a server that says nothing of itself.

    Args:
        handler: Answers.
        faults: Told what went wrong.
        idle_seconds: How long a connection may be silent.
        trusts: Whether the first line names the circuit.

    Returns:
        The runner; the caller cleans it up.
    """
    server = SilentServer(
        handler, trusts_proxy_line=trusts, idle_seconds=idle_seconds, faults=faults
    )
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    return runner


async def listen_unix(runner: web.ServerRunner, path: Path) -> None:
    """
    Listen on a unix socket of our own account.

    Args:
        runner: Of the server.
        path: Of the socket.

    Raises:
        InstanceError: `instance_path_long`.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise InstanceError("instance_path_long", path=str(path), limit=MAX_SOCKET_PATH_BYTES)
    umask = os.umask(SOCKET_UMASK)
    try:
        # asyncio takes away a socket that lies there: the lock says that nobody else serves this
        # instance, so it is left from a crash.
        await web.UnixSite(runner, path, backlog=BACKLOG).start()
    finally:
        os.umask(umask)


async def listen_loopback(runner: web.ServerRunner, port: int) -> int:
    """
    Listen on 127.0.0.1.

    Args:
        runner: Of the server.
        port: 0 takes any that is free.

    Returns:
        The port.

    Raises:
        OSError: it is in use.
    """
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    return int(listener.getsockname()[1])


async def stop_listening(runners: Sequence[web.ServerRunner]) -> None:
    """
    Take no new connections; what was begun goes on.

    Args:
        runners: Of the servers.
    """
    for runner in runners:
        for site in runner.sites:
            await site.stop()
