"""The main job with a real browser over a real Tor network, and what is left of it."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest

from tests.browser.attaching import attach
from tests.browser.driver import Firefox, Profile
from tests.onion.conftest import MakeThrowawayLine
from tipline.demonstration.bridge import Streams, open_door
from tipline.demonstration.check import pull
from tipline.demonstration.line import ThrowawayLine
from tipline.demonstration.opening import find_opened, open_at_desk
from tipline.demonstration.photo import make_photo
from tipline.demonstration.serving import serve_by_command
from tipline.demonstration.traces import Needle, Trace, make_needles, search
from tipline.privatetor.network import PrivateNetwork

pytestmark = [pytest.mark.onion, pytest.mark.browser]

TEXT = "The pillar of the bridge at Zubirí: «cracks» since May.\nAsk who signed the survey. 🌉"
PHOTO_NAME = "IMG_20410 pillar küche.JPG"


def make_all_needles(
    *, photo: bytes, user_agent: str, client_ports: set[int], circuits: str
) -> list[Needle]:
    """Whatever the source's visit could have left."""
    return [
        *make_needles("text", TEXT.encode()),
        *make_needles("file", photo),
        *make_needles("name", PHOTO_NAME.encode()),
        *make_needles("user agent", user_agent.encode()),
        *make_needles("circuit", circuits.encode()),
        *(needle for port in client_ports for needle in make_needles("port", b"%d" % port)),
    ]


def search_server(line: ThrowawayLine, needles: list[Needle]) -> list[Trace]:
    """Search whatever of a line would be found on its server, what it said included."""
    return [trace for place in line.server_directories for trace in search(place, needles)]


@pytest.mark.parametrize(("profile", "wasm"), [("standard", "object"), ("safer", "undefined")])
async def test_tip_when_sent_over_tor_opens_at_the_desk_and_leaves_no_trace(
    profile: Profile,
    wasm: str,
    private_network: PrivateNetwork,
    make_onion_line: MakeThrowawayLine,
    tmp_path: Path,
) -> None:
    """Text and photo open unchanged, with JIT and WASM on and off; the server keeps neither."""
    photo = make_photo(width_pixels=2400)
    (tmp_path / PHOTO_NAME).write_bytes(photo)
    line = make_onion_line()
    client_ports: set[int] = set()

    async def reach_tor() -> Streams:
        return await asyncio.open_connection("127.0.0.1", private_network.socks_port)

    async with serve_by_command(line) as served:
        async with (
            open_door(reach_tor, on_client=client_ports.add) as socks_port,
            Firefox(profile=profile, socks_port=socks_port) as browser,
        ):
            await browser.open(f"http://{served.source}/en/")
            assert await browser.evaluate("typeof WebAssembly") == wasm
            user_agent = await browser.evaluate("navigator.userAgent")
            await browser.until("!document.querySelector('#form').hidden", seconds=60)
            await browser.type("#text", TEXT)
            await attach(browser, tmp_path / PHOTO_NAME)
            await browser.click("#send")
            await browser.until(
                "!document.querySelector('[data-state=arrived]').hidden", seconds=120
            )
            assert await browser.violations() == []
        await pull(line, onion=served.desk, network=private_network)
        needles = make_all_needles(
            photo=photo,
            user_agent=user_agent,
            client_ports=client_ports,
            circuits="fc00:dead:beef:4dad",
        )
        assert client_ports
        # While it runs (the WAL, tor's own files, sockets' names), and after it has ended.
        assert search_server(line, needles) == []
    assert search_server(line, needles) == []

    (tip_id,) = open_at_desk(line)
    tip, place = find_opened(line, tip_id)
    assert tip["text"] == TEXT
    assert (place / "text.txt").read_text() == TEXT
    assert [entry["cleaning"]["state"] for entry in tip["attachments"]] == ["clean"]
    assert (place / "files/01.jpg").read_bytes() == photo

    # The same search finds each of them where it was left, in each spelling.
    for number, left in enumerate(
        (
            b"..." + TEXT.encode() + b"...",
            json.dumps({"text": TEXT}).encode(),
            TEXT.encode("utf-16-le"),
            b"x" + base64.b64encode(b"y" + photo),
            photo[30_000:60_000],
            PHOTO_NAME.encode(),
            user_agent.encode(),
            b"from 127.0.0.1:%d\n" % min(client_ports),
            b"PROXY TCP6 fc00:dead:beef:4dad::0:29 ::1 41 80\r\n",
        )
    ):
        canary = line.instance / "envelopes" / f"canary-{number}"
        canary.write_bytes(left)
        assert {trace.path for trace in search_server(line, needles)} == {canary}
        canary.unlink()
