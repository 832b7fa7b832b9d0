"""
What happens each night: what is past its day goes, and the day's writes are written anew.

Rules:
1. Purging also runs at the start, before anything is served: a machine that was off catches up.
2. Purging collects failures, finishes the rest, and then raises; run again, it finds what is left.
3. The keys of the days to come are made ahead, so that one dies on every day.
4. Rewriting comes after purging, so that it also takes away where the purged rows stood.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Final

from retention.plan import Waiting
from retention.policy import EVENTS, Policy, RecordClass
from retention.promise import Promises
from tipline.clock import Clock
from tipline.errors import GatewayError, InstanceError
from tipline.service.adopting import date_back
from tipline.service.intake import Intake
from tipline.service.purge_report import PurgeReport
from tipline.service.silence import Faults
from tipline.service.store import Store

LOOK_SECONDS: Final = 600.0  # how often the clock is looked at: it may be set meanwhile

KEYED_CLASSES: Final = (
    RecordClass.PARTIAL_UPLOAD,
    RecordClass.SEALED_TIP,
    RecordClass.ATTACHMENT,
    RecordClass.LOG_TEXT,
    RecordClass.RAW_NUMBER,
    RecordClass.GATEWAY_MESSAGE,
)

# Of these this version keeps no records: nothing is ever purged, and nothing may be said to be. A
# backup lies wherever its operator puts it, and never in the line.
UNKEPT_CLASSES: Final = frozenset(
    {
        RecordClass.MAILBOX,
        RecordClass.RECEIPT_COPY,
        RecordClass.BACKUP,
    }
)

Report = Callable[[InstanceError | GatewayError | list[str]], None]
OnPurged = Callable[[PurgeReport], Awaitable[None]]


async def _tell_nobody(report: PurgeReport) -> None:
    """For callers who need no more than the report that is returned."""


async def run_purge(
    store: Store,
    *,
    forget: Callable[[bytes], None],
    promises: Promises,
    today: datetime.date,
    waiting: Waiting | None = None,
    on_purged: OnPurged = _tell_nobody,
) -> PurgeReport:
    """
    Let everything go that is past its day, and make the keys of the days to come.

    Args:
        store: Where things lie.
        forget: Told of partial uploads that go.
        promises: How long things are kept.
        today: In UTC, by the clock that is trusted.
        waiting: A jump of the clock that waits for a person.
        on_purged: Told what went and what did not.

    Returns:
        What went, and what did not.
    """
    report = await store.purge_due(promises=promises, today=today, waiting=waiting, forget=forget)
    await on_purged(report)
    if report.ended_holds and not report.failures:
        # After the log was told: their rows are what it is told from.
        await store.bury_holds(report.ended_holds, promises=promises)
    if report.epochs:
        await store.bury_epochs(report.epochs)
    # Last: on a full disk the slot file cannot grow, and what is due goes all the same.
    tomorrow = today + datetime.timedelta(days=1)
    await store.make_day_keys(tomorrow, days=find_longest_days(promises.policy))
    return report


async def purge_due(
    store: Store,
    *,
    intake: Intake,
    promises: Promises,
    today: datetime.date,
    waiting: Waiting | None = None,
    on_purged: OnPurged = _tell_nobody,
) -> PurgeReport:
    """
    Let everything go that is past its day, and raise if something did not go.

    Args:
        store: Where things lie.
        intake: Told of partial uploads that go.
        promises: How long things are kept.
        today: In UTC, by the clock that is trusted.
        waiting: A jump of the clock that waits for a person.
        on_purged: Told what went and what did not.

    Returns:
        What went.

    Raises:
        InstanceError: some did not go; the others did.
    """
    report = await run_purge(
        store,
        forget=intake.forget,
        promises=promises,
        today=today,
        waiting=waiting,
        on_purged=on_purged,
    )
    if report.failures:
        error = report.failures[0].error
        raise InstanceError("purge_incomplete", count=report.failed_count) from error
    return report


def find_longest_days(policy: Policy) -> int:
    """
    Tell for how many days ahead something may be stored.

    Args:
        policy: The periods.

    Returns:
        The longest period of what has a key.
    """
    return max(policy.periods[one][EVENTS[one][0]] for one in KEYED_CLASSES)


async def catch_up(
    *,
    store: Store,
    intake: Intake,
    promises: Promises,
    today: datetime.date,
    report: Report,
    waiting: Waiting | None = None,
    on_purged: OnPurged = _tell_nobody,
) -> None:
    """
    Purge before anything is served, so that what died while the line was off is never seen again.

    Args:
        store: Where things lie.
        intake: Told of partial uploads that go.
        promises: How long things are kept.
        today: In UTC.
        report: Shows the operator what failed; the line is served all the same.
        waiting: A jump of the clock that waits for a person.
        on_purged: Told what went and what did not.
    """
    if waiting is None:
        try:
            await date_back(store, promises=promises, today=today)
        except Exception as exc:  # not swallowed: told
            report(_incomplete(exc))  # tried again tomorrow; what is due goes all the same
    try:
        await purge_due(
            store,
            intake=intake,
            promises=promises,
            today=today,
            waiting=waiting,
            on_purged=on_purged,
        )
    except InstanceError as exc:
        report(exc)
    except Exception as exc:  # not swallowed: told, and the next night tries again
        report(_incomplete(exc))


async def run_nightly(
    *,
    store: Store,
    intake: Intake,
    promises: Promises,
    clock: Clock,
    hour: int,
    faults: Faults,
    report: Report,
    read_waiting: Callable[[], Waiting | None] = lambda: None,
    on_purged: OnPurged = _tell_nobody,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Purge and rewrite every night, until cancelled.

    Args:
        store: Where things lie.
        intake: Told of partial uploads that go.
        promises: How long things are kept.
        clock: Tells day and hour.
        hour: In UTC.
        faults: Told once a night.
        report: Shows the operator what failed.
        read_waiting: Tells whether a jump of the clock waits for a person.
        on_purged: Told what went and what did not.
        sleep: Waits.
    """
    # Whether this night's run was made before the start is not known, so it is made again.
    done_on = clock().date() - datetime.timedelta(days=1)
    while True:
        await sleep(LOOK_SECONDS)
        now = clock()
        if now.date() <= done_on or now.hour < hour:
            continue
        await catch_up(
            store=store,
            intake=intake,
            promises=promises,
            today=now.date(),
            report=report,
            waiting=read_waiting(),
            on_purged=on_purged,
        )
        try:
            await store.rewrite()
        except InstanceError as exc:
            report(exc)
        except Exception as exc:  # not swallowed: told, and the next night tries again
            faults.add(exc)
        for error in faults.take_told():
            report(error)
        if places := faults.take():
            report(places)
        done_on = now.date()


def _incomplete(exc: Exception) -> InstanceError:
    error = InstanceError("purge_incomplete", count=1)
    error.__cause__ = exc
    return error
