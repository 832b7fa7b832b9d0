"""
The configuration of a dedicated tor, and the words with which a running one is given its services.

Pure: the same arguments give the same text. Rules:
1. It writes no log, and to disk as little as it can.
2. It reads no other configuration: the machine's own tor must not leak in.
3. A service listens on a unix socket; no TCP port of ours exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tipline.errors import InstanceError

# tor reads its packager's defaults unless told to read a file that is not there.
NO_OTHER_CONFIGURATION: Final = (
    "--defaults-torrc",
    "/nonexistent/torrc-defaults",
    "--ignore-missing-torrc",
)
VIRTUAL_PORT: Final = 80
# What needs no quoting in tor's files and on its control port.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+:@%~-]+")


def format_torrc(*, directory: Path, owner_pid: int, extra_lines: Sequence[str] = ()) -> str:
    """
    Write the configuration of a dedicated tor.

    Args:
        directory: Of its own; data and control socket lie there.
        owner_pid: The process with which it ends.
        extra_lines: For a private network, in tests.

    Returns:
        The file's text.

    Raises:
        InstanceError: the directory's path has characters that tor would want quoted.
    """
    lines = [
        f"DataDirectory {format_path(directory / 'data')}",
        f"ControlSocket {format_path(directory / 'control')}",
        "CookieAuthentication 1",
        "SocksPort 0",
        "SafeLogging 1",
        "AvoidDiskWrites 1",
        "ShutdownWaitLength 0",
        # tor looks every 15 seconds whether that process lives.
        f"__OwningControllerProcess {owner_pid}",
        *extra_lines,
    ]
    return "".join(f"{line}\n" for line in lines)


def format_source_service(
    *,
    service_directory: Path,
    socket: Path,
    proof_of_work_rate: int,
    proof_of_work_burst: int,
    max_streams: int,
) -> str:
    """
    Write the command that makes the source's service.

    The whole group stands in one SETCONF: tor takes these options in their order, as one service.

    Args:
        service_directory: Holds the service's key; tor makes it.
        socket: Of the service.
        proof_of_work_rate: Requests a second that tor's queue lets through.
        proof_of_work_burst: Requests it lets through at once.
        max_streams: Streams a circuit may open; one more closes the circuit.

    Returns:
        One line of the control protocol.
    """
    options = (
        ("HiddenServiceDir", format_path(service_directory)),
        ("HiddenServicePort", f'"{VIRTUAL_PORT} unix:{format_path(socket)}"'),
        ("HiddenServiceVersion", "3"),
        ("HiddenServiceExportCircuitID", "haproxy"),
        ("HiddenServiceMaxStreams", str(max_streams)),
        ("HiddenServiceMaxStreamsCloseCircuit", "1"),
        ("HiddenServicePoWDefensesEnabled", "1"),
        ("HiddenServicePoWQueueRate", str(proof_of_work_rate)),
        ("HiddenServicePoWQueueBurst", str(proof_of_work_burst)),
    )
    return "SETCONF " + " ".join(f"{name}={value}" for name, value in options)


def format_desk_service(*, key: str, socket: Path, clients: Sequence[str], max_streams: int) -> str:
    """
    Write the command that makes the desk's service, which only the desk's machines can find.

    Args:
        key: As tor gave it, or `NEW:ED25519-V3`.
        socket: Of the service.
        clients: X25519 public keys in base32; at least one, since with none all could find it.
        max_streams: Streams a circuit may open; one more closes the circuit.

    Returns:
        One line of the control protocol.

    Raises:
        ValueError: no client is given.
    """
    if not clients:
        raise ValueError("a desk service without clients would be open to everybody")
    words = [
        "ADD_ONION",
        key,
        "Flags=V3Auth,MaxStreamsCloseCircuit",
        f"MaxStreams={max_streams}",
        f"Port={VIRTUAL_PORT},unix:{format_path(socket)}",
        *(f"ClientAuthV3={client}" for client in clients),
    ]
    return " ".join(words)


def format_path(path: Path) -> str:
    """
    Write a path that tor reads without quotes.

    Args:
        path: Absolute.

    Returns:
        The path's text.

    Raises:
        InstanceError: it has characters that tor would want quoted.
    """
    text = str(path)
    if not _PLAIN_PATH.fullmatch(text):
        raise InstanceError("instance_path_characters", path=text)
    return text
