"""Commands and events as JSON over a loopback websocket: WebDriver BiDi and CDP alike."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any, Self

import aiohttp

COMMAND_SECONDS = 90
MESSAGE_BYTES = 1 << 28  # a full-page screenshot is some megabytes


class BrowserError(Exception):
    """The browser refused a command, or went away."""


class Wire:
    """
    One connection to a browser.

    Attributes:
        events: What the browser told without being asked, in order: `(method, params)`.
    """

    def __init__(self, session: aiohttp.ClientSession, socket: Any) -> None:
        self._session = session
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._told = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url: str) -> Self:
        """
        Connect to a browser.

        Args:
            url: `ws://127.0.0.1:...`.

        Returns:
            The connection, reading.
        """
        session = aiohttp.ClientSession()
        try:
            return cls(session, await session.ws_connect(url, max_msg_size=MESSAGE_BYTES))
        except BaseException:
            await session.close()
            raise

    async def ask(
        self, method: str, *, seconds: float = COMMAND_SECONDS, about: str = "", **params: Any
    ) -> dict[str, Any]:
        """
        Run one command.

        Args:
            method: Of the protocol.
            seconds: How long to wait.
            about: CDP's session id, if it is for one page.
            params: Of the command.

        Returns:
            The result.

        Raises:
            BrowserError: the browser refused, or went away.
            TimeoutError: no answer in time.
        """
        if self._reader.done():
            raise BrowserError("the browser went away")
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = {"id": number, "method": method, "params": params}
        await self._socket.send_json(message | ({"sessionId": about} if about else {}))
        return await asyncio.wait_for(answer, seconds)

    async def follow(self, name: str, *, seen: int) -> AsyncIterator[dict[str, Any]]:
        """
        Wait for events of one name.

        Args:
            name: Of the protocol.
            seen: How many events, of any name, are to be passed over.

        Yields:
            Each event's params.
        """
        while True:
            self._told.clear()
            for method, params in self.events[seen:]:
                seen += 1
                if method == name:
                    yield params
            if seen == len(self.events):
                await self._told.wait()

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                told = json.loads(message.data)
                answer = self._waiting.pop(told["id"], None) if "id" in told else None
                if answer is None:
                    self.events.append((told.get("method", ""), told.get("params", {})))
                    self._told.set()
                elif answer.done():
                    continue
                elif "error" in told:
                    answer.set_exception(BrowserError(str(told.get("message") or told["error"])))
                else:
                    answer.set_result(told["result"])
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(BrowserError("the browser went away"))

    async def close(self) -> None:
        """Close the connection; the browser stays."""
        await self._socket.close()
        await self._session.close()
        await asyncio.gather(self._reader, return_exceptions=True)
