"""
Run a command where there is no network.

1. In a network namespace of its own, which holds nothing but a loopback interface that is down.
2. Where the machine makes none for us: in a process that can make no socket (see `seccomp`).
3. Where neither can be: not at all.

This module is also what runs inside: it looks for itself before it goes on, so that a namespace or
a filter that was not made cannot pass for one.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError
from tipline.seccomp import refuse_sockets

# Exit code of this module when it finds a network where none should be.
NETWORK_FOUND_EXIT_CODE: Final = 99
FILTER: Final = "filter"
NAMESPACE: Final = "namespace"


def run_offline(
    arguments: Sequence[str], *, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """
    Run a `tipline` command in a process without network.

    Args:
        arguments: Of `tipline`.
        directory: Where it runs.
        environment: Of the process; ours if None.

    Returns:
        Its exit code and what it wrote.

    Raises:
        NetworkError: this machine lets no process be cut off, so nothing was run.
    """
    unshare = _find_unshare()
    done = subprocess.run(
        [
            *unshare,
            *(sys.executable, "-I", "-m", __name__),
            NAMESPACE if unshare else FILTER,
            *arguments,
        ],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NETWORK_FOUND_EXIT_CODE:
        raise NetworkError("offline_impossible")
    return done


def check_isolation() -> None:
    """
    Try whether this machine lets a process be cut off from the network.

    Raises:
        NetworkError: it does not.
    """
    run_offline(["--version"], directory=Path("/"))


def is_offline() -> bool:
    """
    Look whether this process has any network.

    Returns:
        True if it can make no socket, or if there is no interface beside loopback and that one is
        down.
    """
    try:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    except PermissionError:
        return not _can_make(socket.AF_INET6) and not _can_make(socket.AF_UNIX)
    with probe:
        # Not from /sys: it shows the interfaces of the namespace in which it was mounted.
        interfaces = [name for _, name in socket.if_nameindex()]
        return interfaces in ([], ["lo"]) and not _reaches_loopback(probe)


def _can_make(family: socket.AddressFamily) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except PermissionError:
        return False
    return True


def _reaches_loopback(probe: socket.socket) -> bool:
    try:
        # UDP: this chooses a route and sends nothing.
        probe.connect(("127.0.0.1", 9))
    except OSError:
        return False
    return True


def _find_unshare() -> list[str]:
    """Find what to write before a command so that it gets a namespace; nothing if none can be."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    for command in (
        [unshare, "--net"],
        [unshare, "--user", "--map-current-user", "--net"],
    ):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


def main() -> int:
    """
    Go on with the command only if there is no network.

    Returns:
        The command's exit code, or `NETWORK_FOUND_EXIT_CODE`.
    """
    from tipline.__main__ import main as run_command

    way, *arguments = sys.argv[1:]
    if way == FILTER:
        # A machine that does not take it still has its network: that is what is looked at.
        with contextlib.suppress(OSError):
            refuse_sockets()
    return run_command(arguments) if is_offline() else NETWORK_FOUND_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
