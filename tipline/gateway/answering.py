"""
What goes back to phones, made for a line that is being served: orders, the desk's door, sending.

Order of an end: no answer is begun any more; one that is being handed over is noted as sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from tipline.answer_key import load_answer_key
from tipline.gateway.adapter import Adapter
from tipline.gateway.arrival import Line
from tipline.gateway.sending import Dispatcher
from tipline.gateway.status import Ordered
from tipline.service.answer_side import AnswerSide

HAND_OVER_SECONDS: Final = 20.0  # for answers that are being handed over when the line is stopped


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """
    What goes back to phones.

    Args:
        orders: Follows STOP and STATUS.
        side: Takes the desk's answers.
    """

    orders: Ordered
    side: AnswerSide


@contextlib.asynccontextmanager
async def open_answering(
    directory: Path,
    line: Line,
    *,
    adapters: Mapping[str, Adapter],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Answering]:
    """
    Answer phones as long as the context lasts.

    Args:
        directory: The instance, where the key for answers lies.
        line: With open conversations.
        adapters: By the names of their gateways.
        sleep: Waits between two answers to one phone.

    Yields:
        What goes back.
    """
    conversations = line.conversations
    following: set[asyncio.Future[None]] = set()

    def spawn(act: Awaitable[None]) -> None:
        task = asyncio.ensure_future(act)
        following.add(task)
        task.add_done_callback(following.discard)

    dispatcher = Dispatcher(
        outbox=conversations.outbox,
        read_sender=conversations.read_sender,
        adapters=adapters,
        note=conversations.taken.note,
        on_fault=line.on_fault,
        sleep=sleep,
    )
    orders = Ordered(
        adapters=adapters,
        statuses=conversations.outbox,
        end=conversations.end,
        spawn=spawn,
        on_fault=line.on_fault,
    )
    side = AnswerSide(
        keysets=line.keysets,
        today=line.today,
        # Read anew each time: it may be made while the line is served.
        load_identity=functools.partial(load_answer_key, directory),
        read_sender=conversations.read_sender,
        taken=conversations.taken,
        on_taken=dispatcher.wake,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield Answering(orders=orders, side=side)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await dispatcher.finish(limit_seconds=HAND_OVER_SECONDS)
        if following:
            await asyncio.wait(set(following), timeout=HAND_OVER_SECONDS)
