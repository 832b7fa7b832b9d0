"""
A door on loopback that leads to one onion, for clients that cannot speak SOCKS (node's fetch).

For `--check` and the tests only: a real source uses Tor Browser.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from python_socks import ProxyError
from python_socks.async_.asyncio import Proxy

PIPE_BYTES: Final = 64 * 1024
# Long enough for a first circuit on a loaded machine.
CONNECT_SECONDS: Final = 60


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

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            proxy = Proxy.from_url(f"socks5://127.0.0.1:{socks_port}", rdns=True)
            onion_reader, onion_writer = await asyncio.open_connection(
                sock=await proxy.connect(dest_host=onion, dest_port=80)
            )
        try:
            await asyncio.gather(_pipe(reader, onion_writer), _pipe(onion_reader, writer))
        finally:
            onion_writer.close()

    async def lead_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client sees its connection closed: trying again is its business.
        with contextlib.suppress(OSError, TimeoutError, ProxyError):
            await lead(reader, writer)
        writer.close()

    server = await asyncio.start_server(lead_and_close, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIPE_BYTES):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
