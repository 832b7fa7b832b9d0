"""
The queue of pseudonyms: each costs 64 MiB and 50 to 110 ms, so no message waits for one.

Rules:
1. A tip is stored at once; who sent it is computed later, once for each conversation and epoch.
2. What waits stands in the database (`handles.window`), so a restart goes on with it.
3. A bundle waits for a tip's handle, but no longer than `PATIENCE_SECONDS`.
4. What fails ends no worker: it is told, and tried again after the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

WORKERS: Final = 2  # of 64 MiB each
PATIENCE_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 60.0  # after a disk that refused

Job = tuple[bytes, bytes]  # conversation and epoch


class PseudonymQueue:
    """
    Computes the pseudonyms of one store, one after the other.

    Args:
        derive: Derives the pseudonym of a conversation in an epoch; None if its number or its epoch
            is gone.
        finish: Stores it, or that there is none.
        on_fault: Told of what failed; it is tried again.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        *,
        derive: Callable[[Job], Awaitable[bytes | None]],
        finish: Callable[[Job, bytes | None], Awaitable[None]],
        on_fault: Callable[[Exception], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._derive = derive
        self._finish = finish
        self._on_fault = on_fault
        self._monotonic = monotonic
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._tips: dict[Job, set[bytes]] = {}
        self._since: dict[bytes, float] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._empty = asyncio.Event()
        self._empty.set()

    def start(self) -> None:
        """Begin to work."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(WORKERS)]

    async def stop(self) -> None:
        """Stop; what waits goes on with the next start."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []

    def expect(self, tip_id: bytes, job: Job) -> None:
        """
        Take up a tip whose pseudonym is not known.

        Args:
            tip_id: Its id.
            job: Its conversation and epoch.
        """
        self._since[tip_id] = self._monotonic()
        if job in self._tips:
            self._tips[job].add(tip_id)
        else:
            self._tips[job] = {tip_id}
            self._empty.clear()
            self._jobs.put_nowait(job)

    def holds_back(self, tip_id: bytes) -> bool:
        """
        Tell whether a bundle is to wait for this tip's handle.

        Args:
            tip_id: Its id.

        Returns:
            Whether.
        """
        since = self._since.get(tip_id)
        return since is not None and self._monotonic() - since < PATIENCE_SECONDS

    def count(self) -> int:
        """Tell how many pseudonyms are still to be computed."""
        return len(self._tips)

    async def wait_empty(self) -> None:
        """Wait until none is still to be computed."""
        await self._empty.wait()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            job = await self._jobs.get()
            try:
                await self._finish(job, await self._derive(job))
            except Exception as exc:
                # Whatever it was, the worker lives on: without it no tip gets a handle. 64 MiB that
                # are not there now may be there in a minute; a row that was damaged is tried again
                # beside the others, and no bundle waits for it longer than for any.
                self._on_fault(exc)
                loop.call_later(RETRY_SECONDS, self._jobs.put_nowait, job)
                continue
            for tip_id in self._tips.pop(job, ()):
                self._since.pop(tip_id, None)
            if not self._tips:
                self._empty.set()
