"""
The end of a keyset that ran out and was not followed by another.

A newer one takes the place of an older one at once. What is left in the line is the last, which
everybody could fetch: it goes when the policy's period after its last day is over. The highest
number stays known, so that no older keyset is taken afterwards.
"""

from __future__ import annotations

import asyncio
import dataclasses

from crypto.errors import KeysetError
from retention.plan import Reason
from retention.policy import Event, RecordClass
from retention.promise import Promises
from retention.slot_root import Method
from tipline.errors import InstanceError, TiplineError
from tipline.keysets import KeysetWatch
from tipline.service.purge_report import DeadRecords, Failure, PurgeReport


async def end_old_keyset(
    report: PurgeReport, *, keysets: KeysetWatch, promises: Promises
) -> PurgeReport:
    """
    Let the keyset go if its day has come.

    Args:
        report: What the night's purge did.
        keysets: The line's.
        promises: How long things are kept.

    Returns:
        The report, with what became of the keyset.
    """
    try:
        installed = keysets.read()
    except (KeysetError, InstanceError):
        return report  # there is none of this line's
    due_on = promises.dies_on(RecordClass.KEYSET, {Event.EXPIRED: installed.keyset.valid_until})
    if due_on > report.on:
        return report
    try:
        await asyncio.to_thread(keysets.end, installed, day=report.on)
    except (OSError, TiplineError) as exc:
        failure = Failure(
            code="files", record_class=RecordClass.KEYSET, due_on=due_on, count=1, error=exc
        )
        return dataclasses.replace(report, failures=(*report.failures, failure))
    late_days = (report.on - due_on).days
    dead = DeadRecords(
        record_class=RecordClass.KEYSET,
        due_on=due_on,
        late_days=late_days,
        method=Method.OVERWRITTEN,
        reasons={Reason.OVERDUE if late_days else Reason.ON_ITS_DAY: 1},
    )
    return dataclasses.replace(report, records=(*report.records, dead))
