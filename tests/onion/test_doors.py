"""Who gets through to a line's onions, and who has to wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp_socks import ProxyConnector, ProxyError

from tests.onion.conftest import MakeThrowawayLine
from tipline.demonstration.check import pull
from tipline.demonstration.serving import serve_by_command
from tipline.desk.ceremony import make_client_key
from tipline.errors import CheckError
from tipline.privatetor.network import PrivateNetwork

pytestmark = pytest.mark.onion


async def ask(url: str, *, network: PrivateNetwork, circuit: str, times: int = 1) -> list[int]:
    """Ask for a page several times over one circuit; tor gives each user name its own."""
    connector = ProxyConnector.from_url(
        f"socks5://{circuit}:x@127.0.0.1:{network.socks_port}", rdns=True
    )
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        statuses = []
        for _ in range(times):
            async with session.get(url) as answer:
                statuses.append(answer.status)
                await answer.read()
        return statuses


async def test_source_onion_when_one_circuit_floods_serves_another(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine
) -> None:
    """A circuit beyond its budget is told 503; one beside it is served at the same time."""
    line = make_onion_line(limits__requests_per_second=1, limits__requests_burst=10)
    async with serve_by_command(line) as served:
        url = f"http://{served.source}/en/"
        flood = asyncio.create_task(ask(url, network=private_network, circuit="flood", times=40))
        beside = await ask(url, network=private_network, circuit="beside", times=5)
        flooded = await flood
        assert beside == [200] * 5
        assert flooded[:10] == [200] * 10
        assert flooded.count(503) >= 20
        assert set(flooded) == {200, 503}


async def test_desk_onion_when_the_client_key_is_missing_or_wrong_is_not_found(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine, tmp_path: Path
) -> None:
    """Without the key that the line knows nobody reaches the desk's side; with it the desk does."""
    line = make_onion_line()
    async with serve_by_command(line) as served:
        with pytest.raises(ProxyError):
            await ask(
                f"http://{served.desk}/bundle", network=private_network, circuit="without-a-key"
            )
        own_key = line.client_key.read_bytes()
        line.client_key.unlink()
        make_client_key(line.client_key)
        with pytest.raises(CheckError):
            await pull(line, onion=served.desk, network=private_network)
        assert not line.bundle.exists()
        line.client_key.write_bytes(own_key)
        await pull(line, onion=served.desk, network=private_network)
        assert line.bundle.exists()


async def test_source_onion_when_asked_for_a_bundle_knows_nothing_of_it(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine
) -> None:
    """What is for the desk is not on the source's onion."""
    async with serve_by_command(make_onion_line()) as served:
        for path in ("bundle", "bundle/texts"):
            url = f"http://{served.source}/{path}"
            assert await ask(url, network=private_network, circuit="source") == [404]


async def test_onions_when_the_line_is_started_again_keep_their_addresses(
    private_network: PrivateNetwork, make_onion_line: MakeThrowawayLine
) -> None:
    """Both keys persist: sources and desk find the line where it was."""
    line = make_onion_line()
    async with serve_by_command(line) as first:
        pass
    async with serve_by_command(line) as second:
        assert (second.source, second.desk) == (first.source, first.desk)
        url = f"http://{second.source}/en/"
        assert await ask(url, network=private_network, circuit="again") == [200]
