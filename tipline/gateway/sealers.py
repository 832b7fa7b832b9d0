"""
The processes that seal messages.

Sealing to eight readers is computing, and Python computes in one thread at a time: beside it, a
line would answer nobody. If a process dies, what was being sealed is not acknowledged.
"""

from __future__ import annotations

import os
import pickle
from typing import Final

from crypto.errors import CryptoError, MalformedError, RecipientError, TooLargeError
from tipline.compute_pool import ComputePool, ProcessDiedError, RefusedRequestError
from tipline.gateway.sealing import Sealable
from tipline.service.limits import BusyError

MAX_PROCESSES: Final = 4  # each has about 40 MiB; two seal more than one line stores
# What `seal_message` raises.
_REFUSALS: Final[dict[str, type[CryptoError]]] = {
    error.code: error for error in (MalformedError, RecipientError, TooLargeError)
}


class Sealers:
    """Seals messages beside the line. `start` comes first; the caller closes it."""

    def __init__(self) -> None:
        size = min(MAX_PROCESSES, os.cpu_count() or 1)
        self._pool = ComputePool(("-m", "tipline.gateway.sealer"), size=size)

    async def start(self) -> None:
        """
        Let the processes begin, so that the first message does not wait for them.

        Raises:
            OSError: no process can be made.
        """
        await self._pool.start()

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
            OSError: no process can be made.
        """
        try:
            return await self._pool.ask(pickle.dumps(message))
        except ProcessDiedError as exc:
            raise BusyError from exc
        except RefusedRequestError as exc:
            raise _REFUSALS[exc.code]("message") from exc

    async def close(self) -> None:
        """End the processes, once what was begun is sealed."""
        await self._pool.close()
