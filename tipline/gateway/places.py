"""
Where the gateways' listener is, looked at before anything listens.

Rules:
1. What keeps the line from beginning has its own words, with the path or the port: a socket's error
   of the system names neither.
2. A path of the line's own is no gateway's: whoever listens last would take the place, and nobody
   would be told.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from tipline.errors import ConfigurationError
from tipline.gateway.settings import Listen
from tipline.instance import (
    DESK_SOCKET_NAME,
    KEYS_NAME,
    LOCK_NAME,
    OPERATOR_SOCKET_NAME,
    RUN_NAME,
    SOURCE_SOCKET_NAME,
    TOR_NAME,
)

LOOPBACK: Final = "127.0.0.1"
_OWN_NAMES: Final = (SOURCE_SOCKET_NAME, DESK_SOCKET_NAME, OPERATOR_SOCKET_NAME, LOCK_NAME)
_OWN_FOLDERS: Final = (KEYS_NAME, TOR_NAME)


def check_listen(directory: Path, listen: Listen, *, is_served: bool) -> None:
    """
    Look whether the gateways' listener can begin, and leave nothing behind.

    Args:
        directory: The instance.
        listen: As `gateways.toml` says.
        is_served: Whether the line runs: then the port is in use by the line itself.

    Raises:
        ConfigurationError: `gateways_own_socket`: something of the line has this place;
            `gateways_folder`: the folder is not there; `gateways_port`: the port is in use.
    """
    if listen.unix is not None:
        _check_socket(directory, directory / listen.unix)
    elif listen.port is not None and not is_served:
        try:
            socket.create_server((LOOPBACK, listen.port)).close()
        except OSError as exc:
            raise ConfigurationError("gateways_port", port=listen.port) from exc


def _check_socket(directory: Path, path: Path) -> None:
    where, run = path.resolve(), (directory / RUN_NAME).resolve()
    folders = [(directory / name).resolve() for name in _OWN_FOLDERS]
    if where in [run / name for name in _OWN_NAMES] or any(
        folder in where.parents for folder in folders
    ):
        raise ConfigurationError("gateways_own_socket", path=str(path))
    if not path.parent.is_dir():
        raise ConfigurationError("gateways_folder", path=str(path.parent))
