"""What is kept of a message's files, and when they are fetched at all."""

from __future__ import annotations

import asyncio
import datetime
import functools
import gc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from tests.service.phones import call_line, install_webhook, message
from tipline.gateway.adapter import Adapter
from tipline.gateway.following import Following
from tipline.gateway.incoming import MediaReference
from tipline.gateway.media import Collected, MediaCollector
from tipline.service.silence import Faults

FILE = b"hello"


async def test_files_when_their_provider_has_us_wait_then_they_leave_the_memory_and_a_stop_is_quick(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only their names wait; a line that stops tells what may still be there."""
    faults, held = Faults(), []
    collect = MediaCollector.collect

    async def note(
        collector: MediaCollector, adapter: Adapter, references: Sequence[MediaReference]
    ) -> Collected:
        collected = await collect(collector, adapter, references)
        held.extend(weakref.ref(file.source) for file in collected.files)
        return collected

    async def hang(*_: Any) -> int:
        await asyncio.Event().wait()
        return 0

    async def give(_: web.BaseRequest) -> web.Response:
        return web.Response(body=FILE)

    monkeypatch.setattr(MediaCollector, "collect", note)
    monkeypatch.setattr(MediaCollector, "forget", hang)
    impatient = functools.partial(Following, stop_seconds=0.1)
    monkeypatch.setattr("tipline.gateway.arrival.Following", impatient)
    monkeypatch.setattr("tipline.service.serve.Faults", lambda: faults)
    install_webhook(world.directory)
    runner = web.ServerRunner(web.Server(give))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert runner.addresses
    media = [{"url": f"http://127.0.0.1:{runner.addresses[0][1]}/f", "type": "text/plain"}]
    try:
        async with world.serve() as site, call_line(world) as caller:
            assert await caller.post(message("look", media=media)) == 200
            assert len(await site.line.store.tips()) == 1
            gc.collect()
            assert [one() for one in held] == [None]
            assert faults.take() == []
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 10
    finally:
        await runner.cleanup()
    (place,) = faults.take()
    assert place.startswith("GatewayError")
    assert "arrival.py" in place


async def test_files_when_nobody_reads_the_channel_then_they_are_not_fetched(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to come back costs its provider and the line no picture at each try."""
    collected = []

    async def note(*_: Any) -> Collected:
        collected.append(True)
        return Collected()

    monkeypatch.setattr(MediaCollector, "collect", note)
    install_webhook(world.directory)
    media = [{"url": "http://127.0.0.1:1/f", "type": "text/plain"}]
    async with world.serve(), call_line(world) as caller:
        assert await caller.post(message("one", number="a1", media=media)) == 200
        assert collected == [True]
        world.clock.now += datetime.timedelta(days=40)
        assert await caller.post(message("two", number="a2", media=media)) == 503
        assert collected == [True]
