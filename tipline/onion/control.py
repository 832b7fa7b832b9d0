"""
Talking to a running tor, by stem.

stem works with threads and blocking calls: each call here runs in a worker thread, and tor's events
are handed to the event loop. stem takes the ownership of a tor that names our process as its owner:
closing the connection ends that tor, so there is one connection, open as long as the tor is needed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stem
import stem.connection
import stem.control
import stem.response
import stem.util.log

from tipline.errors import NetworkError

EventHandler = Callable[["Bootstrap | Uploaded"], None]
_PHASE = re.compile(r"PROGRESS=([0-9]{1,3}) TAG=([a-z_]+)")
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """
    How far tor has come.

    Args:
        percent: 100 when it is in the network.
        stage: tor's name for what it is doing.
    """

    percent: int
    stage: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """
    A service's descriptor was taken by a directory: clients can find it from now on.

    Args:
        address: With `.onion`.
    """

    address: str


class Control:
    """
    An authenticated control connection.

    Args:
        controller: Of stem, authenticated.
    """

    def __init__(self, controller: stem.control.Controller) -> None:
        self._controller = controller

    @classmethod
    async def open(cls, path: Path) -> Control:
        """
        Connect to a tor.

        Args:
            path: Its control socket.

        Returns:
            The connection.

        Raises:
            NetworkError: nobody listens there yet, or the cookie is refused.
        """
        # stem tells its own log of every line; nothing of tor goes to a log of ours.
        stem.util.log.get_logger().disabled = True
        return cls(await asyncio.to_thread(_connect, path))

    async def ask(self, line: str) -> stem.response.ControlMessage:
        """
        Send a command.

        Args:
            line: Of the control protocol.

        Returns:
            tor's answer.

        Raises:
            NetworkError: tor refuses it, or is gone.
        """
        try:
            answer: stem.response.ControlMessage = await asyncio.to_thread(
                self._controller.msg, line
            )
        except stem.ControllerError as exc:
            raise NetworkError("tor_ended") from exc
        if not answer.is_ok():
            # The command may hold a key; only its first word is named.
            raise NetworkError("tor_refused", command=line.partition(" ")[0])
        return answer

    async def read_bootstrap(self) -> Bootstrap:
        """
        Ask how far tor has come.

        Returns:
            Where it is now.

        Raises:
            NetworkError: tor is gone.
        """
        return parse_bootstrap(str(await self.ask("GETINFO status/bootstrap-phase")))

    async def read_version(self) -> tuple[int, ...]:
        """
        Ask for tor's version.

        Returns:
            Four numbers.

        Raises:
            NetworkError: tor is gone.
        """
        return parse_version(str(await self.ask("GETINFO version")))

    async def listen(self, on_event: EventHandler) -> None:
        """
        Have events told from now on.

        Args:
            on_event: Called in the event loop.

        Raises:
            NetworkError: tor is gone.
        """
        loop = asyncio.get_running_loop()

        def forward(event: Any) -> None:
            told = _read_event(event)
            if told is not None:
                loop.call_soon_threadsafe(on_event, told)

        try:
            await asyncio.to_thread(
                self._controller.add_event_listener,
                forward,
                stem.control.EventType.HS_DESC,
                stem.control.EventType.STATUS_CLIENT,
            )
        except stem.ControllerError as exc:
            raise NetworkError("tor_ended") from exc

    async def close(self) -> None:
        """Hang up; this ends the tor."""
        await asyncio.to_thread(self._controller.close)


def parse_bootstrap(text: str) -> Bootstrap:
    """
    Read how far tor has come.

    Args:
        text: tor's answer or event, with `PROGRESS=N TAG=NAME` in it.

    Returns:
        Where it is; nothing done if the text says nothing.
    """
    match = _PHASE.search(text)
    if match is None:
        return Bootstrap(percent=0, stage="starting")
    return Bootstrap(percent=int(match[1]), stage=match[2])


def parse_version(text: str) -> tuple[int, ...]:
    """
    Read tor's version.

    Args:
        text: What tor says of itself, by `--version` or on its control port.

    Returns:
        Four numbers; none if the text has no version.
    """
    match = _VERSION.search(text)
    return () if match is None else tuple(int(number) for number in match.groups())


def _connect(path: Path) -> stem.control.Controller:
    try:
        # stem leaves its socket open when nobody listens yet: ask with one of our own first.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
        controller: stem.control.Controller = stem.control.Controller.from_socket_file(str(path))
        try:
            controller.authenticate()
        except BaseException:
            controller.close()
            raise
    except (OSError, stem.SocketError, stem.connection.AuthenticationFailure) as exc:
        raise NetworkError("tor_control") from exc
    return controller


def _read_event(event: Any) -> Bootstrap | Uploaded | None:
    words = str(event).split()
    # stem gives the event without its status code, 650.
    if words[:2] == ["HS_DESC", "UPLOADED"]:
        return Uploaded(address=f"{words[2]}.onion")
    if words[:1] == ["STATUS_CLIENT"] and "BOOTSTRAP" in words:
        return parse_bootstrap(str(event))
    return None
