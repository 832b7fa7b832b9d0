"""
What follows a message after it is durable: the notice, and the provider's copy of it all.

Rules:
1. It holds up no answer. What fails of it is a fault.
2. A line that stops waits for it a little, and not for a provider that has us wait: then it is
   ended, and says itself what was not done.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from tipline.errors import GatewayError

STOP_SECONDS: Final = 20.0  # a call in a bad network takes ten; whoever stops a line waits 90


class Following:
    """
    What is done beside everything else.

    Args:
        on_fault: Told of what fails.
        stop_seconds: So long a line that stops waits.
    """

    def __init__(
        self, *, on_fault: Callable[[BaseException], None], stop_seconds: float = STOP_SECONDS
    ) -> None:
        self._on_fault = on_fault
        self._stop_seconds = stop_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, act: Awaitable[None]) -> None:
        """
        Begin something, and go on.

        Args:
            act: What is to be done. If it is ended before, it may raise a `GatewayError` instead.
        """
        task = asyncio.create_task(self._run(act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_idle(self) -> None:
        """Wait until all is done, or ended because it took too long."""
        if self._tasks:
            _, left = await asyncio.wait(set(self._tasks), timeout=self._stop_seconds)
            for task in left:
                task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _run(self, act: Awaitable[None]) -> None:
        try:
            await act
        except (GatewayError, OSError, sqlite3.Error) as exc:
            self._on_fault(exc)
