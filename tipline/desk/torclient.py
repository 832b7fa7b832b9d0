"""
How the desk's networked machine reaches its onion: through a tor that knows the client key.

Rules:
    1. The key is handed to tor over its control socket and taken back at the end; this program
       writes it to no file of tor's.
    2. By default a tor of our own is started, without any configuration of the system's, and ended
       with this process, even if this process is killed.
    3. Waiting has a limit, and the stage at which tor stopped is named.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import stem
import stem.connection
import stem.socket

from crypto.secret import Secret
from tipline.errors import NetworkError
from tipline.onion.control import Bootstrap
from tipline.onion.process import run_tor

BOOTSTRAP_LIMIT_SECONDS: Final = 300  # a slow start takes a minute
ONION_SUFFIX: Final = ".onion"
_DONE_PERCENT: Final = 100
_POLL_SECONDS: Final = 0.2
_DIRECTORY_PREFIX: Final = "tipline-tor-"
_SOCKS = re.compile(r'"(127\.0\.0\.1:[0-9]+)"')


class Control:
    """
    A control connection, as plain as it gets.

    stem's Controller would take ownership of a tor which this process started, and end it on
    closing; and it starts threads. Its socket does neither.

    Args:
        path: Of tor's control socket.

    Raises:
        NetworkError: `tor_control`: tor does not answer there, or does not let us in.
    """

    def __init__(self, path: Path) -> None:
        # stem leaves its socket open when there is none to connect to.
        if not path.is_socket():
            raise NetworkError("tor_control")
        try:
            self._socket = stem.socket.ControlSocketFile(str(path))
        except stem.SocketError as exc:
            raise NetworkError("tor_control") from exc
        try:
            stem.connection.authenticate(self._socket)
        except (stem.SocketError, stem.connection.AuthenticationFailure) as exc:
            self._socket.close()
            raise NetworkError("tor_control") from exc

    def tell(self, line: str) -> str:
        """
        Send one command.

        Args:
            line: Without its end.

        Returns:
            The answer's text.

        Raises:
            NetworkError: `tor_control` or `tor_refused`: tor went away, or refuses it.
        """
        try:
            self._socket.send(line)
            answer = self._socket.recv()
        except stem.SocketError as exc:
            raise NetworkError("tor_control") from exc
        if not answer.is_ok():
            # The command holds a key; only its first word is named.
            raise NetworkError("tor_refused", command=line.partition(" ")[0])
        return str(answer)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@contextlib.contextmanager
def authorise(control: Control, *, onion: str, key: Secret) -> Iterator[None]:
    """
    Let a running tor find the desk's onion for as long as the block lasts.

    Args:
        control: Of that tor.
        onion: The desk's address.
        key: The client key, 32 bytes.

    Yields:
        Nothing.

    Raises:
        NetworkError: `tor_control` or `tor_refused`: tor went away, or refuses the key.
    """
    address = onion.removesuffix(ONION_SUFFIX)
    encoded = base64.b64encode(key.reveal()).decode("ascii")
    control.tell(f"ONION_CLIENT_AUTH_ADD {address} x25519:{encoded}")
    try:
        yield
    finally:
        control.tell(f"ONION_CLIENT_AUTH_REMOVE {address}")


@contextlib.asynccontextmanager
async def run_client(
    *,
    program: str = "tor",
    extra_lines: tuple[str, ...] = (),
    today: datetime.date,
    limit_seconds: float = BOOTSTRAP_LIMIT_SECONDS,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> AsyncIterator[tuple[Path, str]]:
    """
    Run a tor of our own for as long as the block lasts.

    Args:
        program: The tor to run.
        extra_lines: More torrc, for a private network.
        today: In UTC, for its files' times.
        limit_seconds: How long it may take to reach the network.
        on_stage: Told each stage, in tor's words.

    Yields:
        Its control socket, and where it takes connections (`HOST:PORT`).

    Raises:
        NetworkError: it is not there, or ended, or `tor_stalled`: it did not get far enough in
            time.
    """
    with tempfile.TemporaryDirectory(prefix=_DIRECTORY_PREFIX) as name:
        directory = Path(name)
        async with run_tor(directory, program=program, extra_lines=extra_lines, today=today) as tor:
            await tor.control.ask("SETCONF SocksPort=auto")
            reached = Bootstrap(percent=0, stage="starting")
            try:
                async with asyncio.timeout(limit_seconds):
                    while reached.percent < _DONE_PERCENT:
                        now = await tor.control.read_bootstrap()
                        if now.stage != reached.stage:
                            on_stage(now.stage)
                        reached = now
                        # tor also tells by events; once a moment is as good and simpler.
                        await asyncio.sleep(_POLL_SECONDS)
            except TimeoutError as exc:
                raise NetworkError(
                    "tor_stalled", stage=reached.stage, percent=reached.percent
                ) from exc
            socks = parse_socks(str(await tor.control.ask("GETINFO net/listeners/socks")))
            yield directory / "control", socks


def parse_socks(text: str) -> str:
    """
    Read where a tor takes connections.

    Args:
        text: tor's answer.

    Returns:
        `HOST:PORT`, on loopback.

    Raises:
        NetworkError: `tor_control`: the answer names no such place.
    """
    match = _SOCKS.search(text)
    if match is None:
        raise NetworkError("tor_control")
    return match.group(1)
