"""
One thread that writes, and the group commit.

Rules:
1. Whatever waits goes into one transaction and one sync.
2. A call that fails takes only its own changes with it: each runs in a savepoint.
3. A call's result is handed out after the commit, never before (INV-05).
4. What fails after the commit takes nothing back: it is told apart from the calls' results.
5. What a commit relies on is made durable before it, once for the whole group; if that fails,
   nothing of the group is committed.
6. When SQLite ends a transaction by itself, as on a full disk, all of its group fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sqlite_utils import Database

MAX_GROUP: Final = 256  # calls in one transaction: bounds how long the first of them waits

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    work: Callable[[], object]
    future: asyncio.Future[object] | None  # None: nobody waits for what it returns
    alone: bool


_Outcome = tuple[_Call, object, Exception | None]


class GroupWriter:
    """
    Runs calls on a database in one thread, several in a transaction.

    Args:
        database: Used by no other thread from now on.
        before_commit: Run at the end of each transaction, before it is committed.
        after_commit: Run after each transaction, before results are handed out.
        on_fault: Told, in the writer's thread, when `after_commit` failed.
    """

    def __init__(
        self,
        database: Database,
        *,
        before_commit: Callable[[], None],
        after_commit: Callable[[], None],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._database = database
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._on_fault = on_fault
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    async def call(self, work: Callable[[], T]) -> T:
        """
        Run *work* in a transaction, together with what else waits.

        Args:
            work: Reads or changes the database.

        Returns:
            What *work* returned, once it is durable.
        """
        return await self._submit(work, alone=False)

    async def call_alone(self, work: Callable[[], T]) -> T:
        """
        Run *work* outside a transaction, as VACUUM and checkpoints want it.

        Args:
            work: Reads or changes the database.

        Returns:
            What *work* returned.
        """
        return await self._submit(work, alone=True)

    def stand_still(self) -> Callable[[], None]:
        """
        Wait until the thread stands still between two transactions. Not for the thread itself.

        Returns:
            Lets it go on; may be called again.
        """
        arrived, resume = threading.Event(), threading.Event()

        def wait() -> None:
            arrived.set()
            resume.wait()

        self._calls.put(_Call(work=wait, future=None, alone=True))
        arrived.wait()
        return resume.set

    def close(self) -> None:
        """Finish what waits and end the thread."""
        self._calls.put(None)
        self._thread.join()

    async def _submit(self, work: Callable[[], T], *, alone: bool) -> T:
        # A caller that is cancelled (its connection broke) cancels this, and not what is written.
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put(_Call(work=work, future=future, alone=alone))  # type: ignore[arg-type]
        return await future

    def _run(self) -> None:
        while True:
            group = [self._calls.get()]
            while len(group) < MAX_GROUP and not self._calls.empty():
                group.append(self._calls.get())
            together: list[_Call] = []
            for call in group:
                if call is not None and not call.alone:
                    together.append(call)
                    continue
                self._run_together(together)
                together = []
                if call is None:
                    return
                self._run_alone(call)
            self._run_together(together)

    def _run_together(self, calls: list[_Call]) -> None:
        if not calls:
            return
        outcomes: list[_Outcome] = []
        try:
            with self._database.atomic():
                for call in calls:
                    outcomes.append(self._run_in_savepoint(call))
                    self._check_transaction(outcomes[-1][2])
                self._before_commit()
        except Exception as exc:  # not swallowed: handed to whoever called
            # Not known to be durable: everybody in the group is told.
            outcomes = [(call, None, exc) for call in calls]
        self._finish_commit()
        _hand_out(outcomes)

    def _check_transaction(self, error: Exception | None) -> None:
        # A full disk ends the whole transaction, not the savepoint alone. Whatever ran after it
        # would commit by itself, before what it relies on is durable.
        if not self._database.conn.in_transaction:
            raise error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError("ended")

    def _run_in_savepoint(self, call: _Call) -> _Outcome:
        try:
            with self._database.atomic():
                return call, call.work(), None
        except Exception as exc:  # not swallowed: handed to whoever called
            return call, None, exc

    def _run_alone(self, call: _Call) -> None:
        try:
            value = call.work()
        except Exception as exc:  # not swallowed: handed to whoever called
            _hand_out([(call, None, exc)])
        else:
            self._finish_commit()
            _hand_out([(call, value, None)])

    def _finish_commit(self) -> None:
        try:
            self._after_commit()
        except Exception as exc:  # not swallowed: told to the operator
            # What was committed stays so: a caller told otherwise would send its tip again.
            self._on_fault(exc)


def _hand_out(outcomes: Sequence[_Outcome]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        if (future := outcome[0].future) is not None:
            by_loop.setdefault(future.get_loop(), []).append(outcome)
    # A group wakes a loop once: each waking takes a system call, and Python's one lock.
    for loop, theirs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and who waited with it
            loop.call_soon_threadsafe(_finish, theirs)


def _finish(outcomes: Sequence[_Outcome]) -> None:
    for call, value, error in outcomes:
        if call.future is None or call.future.done():
            continue
        if error is None:
            call.future.set_result(value)
        elif isinstance(error, StopIteration):
            # A future does not take this one, and whoever came behind it would wait for ever.
            call.future.set_exception(RuntimeError(repr(error)))
        else:
            call.future.set_exception(error)
