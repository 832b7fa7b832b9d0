"""The desk says what it has: from then on a tip's last day is nearer, and nothing else changes."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from tipline.desk.pulling import acknowledge, parse_source, pull_bundle
from tipline.service import picking_up

PICKED_UP_DAYS = 7


@pytest.fixture
def world(make_world: Any) -> Any:
    """A line that keeps what was fetched for a week."""
    world = make_world()
    policy = world.directory / "policy.toml"
    text = policy.read_text()
    assert text.count("picked_up = 90") == 2
    policy.write_text(text.replace("picked_up = 90", f"picked_up = {PICKED_UP_DAYS}"))
    return world


async def say(site: Any, body: bytes) -> tuple[int, Any]:
    """Say to the desk's side what the desk has."""
    async with site.desk.post("/picked-up", data=body) as response:
        return response.status, json.loads(await response.read())


def of(*ids: str) -> bytes:
    """Name tips as the desk does."""
    return json.dumps({"tips": ids}).encode()


async def days_of(site: Any) -> dict[str, datetime.date]:
    """Tell the last day of each tip."""
    return {tip.id.hex(): tip.dies_on for tip in await site.line.store.tips()}


async def test_pull_when_acknowledged_then_what_is_whole_dies_sooner_and_neighbours_do_not(
    world: Any, tmp_path: Any
) -> None:
    """R-17: what was pulled whole and acknowledged is gone a week later; what came since is not."""
    async with world.serve() as site:
        await site.upload(world.seal("fetched"))
        source = parse_source(f"unix:{site.line.addresses.desk_socket}")
        pulled = await pull_bundle(source, out=tmp_path / "bundle", root=world.root.verifier())
        await site.upload(world.seal("came since"))
        fetched, since = (tip.id.hex() for tip in site.tips)
        assert await acknowledge(source, pulled) == 1
        week = world.clock.today + datetime.timedelta(days=PICKED_UP_DAYS)
        quarter = world.clock.today + datetime.timedelta(days=90)
        assert await days_of(site) == {fetched: week, since: quarter}
    world.clock.now += datetime.timedelta(days=PICKED_UP_DAYS - 1)
    async with world.serve() as site:
        assert set(await days_of(site)) == {fetched, since}
    world.clock.now += datetime.timedelta(days=1)
    async with world.serve() as site:
        assert set(await days_of(site)) == {since}


async def test_picked_up_when_said_again_later_then_the_first_time_counts(world: Any) -> None:
    """Who repeats it cannot keep a tip longer."""
    async with world.serve() as site:
        await site.upload(world.seal())
        (tip,) = (one.id.hex() for one in site.tips)
        assert await say(site, of(tip)) == (200, {"state": "picked_up"})
        before = await days_of(site)
        world.clock.now += datetime.timedelta(days=3)
        assert (await say(site, of(tip)))[0] == 200
        assert await days_of(site) == before


async def test_picked_up_when_an_id_is_unknown_then_the_answer_is_the_same(world: Any) -> None:
    """A tip may have died between the pull and this; the others count."""
    async with world.serve() as site:
        await site.upload(world.seal())
        (tip,) = (one.id.hex() for one in site.tips)
        assert await say(site, of("ab" * 16, tip)) == (200, {"state": "picked_up"})
        assert (await days_of(site))[tip] < world.clock.today + datetime.timedelta(days=90)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"tips":{}}',
        b'{"tips":["ab"]}',
        b'{"tips":[1]}',
        b'{"tips":["' + b"AB" * 16 + b'"]}',
        b'{"tips":[],"more":1}',
    ],
)
async def test_picked_up_when_of_another_form_then_refused(world: Any, body: bytes) -> None:
    """One answer for everything that is not as agreed."""
    async with world.serve() as site:
        assert await say(site, body) == (422, {"error": "refused"})


async def test_picked_up_when_longer_than_any_bundle_then_refused(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes from outside is bounded."""
    monkeypatch.setattr(picking_up, "MAX_BODY_BYTES", 100)
    async with world.serve() as site:
        assert (await say(site, of("ab" * 16)))[0] == 200
        assert (await say(site, of(*["ab" * 16] * 4)))[0] == 422
    monkeypatch.setattr(picking_up, "MAX_BODY_BYTES", 1000)
    monkeypatch.setattr(picking_up, "MAX_TIPS", 1)
    async with world.serve() as site:
        assert (await say(site, of("ab" * 16, "cd" * 16)))[0] == 422


async def test_picked_up_when_said_to_the_sources_onion_or_fetched_then_unknown(world: Any) -> None:
    """Only the desk's own door takes it."""
    async with world.serve() as site:
        async with site.source.post("/picked-up", data=of("ab" * 16)) as response:
            assert response.status == 404
        async with site.desk.get("/picked-up") as response:
            assert response.status == 404
