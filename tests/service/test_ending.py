"""The end of a line: announced, called off, taken by itself, and what is served afterwards."""

from __future__ import annotations

import datetime
import os
from typing import Any

import pytest

from retention.log.entry import CloseStep, EntryType
from tests.service.conftest import open_session
from tests.service.test_operator import ask, later, send, stored
from tipline.closing import load_closing
from tipline.errors import InstanceError
from tipline.instance import Instance, load_log_signer, load_signer
from tipline.service.closed_line import open_closed_line
from tipline.service.ending import is_shut, shut

ON_DAYS = 10


def list_steps(site: Any) -> list[str]:
    """Tell what the log says of the end."""
    told = list(site.line.log.read_told(since=datetime.date.min))
    return [
        entry.statement.fields["step"] for entry in told if entry.statement.type is EntryType.CLOSE
    ]


async def batch(world: Any, site: Any) -> None:
    """Purge and make today's batch, as the night does."""
    await ask(site, "purge")
    await site.line.daily.catch_up(hour=0, now_hour=1)


async def announce(world: Any, site: Any) -> str:
    """Announce the end in ten days."""
    on = (world.clock.today + datetime.timedelta(days=ON_DAYS)).isoformat()
    await ask(site, "close-announce", on=on)
    return on


async def test_close_when_announced_then_it_can_be_called_off_until_its_day(world: Any) -> None:
    """Both are said in the notice and in the log; on the day it is too late."""
    async with world.serve() as site:
        with pytest.raises(InstanceError, match="close_not_begun"):
            await ask(site, "close-cancel")
        with pytest.raises(InstanceError, match="close_day_past"):
            await ask(site, "close-announce", on=world.clock.today.isoformat())
        on = await announce(world, site)
        async with site.source.get("/notice") as response:
            assert await response.json() == {"v": 1, "step": "announced", "on": on}
        assert (await ask(site, "close-cancel"))["on"] == on
        async with site.source.get("/notice") as response:
            assert (await response.json())["step"] == "cancelled"
        later(world, ON_DAYS + 1)
        await batch(world, site)
        await send(world, site)  # it goes on
        on = await announce(world, site)
        later(world, ON_DAYS)
        with pytest.raises(InstanceError, match="close_too_late"):
            await ask(site, "close-cancel")
        await batch(world, site)
        assert list_steps(site) == ["announced", "cancelled", "announced", "intake_stopped"]


async def test_close_when_its_day_comes_then_nothing_is_taken_and_all_dies_in_its_time(
    world: Any,
) -> None:
    """Intake stops by itself; tips live on to their day; then keys go, and the log ends once."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        await announce(world, site)
        await send(world, site)  # until then it takes tips
        later(world, ON_DAYS)
        assert await site.upload(world.seal()) == (409, {"error": "keyset"})
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped"]
        assert set(ids) <= await stored(site)
        assert not site.line.ended.is_set()
        later(world, 80)
        await batch(world, site)
        assert await stored(site) == set()
        later(world, 1)
        await batch(world, site)
        assert list_steps(site) == ["announced", "intake_stopped", "keys_destroyed", "closed"]
        assert site.line.ended.is_set()
        size = site.line.log.size
        later(world, 1)
        await batch(world, site)
        assert site.line.log.size == size  # the last entry was the last
    verifier = load_log_signer(world.directory).verifier()
    secrets = [
        signer.format().reveal()
        for signer in (load_signer(world.directory), load_log_signer(world.directory))
    ]
    for _ in range(2):  # a crash in between: done again
        shut(world.directory, day=world.clock.today, environment=os.environ)
    assert is_shut(world.directory)
    slots = (world.directory / "slots" / "slot-file").read_bytes()
    assert sum(1 for start in range(0, len(slots), 4096) if any(slots[start : start + 4096])) == 2
    everything = b"".join(
        path.read_bytes() for path in world.directory.rglob("*") if path.is_file()
    )
    assert not any(secret in everything for secret in secrets)
    closing = load_closing(world.directory)
    assert closing is not None
    assert closing.step is CloseStep.CLOSED
    with pytest.raises(InstanceError, match="line_ended"):
        Instance.open(world.directory)
    async with (
        open_closed_line(world.directory, pages={}, day=world.clock.today) as path,
        open_session(path) as client,
    ):
        async with client.get("/log/checkpoint") as response:
            assert verifier.name.encode() in await response.read()
        async with client.get("/en/accountability") as response:
            assert b"This line is closed" in await response.read()
        async with client.put(f"/uploads/{32 * 'a'}", json={}) as response:
            assert response.status == 409
            assert await response.json() == {"error": "keyset"}
