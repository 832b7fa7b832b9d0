"""
A door on loopback that leads to one onion, for clients that cannot speak SOCKS (node's fetch).

For `--check` and the tests only: a real source uses Tor Browser.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from python_socks import ProxyError
from python_socks.async_.asyncio import Proxy

PIPE_BYTES: Final = 64 * 1024
# Long enough for a first circuit on a loaded machine.
CONNECT_SECONDS: Final = 60

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def open_bridge(*, onion: str, socks_port: int) -> AsyncIterator[int]:
    """
    Lead connections on loopback through Tor to port 80 of an onion.

    Args:
        onion: Its address, with `.onion`.
        socks_port: Of a tor on 127.0.0.1.

    Yields:
        The port on 127.0.0.1.
    """

    async def connect() -> Streams:
        proxy = Proxy.from_url(f"socks5://127.0.0.1:{socks_port}", rdns=True)
        return await asyncio.open_connection(
            sock=await proxy.connect(dest_host=onion, dest_port=80)
        )

    async with open_door(connect) as port:
        yield port


@contextlib.asynccontextmanager
async def open_door(
    connect: Callable[[], Awaitable[Streams]], *, on_client: Callable[[int], None] = lambda _: None
) -> AsyncIterator[int]:
    """
    Lead connections on loopback somewhere else.

    Args:
        connect: Makes the connection to there.
        on_client: Told each client's port.

    Yields:
        The port on 127.0.0.1.
    """
    leading: set[asyncio.Task[None]] = set()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            leading.add(task)
            task.add_done_callback(leading.discard)
        on_client(writer.get_extra_info("peername")[1])
        # The client sees its connection closed: trying again is its business.
        with contextlib.suppress(OSError, TimeoutError, ProxyError, asyncio.CancelledError):
            await _lead(reader, writer, connect)
        writer.close()

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tuple(leading):
            task.cancel()
        await asyncio.gather(*leading)


async def _lead(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    connect: Callable[[], Awaitable[Streams]],
) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        other_reader, other_writer = await connect()
    ways = [
        asyncio.create_task(_pipe(reader, other_writer)),
        asyncio.create_task(_pipe(other_reader, writer)),
    ]
    try:
        # HTTP keeps a connection until one side ends it: then the other has nothing to say.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        other_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIPE_BYTES):
        writer.write(piece)
        await writer.drain()
