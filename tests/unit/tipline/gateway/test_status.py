"""What a source can order by phone."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable
from typing import Any

import pytest

from tipline.errors import GatewayError
from tipline.gateway.alphabet import is_one_part, measure_text
from tipline.gateway.keywords import Order
from tipline.gateway.numbers import Sender, SenderKind
from tipline.gateway.settings import GatewaySettings, Kind
from tipline.gateway.status import STATUS_BURST, STATUS_SECONDS, Ordered
from tipline.service.standing import Standing

NUMBER = Sender(kind=SenderKind.NUMBER, address="+525512345678")


def make_settings(language: str = "es") -> GatewaySettings:
    """A gateway's."""
    return GatewaySettings(
        name="modem",
        kind=Kind.WEBHOOK,
        channel="works",
        language=language,
        country="MX",
        notice=True,
        accept_company=False,
        options={},
    )


def stand(*, continues: bool = True, blocked: bool = False) -> Standing:
    """Somebody who wrote before, or did not."""
    return Standing(conversation=b"c" * 16, continues=continues, new_today=False, blocked=blocked)


class Bench:
    """Orders between a store and a phone, both in memory."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.conversation = b"c" * 16
        self.ended: list[bytes] = []
        self.got: list[tuple[str, str]] = []
        self.faults: list[Exception] = []
        self.failure: Exception | None = None
        self.seconds = 0.0
        adapters: Any = {"modem": self}
        self.ordered = Ordered(
            adapters=adapters,
            statuses=self,
            end=self.end,
            spawn=self.spawn,
            on_fault=self.faults.append,
            monotonic=lambda: self.seconds,
        )
        self.spawned: list[asyncio.Future[None]] = []

    async def end(self, conversation: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.ended.append(conversation)

    async def read_status(self, conversation: bytes) -> str | None:
        return self.status

    async def send(self, to: str, text: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.got.append((to, text))

    def spawn(self, act: Awaitable[None]) -> None:
        self.spawned.append(asyncio.ensure_future(act))

    async def order(
        self, text: str, *, sender: Sender = NUMBER, language: str = "es", **changes: bool
    ) -> Order | None:
        standing = dataclasses.replace(stand(**changes), conversation=self.conversation)
        done = await self.ordered.follow(
            text, settings=make_settings(language), sender=sender, standing=standing
        )
        for task in self.spawned:
            await task
        return done


@pytest.fixture
def bench() -> Bench:
    """A fresh one."""
    return Bench()


async def test_order_when_it_is_none_then_it_stays_a_message(bench: Bench) -> None:
    """What tells something is not taken away from the readers."""
    assert await bench.order("stop them") is None
    assert (bench.ended, bench.got) == ([], [])


@pytest.mark.parametrize("word", ["STOP", "BAJA", "PARAR"])
async def test_stop_when_ordered_then_the_conversation_ends_without_an_answer(
    bench: Bench, word: str
) -> None:
    """STOP, BAJA and PARAR end it at once, and nothing more goes to the phone."""
    assert await bench.order(word) is Order.STOP
    assert bench.ended == [b"c" * 16]
    assert bench.got == []


async def test_stop_when_the_disk_refuses_then_it_is_not_acknowledged(bench: Bench) -> None:
    """The gateway is told to come again: an end that did not happen is not said to have."""
    bench.failure = OSError(5, "disk")
    with pytest.raises(OSError, match="disk"):
        await bench.order("STOP")


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [
        ("ESTADO", "en", "Recibido."),
        ("STATUS", "en", "Received."),
        ("STATUS", "pt", "Recebido."),
        ("STATUS", "es", "Recibido."),
    ],
)
async def test_status_when_the_desk_said_nothing_then_it_is_received(
    bench: Bench, word: str, language: str, expected: str
) -> None:
    """Whoever wrote hears at least that; in the word's language, else in the line's."""
    assert await bench.order(word, language=language) is Order.STATUS
    assert bench.got == [(NUMBER.address, expected)]


async def test_status_when_the_desk_wrote_one_then_it_is_what_is_sent(bench: Bench) -> None:
    """The desk's words, unchanged."""
    bench.status = "En revision. Lo tiene: Obras."
    await bench.order("estado")
    assert bench.got == [(NUMBER.address, bench.status)]


@pytest.mark.parametrize("language", ["en", "es", "pt"])
async def test_status_when_nobody_wrote_from_there_then_that_is_said_in_one_part(
    bench: Bench, language: str
) -> None:
    """Who asks too late is told that nothing is open, in one message of the plain alphabet."""
    await bench.order("status", language=language, continues=False)
    ((_, text),) = bench.got
    assert is_one_part(text)
    assert measure_text(text).alphabet == "gsm7"


async def test_status_when_asked_often_then_it_is_answered_a_few_times(bench: Bench) -> None:
    """A phone that asks a hundred times gets a few answers, whatever it ends in between."""
    for number in range(100):
        bench.conversation = bytes([number]) * 16
        assert await bench.order("status")
    assert len(bench.got) == STATUS_BURST
    bench.seconds = STATUS_SECONDS
    await bench.order("status")
    assert len(bench.got) == STATUS_BURST + 1


@pytest.mark.parametrize("kind", [SenderKind.NAME, SenderKind.SHORT_CODE])
async def test_status_when_a_name_asks_then_nobody_is_written_to(
    bench: Bench, kind: SenderKind
) -> None:
    """A name can be forged by whoever sends: nothing goes there."""
    assert await bench.order("status", sender=Sender(kind=kind, address="BANK"))
    assert bench.got == []


async def test_status_when_it_cannot_be_sent_then_it_is_told_and_nothing_breaks(
    bench: Bench,
) -> None:
    """The message was an order all the same; who asked can ask again."""
    bench.failure = GatewayError("gateway_unreachable", gateway="modem")
    assert await bench.order("status")
    assert [type(one) for one in bench.faults] == [GatewayError]


async def test_order_when_its_sender_is_blocked_then_only_the_end_is_followed(
    bench: Bench,
) -> None:
    """A campaign gets no answers, but whoever is behind it can still have the number erased."""
    assert await bench.order("status", blocked=True) is Order.STATUS
    assert bench.got == []
    assert await bench.order("stop", blocked=True) is Order.STOP
    assert bench.ended == [b"c" * 16]
