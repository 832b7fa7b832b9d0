"""How the desk's networked machine reaches the service: by a tor that has the client key."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.clock import system_clock
from tipline.console import Console
from tipline.desk.ceremony import read_client_key
from tipline.errors import UsageError

if TYPE_CHECKING:
    from tipline.desk.pulling import Source


@contextlib.asynccontextmanager
async def reach(
    source: Source, options: argparse.Namespace, console: Console
) -> AsyncIterator[str | None]:
    """
    Reach the desk's side of a line as long as the context lasts.

    Args:
        source: Where it is.
        options: `client_key`, `tor_control`, `socks` and `tor`, as parsed.
        console: Where it is told how far tor got.

    Yields:
        Where tor takes connections, `HOST:PORT`; None for a socket of this machine.

    Raises:
        UsageError: options that do not go together.
        NetworkError: tor gets nowhere.
        PermissionsError: others can read the client key.
    """
    if source.onion is None:
        if options.client_key or options.tor_control or options.socks:
            raise UsageError("pull_onion_only")
        yield None
        return
    if options.client_key is None:
        raise UsageError("pull_client_key")
    if (options.tor_control is None) != (options.socks is None):
        raise UsageError("pull_socks")
    key = read_client_key(options.client_key)
    from tipline.desk.torclient import Control, authorise

    async with _find_tor(options, console) as (control_socket, socks):
        control = Control(control_socket)
        try:
            with authorise(control, onion=source.onion, key=key):
                yield socks
        finally:
            control.close()


@contextlib.asynccontextmanager
async def _find_tor(
    options: argparse.Namespace, console: Console
) -> AsyncIterator[tuple[Path, str]]:
    if options.tor_control is not None:
        yield options.tor_control, options.socks
        return
    from tipline.desk.torclient import run_client

    _ = console.translate
    async with run_client(
        program=options.tor,
        today=system_clock().date(),
        on_stage=lambda stage: console.note(_("tor: {stage}").format(stage=stage)),
    ) as found:
        yield found
