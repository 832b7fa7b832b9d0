"""
A dedicated tor process: started, waited for, ended by its own id.

Waiting always has a limit: a tor that comes no further is named with its stage, and never hangs us.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError
from tipline.files import make_private_directory, save_file
from tipline.onion.control import Control
from tipline.onion.torrc import NO_OTHER_CONFIGURATION, format_torrc

CONTROL_SECONDS: Final = 20.0  # until its control socket answers; a second on a quiet machine
POLL_SECONDS: Final = 0.05
END_SECONDS: Final = 5.0  # a sandboxed tor was seen to ignore SIGTERM


class TorProcess:
    """
    A running tor.

    Args:
        process: Of the system.
        control: Its control connection.
    """

    def __init__(self, process: asyncio.subprocess.Process, control: Control) -> None:
        self._process = process
        self.control = control

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def wait(self) -> None:
        """
        Wait until it ends.

        Raises:
            NetworkError: it ended, and nobody had asked it to.
        """
        await self._process.wait()
        raise NetworkError("tor_ended")


@contextlib.asynccontextmanager
async def run_tor(
    directory: Path, *, program: str, extra_lines: Sequence[str], today: datetime.date
) -> AsyncIterator[TorProcess]:
    """
    Run a dedicated tor while the block runs.

    Args:
        directory: Of its own; made if it is not there.
        program: tor, by path or by name.
        extra_lines: For a private network, in tests.
        today: In UTC, for its files' times.

    Yields:
        The process, ready to be asked.

    Raises:
        NetworkError: it is not there, or ended, or did not answer in time.
    """
    make_private_directory(directory)
    torrc = directory / "torrc"
    text = format_torrc(directory=directory, owner_pid=os.getpid(), extra_lines=extra_lines)
    save_file(torrc, text.encode("ascii"), day=today)
    # Left from a crash, it would be found before the new one listens.
    (directory / "control").unlink(missing_ok=True)
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *NO_OTHER_CONFIGURATION,
            "-f",
            str(torrc),
            "--quiet",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as exc:
        raise NetworkError("program_missing", program=program) from exc
    try:
        control = await _open_control(process, directory / "control")
        try:
            yield TorProcess(process, control)
        finally:
            await control.close()
    finally:
        await _end(process)


async def _open_control(process: asyncio.subprocess.Process, path: Path) -> Control:
    try:
        async with asyncio.timeout(CONTROL_SECONDS):
            while True:
                if process.returncode is not None:
                    raise NetworkError("tor_ended")
                with contextlib.suppress(NetworkError):
                    return await Control.open(path)
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as exc:
        raise NetworkError("tor_control") from exc


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
