"""
What the demonstration shows when a tip arrives.

First what this server holds of it; then, on Enter, the tip as the desk opens it.
"""

from __future__ import annotations

import asyncio
import io
import sys
import termios
from pathlib import Path
from typing import Final

import aiohttp

from tipline.console import Console
from tipline.demonstration.line import ThrowawayLine
from tipline.demonstration.opening import open_at_desk, show_opened
from tipline.demonstration.timeline import Timeline
from tipline.errors import CheckError, NetworkError
from tipline.messages import ERRORS
from tipline.service.deskside import BUNDLE_PATH
from tipline.service.serve import RunningLine
from tipline.service.store import StoredTip

ROW_BYTES: Final = 16
ROW_LEN: Final = 4
PIECE_BYTES: Final = 1024 * 1024


class Arrivals:
    """
    Shows tips as they arrive.

    Args:
        line: Whose desk opens them.
        running: The service that holds them.
        timeline: Where the steps are shown.
        console: Where the rest is shown.
    """

    def __init__(
        self, line: ThrowawayLine, *, running: RunningLine, timeline: Timeline, console: Console
    ) -> None:
        self._line = line
        self._running = running
        self._timeline = timeline
        self._console = console

    async def run(self, tips: asyncio.Queue[StoredTip]) -> None:
        """
        Show each tip, until cancelled.

        Args:
            tips: Filled by the service.
        """
        while True:
            await self._show_held(await tips.get())
            await self._show_opened()

    async def _show_held(self, tip: StoredTip) -> None:
        _ = self._console.translate
        self._timeline.step("arrived", _("a tip has arrived; all that this server holds of it:"))
        self._timeline.tell()
        head = await self._running.store.read_envelope(tip, offset=0, length=ROW_BYTES * ROW_LEN)
        for row in format_rows(head or b""):
            self._timeline.tell("    " + row)
        self._timeline.tell("    …")
        self._timeline.tell(
            "    " + _("size: {count} bytes, one of a few exact sizes").format(count=tip.size_bytes)
        )
        self._timeline.tell(
            "    " + _("arrived on {day}; no hour is kept").format(day=tip.arrived_on)
        )
        self._timeline.tell("    " + _("dies on {day}").format(day=tip.dies_on))
        self._timeline.tell()

    async def _show_opened(self) -> None:
        _ = self._console.translate
        if sys.stdin.isatty():
            self._timeline.tell(_("Press Enter to open it as the desk does."))
            await wait_for_enter()
        await fetch_bundle(self._running.addresses.desk_socket, destination=self._line.bundle)
        try:
            opened = await asyncio.to_thread(open_at_desk, self._line)
            texts = [await asyncio.to_thread(show_opened, self._line, id_) for id_ in opened]
        except (CheckError, NetworkError) as error:
            # The line goes on: what could not be opened stays sealed, and the reason is shown.
            self._timeline.step("refused", _(ERRORS[error.code]).format(**error.facts))
            return
        self._timeline.step("opened", _("opened by the demo desk, in a process without network:"))
        self._timeline.tell()
        for text in texts:
            for row in text.rstrip("\n").split("\n"):
                self._timeline.tell("    " + row)
            self._timeline.tell()
        self._timeline.tell(_("Send another one, or end with Ctrl-C."))
        self._timeline.tell()


def format_rows(data: bytes) -> list[str]:
    """
    Write bytes as hexadecimal, with what a person can read of them beside.

    Args:
        data: Untrusted; nothing of it reaches the terminal but ASCII letters, digits and signs.

    Returns:
        One line for 16 bytes.
    """
    rows = []
    stream = io.BytesIO(data)
    while piece := stream.read(ROW_BYTES):
        readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        rows.append(f"{piece.hex(' '):{3 * ROW_BYTES - 1}}   {readable}")
    return rows


async def fetch_bundle(desk_socket: Path, *, destination: Path) -> None:
    """
    Fetch a bundle on the server itself, as its own account may.

    Args:
        desk_socket: Of the service.
        destination: Where the bundle goes; replaced.

    Raises:
        aiohttp.ClientError: the service does not answer.
    """
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(desk_socket))) as session,
        session.get(f"http://desk{BUNDLE_PATH}", raise_for_status=True) as answer,
    ):
        with destination.open("wb") as file:
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                file.write(piece)


async def wait_for_enter() -> None:
    """Wait until Enter is pressed on the terminal; what was typed before does not count."""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), pressed.set)
    try:
        await pressed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    sys.stdin.readline()
