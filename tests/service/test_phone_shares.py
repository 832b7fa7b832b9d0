"""Nobody's messages keep somebody else's from being stored."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest

from tests.service.phones import (
    KEY,
    NUMBER,
    call_line,
    install_gateways,
    install_webhook,
    make_gateway,
    message,
    open_tips,
)
from tests.service.programs import make_memory_folder
from tipline.errors import GatewayError
from tipline.gateway.arrival import OVERDUE_SECONDS, Arrival
from tipline.gateway.incoming import Incoming, Medium
from tipline.gateway.turns import TooManyError

OTHER = "+525587654321"


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[Arrival]:
    """What takes messages in each line that is served."""
    made: list[Arrival] = []
    real = Arrival.__init__

    def keep(self: Arrival, *given: Any, **named: Any) -> None:
        real(self, *given, **named)
        made.append(self)

    monkeypatch.setattr(Arrival, "__init__", keep)
    return made


async def test_withheld_number_when_many_withhold_theirs_then_they_have_room_for_many(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever withholds the number is not shut out by what one phone may send."""
    monkeypatch.setattr("tipline.gateway.arrival.MESSAGES_BURST", 2)
    monkeypatch.setattr("tipline.gateway.arrival.UNNAMED_TIMES", 3)
    monkeypatch.setattr("tipline.gateway.arrival.SECONDS_PER_MESSAGE", 1e9)
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        for sender, expected in (("", 6), ("Unknown", 6), ("+1", 6), (NUMBER, 2)):
            ids = [f"{sender}-{number}" for number in range(7)]
            posted = [await caller.post(message("a", number=one, sender=sender)) for one in ids]
            assert posted == [200] * expected + [429] * (7 - expected)
        assert len(site.tips) == 20


async def test_batch_when_one_sender_sent_too_many_then_the_others_of_it_are_stored(
    world: Any, arrivals: list[Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of several messages is told to come back, and what could be stored was."""
    monkeypatch.setattr("tipline.gateway.arrival.MESSAGES_BURST", 1)
    monkeypatch.setattr("tipline.gateway.arrival.SECONDS_PER_MESSAGE", 1e9)
    install_webhook(world.directory)
    batch = [
        Incoming(
            gateway="hook",
            medium=Medium.SMS,
            provider_id=f"b{place}",
            sender=sender,
            text=f"{place}",
            received_at=world.clock.now,
        )
        for place, sender in enumerate((NUMBER, NUMBER, OTHER))
    ]
    async with world.serve() as site:
        (arrival,) = arrivals
        for _ in range(2):
            with pytest.raises(TooManyError):
                await arrival.deliver(batch)
        assert [tip.text for tip in await open_tips(world, site)] == ["0", "2"]


async def test_part_when_its_gateway_was_taken_out_then_it_is_sealed_to_its_channel(
    world: Any,
) -> None:
    """What was acknowledged is kept, by its old name; nobody is told that it can be answered."""
    gateways = {
        name: make_gateway("webhook", send_url="http://127.0.0.1:1/", **more)
        for name, more in (("hook", {"language": "pt", "numbers": "national"}), ("next", {}))
    }
    secrets = {name: {"signing_key": KEY} for name in gateways}
    install_gateways(world.directory, secrets=secrets, **gateways)
    part = {"reference": "42", "number": 1, "of": 2}
    async with world.serve() as site, call_line(world) as caller:
        # As a number of the gateway's country, which goes with the gateway.
        sent = message("first", number="p1", sender="55 8765 4321", part=part)
        assert await caller.post(sent) == 200
        assert site.tips == []
    del gateways["hook"]
    install_gateways(world.directory, secrets={"next": secrets["next"]}, **gateways)
    world.clock.now += datetime.timedelta(minutes=11)
    stored = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.05 if seconds == OVERDUE_SECONDS else 3600)

    async with world.serve(sleep=sleep, on_tip=lambda tip: stored.set()) as site:
        async with asyncio.timeout(10):
            await stored.wait()
        (tip,) = await open_tips(world, site)
        assert await site.line.store._conversations.outbox.parts() == []
    assert (tip.text, tip.channel, tip.language) == ("first[…]", "city", "pt")
    assert tip.gateway is not None
    assert (tip.gateway.name, tip.gateway.missing_parts) == ("hook", (2,))
    assert (tip.gateway.sender, tip.gateway.conversation) == (OTHER, None)


class Holding:
    """An adapter that holds answers."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.asked: list[str] = []
        self.failures: list[OSError] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def take_back(self, to: str) -> None:
        """Note it, or fail."""
        self.asked.append(to)
        if self.failures:
            raise self.failures.pop()


async def test_stop_when_a_gateway_holds_answers_then_they_are_taken_back_before_it_is_acknowledged(
    world: Any, arrivals: list[Arrival]
) -> None:
    """A gateway of the same channel is asked, and what it cannot take back comes again."""
    install_webhook(world.directory)
    async with world.serve(), call_line(world) as caller:
        (arrival,) = arrivals
        holding = Holding(arrival._adapters["hook"])
        arrival._adapters["hook"] = holding
        assert await caller.post(message("one", number="a1")) == 200
        assert holding.asked == []
        holding.failures.append(OSError())
        assert await caller.post(message("STOP", number="a2")) == 503
        assert await caller.post(message("STOP", number="a2")) == 200
        assert await caller.post(message("STOP", number="a2")) == 200
        assert holding.asked == [NUMBER, NUMBER]


async def test_stop_when_an_answer_waits_in_a_modems_outbox_then_it_is_gone_from_there(
    world: Any, arrivals: list[Arrival]
) -> None:
    """Nothing goes to the phone after STOP was taken, also what a modem was to send."""
    with make_memory_folder() as spool:
        for name in ("inbox", "outbox", "error"):
            (spool / name).mkdir()
        install_gateways(world.directory, modem=make_gateway("gammu", spool=str(spool)))

        async def receive(name: str, text: str) -> None:
            coded = text.encode("utf-16-be").hex()
            number = NUMBER.encode("utf-16-be").hex()
            written = f"[SMSBackup000]\nNumberUnicode = {number}\nText00 = {coded}\nCoding = x\n"
            path = spool / "inbox" / name
            path.write_text(written)
            async with asyncio.timeout(20):
                while path.exists():  # noqa: ASYNC110  # a file says nothing when it goes
                    await asyncio.sleep(0.05)

        async with world.serve() as site:
            (arrival,) = arrivals
            await receive("IN20310314_150926_00_+525512345678_00.txt", "one")
            sending = [
                asyncio.create_task(arrival._adapters["modem"].send(to, "Gracias"))
                for to in (NUMBER, OTHER)
            ]
            async with asyncio.timeout(20):
                while len(list((spool / "outbox").glob("OUT*"))) < 2:  # noqa: ASYNC110  # the same
                    await asyncio.sleep(0.05)
            await receive("IN20310314_150927_00_+525512345678_00.txt", "BAJA")
            (left,) = (spool / "outbox").iterdir()
            assert OTHER in left.name
            left.unlink()
            taken_back, sent = await asyncio.gather(*sending, return_exceptions=True)
            assert isinstance(taken_back, GatewayError)
            assert (taken_back.code, sent) == ("gateway_unreachable", None)
            assert len(site.tips) == 1
