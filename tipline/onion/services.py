"""
The two onion services of a line.

The source's: by one SETCONF, because only a service from the configuration exports circuit ids; its
key lies in tor's own directory. The desk's: by ADD_ONION, with client authorisation; its key is
kept by us. Both keys persist, so the addresses stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from tipline.configuration import OnionSettings
from tipline.errors import NetworkError
from tipline.files import check_private, save_file
from tipline.onion.address import SUFFIX, parse_address
from tipline.onion.control import Bootstrap, Control, Uploaded
from tipline.onion.process import TorProcess, run_tor
from tipline.onion.torrc import format_desk_service, format_source_service

SERVICE_DIRECTORY_NAME: Final = "onion"
DESK_KEY_NAME: Final = "desk-onion.key"
HOSTNAME_SECONDS: Final = 10.0  # until tor has written the source's address
POLL_SECONDS: Final = 0.02
NEW_KEY: Final = "NEW:ED25519-V3"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Onions:
    """
    The services of a line; known before anybody can reach them.

    Args:
        source: The source's address.
        desk: The desk's address; None as long as no client of the desk is configured.
        tor: The process.
        published: Set for an address once a directory has taken its descriptor.
    """

    source: str
    desk: str | None
    tor: TorProcess
    published: dict[str, asyncio.Event]

    async def wait_published(self) -> None:
        """
        Wait until every service can be found.

        Raises:
            NetworkError: tor ended meanwhile.
        """
        ended = asyncio.create_task(self.tor.wait())
        found = asyncio.create_task(self._wait_all())
        try:
            await asyncio.wait({ended, found}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
        finally:
            found.cancel()
            ended.cancel()

    async def _wait_all(self) -> None:
        for event in self.published.values():
            await event.wait()


@contextlib.asynccontextmanager
async def open_onions(
    *,
    directory: Path,
    keys: Path,
    settings: OnionSettings,
    source_socket: Path,
    desk_socket: Path,
    desk_clients: tuple[str, ...],
    today: datetime.date,
    on_bootstrap: Callable[[Bootstrap], None],
) -> AsyncIterator[Onions]:
    """
    Run a tor with both services while the block runs.

    Args:
        directory: Of the tor.
        keys: Where the desk's onion key is kept.
        settings: Of the configuration.
        source_socket: Where the source's side listens.
        desk_socket: Where the desk's side listens.
        desk_clients: X25519 public keys in base32.
        today: In UTC.
        on_bootstrap: Told how far tor has come.

    Yields:
        The services; they may not be published yet.

    Raises:
        NetworkError: tor is not there, ended, or refuses what it is asked.
    """
    async with run_tor(
        directory,
        program=settings.tor,
        extra_lines=settings.test_only_torrc_lines,
        today=today,
    ) as tor:
        published: dict[str, asyncio.Event] = {}

        def take(event: Bootstrap | Uploaded) -> None:
            if isinstance(event, Bootstrap):
                on_bootstrap(event)
            else:
                published.setdefault(event.address, asyncio.Event()).set()

        await tor.control.listen(take)
        source = await _add_source(tor.control, directory, settings, source_socket)
        published.setdefault(source, asyncio.Event())
        desk = None
        if desk_clients:
            key_path = keys / DESK_KEY_NAME
            key = read_desk_key(key_path)
            answer = await tor.control.ask(
                format_desk_service(
                    key=key or NEW_KEY,
                    socket=desk_socket,
                    clients=desk_clients,
                    max_streams=settings.max_streams,
                )
            )
            told = dict(line.split("=", 1) for line in str(answer).splitlines() if "=" in line)
            if key is None:
                # Before anybody is told the address, so that it is still there after a crash.
                save_file(key_path, f"{told['PrivateKey']}\n".encode("ascii"), day=today)
            desk = parse_address(told["ServiceID"] + SUFFIX)
            published.setdefault(desk, asyncio.Event())
        on_bootstrap(await tor.control.read_bootstrap())
        yield Onions(source=source, desk=desk, tor=tor, published=published)


async def _add_source(
    control: Control, directory: Path, settings: OnionSettings, socket: Path
) -> str:
    service_directory = directory / SERVICE_DIRECTORY_NAME
    await control.ask(
        format_source_service(
            service_directory=service_directory,
            socket=socket,
            proof_of_work_rate=settings.proof_of_work_rate,
            proof_of_work_burst=settings.proof_of_work_burst,
            max_streams=settings.max_streams,
        )
    )
    try:
        async with asyncio.timeout(HOSTNAME_SECONDS):
            while True:
                with contextlib.suppress(FileNotFoundError, NetworkError):
                    return parse_address(
                        (service_directory / "hostname").read_text("ascii").strip()
                    )
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as exc:
        raise NetworkError("tor_refused", command="SETCONF") from exc


def read_desk_key(path: Path) -> str | None:
    """
    Read the key of the desk's onion.

    Args:
        path: Its file.

    Returns:
        The key as tor wrote it; None before the first time.

    Raises:
        PermissionsError: others can read it.
    """
    if not path.exists():
        return None
    check_private(path)
    return path.read_text("ascii").strip()
