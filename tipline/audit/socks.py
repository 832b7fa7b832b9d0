"""
Reaching an onion through a SOCKS5 proxy (tor): the name is resolved at the other end.

Source: RFC 1928.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from tipline.audit.errors import UnreachableError

_VERSION: Final = 5
_NO_PASSWORD: Final = 0
_CONNECT: Final = 1
_NAME: Final = 3
_LENGTHS: Final = {1: 4, 4: 16}  # of an answer's address, by its type
MAX_NAME_BYTES: Final = 255


def connect(
    host: str,
    port: int,
    *,
    proxy: tuple[str, int],
    timeout_seconds: float,
    note: Callable[[socket.socket], None] = lambda opened: None,
) -> socket.socket:
    """
    Open a connection through a proxy.

    Args:
        host: By name; never looked up here.
        port: At the host.
        proxy: Host and port of the proxy.
        timeout_seconds: For each step.
        note: Told the connection as soon as there is one, so that a deadline can end it.

    Returns:
        The connection.

    Raises:
        UnreachableError: the proxy refuses, or does not speak SOCKS5.
        OSError: the proxy cannot be reached.
    """
    name = host.encode("ascii")
    if not 1 <= len(name) <= MAX_NAME_BYTES:
        raise UnreachableError("socks")
    connection = socket.create_connection(proxy, timeout=timeout_seconds)
    try:
        note(connection)
        _ask(connection, name, port)
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(connection: socket.socket, name: bytes, port: int) -> None:
    connection.sendall(bytes([_VERSION, 1, _NO_PASSWORD]))
    if _read(connection, 2) != bytes([_VERSION, _NO_PASSWORD]):
        raise UnreachableError("socks")
    request = bytes([_VERSION, _CONNECT, 0, _NAME, len(name)]) + name
    connection.sendall(request + port.to_bytes(2, "big"))
    version, reply, _, kind = _read(connection, 4)
    if version != _VERSION or reply != 0:
        raise UnreachableError("socks_refused", reply=reply)
    length = _LENGTHS[kind] if kind in _LENGTHS else _read(connection, 1)[0]
    _read(connection, length + 2)


def _read(connection: socket.socket, length: int) -> bytes:
    value = b""
    while len(value) < length:
        part = connection.recv(length - len(value))
        if not part:
            raise UnreachableError("socks")
        value += part
    return value
