"""
Processes that compute beside the line, for what would keep it from answering anybody.

Python computes in one thread at a time. What goes to such a process goes through a pair of sockets,
and lies in memory alone; what it may do stands in `compute_process.py`.

1. Each process answers in the order in which it was asked.
2. If one dies, there is a new one. What it was asked is asked once more, and no oftener: it may be
   what killed it. One that does not answer in `ANSWER_SECONDS` is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from tipline.compute_process import DONE, LENGTH_BYTES, READY, make_frame

ANSWER_SECONDS: Final = 120.0  # the largest message waits behind sixty others for less
# What a process needs to find its program; nothing of the line's own environment.
_NO_ENVIRONMENT: Final[Mapping[str, str]] = {}


class ProcessDiedError(Exception):
    """The processes that were asked died, one after the other."""


class RefusedRequestError(Exception):
    """
    The process refuses what it was asked.

    Args:
        code: Of the `CryptoError` that it met.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ComputePool:
    """
    Some processes of one kind, begun when they are first asked. The caller closes it.

    Args:
        program: What Python runs: a file, or `-m` and a module. It calls `compute_for_line`.
        size: How many.
        environment: Of theirs, and nothing else.
        answer_seconds: How long an answer may take, with those before it.
    """

    def __init__(
        self,
        program: Sequence[str],
        *,
        size: int,
        environment: Mapping[str, str] = _NO_ENVIRONMENT,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._program = program
        self._answer_seconds = answer_seconds
        self._environment = environment
        self._size = size
        self._processes: list[_Process] = []
        self._beginning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Let the processes begin now; those that run are left alone.

        Raises:
            OSError: no process can be made, or it ends at once.
        """
        if self._beginning is None:
            # Of its own: who waits for it may be cancelled, and would leave half a process behind.
            self._beginning = asyncio.create_task(self._begin())
        await asyncio.shield(self._beginning)

    async def ask(self, request: bytes) -> bytes:
        """
        Have something computed.

        Args:
            request: As the module wants it.

        Returns:
            The answer.

        Raises:
            ProcessDiedError: two processes died of it, or beside it, or did not answer.
            RefusedRequestError: the module refuses it.
            OSError: no process can be made.
        """
        try:
            answer = await self._ask(request)
        except ProcessDiedError:
            answer = await self._ask(request)
        if answer[:1] != DONE:
            raise RefusedRequestError(answer[1:].decode("ascii"))
        return answer[1:]

    async def close(self) -> None:
        """End the processes, once what was begun is computed."""
        if self._beginning is not None:
            await asyncio.wait([self._beginning])
        processes, self._processes = self._processes, []
        await asyncio.gather(*(one.close() for one in processes))

    async def _begin(self) -> None:
        try:
            while True:
                # Looked at again each time: while one begins, it is seen of others that they died.
                self._processes = [one for one in self._processes if one.is_alive]
                if len(self._processes) == self._size:
                    return
                self._processes.append(
                    await _Process.start(self._program, environment=self._environment)
                )
        finally:
            self._beginning = None

    async def _ask(self, request: bytes) -> bytes:
        if not (self._processes and all(one.is_alive for one in self._processes)):
            await self.start()
        process = min(self._processes, key=_Process.count_waiting)
        return await process.ask(request, seconds=self._answer_seconds)


class _Process:
    def __init__(
        self,
        process: asyncio.subprocess.Process,
        source: asyncio.StreamReader,
        destination: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._source = source
        self._destination = destination
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self.is_alive = True
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, program: Sequence[str], *, environment: Mapping[str, str]) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                *program,
                str(os.getpid()),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold words of a request
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the line
            )
        source, destination = await asyncio.open_connection(sock=ours)
        try:
            await source.readexactly(len(READY))
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            destination.close()
            raise ChildProcessError(await process.wait(), program[-1]) from exc
        return cls(process, source, destination)

    def count_waiting(self) -> int:
        return len(self._waiting)

    async def ask(self, request: bytes, *, seconds: float) -> bytes:
        if not self.is_alive:
            raise ProcessDiedError
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        with contextlib.suppress(ConnectionError):  # who reads learns of it, and says so
            self._destination.write(make_frame(request))
            await self._destination.drain()
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError as exc:
            self.is_alive = False  # before its end is seen: nobody else is to wait for it
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            raise ProcessDiedError from exc

    async def close(self) -> None:
        if self.is_alive:
            self._destination.write_eof()
        await self._reading
        await self._process.wait()
        with contextlib.suppress(ConnectionError):  # it was killed, and hung up
            await self._destination.wait_closed()

    async def _read(self) -> None:
        try:
            while True:
                length = int.from_bytes(await self._source.readexactly(LENGTH_BYTES))
                content = await self._source.readexactly(length)
                answer = self._waiting.popleft()
                if not answer.done():  # whoever asked may have gone
                    answer.set_result(content)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.is_alive = False
            self._destination.close()
            for answer in self._waiting:
                if not answer.done():
                    answer.set_exception(ProcessDiedError())
