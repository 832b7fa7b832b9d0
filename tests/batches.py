"""Makes logs of a few entries, batch by batch."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from crypto.note import Signer
from retention.log.batch import ONE_DAY, DayTold, Death, make_batch
from retention.log.checkpoint import make_log_name
from retention.log.entry import Entry, EntryType, HoldStep, Statement, make_statement
from retention.policy import EVENTS, Policy, RecordClass, format_periods
from retention.slot_root import Method

ROOT = Signer.generate("tipline-root").verifier()
LOG = Signer.generate(make_log_name(ROOT)).verifier()
EVERYTHING = (None, *RecordClass)


def make_policy(days: int) -> Policy:
    """Make a policy of one period."""
    return Policy(periods={name: dict.fromkeys(events, days) for name, events in EVENTS.items()})


def state_policy(policy: Policy, *, on: datetime.date) -> Statement:
    """State that a policy is in force."""
    periods = format_periods(policy)
    return make_statement(EntryType.POLICY, on=on, periods=periods, sha256="00" * 32)


def begin(on: datetime.date, *, days: int = 9) -> list[Entry]:
    """Make the first batch."""
    origin = make_statement(EntryType.ORIGIN, on=on, root=ROOT.format(), log=LOG.format())
    policy = state_policy(make_policy(days), on=on)
    return [Entry(day=on, statement=statement) for statement in (origin, policy)]


def go_on(
    day: datetime.date,
    *events: Statement,
    gone: Iterable[RecordClass | None] = EVERYTHING,
    late_days: int = 0,
) -> list[Entry]:
    """Make the batch of a day, on which so much of the day before is gone."""
    of = day - ONE_DAY
    deaths = [
        Death(of=of, record_class=name, method=Method.OVERWRITTEN, late_days=late_days)
        for name in gone
    ]
    told = DayTold(of=of, arrivals_root=bytes(32), annex_sha256="00" * 32)
    return list(make_batch(day=day, days=[told], deaths=deaths, events=events))


def hold(name: str, step: HoldStep, *, on: datetime.date, until: datetime.date) -> Statement:
    """State what became of a hold, whose id begins with two digits."""
    return make_statement(
        EntryType.HOLD, on=on, hold=name * 16, step=str(step), until=until, commitment="00" * 32
    )
