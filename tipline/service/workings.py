"""
The parts of a line that are there whether it is served or not: its log, its day, its store.

Rules:
1. Whoever opens them holds the instance's lock: there is one day keeper, one store, one slot file.
2. What a crash kept from the log is told before anything else is queued.
3. A slot file that was in memory and is lost is said to be lost, before anything is purged; so is
   the key of a day to come that is missing, and a record's own. Not when a line ends: then we took
   the keys ourselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import os
from collections.abc import AsyncIterator, Callable

from retention.hold import state_ended, state_placed
from retention.log.entry import EntryType, Statement, make_statement
from retention.plan import Waiting
from retention.promise import Promises
from retention.slot_pair import Notice
from tipline.backing_up import remove_left_copy
from tipline.clock import BootClock, Clock
from tipline.closing import Closing, load_closing
from tipline.day_keeper import ClockEvent, DayKeeper, find_clock_folder
from tipline.errors import InstanceError
from tipline.files import make_private_directory
from tipline.instance import Instance
from tipline.log_store import LogStore
from tipline.operations import Workings
from tipline.service.adopting import take_up_policy
from tipline.service.daily_log import tell_purge
from tipline.service.database import check_database
from tipline.service.ending import are_keys_gone, is_due
from tipline.service.lost_keys import LostRecords
from tipline.service.nightly import OnPurged, run_purge
from tipline.service.old_keyset import end_old_keyset
from tipline.service.open_log import make_clock_teller, open_log
from tipline.service.purge_report import PurgeReport
from tipline.service.sqlite_store import SqliteStore
from tipline.slot_owner import find_other_owner, has_database, note_owner
from tipline.slots import find_slot_folders, open_slots


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What is open.

    Args:
        log: The log.
        keeper: Tells the day.
        store: Where tips lie.
        promises: How long things are kept.
    """

    log: LogStore
    keeper: DayKeeper
    store: SqliteStore
    promises: Promises


@contextlib.asynccontextmanager
async def open_parts(
    instance: Instance,
    *,
    clock: Clock,
    boot_clock: BootClock,
    on_clock: Callable[[ClockEvent], None],
    on_fault: Callable[[Exception], None],
    on_notice: Callable[[Notice], None] = lambda notice: None,
    on_lost: Callable[[InstanceError], None] = lambda error: None,
) -> AsyncIterator[Parts]:
    """
    Open a line's parts as long as the context lasts.

    Args:
        instance: Opened, and so locked, by the caller.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        on_clock: Told when the clock jumps or goes back.
        on_fault: Told of what failed after it was stored, from any thread.
        on_notice: Told what was rebuilt, repaired or found damaged in the slot file.
        on_lost: Told of each day to come whose key is missing, and how many records lost their own.

    Yields:
        The parts.

    Raises:
        InstanceError: a part is damaged, of another version, or in use; or the slot file is
            another line's.
        SlotError: the slot file does not hold.
    """
    check_database(instance.directory)
    async with contextlib.AsyncExitStack() as stack:
        remove_left_copy(instance.directory)
        log = open_log(instance, today=lambda: clock().date())
        stack.callback(log.close)
        keeper = open_day_keeper(
            instance,
            clock=clock,
            boot_clock=boot_clock,
            on_event=make_clock_teller(log, on_clock=on_clock),
        )
        _check_owner(instance)
        opened = open_slots(
            instance.directory, instance.configuration.slots, environment=os.environ
        )
        note_owner(instance.directory, instance.configuration.slots, day=keeper.today())
        store = SqliteStore(
            instance.directory, slots=opened.file, today=keeper.today, on_fault=on_fault
        )
        stack.callback(store.close)
        await _tell_of_holds(store, log)
        # Before anything makes a key: a new one in its place would hide that one is missing.
        await _tell_of_lost_keys(
            store,
            log,
            closing=load_closing(instance.directory),
            today=keeper.today(),
            waiting=keeper.waiting(),
            begun_anew=opened.begun_anew,
            on_lost=on_lost,
        )
        promises = await take_up_policy(store, instance.policy, today=keeper.latest_day())
        for notice in opened.file.take_notices():
            on_notice(notice)
        yield Parts(log=log, keeper=keeper, store=store, promises=promises)


def _check_owner(instance: Instance) -> None:
    for folder in find_slot_folders(instance.directory, instance.configuration.slots):
        other = None if folder is None else find_other_owner(folder, instance.directory)
        if other is not None and has_database(other):
            raise InstanceError("slots_of_another", path=str(folder), line=str(other))


def make_workings(
    parts: Parts,
    instance: Instance,
    *,
    forget: Callable[[bytes], None],
    on_purged: OnPurged,
) -> Workings:
    """
    Make what operations work on.

    Args:
        parts: Open.
        instance: Whose.
        forget: Told of partial uploads that go.
        on_purged: Told what a purge did; it tells the log.

    Returns:
        The workings.
    """

    async def purge() -> PurgeReport:
        return await run_purge(
            parts.store,
            forget=forget,
            promises=parts.promises,
            today=parts.keeper.today(),
            waiting=parts.keeper.waiting(),
            on_purged=on_purged,
        )

    async def queue(statement: Statement, *, occasion: bytes | None = None) -> None:
        await asyncio.to_thread(parts.log.queue, statement, occasion=occasion)

    return Workings(
        store=parts.store,
        keeper=parts.keeper,
        promises=parts.promises,
        keysets=instance.watch_keyset(),
        purge=purge,
        queue=queue,
        directory=instance.directory,
        copy_log=parts.log.copy_to,
    )


@contextlib.asynccontextmanager
async def open_workings(
    instance: Instance,
    *,
    clock: Clock,
    boot_clock: BootClock,
    on_clock: Callable[[ClockEvent], None],
    on_fault: Callable[[Exception], None],
) -> AsyncIterator[Workings]:
    """
    Open a line that nobody serves, for operations alone.

    Args:
        instance: Opened, and so locked, by the caller.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        on_clock: Told when the clock jumps or goes back.
        on_fault: Told of what failed after it was stored, from any thread.

    Yields:
        The workings.

    Raises:
        InstanceError: a part is damaged, of another version, or in use; or the slot file is
            another line's.
        SlotError: the slot file does not hold.
    """
    async with open_parts(
        instance, clock=clock, boot_clock=boot_clock, on_clock=on_clock, on_fault=on_fault
    ) as parts:
        keysets = instance.watch_keyset()

        async def on_purged(report: PurgeReport) -> None:
            report = await end_old_keyset(report, keysets=keysets, promises=parts.promises)
            await tell_purge(report, log=parts.log, book=parts.store.day_book)

        # Nobody uploads: there is nobody to be told of an upload that goes.
        yield make_workings(parts, instance, forget=lambda upload: None, on_purged=on_purged)


def open_day_keeper(
    instance: Instance,
    *,
    clock: Clock,
    boot_clock: BootClock,
    on_event: Callable[[ClockEvent], None],
) -> DayKeeper:
    """
    Take up the time where an instance left it.

    Args:
        instance: Opened, and so locked, by the caller.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        on_event: Told what happened to the clock.

    Returns:
        What tells the day.

    Raises:
        InstanceError: what is kept of the time is damaged.
    """
    folder = find_clock_folder(instance.directory, instance.configuration.slots)
    make_private_directory(folder)
    return DayKeeper(folder, clock=clock, boot_clock=boot_clock, on_event=on_event)


async def _tell_of_holds(store: SqliteStore, log: LogStore) -> None:
    """Queue what a crash kept from the log; what it knows already is not queued again."""
    holds = sorted(
        (hold for hold, _ in await store.holds()), key=lambda hold: (hold.placed_on, hold.id)
    )
    for hold in holds:
        await asyncio.to_thread(log.queue, state_placed(hold))
    for hold in holds:
        if hold.gone_on is not None:
            await asyncio.to_thread(log.queue, state_ended(hold))


async def _tell_of_lost_keys(
    store: SqliteStore,
    log: LogStore,
    *,
    closing: Closing | None,
    today: datetime.date,
    waiting: Waiting | None,
    begun_anew: bool,
    on_lost: Callable[[InstanceError], None],
) -> None:
    """Queue that keys were lost before their day, then let go what they opened."""
    if await asyncio.to_thread(are_keys_gone, log) or (
        closing is not None and await is_due(closing, log=log, store=store, on=today)
    ):
        return  # a crash came before the last batch: we took the keys, and nothing needs them
    days = await store.losses.find_days(today=today)
    promises = await store.promises()
    records = LostRecords()
    if promises is not None:  # else nothing ever was stored
        records = await store.losses.find_records(promises=promises, today=today, waiting=waiting)
    epochs = [] if begun_anew else await store.losses.find_epochs(today=today)
    # First: what is let go is not found again after a crash.
    if days or begun_anew or records.count() or any(not epoch.key_lost for epoch in epochs):
        await asyncio.to_thread(log.queue, make_statement(EntryType.LOST_KEYS, on=today))
    for day, count in days.items():
        on_lost(InstanceError("day_key_lost", day=day.isoformat(), count=count))
    if records.count():
        on_lost(InstanceError("record_keys_lost", count=records.count()))
    for epoch in epochs:  # each time: senders have no handle as long as it lasts
        on_lost(InstanceError("epoch_key_lost", until=epoch.dies_on.isoformat()))
    await store.losses.note_epochs(epochs)
    await store.losses.end_days(days, today=today)
    await store.losses.end_records(records, today=today)
    if begun_anew:
        await store.losses.end_all(today=today)
        await store.losses.end_epochs()
