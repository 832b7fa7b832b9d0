"""Sending the desk's answers to phones."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from tipline.errors import GatewayError
from tipline.gateway import sending
from tipline.gateway.numbers import Sender, SenderKind
from tipline.gateway.sending import (
    FIRST_REFUSED_SECONDS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    PAUSE_SECONDS,
    Dispatcher,
)
from tipline.service.answer_outcomes import Outcome
from tipline.service.reach import Reach
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.taken_answers import ANSWER_BYTES, WaitingAnswer, decode_answer, encode_answer

NUMBER = "+525512345678"
REACH = Reach(
    sender=Sender(kind=SenderKind.NUMBER, address=NUMBER), gateway="modem", channel="works"
)


@dataclasses.dataclass
class Phone:
    """A gateway that keeps what it was given, and fails as it is told."""

    got: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    failures: list[Exception] = dataclasses.field(default_factory=list)
    gate: asyncio.Event | None = None
    begun: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def send(self, to: str, text: str) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.got.append((to, text))


@dataclasses.dataclass
class Waiting:
    """Answers in memory, in the place of the store."""

    contents: dict[bytes, tuple[bytes, bytes | None]] = dataclasses.field(default_factory=dict)
    failures: list[Exception] = dataclasses.field(default_factory=list)
    gone: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def put(self, name: bytes, text: str, *, place: int = 0, conversation: bytes = b"c") -> None:
        content = encode_answer(
            WaitingAnswer(place=(7, place), reader="ana", item=name.ljust(16), text=text)
        )
        self.contents[name] = (conversation, content)

    async def answers(self) -> list[tuple[bytes, bytes]]:
        return [(name, conversation) for name, (conversation, _) in sorted(self.contents.items())]

    async def read_answer(self, answer_id: bytes) -> bytes | None:
        return self.contents.get(answer_id, (b"", None))[1]

    async def drop_answer(self, answer_id: bytes) -> None:
        if self.failures:
            raise self.failures.pop(0)
        del self.contents[answer_id]
        self.gone.set()


class Bench:
    """A dispatcher between the two."""

    def __init__(self) -> None:
        self.phone = Phone()
        self.waiting = Waiting()
        self.faults: list[Exception] = []
        self.noted: list[tuple[bytes, Outcome]] = []
        self.pauses: list[float] = []
        self.seconds = 0.0
        self.reach: Reach | None = REACH
        adapters: Any = {"modem": self.phone}
        self.adapters = adapters
        self.dispatcher = Dispatcher(
            outbox=self.waiting,
            read_sender=self.read_sender,
            adapters=adapters,
            note=self.note,
            on_fault=self.faults.append,
            sleep=self.sleep,
            monotonic=lambda: self.seconds,
        )

    async def read_sender(self, conversation: bytes) -> Reach | None:
        return self.reach

    async def note(self, answer: WaitingAnswer, outcome: Outcome) -> None:
        assert answer.reader == "ana"
        self.noted.append((answer.item.rstrip(), outcome))

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def bench() -> Bench:
    """A fresh one."""
    return Bench()


def test_answer_when_it_waits_then_its_length_tells_nothing() -> None:
    """Any answer lies as long as every other, and comes back."""
    short, long = (
        WaitingAnswer(place=(2**53 - 1, 99), reader=reader, item=bytes(range(16)), text=text)
        for reader, text in (("a", "a"), ("a" * 32, "\N{GRINNING FACE}" * 1000))
    )

    assert len(encode_answer(short)) == len(encode_answer(long)) == ANSWER_BYTES
    assert decode_answer(encode_answer(long)) == long
    assert decode_answer(encode_answer(short)) == short
    assert "\N{GRINNING FACE}" not in repr(long)


async def test_dispatch_when_answers_wait_then_they_go_in_the_desks_order_and_are_gone(
    bench: Bench,
) -> None:
    """One phone gets one after the other, with a pause, and nothing is left."""
    bench.waiting.put(b"a", "second", place=1)
    bench.waiting.put(b"b", "first", place=0)

    await bench.dispatcher.send_due()

    assert bench.phone.got == [(NUMBER, "first"), (NUMBER, "second")]
    assert bench.noted == [(b"b", Outcome.SENT), (b"a", Outcome.SENT)]
    assert bench.pauses == [PAUSE_SECONDS]
    assert not bench.waiting.contents
    assert not bench.faults


async def test_dispatch_when_the_window_is_over_then_nothing_is_sent_and_the_answer_goes(
    bench: Bench,
) -> None:
    """Without a number there is nobody to send to; the answer does not stay."""
    bench.reach = None
    bench.waiting.put(b"a", "late")

    await bench.dispatcher.send_due()

    assert bench.phone.got == []
    assert bench.noted == [(b"a", Outcome.WINDOW_CLOSED)]
    assert not bench.waiting.contents


async def test_dispatch_when_the_gateway_is_silent_then_it_is_tried_later_and_later(
    bench: Bench,
) -> None:
    """A retry waits twice as long each time, to a limit, and then the answer arrives once."""
    bench.waiting.put(b"a", "text")
    bench.phone.failures = [GatewayError("gateway_unreachable", gateway="modem") for _ in range(9)]
    waits = []
    for _ in range(9):
        await bench.dispatcher.send_due()
        left = len(bench.phone.failures)
        await bench.dispatcher.send_due()
        assert len(bench.phone.failures) == left  # not before its time
        bench.seconds += FIRST_WAIT_SECONDS - 1
        until = bench.dispatcher._waits[b"c"][0]
        waits.append(until - bench.seconds + FIRST_WAIT_SECONDS - 1)
        bench.seconds = until
    await bench.dispatcher.send_due()

    assert waits[0] == FIRST_WAIT_SECONDS
    assert waits[1] == 2 * FIRST_WAIT_SECONDS
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert bench.phone.got == [(NUMBER, "text")]
    assert len(bench.faults) == 9
    assert not any(NUMBER in repr(one) or "text" in str(one) for one in bench.faults)


async def test_dispatch_when_the_gateway_names_a_time_then_it_is_not_asked_before(
    bench: Bench,
) -> None:
    """A company that says "in five minutes" is not asked after thirty seconds."""
    bench.waiting.put(b"a", "text")
    bench.phone.failures = [GatewayError("gateway_unreachable", gateway="modem", wait_seconds=300)]
    await bench.dispatcher.send_due()
    bench.seconds = 299.0
    await bench.dispatcher.send_due()
    assert bench.phone.got == []
    bench.seconds = 300.0
    await bench.dispatcher.send_due()
    assert bench.phone.got == [(NUMBER, "text")]


@pytest.mark.parametrize(
    "failure",
    [
        GatewayError("gateway_refused", gateway="modem", status=401),
        GatewayError("gateway_refused", gateway="modem", status=404),
        GatewayError("gateway_refused", gateway="modem", status=0),
        GatewayError("gateway_no_answers", gateway="modem"),
        GatewayError("gateway_spool", gateway="modem", path="/run"),
    ],
    ids=lambda one: f"{one.code} {one.facts.get('status', '')}",
)
async def test_dispatch_when_the_operator_can_mend_it_then_the_answer_waits_and_goes(
    bench: Bench, failure: GatewayError
) -> None:
    """A wrong password or a modem without signal destroys nothing that was acknowledged."""
    bench.waiting.put(b"a", "text")
    bench.phone.failures = [failure, failure]
    for seconds in (FIRST_REFUSED_SECONDS, 2 * FIRST_REFUSED_SECONDS):
        await bench.dispatcher.send_due()
        assert bench.waiting.contents
        assert bench.noted == []
        assert bench.dispatcher._waits[b"c"] == (bench.seconds + seconds, seconds)
        bench.seconds += seconds
    await bench.dispatcher.send_due()

    assert bench.phone.got == [(NUMBER, "text")]
    assert bench.noted == [(b"a", Outcome.SENT)]
    assert bench.faults == [failure, failure]


async def test_dispatch_when_the_gateway_refuses_then_it_is_told_and_not_tried_again(
    bench: Bench,
) -> None:
    """What will never be taken does not wait, and does not keep the next one waiting."""
    bench.waiting.put(b"a", "refused", place=0)
    bench.waiting.put(b"b", "next", place=1)
    bench.phone.failures = [GatewayError("gateway_refused", gateway="modem", status=400)]

    await bench.dispatcher.send_due()

    assert bench.phone.got == [(NUMBER, "next")]
    assert [getattr(one, "code", "") for one in bench.faults] == ["gateway_refused"]
    assert bench.noted == [(b"a", Outcome.GATEWAY_REFUSED), (b"b", Outcome.SENT)]
    assert not bench.waiting.contents


async def test_dispatch_when_the_disk_refuses_after_sending_then_it_is_not_sent_twice(
    bench: Bench,
) -> None:
    """What was handed over is only let go at the next look."""
    bench.waiting.put(b"a", "once")
    bench.waiting.failures = [OSError(28, "full")]

    await bench.dispatcher.send_due()
    assert bench.waiting.contents
    bench.seconds = FIRST_WAIT_SECONDS
    await bench.dispatcher.send_due()

    assert bench.phone.got == [(NUMBER, "once")]
    assert not bench.waiting.contents


async def test_dispatch_when_one_phone_fails_then_the_others_are_served(bench: Bench) -> None:
    """A conversation whose key cannot be read keeps nobody else waiting."""
    bench.waiting.put(b"a", "broken", conversation=b"broken")
    bench.waiting.put(b"b", "whole", conversation=b"whole")
    read = bench.read_sender

    async def read_sender(conversation: bytes) -> Reach | None:
        if conversation == b"broken":
            raise KeyUnavailableError("slot_free")
        return await read(conversation)

    bench.dispatcher._read_sender = read_sender
    await bench.dispatcher.send_due()

    assert bench.phone.got == [(NUMBER, "whole")]
    assert set(bench.waiting.contents) == {b"a"}


async def test_dispatch_when_the_gateway_was_taken_away_then_the_answer_waits(
    bench: Bench,
) -> None:
    """The operator may put it back."""
    bench.waiting.put(b"a", "text")
    phone = bench.adapters.pop("modem")
    await bench.dispatcher.send_due()
    assert bench.waiting.contents

    bench.adapters["modem"] = phone
    bench.seconds = FIRST_WAIT_SECONDS
    await bench.dispatcher.send_due()
    assert bench.phone.got == [(NUMBER, "text")]


async def test_dispatch_when_stopped_while_sending_then_the_answer_is_noted_as_sent(
    bench: Bench,
) -> None:
    """The end of the line does not come between handing over and noting it."""
    bench.waiting.put(b"a", "text")
    bench.phone.gate = asyncio.Event()
    running = asyncio.create_task(bench.dispatcher.run())
    await bench.phone.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    bench.phone.gate.set()
    await bench.dispatcher.finish(limit_seconds=5)
    await bench.dispatcher.finish(limit_seconds=5)

    assert bench.phone.got == [(NUMBER, "text")]
    assert not bench.waiting.contents


async def test_dispatch_when_woken_then_it_looks_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks when it is told to, and now and then when it is not; a fault ends neither."""
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.01)
    running = asyncio.create_task(bench.dispatcher.run())
    bench.waiting.put(b"a", "first")
    await bench.waiting.gone.wait()
    monkeypatch.setattr(sending, "LOOK_SECONDS", 3600.0)
    answers = bench.waiting.answers
    failed = asyncio.Event()

    async def fail() -> list[tuple[bytes, bytes]]:
        failed.set()
        raise OSError(5, "disk")

    bench.waiting.answers = fail  # type: ignore[method-assign]
    bench.dispatcher.wake()
    await failed.wait()
    bench.waiting.answers = answers  # type: ignore[method-assign]
    bench.waiting.gone.clear()
    bench.waiting.put(b"b", "second")
    bench.dispatcher.wake()
    await bench.waiting.gone.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert [text for _, text in bench.phone.got] == ["first", "second"]
