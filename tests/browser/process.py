"""A browser's process: its own home, its own profile, ended by its own id."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

from tests.browser.wire import BrowserError

START_SECONDS = 60
STOP_SECONDS = 15
LINES_KEPT = 50


class Process:
    """A started browser and its throwaway home."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tipline-browser-"))
        self.log: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *command: str, announces: str, environment: dict[str, str]) -> str:
        """
        Start, and wait for the address that the browser prints.

        Args:
            command: Program and arguments.
            announces: A regular expression with one group, the address.
            environment: Added to ours.

        Returns:
            The address.

        Raises:
            BrowserError: it ended before it printed one.
        """
        self._process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "HOME": str(self.home), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        async with asyncio.timeout(START_SECONDS):
            while not (found := re.search(announces, await self._read_line())):
                pass
        self._drain = asyncio.create_task(self._drain_lines())
        return found.group(1)

    async def _read_line(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        line = (await self._process.stderr.readline()).decode(errors="replace")
        if not line:
            raise BrowserError("it ended: " + "".join(self.log))
        self.log = [*self.log[-LINES_KEPT:], line]
        return line

    async def _drain_lines(self) -> None:
        # An undrained pipe would stop the browser; its end is no fault here.
        try:
            while True:
                await self._read_line()
        except BrowserError:
            return

    async def stop(self) -> None:
        """Wait for the end, or bring it about; then forget the home."""
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()
        if self._drain is not None:
            await self._drain
        # Chromium's children may still be writing while they end.
        shutil.rmtree(self.home, ignore_errors=True)
