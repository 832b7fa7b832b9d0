"""
Budgets: what one circuit may ask for, and what is received at the same time.

Rules:
1. A circuit is the unit, and lives in memory only. Circuits are cheap, so these budgets are
   fairness; the defence is tor's proof of work and the reserve for text.
2. Text has its own places: however many attachments come, a tip of text alone gets through.
3. What is over a limit is answered "busy", the same for everybody.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Self

MAX_CIRCUITS: Final = 65_536  # remembered at once, 20 MiB; the longest silent one is forgotten


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


class Places:
    """
    So many at the same time; one more is told so at once instead of waiting.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._free = count

    def __enter__(self) -> Self:
        if self._free == 0:
            raise BusyError
        self._free -= 1
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._free += 1
