"""
What the demonstration shows when a tip arrives.

First what this server holds of it; then, on Enter, the tip as the desk opens it.
"""

from __future__ import annotations

import asyncio
import io
import sys
import termios
from typing import Final

from crypto.note import Verifier
from tipline.console import Console
from tipline.demonstration.line import ThrowawayLine
from tipline.demonstration.opening import open_at_desk, show_opened
from tipline.demonstration.timeline import Timeline
from tipline.desk.pulling import parse_source, pull_bundle
from tipline.errors import CheckError, NetworkError
from tipline.messages import ERRORS
from tipline.service.serve import RunningLine
from tipline.service.store import StoredTip

ROW_BYTES: Final = 16
ROW_LEN: Final = 4


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
        self._timeline.step("arrived", _("a tip has arrived; all that this server can read of it:"))
        self._timeline.tell(_("DEMONSTRATION: not for real tips"))
        self._timeline.tell()
        head = await self._running.store.read_envelope(tip, offset=0, length=ROW_BYTES * ROW_LEN)
        for row in format_rows(head or b""):
            self._timeline.tell("    " + row)
        self._timeline.tell("    …")
        self._timeline.tell(
            # PROMISE: P-05
            "    " + _("size: {count} bytes, one of a few exact sizes").format(count=tip.size_bytes)
        )
        self._timeline.tell(
            # PROMISE: P-08
            "    " + _("arrived on {day}; no hour is kept").format(day=tip.arrived_on)
        )
        # PROMISE: P-11
        dies = _(
            "dies on {day}: on the disk it is sealed once more, and those keys are overwritten"
        )
        self._timeline.tell("    " + dies.format(day=tip.dies_on))
        self._timeline.tell()

    async def _show_opened(self) -> None:
        _ = self._console.translate
        if sys.stdin.isatty():
            # Before it is asked for: an Enter that answers the question always counts.
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
            self._timeline.tell(_("Press Enter to open it as the desk does."))
            await wait_for_enter()
        try:
            await self._fetch_bundle()
            opened = await asyncio.to_thread(open_at_desk, self._line)
            texts = [await asyncio.to_thread(show_opened, self._line, id_) for id_ in opened]
        except (CheckError, NetworkError) as error:
            # The line goes on: what could not be opened stays sealed, and the reason is shown.
            self._timeline.step("refused", self._console.fill(ERRORS[error.code], error.facts))
            return
        if not texts:
            self._timeline.tell(_("It was opened together with the one before."))
            self._timeline.tell()
            return
        self._timeline.step("opened", _("opened by the demo desk, in a process without network:"))
        self._timeline.tell(_("DEMONSTRATION: not for real tips"))
        self._timeline.tell()
        for text in texts:
            for row in text.rstrip("\n").split("\n"):
                self._timeline.tell("    " + row)
            self._timeline.tell()
        self._timeline.tell(_("Send another one, or end with Ctrl-C."))
        self._timeline.tell()

    async def _fetch_bundle(self) -> None:
        # On the server itself, as its own account may: the demonstration has no second machine.
        self._line.bundle.unlink(missing_ok=True)
        await pull_bundle(
            parse_source(f"unix:{self._running.addresses.desk_socket}"),
            out=self._line.bundle,
            root=Verifier.parse(self._line.root),
        )


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


async def wait_for_enter() -> None:
    """Wait until Enter is pressed on the terminal."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), pressed.set)
    try:
        await pressed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    sys.stdin.readline()
