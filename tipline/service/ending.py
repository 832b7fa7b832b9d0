"""
The end of a line, step by step, as the running service takes it.

    announced           `tipline close DIR --on DAY --apply`
    intake_stopped      by itself on DAY
    keys_destroyed      by itself, before the first batch of the day that the policy gives, or of a
    closed              later one if something is held; both are told in that batch, the last one
    (the log's key)     goes after the last checkpoint, when the store is shut

Rules:
1. Each step may be done again: what was said is looked up in the log, not remembered. What a person
   announced or called off, and a crash kept from the log, is told before the next batch.
2. The day of the last batch is fixed when the intake stops (`retention/log/ending.py`): it must not
   tell when the last tip came.
3. `keys_destroyed` is queued when every slot was overwritten and read back, which is done once. The
   private half of the last batch is written after that, and its keys go with the service's own.
4. Whoever finds keys missing then says nothing of it: nothing that they opened is there any more.
5. The log's key goes last. No entry can say it, because nothing could sign it; the closed line's
   page does.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from retention.log.ending import find_last_day
from retention.log.entry import (
    LAST_STEPS,
    CloseStep,
    EntryType,
    Statement,
    make_statement,
)
from tipline.closing import Closing, load_closing, save_closing
from tipline.configuration import load_configuration
from tipline.files import overwrite_file, save_file, sync_directory
from tipline.instance import (
    KEYS_NAME,
    TOR_NAME,
    VERIFIERS_NAME,
    load_log_signer,
    load_signer,
)
from tipline.log_store import LogStore
from tipline.onion.services import SERVICE_DIRECTORY_NAME
from tipline.service.database import DATABASE_NAME, JOURNAL_NAME, WAL_NAME
from tipline.service.envelope_files import ENVELOPES_NAME, PARTIAL_NAME
from tipline.service.notice import ClosingWatch
from tipline.service.record_keys import destroy_all_slots
from tipline.service.store import Store
from tipline.slots import open_slots


class LineEnding:
    """
    Takes the steps.

    Args:
        directory: The instance.
        log: Its log.
        store: Where tips lie.
        on_end: Told when the last batch was made: the line is to be shut.
    """

    def __init__(
        self, directory: Path, *, log: LogStore, store: Store, on_end: Callable[[], None]
    ) -> None:
        self._directory = directory
        self._watch = ClosingWatch(directory)
        self._log = log
        self._store = store
        self._on_end = on_end

    def takes_tips(self, today: datetime.date) -> bool:
        """
        Tell whether tips are taken.

        Args:
            today: In UTC.

        Returns:
            Whether: before the day of the end.
        """
        closing = self._watch.read()
        return closing is None or closing.takes_tips(today)

    def has_ended(self) -> bool:
        """Tell whether the log had its last entry."""
        return has_ended(self._log)

    async def advance(self, today: datetime.date) -> None:
        """
        Stop the intake when its day has come.

        Args:
            today: By the clock that is trusted.
        """
        closing = self._watch.read()
        if closing is None:
            return
        if closing.step in (CloseStep.ANNOUNCED, CloseStep.CANCELLED):
            await self._make_up_for(closing, today)
        if closing.step is not CloseStep.ANNOUNCED or today < closing.on:
            return
        await self._queue(CloseStep.INTAKE_STOPPED, closing, today)
        stopped = Closing(step=CloseStep.INTAKE_STOPPED, on=closing.on)
        await asyncio.to_thread(save_closing, self._directory, stopped, day=today)

    async def prepare(self, today: datetime.date) -> bool:
        """
        Tell whether today's batch is the last one; then all keys go before it is made.

        Args:
            today: Of the batch.

        Returns:
            Whether; then what the batch says is queued, and true.
        """
        closing = self._watch.read()
        if closing is None or not await is_due(closing, log=self._log, store=self._store, on=today):
            return False
        if not await asyncio.to_thread(are_keys_gone, self._log):
            await self._store.destroy_keys()
        for step in (CloseStep.KEYS_DESTROYED, CloseStep.CLOSED):
            await self._queue(step, closing, today)
        return True

    def end(self) -> None:
        """Say that the last batch was made."""
        self._on_end()

    async def _make_up_for(self, closing: Closing, today: datetime.date) -> None:
        """Tell the log what the file says and a crash kept from it."""
        last = await asyncio.to_thread(self._log.find_last, EntryType.CLOSE)
        if closing.step is CloseStep.ANNOUNCED:
            await self._queue(closing.step, closing, today)
        elif last is not None and last.fields["step"] == CloseStep.ANNOUNCED:
            await asyncio.to_thread(self._log.queue, state_step(closing.step, closing, on=today))

    async def _queue(self, step: CloseStep, closing: Closing, today: datetime.date) -> None:
        last = await asyncio.to_thread(self._log.find_last, EntryType.CLOSE)
        if last is None or _place(last) < _ORDER.index(step):
            await asyncio.to_thread(self._log.queue, state_step(step, closing, on=today))


_ORDER = (
    CloseStep.ANNOUNCED,
    CloseStep.INTAKE_STOPPED,
    CloseStep.KEYS_DESTROYED,
    CloseStep.CLOSED,
)


def state_step(step: CloseStep, closing: Closing, *, on: datetime.date) -> Statement:
    """
    Say for the log how far the end has come.

    Args:
        step: How far.
        closing: With the day of the end.
        on: Today.

    Returns:
        The statement.
    """
    return make_statement(EntryType.CLOSE, on=on, step=str(step), closes_on=closing.on)


def has_ended(log: LogStore) -> bool:
    """
    Tell whether a log had its last entry, in a batch that is signed.

    Args:
        log: Any.

    Returns:
        Whether.
    """
    last = log.find_last(EntryType.CLOSE)
    return (
        last is not None
        and last.fields["step"] == CloseStep.CLOSED
        and last not in log.read_queue()
    )


def are_keys_gone(log: LogStore) -> bool:
    """
    Tell whether a log says, or will say in its last batch, that all keys were destroyed.

    Args:
        log: Any.

    Returns:
        Whether.
    """
    last = log.find_last(EntryType.CLOSE)
    return last is not None and last.fields["step"] in LAST_STEPS


async def is_due(closing: Closing, *, log: LogStore, store: Store, on: datetime.date) -> bool:
    """
    Tell whether the last batch of a line is due.

    Args:
        closing: How far its end has come.
        log: Its log.
        store: Where tips lie.
        on: The day of the batch.

    Returns:
        Whether: its day has come, and nothing is held any more.
    """
    if closing.step is not CloseStep.INTAKE_STOPPED:
        return False
    statements = await asyncio.to_thread(log.list_statements, EntryType.POLICY, EntryType.CLOSE)
    last_day = find_last_day(statements)
    return last_day is not None and on >= last_day and await store.is_empty()


def shut(
    directory: Path,
    *,
    day: datetime.date,
    environment: Mapping[str, str],
    step: CloseStep = CloseStep.CLOSED,
) -> None:
    """
    Destroy what is left of a line whose log had its last entry. May be done again after a crash.

    1. The public halves of its keys are kept: the log is verified with one of them.
    2. Every slot is overwritten and read back, once more: the last batch had a private half.
    3. The line's keys, those of its service, its log, the desk's onion and its gateways among
       them, are overwritten and read back.
    4. Database and envelopes, which nothing opens any more, are removed.

    Args:
        directory: The instance, locked by the caller, its store shut.
        day: For the files' times.
        environment: Of the process, for the slot file's root.
        step: Closed, or handed over: then the onion's key goes, too, which somebody else has.

    Raises:
        SlotError: a slot is left, or may be.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    keys = directory / KEYS_NAME
    if not (directory / VERIFIERS_NAME).exists():
        service, log = load_signer(directory), load_log_signer(directory)
        verifiers = f"{service.verifier().format()}\n{log.verifier().format()}\n"
        save_file(directory / VERIFIERS_NAME, verifiers.encode("ascii"), day=day)
    opened = open_slots(directory, load_configuration(directory).slots, environment=environment)
    with contextlib.closing(opened.file):
        destroy_all_slots(opened.file)
    # All of them, with what opens a gateway and what answers are sealed to.
    for path in sorted(keys.iterdir()) if keys.exists() else ():
        if path.is_file():
            overwrite_file(path)
    onion = directory / TOR_NAME / SERVICE_DIRECTORY_NAME
    if step is CloseStep.HANDED_OVER and onion.exists():
        for path in onion.iterdir():
            if path.is_file():
                overwrite_file(path)
    for name in (WAL_NAME, JOURNAL_NAME, DATABASE_NAME):
        (directory / name).unlink(missing_ok=True)
    for name in (ENVELOPES_NAME, PARTIAL_NAME):
        if (directory / name).exists():
            shutil.rmtree(directory / name)
    sync_directory(directory)
    closing = load_closing(directory)
    ended_on = day if closing is None or step is CloseStep.HANDED_OVER else closing.on
    save_closing(directory, Closing(step=step, on=ended_on), day=day)


def is_shut(directory: Path) -> bool:
    """
    Tell whether a line has ended and its keys are gone.

    Args:
        directory: The instance.

    Returns:
        Whether; if it has ended and they are not gone yet, or one was put there again, `shut` has
        to be done again.
    """
    closing = load_closing(directory)
    if closing is None or closing.step is not CloseStep.CLOSED:
        return False
    keys = directory / KEYS_NAME
    return not (keys.exists() and any(path.is_file() for path in keys.iterdir()))


def _place(statement: Statement) -> int:
    step = CloseStep(statement.fields["step"])
    return _ORDER.index(step) if step in _ORDER else -1  # called off, or handed over
