"""
Budgets: what one circuit may ask for, and what is received at the same time.

Rules:
1. A circuit is the unit, and lives in memory only. Circuits are cheap, so these budgets are
   fairness; the defence is tor's proof of work and the reserve for text.
2. Text has its own places: however many attachments come, a tip of text alone gets through.
3. Nobody keeps a place by being slow: there is an end to every wait, and when places run out the
   longest wait makes room for whoever comes.
4. What is over a limit is answered "busy", the same for everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter, OrderedDict
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
    A place that a request holds while its bytes come and are stored.

    Args:
        circuit: Whose; None if it did not come through tor.
    """

    __slots__ = ("_receiving", "circuit")

    def __init__(self, circuit: str | None) -> None:
        self.circuit = circuit
        self._receiving: asyncio.Timeout | None = None

    @property
    def is_receiving(self) -> bool:
        """Whether its bytes are still coming: only then can it be taken away."""
        return self._receiving is not None

    async def receive(self, reading: Awaitable[bytes]) -> bytes:
        """
        Wait for the bytes.

        Args:
            reading: Gives them.

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

    def give_up(self) -> None:
        """Stop waiting for the bytes. Its request is answered "busy"."""
        if self._receiving is not None:
            self._receiving.reschedule(asyncio.get_running_loop().time())
            self._receiving = None


class Places:
    """
    So many requests at the same time.

    When all places are taken, the one that has been receiving longest makes room, of the circuit
    that holds most: whoever sends a byte a minute on many circuits does not keep others out.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: list[Place] = []  # the oldest first

    @contextlib.contextmanager
    def hold(self, circuit: str | None) -> Iterator[Place]:
        """
        Take a place.

        Args:
            circuit: Whose.

        Yields:
            The place.

        Raises:
            BusyError: all places are held by requests whose bytes have all come.
        """
        if len(self._held) >= self._count:
            self._make_room()
        place = Place(circuit)
        self._held.append(place)
        try:
            yield place
        finally:
            if place in self._held:
                self._held.remove(place)

    def _make_room(self) -> None:
        receiving = [place for place in self._held if place.is_receiving]
        if not receiving:
            raise BusyError
        held_by = Counter(place.circuit for place in receiving)
        slowest = max(receiving, key=lambda place: held_by[place.circuit])
        self._held.remove(slowest)
        slowest.give_up()
