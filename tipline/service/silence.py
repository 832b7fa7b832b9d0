"""
An HTTP server that says and keeps nothing of whoever calls it.

Rules:
1. Nothing of a request reaches a log: no access log, no parser's complaint, no traceback.
2. Every answer to a malformed request is the same bytes, and ends the connection.
3. A fault of ours is kept in memory as a class and a line of our code, never with its message, and
   told once a night: the hour of a fault could be the hour of a tip. What a person can mend is told
   in words besides (`TOLD_CODES`).
4. tor says in front of each connection on which circuit it came (the PROXY line). The line is taken
   off before HTTP is read, and lives as long as the connection.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from tipline.errors import GatewayError
from tipline.service.answers import FAULT, MALFORMED

PROXY_START: Final = b"PROXY "
PROXY_MAX_LEN: Final = (
    107  # haproxy's proxy-protocol.txt, version 1: longest line, its end included
)
LINGERING_SECONDS: Final = 2.0  # for a client to read a refusal while it still sends
MAX_FAULTS: Final = 100  # different ones; the rest of a flood tells nothing new
# Their only fact is the gateway's name, which is the operator's own word.
TOLD_CODES: Final = frozenset({"gateway_stale", "gateway_malformed", "gateway_undelivered"})

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Faults:
    """What went wrong in our own code since the last telling, without a word from outside."""

    def __init__(self) -> None:
        self._places: set[str] = set()
        self._told: dict[tuple[str, object], GatewayError] = {}

    def add(self, error: BaseException) -> None:
        """
        Remember where something went wrong.

        Args:
            error: Its class and its innermost line are kept; its message is not.
        """
        if len(self._places) < MAX_FAULTS:
            self._places.add(find_place(error))
        if isinstance(error, GatewayError) and error.code in TOLD_CODES:
            gateway = error.facts["gateway"]
            # Without the way that it came: a traceback holds what stood in the call.
            self._told[error.code, gateway] = GatewayError(error.code, gateway=gateway)

    def take(self) -> list[str]:
        """
        Hand out what was remembered, and forget it.

        Returns:
            Each different fault once, sorted.
        """
        places, self._places = sorted(self._places), set()
        return places

    def take_told(self) -> list[GatewayError]:
        """
        Hand out what a person can mend, and forget it.

        Returns:
            Each error of each gateway once, in the order in which it first came.
        """
        told, self._told = list(self._told.values()), {}
        return told


class SilentProtocol(web.RequestHandler):
    """
    One connection.

    Args:
        server: Whose.
        trusts_proxy_line: Whether tor is on the other side; anybody else could lie in that line.
    """

    __slots__ = ("_faults", "_held", "circuit")

    def __init__(
        self, server: SilentServer, *, trusts_proxy_line: bool, faults: Faults, **settings: Any
    ) -> None:
        super().__init__(server, **settings)
        self._faults = faults
        self._held: bytes | None = b"" if trusts_proxy_line else None
        self.circuit: str | None = None

    def data_received(self, data: bytes) -> None:
        """
        Take bytes, and the PROXY line off their front.

        Args:
            data: As they came, in pieces of any size.
        """
        if self._held is None:
            super().data_received(data)
            return
        held = self._held + data
        if not (held.startswith(PROXY_START) or PROXY_START.startswith(held)):
            # Not tor: a developer's client, or a test. It has no circuit, so it has no budget.
            self._held = None
            super().data_received(held)
            return
        line, found, rest = held.partition(b"\r\n")
        if found and len(line) + 2 <= PROXY_MAX_LEN:
            self._held = None
            self.circuit = parse_proxy_line(line)
            super().data_received(rest)
        elif found or len(held) > PROXY_MAX_LEN:
            # Endless: the parser refuses it like everything malformed.
            self._held = None
            super().data_received(held)
        else:
            self._held = held

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """
        Answer what aiohttp could not read, or our handler failed on, without a word about it.

        Args:
            request: Not looked at, except for whether an answer has begun.
            status: 400 if it was malformed.
            exc: Remembered without its message if it is ours.
            message: Quotes the request; ignored.

        Returns:
            A constant answer.

        Raises:
            ConnectionError: an answer has begun; another cannot follow it.
        """
        if request.writer.output_size > 0:
            raise ConnectionError
        if status == MALFORMED.status:
            return MALFORMED.closing_reply()
        # A client that went away is no fault of ours.
        if exc is not None and not isinstance(exc, ConnectionError):
            self._faults.add(exc)
        return FAULT.closing_reply()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """
        Remember, instead of logging.

        Args:
            args: Quote the request; ignored.
            kw: `exc_info` is the exception.
        """
        error = kw.get("exc_info")
        if isinstance(error, BaseException):
            self._faults.add(error)

    def log_debug(self, *args: Any, **kw: Any) -> None:
        """
        Say nothing.

        Args:
            args: Ignored.
            kw: Ignored.
        """


class SilentServer(web.Server):
    """
    Makes connections that keep silent.

    Args:
        handler: Answers a request.
        trusts_proxy_line: Whether tor is on the other side.
        idle_seconds: A connection that asks nothing for so long is ended.
        faults: Where our own are remembered.
    """

    def __init__(
        self, handler: Handler, *, trusts_proxy_line: bool, idle_seconds: float, faults: Faults
    ) -> None:
        super().__init__(handler)
        self._trusts_proxy_line = trusts_proxy_line
        self._idle_seconds = idle_seconds
        self._faults = faults

    def __call__(self) -> web.RequestHandler:
        """
        Make a connection.

        Returns:
            Its protocol.
        """
        return SilentProtocol(
            self,
            trusts_proxy_line=self._trusts_proxy_line,
            faults=self._faults,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=self._idle_seconds,
            lingering_time=LINGERING_SECONDS,
            tcp_keepalive=False,
            auto_decompress=False,
        )


def find_place(error: BaseException) -> str:
    """
    Name what went wrong without a word from outside.

    Args:
        error: Caught.

    Returns:
        Its class and its innermost line; not its message.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} {place}"


def parse_proxy_line(untrusted: bytes) -> str | None:
    """
    Read the circuit from a PROXY line.

    Args:
        untrusted: Without its end: `PROXY TCP6 fc00:dead:beef:4dad::0:3 ::1 3 80`.

    Returns:
        The circuit's name, the line's source address, to be compared with others; None if the line
        names none.

    Source:
        tor's manual, HiddenServiceExportCircuitID: the last 32 bits of that address are the
        circuit's identifier.
    """
    words = untrusted.decode("latin-1").split(" ")
    return words[2] if len(words) == 6 and words[1] == "TCP6" else None
