"""The dedicated tor and its two services; no network is needed for what is asked here."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tipline.configuration import OnionSettings
from tipline.errors import NetworkError
from tipline.onion.address import format_address, parse_address
from tipline.onion.control import Bootstrap
from tipline.onion.services import Onions, open_onions

pytestmark = pytest.mark.onion

DAY = datetime.date(2031, 3, 14)
CLIENT = "A" * 52


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, for the control socket."""
    path = Path(tempfile.mkdtemp(prefix="on-"))
    (path / "keys").mkdir(mode=0o700)
    yield path
    shutil.rmtree(path)


def make_onions(
    directory: Path, *, clients: tuple[str, ...] = (CLIENT,), tor: str = "tor", line: str = ""
) -> contextlib.AbstractAsyncContextManager[Onions]:
    settings = OnionSettings(
        tor=tor,
        proof_of_work_rate=25,
        proof_of_work_burst=250,
        max_streams=77,
        test_only_torrc_lines=(line or "DisableNetwork 1",),
    )
    return open_onions(
        directory=directory / "tor",
        keys=directory / "keys",
        settings=settings,
        source_socket=directory / "source.sock",
        desk_socket=directory / "desk.sock",
        desk_clients=clients,
        today=DAY,
        on_bootstrap=stages.append,
    )


stages: list[Bootstrap] = []


async def test_source_service_when_made_then_its_defences_are_on(directory: Path) -> None:
    """Proof of work, exported circuits and capped streams are what the running tor says it has."""
    async with make_onions(directory) as onions:
        told = str(await onions.tor.control.ask("GETCONF HiddenServiceOptions"))
    for wanted in (
        f"HiddenServiceDir={directory}/tor/onion",
        f"HiddenServicePort=80 unix:{directory}/source.sock",
        "HiddenServiceExportCircuitID=haproxy",
        "HiddenServiceMaxStreams=77",
        "HiddenServiceMaxStreamsCloseCircuit=1",
        "HiddenServicePoWDefensesEnabled=1",
        "HiddenServicePoWQueueRate=25",
        "HiddenServicePoWQueueBurst=250",
    ):
        assert wanted in told


async def test_services_when_started_again_then_their_addresses_stay(directory: Path) -> None:
    """Both keys persist; the addresses are known before tor is in the network."""
    async with make_onions(directory) as first:
        assert first.desk is not None
        assert first.source != first.desk
        assert parse_address(first.source) == first.source
    async with make_onions(directory) as second:
        assert (second.source, second.desk) == (first.source, first.desk)
    assert stages


async def test_desk_service_when_no_client_is_named_then_there_is_none(directory: Path) -> None:
    """An onion of the desk without client authorisation would be open to everybody."""
    async with make_onions(directory, clients=()) as onions:
        assert onions.desk is None
        assert str(await onions.tor.control.ask("GETINFO onions/current")).strip() in {
            "onions/current=\nOK",
            "onions/current=",
        }
    assert not (directory / "keys" / "desk-onion.key").exists()


async def test_tor_when_it_runs_then_it_listens_nowhere_and_logs_nothing(directory: Path) -> None:
    """The dedicated tor has no SOCKS port and writes no log; its directory is its owner's."""
    async with make_onions(directory) as onions:
        assert "socks=\n" in str(await onions.tor.control.ask("GETINFO net/listeners/socks")) + "\n"
        told = str(await onions.tor.control.ask("GETCONF Log SafeLogging AvoidDiskWrites"))
        assert "Log=" not in told.replace("SafeLogging=", "")
        assert "SafeLogging=1" in told
        assert "AvoidDiskWrites=1" in told
    names = {path.name for path in (directory / "tor").rglob("*")}
    assert not [name for name in names if "log" in name]
    for path in (directory / "tor", directory / "tor" / "data", directory / "tor" / "onion"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "keys" / "desk-onion.key").stat().st_mode) == 0o600


async def test_tor_when_it_dies_then_waiting_ends_with_an_error(directory: Path) -> None:
    """A tor that ends unasked is noticed, by who waits for it and by who waits to be published."""
    async with make_onions(directory) as onions:
        waiting = asyncio.create_task(onions.wait_published())
        os.kill(onions.tor.pid, 9)
        with pytest.raises(NetworkError) as ended:
            await waiting
        assert ended.value.code == "tor_ended"
        with pytest.raises(NetworkError):
            await onions.tor.wait()


async def test_tor_when_the_block_ends_then_so_does_the_process(directory: Path) -> None:
    """No tor is left behind."""
    async with make_onions(directory) as onions:
        pid = onions.tor.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_tor_when_it_is_missing_then_it_is_named(directory: Path) -> None:
    """A tor that is not installed is a plain error."""
    with pytest.raises(NetworkError) as refused:
        async with make_onions(directory, tor="no-such-tor"):
            raise AssertionError
    assert (refused.value.code, refused.value.facts) == (
        "program_missing",
        {"program": "no-such-tor"},
    )


async def test_tor_when_its_configuration_is_wrong_then_it_ends_and_nothing_hangs(
    directory: Path,
) -> None:
    """A tor that refuses its configuration ends at once, which is said."""
    with pytest.raises(NetworkError) as refused:
        async with make_onions(directory, line="NoSuchOption 1"):
            raise AssertionError
    assert refused.value.code == "tor_ended"


def test_address_when_a_character_is_mistyped_then_refused() -> None:
    """An address holds its own checksum: no single wrong character passes."""
    good = format_address(bytes(range(32)))
    assert parse_address(good) == good
    assert len(good) == 62
    wrong = [
        *(good[:at] + ("a" if good[at] != "a" else "b") + good[at + 1 :] for at in range(56)),
        good.upper(),
        good.removesuffix(".onion"),
        good + ".onion",
        "",
        ".onion",
        " " + good,
    ]
    for untrusted in wrong:
        with pytest.raises(NetworkError) as refused:
            parse_address(untrusted)
        assert refused.value.code == "onion_address"
