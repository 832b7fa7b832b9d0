"""
Who is taken next, when more comes than can be stored at once.

Rules:
1. So many are sealed and stored at a time, and so many wait; more are told to come back. The
   provider's own repeating is the queue.
2. Senders take turns, one message each: whoever sends a thousand waits behind itself.
3. A sender has places of its own among those who wait, few of them; and when all places are taken,
   the one with the most of them makes room for another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from typing import Final

PLACES: Final = 64  # sealed and stored at once: one group commit takes them all
WAITING: Final = 1000  # five seconds at 200 a second: providers give up after 10 to 15
WAITING_OF_ONE: Final = 16


class CrowdedError(Exception):
    """All places are taken: come back later."""


class TooManyError(Exception):
    """This sender has sent too many: come back later."""


class Turns:
    """
    Lets senders take turns.

    Args:
        places: How many at a time.
        waiting: How many wait at most.
        waiting_of_one: How many of one sender.
    """

    def __init__(
        self,
        *,
        places: int = PLACES,
        waiting: int = WAITING,
        waiting_of_one: int = WAITING_OF_ONE,
    ) -> None:
        self._free = places
        self._limit = waiting
        self._limit_of_one = waiting_of_one
        self._waiting_len = 0
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def take(self, sender: str) -> AsyncIterator[None]:
        """
        Wait for a turn, and hold a place.

        Args:
            sender: Who takes turns with others.

        Yields:
            Nothing.

        Raises:
            TooManyError: too many of this sender wait already.
            CrowdedError: too many wait, or this one had to make room.
        """
        await self._enter(sender)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, sender: str) -> None:
        if self._free > 0:
            # Nobody waits while a place is free: it is handed on (`_leave`).
            self._free -= 1
            return
        if len(self._queues.get(sender, ())) >= self._limit_of_one:
            raise TooManyError
        if self._waiting_len >= self._limit:
            self._make_room(sender)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(sender, deque()).append(turn)
        self._waiting_len += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # it had been given the place at that moment
            else:
                self._remove(sender, turn)
            raise

    def _leave(self) -> None:
        while self._queues:
            sender, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            self._waiting_len -= 1
            if queue:
                self._queues[sender] = queue  # at the end: the others come first
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, sender: str) -> None:
        longest = max(self._queues, key=lambda one: len(self._queues[one]))
        if len(self._queues[longest]) <= len(self._queues.get(sender, ())) + 1:
            raise CrowdedError
        queue = self._queues[longest]
        turn = queue.pop()  # its newest
        self._waiting_len -= 1
        if not turn.done():
            turn.set_exception(CrowdedError())

    def _remove(self, sender: str, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(sender)
        if queue is None or turn not in queue:
            return
        queue.remove(turn)
        self._waiting_len -= 1
        if not queue:
            del self._queues[sender]
