"""
Sending the desk's answers to phones.

Rules:
1. A number is unsealed for the moment of sending, in memory, and only while its window is open.
2. One answer after the other to one phone, in the order of the desk, with a pause between; several
   phones at a time.
3. What was handed to the gateway goes at once: its secret is overwritten. A crash between the two
   sends it again: an answer twice is less than none.
4. A gateway that does not answer is tried again, later and later, until the answer's day is over,
   and not before the time it names; so is one that refuses, with longer waits: a word of entrance
   has ended, an account is unpaid, a modem has no signal, and the operator mends it. Only what says
   that this very answer will never be taken (`FINAL_STATUSES`) ends it.
5. What became of each answer is noted, for the desk to ask.
6. No text and no number is in an error, a fault or a name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from crypto.errors import CryptoError
from tipline.errors import GatewayError
from tipline.gateway.adapter import Adapter
from tipline.service.answer_outcomes import Outcome
from tipline.service.reach import Reach
from tipline.service.taken_answers import WaitingAnswer, decode_answer

LOOK_SECONDS: Final = 30.0  # between two looks when nobody says that there is something
FIRST_WAIT_SECONDS: Final = 30.0
LONGEST_WAIT_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 5.0  # between two answers to one phone
AT_A_TIME: Final = 4  # phones
# Of a refusal. Hours, not seconds: a modem may have sent the first half of what it then refused.
FIRST_REFUSED_SECONDS: Final = 3600.0
LONGEST_REFUSED_SECONDS: Final = 12 * 3600.0
FINAL_STATUSES: Final = frozenset({400, 422})  # RFC 9110: the request itself is at fault


class Outbox(Protocol):
    """Where answers wait."""

    async def answers(self) -> list[tuple[bytes, bytes]]:
        """List id and conversation of each."""
        ...

    async def read_answer(self, answer_id: bytes) -> bytes | None:
        """Read one; None if it is gone."""
        ...

    async def drop_answer(self, answer_id: bytes) -> None:
        """Let one go."""
        ...


class Dispatcher:
    """
    Sends what waits.

    Args:
        outbox: Where answers wait.
        read_sender: Unseals whom a conversation reaches; None if its window is over.
        adapters: By the names of their gateways.
        note: Notes durably what became of an answer.
        on_fault: Told what failed.
        sleep: Waits between two answers to one phone.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        read_sender: Callable[[bytes], Awaitable[Reach | None]],
        adapters: Mapping[str, Adapter],
        note: Callable[[WaitingAnswer, Outcome], Awaitable[None]],
        on_fault: Callable[[Exception], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._read_sender = read_sender
        self._adapters = adapters
        self._note = note
        self._on_fault = on_fault
        self._sleep = sleep
        self._monotonic = monotonic
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._woken = asyncio.Event()
        self._waits: dict[bytes, tuple[float, float]] = {}  # until when, and how long the last was
        # Handed over or ended, but not gone yet.
        self._done: dict[bytes, tuple[WaitingAnswer, Outcome] | None] = {}
        self._begun: set[asyncio.Task[bool]] = set()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._woken.set()

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.send_due()
            except Exception as exc:
                # Unforeseen, or a disk that refuses: the next look tries again.
                self._on_fault(exc)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def send_due(self) -> None:
        """Send what waits and need not wait longer."""
        waiting: dict[bytes, list[bytes]] = {}
        for answer_id, conversation in await self._outbox.answers():
            waiting.setdefault(conversation, []).append(answer_id)
        self._waits = {one: wait for one, wait in self._waits.items() if one in waiting}
        async with asyncio.TaskGroup() as group:
            for conversation, answer_ids in waiting.items():
                if self._waits.get(conversation, (0.0, 0.0))[0] <= self._monotonic():
                    group.create_task(self._send_to_one(conversation, answer_ids))

    async def finish(self, *, limit_seconds: float) -> None:
        """
        Wait until what is being handed over is noted as sent.

        Args:
            limit_seconds: No longer than this.
        """
        if self._begun:
            await asyncio.wait(set(self._begun), timeout=limit_seconds)

    async def _send_to_one(self, conversation: bytes, answer_ids: list[bytes]) -> None:
        async with self._places:
            try:
                for place, answer_id in enumerate(await self._sort(answer_ids)):
                    if place:
                        await self._sleep(PAUSE_SECONDS)
                    task = asyncio.ensure_future(self._send(conversation, answer_id))
                    self._begun.add(task)
                    task.add_done_callback(self._begun.discard)
                    # The line's end must not come between handing over and noting it.
                    if not await asyncio.shield(task):
                        self._wait_longer(conversation)
                        return
            except GatewayError as exc:
                self._on_fault(exc)
                refused = exc.code != "gateway_unreachable"
                told_seconds = float(exc.facts.get("wait_seconds", 0))
                self._wait_longer(
                    conversation,
                    first_seconds=(
                        FIRST_REFUSED_SECONDS if refused else max(FIRST_WAIT_SECONDS, told_seconds)
                    ),
                    longest_seconds=LONGEST_REFUSED_SECONDS if refused else LONGEST_WAIT_SECONDS,
                )
                return
            except (OSError, CryptoError) as exc:
                self._on_fault(exc)
                self._wait_longer(conversation)
                return
        self._waits.pop(conversation, None)

    async def _sort(self, answer_ids: list[bytes]) -> list[bytes]:
        places = {}
        for answer_id in answer_ids:
            content = await self._outbox.read_answer(answer_id)
            places[answer_id] = (0, 0) if content is None else decode_answer(content).place
        return sorted(answer_ids, key=places.__getitem__)

    async def _send(self, conversation: bytes, answer_id: bytes) -> bool:
        """Send one answer; tell whether it needs no other try."""
        if answer_id not in self._done:
            content = await self._outbox.read_answer(answer_id)
            if content is None:
                self._done[answer_id] = None
            else:
                answer = decode_answer(content)
                outcome = await self._hand_over(conversation, answer)
                if outcome is None:
                    return False
                self._done[answer_id] = (answer, outcome)
        done = self._done[answer_id]
        if done is not None:
            await self._note(*done)
        await self._outbox.drop_answer(answer_id)
        del self._done[answer_id]
        return True

    async def _hand_over(self, conversation: bytes, answer: WaitingAnswer) -> Outcome | None:
        reach = await self._read_sender(conversation)
        if reach is None:
            return Outcome.WINDOW_CLOSED
        adapter = self._adapters.get(reach.gateway)
        if adapter is None:
            return None  # the operator took the gateway away; it may come back
        try:
            await adapter.send(reach.sender.address, answer.text)
        except GatewayError as exc:
            if exc.code != "gateway_refused" or exc.facts["status"] not in FINAL_STATUSES:
                raise
            self._on_fault(exc)
            return Outcome.GATEWAY_REFUSED
        return Outcome.SENT

    def _wait_longer(
        self,
        conversation: bytes,
        *,
        first_seconds: float = FIRST_WAIT_SECONDS,
        longest_seconds: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        last = self._waits.get(conversation, (0.0, 0.0))[1]
        seconds = min(max(2 * last, first_seconds), longest_seconds)
        self._waits[conversation] = (self._monotonic() + seconds, seconds)
