"""
The processes that seal messages.

Sealing to eight readers is computing, and Python computes in one thread at a time: beside it, a
line would answer nobody. What is to be sealed goes through a pipe, and lies in memory alone.

1. A process ends with the line, however the line ends.
2. A signal that ends the line does not reach them: what was begun is sealed first.
3. If one dies, what was being sealed is not acknowledged, and there are new ones for what comes.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from tipline.gateway.sealing import Sealable, seal_message
from tipline.service.limits import BusyError

MAX_PROCESSES: Final = 4  # each has about 40 MiB; two seal more than one line stores
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


class Sealers:
    """Seals messages beside the line. The caller closes it."""

    def __init__(self) -> None:
        self._pool = _make_pool()

    async def warm_up(self) -> None:
        """Let the processes begin, so that the first message does not wait for them."""
        await asyncio.wrap_future(self._pool.submit(os.getpid))

    async def seal(self, message: Sealable) -> bytes:
        """
        Seal a message.

        Args:
            message: Ready.

        Returns:
            The envelope.

        Raises:
            BusyError: a process died.
            CryptoError: as `seal_message` says.
        """
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(seal_message, message))
        except BrokenProcessPool as exc:
            if self._pool is pool:
                pool.shutdown(wait=False)
                self._pool = _make_pool()
            raise BusyError from exc

    async def close(self) -> None:
        """End the processes, once what was begun is sealed."""
        await asyncio.to_thread(self._pool.shutdown)


def _make_pool() -> Executor:
    # Not forked: a thread may hold a lock just now, and keys of the line lie in this memory.
    return ProcessPoolExecutor(
        max_workers=min(MAX_PROCESSES, os.cpu_count() or 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(),),
    )


def _begin(line: int) -> None:
    for ended_by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended_by, signal.SIG_IGN)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != line:
        os._exit(1)  # the line ended before it could be told
