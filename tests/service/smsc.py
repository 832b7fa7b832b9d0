"""A carrier's SMSC that speaks SMPP 3.4 over TCP: enough for Kannel to bind, receive and send."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import struct
from collections.abc import AsyncIterator

HEAD = struct.Struct(">IIII")
BINDS = (0x01, 0x02, 0x09)
DELIVER, SUBMIT, UNBIND, ENQUIRE = 0x05, 0x04, 0x06, 0x15
RESPONSE = 0x8000_0000
ESM_UDH = 0x40  # the text begins with a user data header
GSM7, LATIN1, UCS2 = 0x00, 0x03, 0x08


@dataclasses.dataclass(frozen=True, kw_only=True)
class Submitted:
    """What the other side asked the network to send."""

    to: str
    coding: int
    esm_class: int
    message: bytes

    @property
    def text(self) -> str:
        """What a phone shows of it."""
        body = self.message
        if self.esm_class & ESM_UDH:
            body = body[1 + body[0] :]
        if self.coding == UCS2:
            return body.decode("utf-16-be")
        # Of the default alphabet only what it shares with ASCII, and what our texts use besides.
        extra = {0x04: "è", 0x05: "é", 0x5D: "Ñ", 0x7D: "ñ", 0x7E: "ü"}
        return "".join(extra.get(byte, chr(byte)) for byte in body)


class Smsc:
    """One carrier."""

    def __init__(self) -> None:
        self.submitted: asyncio.Queue[Submitted] = asyncio.Queue()
        self.bound = asyncio.Event()
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._number = 1000
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._ended: set[asyncio.Event] = set()

    async def deliver(
        self, sender: str, message: bytes, *, coding: int = UCS2, udh: bytes = b""
    ) -> int:
        """Bring a message; tell the status it was answered with."""
        plus = sender.startswith("+")
        body = b"\0"
        body += bytes([1 if plus else 0, 1]) + sender.lstrip("+").encode() + b"\0"
        body += b"\0\1" + b"7373\0"
        text = udh + message
        body += bytes([ESM_UDH if udh else 0, 0, 0]) + b"\0\0\0\0"
        body += bytes([coding, 0, len(text)]) + text
        return await self.send(DELIVER, body)

    async def send(self, command: int, body: bytes) -> int:
        """Send a request; tell the status it was answered with."""
        await self.bound.wait()
        assert self._writer is not None
        self._number += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        self._writer.write(HEAD.pack(HEAD.size + len(body), command, 0, self._number) + body)
        await self._writer.drain()
        return await answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        self._ended.add(ended)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size, command, status, number = HEAD.unpack(await reader.readexactly(HEAD.size))
                body = await reader.readexactly(size - HEAD.size)
                if command in BINDS:
                    self._answer(writer, command, number, b"smsc\0")
                    self._writer = writer
                    self.bound.set()
                elif command == SUBMIT:
                    self._answer(writer, command, number, b"id%d\0" % number)
                    self.submitted.put_nowait(parse_submitted(body))
                elif command in (ENQUIRE, UNBIND):
                    self._answer(writer, command, number, b"")
                elif command & RESPONSE and number in self._answers:
                    self._answers.pop(number).set_result(status)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    async def hang_up(self) -> None:
        """Wait until whoever was bound has gone."""
        async with asyncio.timeout(30):
            for ended in self._ended:
                await ended.wait()

    def _answer(self, writer: asyncio.StreamWriter, command: int, number: int, body: bytes) -> None:
        writer.write(HEAD.pack(HEAD.size + len(body), command | RESPONSE, 0, number) + body)


def parse_submitted(body: bytes) -> Submitted:
    """Read a submit_sm."""
    _, rest = body.split(b"\0", 1)
    _, rest = rest[2:].split(b"\0", 1)
    to, rest = rest[2:].split(b"\0", 1)
    esm_class = rest[0]
    _, rest = rest[3:].split(b"\0", 1)
    _, rest = rest.split(b"\0", 1)
    coding, length = rest[2], rest[4]
    return Submitted(
        to=to.decode(), coding=coding, esm_class=esm_class, message=rest[5 : 5 + length]
    )


@contextlib.asynccontextmanager
async def open_smsc() -> AsyncIterator[Smsc]:
    """Run a carrier on a free port of loopback."""
    smsc = Smsc()
    server = await asyncio.start_server(smsc._serve, "127.0.0.1", 0)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        yield smsc
    finally:
        server.close()
        await smsc.hang_up()
