"""Serve a throwaway line on its two onions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from tipline.clock import Clock, system_clock
from tipline.instance import KEYS_NAME, TOR_NAME, Instance
from tipline.onion.control import Bootstrap
from tipline.onion.services import Onions, open_onions
from tipline.service.serve import RunningLine


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
