"""Serve a throwaway line on its two onions: in this process, or by the shipped command."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from tipline.clock import Clock, system_clock
from tipline.demonstration.line import ThrowawayLine
from tipline.errors import CheckError
from tipline.files import make_private_directory
from tipline.instance import KEYS_NAME, TOR_NAME, Instance
from tipline.onion.control import Bootstrap
from tipline.onion.services import Onions, open_onions
from tipline.service.serve import RunningLine

# In the private network a descriptor is taken within seconds; the rest is for a loaded machine.
PUBLISHED_SECONDS: Final = 90


@contextlib.asynccontextmanager
async def open_line_onions(
    instance: Instance,
    *,
    running: RunningLine,
    on_bootstrap: Callable[[Bootstrap], None] = lambda _: None,
    clock: Clock = system_clock,
) -> AsyncIterator[Onions]:
    """
    Run the tor of a line that is being served, while the block runs.

    Args:
        instance: Of the line.
        running: Its service.
        on_bootstrap: Told how far tor has come.
        clock: Tells the day.

    Yields:
        The onions; they may not be published yet.

    Raises:
        NetworkError: tor is not there, ended, or refuses what it is asked.
    """
    async with open_onions(
        directory=instance.directory / TOR_NAME,
        keys=instance.directory / KEYS_NAME,
        settings=instance.configuration.onion,
        source_socket=running.addresses.source_socket,
        desk_socket=running.addresses.desk_socket,
        desk_clients=instance.configuration.desk_clients,
        today=clock().date(),
        on_bootstrap=on_bootstrap,
    ) as onions:
        yield onions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServedLine:
    """
    A line that the shipped command serves.

    Args:
        source: The source's onion, with `.onion`; it can be found.
        desk: The desk's onion, with `.onion`; it can be found by its clients.
        pid: Of the process.
    """

    source: str
    desk: str
    pid: int


@contextlib.asynccontextmanager
async def serve_by_command(line: ThrowawayLine) -> AsyncIterator[ServedLine]:
    """
    Run `tipline serve` while the block runs.

    Its temporary files, and what it says, go to places in the line's directory where they can be
    searched: `temporary/` and `said/`.

    Args:
        line: Its configuration names a private network.

    Yields:
        Where it is found.

    Raises:
        CheckError: the service ended, or its onions could not be found in time.
    """
    for directory in (line.temporary, line.said):
        make_private_directory(directory)
    with (line.said / "talk").open("ab") as talk:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "tipline", "serve", str(line.instance), "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=talk,
            env={**os.environ, "TMPDIR": str(line.temporary)},
        )
    try:
        async with asyncio.timeout(PUBLISHED_SECONDS):
            served = await _wait_published(process)
        yield served
    except TimeoutError as exc:
        raise CheckError("check_service", talk=_read_talk(line.said / "talk")) from exc
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_published(process: asyncio.subprocess.Process) -> ServedLine:
    output = process.stdout
    if output is None:
        raise RuntimeError("the process was started without a pipe")
    while line := await output.readline():
        told = json.loads(line)
        if told.get("published"):
            return ServedLine(source=told["onion"], desk=told["desk_onion"], pid=process.pid)
    raise TimeoutError


def _read_talk(path: Path) -> str:
    return path.read_text("utf-8", errors="replace").strip()
