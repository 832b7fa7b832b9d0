"""What a sender orders of a line that is being served: once, at any time, and of nobody else."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from typing import Any

import pytest
from aiohttp import web

from crypto.handle import HANDLE_BITS
from retention.policy import RecordClass
from tests.service.android import KEY as APP_KEY
from tests.service.android import make_event, make_payload, post
from tests.service.phones import (
    KEY,
    NUMBER,
    call_line,
    install_gateways,
    install_webhook,
    make_gateway,
    message,
)
from tests.service.test_backup import ask
from tipline.gateway.arrival import Arrival
from tipline.gateway.blocking import BLOCK_OPERATION
from tipline.gateway.numbers import parse_sender

OTHER = "+525587654321"


def find(site: Any, sender: str) -> Any:
    """What the line knows of a sender."""
    return site.line.store._conversations.find(parse_sender(sender, "MX"), "city")


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What takes the messages of each line that is served."""
    made: list[Any] = []
    make = Arrival.__init__

    def note(self: Arrival, *args: Any, **more: Any) -> None:
        made.append(self)
        make(self, *args, **more)

    monkeypatch.setattr(Arrival, "__init__", note)
    return made


async def test_stop_when_a_picture_is_under_way_then_its_message_brings_no_number_back(
    world: Any,
) -> None:
    """STOP is acknowledged while the same sender's picture is fetched: the tip has no number."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        asked.set()
        await go_on.wait()
        return web.Response(body=b"hello")

    app = web.Application()
    app.router.add_get("/f", hold)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    assert place._server is not None
    port = place._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    install_webhook(world.directory)
    try:
        async with world.serve() as site, call_line(world) as caller:
            media = [{"url": f"http://127.0.0.1:{port}/f", "type": "text/plain"}]
            picture = asyncio.create_task(caller.post(message("look", media=media)))
            await asyncio.wait_for(asked.wait(), 10)
            assert await caller.post(message("STOP", number="a2")) == 200
            go_on.set()
            assert await picture == 200
            assert len(await site.line.store.tips()) == 1
            assert not find(site, "+525512345678").continues
            stored = await site.line.store.records()
            assert RecordClass.RAW_NUMBER not in {one.record_class for one in stored}
    finally:
        await runner.cleanup()


async def test_order_when_it_comes_again_then_it_is_acknowledged_and_not_followed(
    world: Any,
) -> None:
    """A provider that repeats a STOP does not end what the sender began since."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one", number="a1")) == 200
        assert await caller.post(message("STOP", number="a2")) == 200
        assert await caller.post(message("two", number="a3")) == 200
        assert await caller.post(message("STOP", number="a2")) == 200
        assert find(site, "+525512345678").continues
        assert await caller.post(message("STOP", number="a4")) == 200
        assert not find(site, "+525512345678").continues


async def test_stop_when_there_is_no_room_or_the_line_ended_then_it_is_followed(
    world: Any, arrivals: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end needs no room, no intake, and nothing of what its sender may send."""
    monkeypatch.setattr("tipline.gateway.arrival.MESSAGES_BURST", 3)
    monkeypatch.setattr("tipline.gateway.arrival.SECONDS_PER_MESSAGE", 1e9)

    async def is_full() -> bool:
        return False

    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        (arrival,) = arrivals
        line = arrival._line
        senders = ("+525512345671", "+525512345672", "+525512345673")
        for number, who in enumerate(senders):
            assert await caller.post(message("one", number=f"a{number}", sender=who)) == 200
        changes = ({"has_room": is_full}, {"takes_tips": lambda: False})
        for number, (who, change) in enumerate(zip(senders, changes, strict=False)):
            arrival._line = dataclasses.replace(line, **change)
            assert await caller.post(message("two", number=f"b{number}", sender=who)) == 503
            assert await caller.post(message("STOP", number=f"c{number}", sender=who)) == 200
            assert not find(site, who).continues
        arrival._line = line
        last = senders[-1]
        for number, status in enumerate((200, 200, 429)):
            assert await caller.post(message("x", number=f"d{number}", sender=last)) == status
        assert await caller.post(message("STOP", number="e1", sender=last)) == 200
        assert not find(site, last).continues
        assert await caller.post(message("STOP", number="e2", sender=last)) == 429


async def test_stop_when_it_comes_in_a_call_behind_a_tip_without_room_then_it_is_followed(
    world: Any, arrivals: list[Any]
) -> None:
    """After the line's end, too, a call that brings several keeps nobody from ending."""
    keys = {"signing_key": APP_KEY, "user": "sms", "password": "pass"}
    app = make_gateway("capcom6", send_url="http://127.0.0.1:1/messages")
    install_gateways(world.directory, secrets={"phone": keys}, phone=app)
    first = make_payload("sms:received")
    several = {"messages": [make_payload("sms:received"), {**first, "message": "STOP"}]}
    async with world.serve() as site, call_line(world) as caller:
        (arrival,) = arrivals
        assert await post(caller, make_event("sms:received", first)) == 200
        assert find(site, NUMBER).continues
        arrival._line = dataclasses.replace(arrival._line, takes_tips=lambda: False)
        assert await post(caller, make_event("sms:batch:received", several)) == 503
        assert not find(site, NUMBER).continues
        assert len(await site.line.store.tips()) == 1


async def test_stop_when_parts_wait_on_another_channel_then_they_stay(
    world: Any, arrivals: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end on one channel takes no part that was acknowledged on another."""
    kept = {name: make_gateway("webhook", send_url="") for name in ("hook", "other")}
    secrets = {name: {"signing_key": KEY} for name in kept}
    install_gateways(world.directory, secrets=secrets, **kept)
    part = {"reference": "r", "number": 1, "of": 2}
    async with world.serve() as site, call_line(world) as caller:
        outbox = site.line.store._conversations.outbox
        for name in kept:
            half = message("half", number=name, part=part)
            assert await caller.post(half, name=name) == 200
        (arrival,) = arrivals
        other = dataclasses.replace(arrival._settings["other"], channel="coast")
        monkeypatch.setitem(arrival._settings, "other", other)
        assert await caller.post(message("STOP", number="a1")) == 200
        assert len(await outbox.parts()) == 1
        monkeypatch.undo()
        assert await caller.post(message("STOP", number="a2")) == 200
        assert await outbox.parts() == []


async def test_line_when_a_part_is_damaged_then_it_starts_and_the_others_go_on(world: Any) -> None:
    """One flipped bit in a row of a phone takes nobody's way to write."""
    install_webhook(world.directory)
    half = {"reference": "r", "number": 1, "of": 2}
    rest = {"reference": "r", "number": 2, "of": 2}
    async with world.serve(), call_line(world) as caller:
        assert await caller.post(message("lost", number="p1", part=half)) == 200
    with sqlite3.connect(world.directory / "tipline.db") as database:
        ((row, sealed),) = database.execute("SELECT id, sealed FROM parts").fetchall()
        damaged = bytes([sealed[0] ^ 1]) + sealed[1:]
        database.execute("UPDATE parts SET sealed = ? WHERE id = ?", [damaged, row])
    database.close()
    async with world.serve(), call_line(world) as caller:
        assert await caller.post(message("kept ", number="p2", part=half, sender=OTHER)) == 200
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("whole", number="p3", part=rest, sender=OTHER)) == 200
        assert len(await site.line.store.tips()) == 1


async def test_sender_when_blocked_then_neither_stop_nor_a_copy_brings_a_message_in(
    world: Any,
) -> None:
    """What a blocked sender writes is acknowledged and dropped, after a STOP of theirs, too."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await site.line.store._conversations.handles.wait_empty()
        (tip,) = await site.line.store.tips()
        bits = int.from_bytes(tip.pseudonym) >> (8 * len(tip.pseudonym) - HANDLE_BITS)
        await ask(site, BLOCK_OPERATION, bits=bits, blocked=True)
        for number in range(3):
            assert await caller.post(message("STOP", number=f"s{number}")) == 200
            assert await caller.post(message("more", number=f"m{number}")) == 200
        assert len(await site.line.store.tips()) == 1
        await ask(site, BLOCK_OPERATION, bits=bits, blocked=False)
        assert await caller.post(message("more", number="m0")) == 200
        assert len(await site.line.store.tips()) == 1
        assert await caller.post(message("more", number="n0")) == 200
        assert len(await site.line.store.tips()) == 2
