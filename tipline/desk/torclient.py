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

import base64
import contextlib
import dataclasses
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import stem
import stem.connection
import stem.socket

from crypto.secret import Secret
from tipline.errors import NetworkError

BOOTSTRAP_LIMIT_SECONDS: Final = 300  # a slow start takes a minute
STOP_LIMIT_SECONDS: Final = 15
_POLL_SECONDS: Final = 0.2
ONION_SUFFIX: Final = ".onion"
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
        try:
            self._socket = stem.socket.ControlSocketFile(str(path))
            stem.connection.authenticate(self._socket)
        except (stem.SocketError, stem.connection.AuthenticationFailure) as exc:
            raise NetworkError("tor_control") from exc

    def tell(self, line: str) -> str:
        """
        Send one command.

        Args:
            line: Without its end.

        Returns:
            The answer's text.

        Raises:
            NetworkError: `tor_control`: tor refuses it, or went away.
        """
        try:
            self._socket.send(line)
            answer = self._socket.recv()
        except stem.SocketError as exc:
            raise NetworkError("tor_control") from exc
        if not answer.is_ok():
            raise NetworkError("tor_control")
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
        NetworkError: `tor_control`: tor refuses the key, or went away.
    """
    address = onion.removesuffix(ONION_SUFFIX)
    encoded = base64.b64encode(key.reveal()).decode("ascii")
    control.tell(f"ONION_CLIENT_AUTH_ADD {address} x25519:{encoded}")
    try:
        yield
    finally:
        control.tell(f"ONION_CLIENT_AUTH_REMOVE {address}")


@contextlib.contextmanager
def run_tor(
    *,
    program: str = "tor",
    extra_lines: tuple[str, ...] = (),
    limit_seconds: float = BOOTSTRAP_LIMIT_SECONDS,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Iterator[tuple[Control, str]]:
    """
    Run a tor of our own for as long as the block lasts.

    Args:
        program: The tor to run.
        extra_lines: More torrc, for a private network.
        limit_seconds: How long it may take to reach the network.
        on_stage: Told each stage, in tor's words.

    Yields:
        Its control connection, and where it takes connections (`HOST:PORT`).

    Raises:
        NetworkError: `tor_ended`, or `tor_stage` when the time is over.
        OSError: the program cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix=_DIRECTORY_PREFIX) as name:
        directory = Path(name)
        torrc = directory / "torrc"
        torrc.write_text("\n".join((*_torrc_lines(directory), *extra_lines)) + "\n")
        process = subprocess.Popen(
            [program, "--defaults-torrc", str(directory / "none"), "-f", str(torrc), "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            waiting = _Waiting(
                process=process, ends_at=time.monotonic() + limit_seconds, on_stage=on_stage
            )
            control = waiting.connect(directory / "control")
            try:
                waiting.wait_for_network(control)
                yield control, _read_socks(control)
            finally:
                control.close()
        finally:
            _stop(process)


def _torrc_lines(directory: Path) -> tuple[str, ...]:
    return (
        f"DataDirectory {directory / 'data'}",
        f"ControlSocket {directory / 'control'}",
        "CookieAuthentication 1",
        "SocksPort auto",
        "ClientOnly 1",
        f"__OwningControllerProcess {os.getpid()}",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclasses.dataclass(slots=True, kw_only=True)
class _Waiting:
    """Waits for a tor that was just started, and remembers how far it came."""

    process: subprocess.Popen[bytes]
    ends_at: float
    on_stage: Callable[[str], None]
    stage: str = "start"

    def connect(self, path: Path) -> Control:
        while not path.exists():
            self._pause()
        return Control(path)

    def wait_for_network(self, control: Control) -> None:
        while True:
            phase = control.tell("GETINFO status/bootstrap-phase")
            words = dict(word.split("=", 1) for word in phase.split() if "=" in word)
            if words.get("PROGRESS") == "100":
                return
            if words.get("TAG", self.stage) != self.stage:
                self.stage = words["TAG"]
                self.on_stage(self.stage)
            self._pause()

    def _pause(self) -> None:
        if self.process.poll() is not None:
            raise NetworkError("tor_ended", stage=self.stage)
        if time.monotonic() > self.ends_at:
            raise NetworkError("tor_stage", stage=self.stage)
        time.sleep(_POLL_SECONDS)


def _read_socks(control: Control) -> str:
    match = _SOCKS.search(control.tell("GETINFO net/listeners/socks"))
    if match is None:
        raise NetworkError("tor_control")
    return match.group(1)
