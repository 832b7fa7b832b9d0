"""
Asking a line that is being served, by the operator's socket.

Most commands are given to lines that nobody serves, or only look: what asks is imported late.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tipline.errors import InstanceError
from tipline.instance import OPERATOR_SOCKET_NAME, RUN_NAME, take_lock

REFUSED_STATUS: Final = 422


def ask_or_read(
    directory: Path,
    name: str,
    values: Mapping[str, Any],
    *,
    read: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """
    Ask a line for what only it knows while it is served; else read what lies in its directory.

    For commands that change nothing a tip depends on. They work on a line that cannot be opened,
    too: whoever must look at it or set its clock may have come for that very reason.

    Args:
        directory: The line.
        name: One of `OPERATIONS`.
        values: As that one takes them.
        read: Gives the same as the operation, from a line that nobody serves.

    Returns:
        As the operation gives it.

    Raises:
        TiplineError: as the operation or *read* says.
        RetentionError: as the operation or *read* says.
    """
    if is_served(directory):
        path = directory / RUN_NAME / OPERATOR_SOCKET_NAME
        return asyncio.run(ask_service(path, name, values))
    return read()


def is_served(directory: Path) -> bool:
    """
    Tell whether a line is being served.

    Args:
        directory: The line.

    Returns:
        Whether.
    """
    if not (directory / RUN_NAME / OPERATOR_SOCKET_NAME).is_socket():
        return False
    try:
        os.close(take_lock(directory))  # it opens if a crash left the socket
    except InstanceError as exc:
        if exc.code != "instance_in_use":
            raise
        return True
    return False


async def ask_service(path: Path, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Ask a served line for an operation, and wait as long as it takes.

    Args:
        path: The operator's socket.
        name: One of `OPERATIONS`.
        values: As that one takes them.

    Returns:
        As the operation gives it.

    Raises:
        InstanceError: `operator_silent`, or as the operation says.
        TiplineError: as the operation says.
        RetentionError: as the operation says.
    """
    import aiohttp

    from tipline.service.operator import decode_error

    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=str(path)),
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
            ) as session,
            session.post(f"http://operator/{name}", data=json.dumps(values).encode()) as response,
        ):
            status, body = response.status, await response.read()
    except aiohttp.ClientError as exc:
        raise InstanceError("operator_silent", path=str(path)) from exc
    if status == REFUSED_STATUS:
        raise decode_error(json.loads(body))
    if status != 200:
        raise InstanceError("operator_silent", path=str(path))
    value: dict[str, Any] = json.loads(body)
    return value
