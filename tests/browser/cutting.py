"""A bad line between browser and service: it loses connections when a test says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Self
from urllib.parse import urlsplit

PIECE_BYTES = 16 * 1024


class BadLine:
    """
    Forwards bytes between a browser and the service.

    Args:
        cut_request: Told the bytes of a request so far; true loses the connection, so that the
            rest never reaches the service.
        cut_answer: Told the bytes of the connection's requests so far when an answer begins; true
            loses the connection, so that the browser never learns the answer.
    """

    def __init__(
        self,
        *,
        cut_request: Callable[[bytes], bool] = lambda sent: False,
        cut_answer: Callable[[bytes], bool] = lambda sent: False,
    ) -> None:
        self._cut_request = cut_request
        self._cut_answer = cut_answer
        self.cuts = 0
        self.url = ""

    @contextlib.asynccontextmanager
    async def to(self, url: str) -> AsyncIterator[Self]:
        """
        Listen, and forward to a service.

        Args:
            url: Of the service.

        Yields:
            This line, with its own `url`.
        """
        target = urlsplit(url)
        connections: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._forward(reader, writer, str(target.hostname), int(target.port or 0))
            finally:
                connections.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            yield self
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        service_reader, service_writer = await asyncio.open_connection(host, port)
        sent = bytearray()

        async def requests() -> None:
            while piece := await reader.read(PIECE_BYTES):
                sent.extend(piece)
                if self._cut_request(bytes(sent)):
                    self.cuts += 1
                    return
                service_writer.write(piece)
                await service_writer.drain()

        async def answers() -> None:
            while piece := await service_reader.read(PIECE_BYTES):
                if self._cut_answer(bytes(sent)):
                    self.cuts += 1
                    return
                writer.write(piece)
                await writer.drain()

        ways = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            # Either side may have gone first: a lost connection is what this line is for.
            await asyncio.gather(*ways, return_exceptions=True)
            service_writer.transport.abort()
            writer.transport.abort()
