"""
The phones of a line that is being served: everything behind `gateways.toml`, made here.

Order of a start: what waits in the store, then adapters that pull, then the listener. Order of an
end: nothing new comes in, what was begun is stored, what follows it is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from tipline.files import blur_read_times
from tipline.gateway.adapter import Adapter, Puller
from tipline.gateway.answering import open_answering
from tipline.gateway.arrival import OVERDUE_SECONDS, Arrival, Line
from tipline.gateway.listener import Listener
from tipline.gateway.making import make_adapters
from tipline.gateway.media import MediaCollector
from tipline.gateway.noticing import Noticer
from tipline.gateway.places import check_listen
from tipline.gateway.sealers import Sealers
from tipline.gateway.settings import Gateways, load_gateways
from tipline.service.answer_side import AnswerSide
from tipline.service.conversations import Conversations
from tipline.service.listening import (
    listen_loopback,
    listen_unix,
    start_server,
    stop_listening,
)
from tipline.service.silence import Faults

DRAIN_SECONDS: Final = 20.0  # for messages that are being stored when the line is stopped
PULL_AGAIN_SECONDS: Final = 10.0  # after an adapter that pulls met a fault


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Phones:
    """
    The phones of a line.

    Args:
        gateways: As `gateways.toml` says.
        adapters: By name.
        arrival: Takes messages.
        answers: Takes the desk's answers.
        conversations: Where messages go.
        listening: The path of the socket, or the port.
    """

    gateways: Gateways
    adapters: Mapping[str, Adapter]
    arrival: Arrival
    answers: AnswerSide
    conversations: Conversations
    listening: Path | int


@contextlib.asynccontextmanager
async def open_phones(
    directory: Path,
    line: Line,
    *,
    idle_seconds: float,
    faults: Faults,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Phones | None]:
    """
    Serve a line's phones as long as the context lasts.

    Args:
        directory: The instance.
        line: What messages meet.
        idle_seconds: A request that sends nothing for so long is ended.
        faults: Where our own are remembered.
        sleep: Waits between two looks.

    Yields:
        The phones; None if the line has none.

    Raises:
        ConfigurationError: `gateways.toml` does not hold, or nobody can listen where it says.
        InstanceError: a secret is missing, or the socket's path is too long.
        PermissionsError: others can read a secret.
        GatewayError: a place that a gateway's messages lie in must not be used.
        OSError: the disk refuses.
    """
    gateways = load_gateways(directory)
    if gateways is None:
        yield None
        return
    async with contextlib.AsyncExitStack() as stack:
        adapters = make_adapters(directory, gateways, clock=line.clock)
        for adapter in adapters.values():
            if isinstance(adapter, Puller):
                adapter.check()
        check_listen(directory, gateways.listen, is_served=False)
        await line.conversations.open()
        stack.push_async_callback(line.conversations.close)
        answering = await stack.enter_async_context(
            open_answering(directory, line, adapters=adapters, sleep=sleep)
        )
        noticer = Noticer(
            adapters,
            conversations=line.conversations,
            read_onion=lambda: line.keysets.read().keyset.onion,
        )
        sealers = Sealers()
        stack.push_async_callback(sealers.close)
        await sealers.start()
        arrival = Arrival(
            line,
            settings=gateways.gateways,
            adapters=adapters,
            orders=answering.orders,
            collector=MediaCollector(),
            seal=sealers.seal,
            notify=noticer.notify,
        )
        stack.push_async_callback(arrival.wait_idle)
        await arrival.load()
        listener = Listener(
            adapters,
            deliver=arrival.deliver,
            clock=line.clock,
            idle_seconds=idle_seconds,
            on_fault=faults.add,
        )
        runner = await start_server(
            listener.respond, faults=faults, idle_seconds=idle_seconds, trusts=False
        )
        stack.push_async_callback(runner.cleanup)
        listening: Path | int
        if gateways.listen.unix is not None:
            listening = directory / gateways.listen.unix
            stack.callback(listening.unlink, missing_ok=True)
            await listen_unix(runner, listening)
            blur_read_times(listening, day=line.today())
        else:
            listening = await listen_loopback(runner, gateways.listen.port or 0)
        stack.push_async_callback(listener.wait_idle, limit_seconds=DRAIN_SECONDS)
        stack.push_async_callback(stop_listening, [runner])
        _run(stack, look_for_overdue(arrival, faults=faults, sleep=sleep))
        for adapter in adapters.values():
            if isinstance(adapter, Puller):
                _run(stack, pull(adapter, arrival, faults=faults, sleep=sleep))
        yield Phones(
            gateways=gateways,
            adapters=adapters,
            arrival=arrival,
            answers=answering.side,
            conversations=line.conversations,
            listening=listening,
        )


async def look_for_overdue(
    arrival: Arrival,
    *,
    faults: Faults,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Store what waited too long for its other parts, again and again, until cancelled.

    Args:
        arrival: Where parts wait.
        faults: Where our own are remembered.
        sleep: Waits between two looks.
    """
    while True:
        await sleep(OVERDUE_SECONDS)
        try:
            await arrival.store_overdue()
        except Exception as exc:
            # Whatever it was: a loop that ended would leave every later part where it lies.
            faults.add(exc)


async def pull(
    adapter: Puller,
    arrival: Arrival,
    *,
    faults: Faults,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Have an adapter fetch its messages, again after each fault, until cancelled.

    Args:
        adapter: It.
        arrival: Where messages go.
        faults: Where our own are remembered.
        sleep: Waits after a fault.
    """
    while True:
        try:
            await adapter.run(arrival.deliver)
        except Exception as exc:
            # Whatever it was: a database that refuses once, a modem that is unplugged. A loop that
            # ended would leave messages in a spool in memory, and a reboot empties that.
            faults.add(exc)
        await sleep(PULL_AGAIN_SECONDS)


def _run(stack: contextlib.AsyncExitStack, act: Awaitable[None]) -> None:
    task = asyncio.ensure_future(act)

    async def cancel() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(cancel)
