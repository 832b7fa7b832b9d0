"""
What happens each night: what is past its day goes, and the day's writes are written anew.

Rules:
1. Purging also runs at the start, before anything is served: a machine that was off catches up.
2. Purging collects failures, finishes the rest, and then raises; run again, it finds what is left.
3. Rewriting comes after purging, so that it also takes away where the purged rows stood.
"""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from retention.plan import plan_purge
from retention.policy import RecordClass
from retention.promise import Promises
from tipline.clock import Clock
from tipline.errors import InstanceError
from tipline.service.intake import Intake
from tipline.service.silence import Faults
from tipline.service.store import Store

LOOK_SECONDS: Final = 600.0  # how often the clock is looked at: it may be set meanwhile

Report = Callable[[InstanceError | list[str]], None]


async def purge_due(
    store: Store, *, intake: Intake, promises: Promises, today: datetime.date
) -> int:
    """
    Let everything go that is past its day.

    Args:
        store: Where things lie.
        intake: Told of partial uploads that go.
        promises: How long things are kept.
        today: In UTC.

    Returns:
        How many records went.

    Raises:
        InstanceError: some did not go; the others did.
    """
    due = [
        decision.record
        for decision in plan_purge(await store.records(), promises=promises, today=today)
        if decision.purge
    ]
    failures: list[Exception] = []
    for record in due:
        if record.record_class is RecordClass.PARTIAL_UPLOAD:
            intake.forget(record.id)
        try:
            await store.purge(record)
        except (OSError, sqlite3.Error) as exc:
            failures.append(exc)
    if failures:
        raise InstanceError("purge_incomplete", count=len(failures)) from failures[0]
    return len(due)


async def catch_up(
    *, store: Store, intake: Intake, promises: Promises, today: datetime.date, report: Report
) -> None:
    """
    Purge before anything is served, so that what died while the line was off is never seen again.

    Args:
        store: Where things lie.
        intake: Told of partial uploads that go.
        promises: How long things are kept.
        today: In UTC.
        report: Shows the operator what failed; the line is served all the same.
    """
    try:
        await purge_due(store, intake=intake, promises=promises, today=today)
    except InstanceError as exc:
        report(exc)


async def run_nightly(
    *,
    store: Store,
    intake: Intake,
    promises: Promises,
    clock: Clock,
    hour: int,
    faults: Faults,
    report: Report,
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
        sleep: Waits.
    """
    # Whether this night's run was made before the start is not known, so it is made again.
    done_on = clock().date() - datetime.timedelta(days=1)
    while True:
        await sleep(LOOK_SECONDS)
        now = clock()
        if now.date() <= done_on or now.hour < hour:
            continue
        try:
            await purge_due(store, intake=intake, promises=promises, today=now.date())
        except InstanceError as exc:
            report(exc)
        try:
            await store.rewrite()
        except InstanceError as exc:
            report(exc)
        except (OSError, sqlite3.Error) as exc:
            faults.add(exc)
        if places := faults.take():
            report(places)
        done_on = now.date()
