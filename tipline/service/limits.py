"""
Budgets: what one circuit may ask for, and what is received at the same time.

Rules:
1. A circuit is the unit, and lives in memory only. Circuits are cheap, so these budgets are
   fairness; the defence is tor's proof of work and the reserve for text.
2. Text has its own places: however many attachments come, a tip of text alone gets through.
3. Nobody keeps a place by being slow: there is an end to every wait, and when memory runs out the
   slowest makes room.
4. What is over a limit is answered "busy", the same for everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

MAX_CIRCUITS: Final = 65_536  # remembered at once, 20 MiB; the longest silent one is forgotten

RECEIVE_SECONDS: Final = 300.0  # a slice of 1 MiB at 4 KiB/s; the page waits as long


class BusyError(Exception):
    """A limit is reached."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Bucket:
    tokens: float
    at_seconds: float


class RequestBudget:
    """
    A token bucket per circuit.

    Args:
        per_second: Requests a circuit earns.
        burst: Requests it may save up.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(self, *, per_second: int, burst: int, monotonic: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def spend(self, circuit: str | None) -> bool:
        """
        Take a request from a circuit's budget.

        Args:
            circuit: As tor named it; None for a connection that did not come through tor, which is
                the operator's own machine.

        Returns:
            Whether there was one left.
        """
        if circuit is None:
            return True
        now = self._monotonic()
        bucket = self._buckets.get(circuit)
        if bucket is None:
            bucket = _Bucket(tokens=self._burst, at_seconds=now)
            self._buckets[circuit] = bucket
            if len(self._buckets) > MAX_CIRCUITS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(circuit)
        earned = (now - bucket.at_seconds) * self._per_second
        bucket.tokens = min(self._burst, bucket.tokens + earned)
        bucket.at_seconds = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


class Place:
    """
    A request whose bytes come into memory and are stored from there.

    Args:
        places: Whose.
    """

    __slots__ = ("_began_seconds", "_places", "_receiving", "received_bytes")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._began_seconds = asyncio.get_running_loop().time()
        self._receiving: asyncio.Timeout | None = None
        self.received_bytes = 0

    @property
    def is_receiving(self) -> bool:
        """Whether its bytes are still coming: only then can it be taken away."""
        return self._receiving is not None

    @property
    def bytes_per_second(self) -> float:
        """How fast its bytes have come."""
        # Within the first second nobody is fast or slow: the divisor is at least one.
        seconds = asyncio.get_running_loop().time() - self._began_seconds
        return self.received_bytes / max(seconds, 1.0)

    async def receive(self, reading: Awaitable[bytes]) -> bytes:
        """
        Wait for the bytes.

        Args:
            reading: Gives them, and tells `count` of each piece.

        Returns:
            The bytes.

        Raises:
            BusyError: they took longer than `RECEIVE_SECONDS`, or the place was taken away.
        """
        try:
            async with asyncio.timeout(RECEIVE_SECONDS) as self._receiving:
                return await reading
        except TimeoutError as exc:
            raise BusyError from exc
        finally:
            self._receiving = None

    def count(self, piece_len: int) -> None:
        """
        Count bytes that came.

        Args:
            piece_len: How many.

        Raises:
            BusyError: there is no memory for them.
        """
        self._places.grow(self, piece_len)

    def give_up(self) -> None:
        """Stop waiting for the bytes. Its request is answered "busy"."""
        if self._receiving is not None:
            self._receiving.reschedule(asyncio.get_running_loop().time())
            self._receiving = None


class Places:
    """
    The memory for what is being received.

    What counts are bytes, not requests: whoever opens many and sends nothing takes nothing. When
    the memory is full, the request whose bytes have come most slowly makes room, so that keeping a
    place costs as much bandwidth as an honest sender spends.

    Args:
        limit_bytes: Of all requests together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._held: set[Place] = set()

    @contextlib.contextmanager
    def hold(self) -> Iterator[Place]:
        """
        Hold a place until its bytes are stored.

        Yields:
            The place.
        """
        place = Place(self)
        self._held.add(place)
        try:
            yield place
        finally:
            self._remove(place)

    def grow(self, place: Place, piece_len: int) -> None:
        """
        Count bytes of a place, and make room for them.

        Args:
            place: One of these.
            piece_len: How many.

        Raises:
            BusyError: this place is the slowest, was taken away, or what is held is being stored
                already.
        """
        if place not in self._held:
            # Its bytes woke it before it learned that it was given up: nobody would uncount them.
            raise BusyError
        place.received_bytes += piece_len
        self._held_bytes += piece_len
        while self._held_bytes > self._limit_bytes:
            receiving = [held for held in self._held if held.is_receiving]
            slowest = min(receiving, key=lambda held: held.bytes_per_second, default=place)
            if slowest is place:
                raise BusyError
            self._remove(slowest)
            slowest.give_up()

    def _remove(self, place: Place) -> None:
        if place in self._held:
            self._held.remove(place)
            self._held_bytes -= place.received_bytes
