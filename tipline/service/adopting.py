"""
The policy that is in force, and what was promised by the ones before.

Rules:
1. A policy is taken up at the start of the line, before anything is served or purged.
2. What is stored moves first, then the policy is noted: a crash between repeats the moves, which
   changes nothing more.
3. What a clock that was ahead dated is dated back as soon as nothing waits any more.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Final, Protocol

from sqlite_utils import Database

from crypto.strict import format_json
from retention.plan import MAX_AHEAD_DAYS, Move, Record, plan_policy_change, plan_redating
from retention.policy import Policy, format_periods, parse_periods
from retention.promise import Adopted, Promises

_READ: Final = "SELECT adopted_on, periods FROM policies ORDER BY number"
_ADD: Final = (
    "INSERT INTO policies (number, adopted_on, periods)"
    " SELECT coalesce(max(number), 0) + 1, ?, ? FROM policies"
)


class AdoptingStore(Protocol):
    """What is asked of a store."""

    async def promises(self) -> Promises | None:
        """Tell which policies were in force; None if none ever was."""
        ...

    async def adopt(self, policy: Policy, *, on: datetime.date) -> None:
        """Note that a policy is in force from a day on."""
        ...

    async def records(self) -> list[Record]:
        """List everything that has a day on which it dies."""
        ...

    async def records_after(self, day: datetime.date) -> list[Record]:
        """List what began after a day."""
        ...

    async def move(self, moves: Sequence[Move]) -> None:
        """Let records die on other days."""
        ...


async def take_up_policy(store: AdoptingStore, policy: Policy, *, today: datetime.date) -> Promises:
    """
    Put the policy that the operator wrote in force.

    Args:
        store: Where things lie.
        policy: As it was read now.
        today: The latest day that any clock tells: what is stored was dated by it.

    Returns:
        What was and is promised.
    """
    promises = await store.promises()
    if promises is not None and promises.policy == policy:
        return promises
    await store.move(plan_policy_change(await store.records(), new=policy))
    await store.adopt(policy, on=today)
    adopted = Adopted(on=today, policy=policy)
    return Promises(adopted=(*(promises.adopted if promises else ()), adopted))


async def date_back(store: AdoptingStore, *, promises: Promises, today: datetime.date) -> int:
    """
    Date back what a clock that was ahead dated.

    Args:
        store: Where things lie.
        promises: What was promised.
        today: By the clock that is trusted; nothing waits.

    Returns:
        How many records.
    """
    ahead = await store.records_after(today + datetime.timedelta(days=MAX_AHEAD_DAYS))
    moves = plan_redating(ahead, promises=promises, today=today)
    await store.move(moves)
    return len(moves)


def read_promises(database: Database) -> Promises | None:
    """
    Read which policies were in force.

    Args:
        database: Of today's version.

    Returns:
        Them; None if none ever was.

    Raises:
        PolicyError: one is of another form than this program's.
    """
    adopted = tuple(
        Adopted(on=datetime.date.fromisoformat(on), policy=parse_periods(json.loads(periods)))
        for on, periods in database.execute(_READ)
    )
    return Promises(adopted=adopted) if adopted else None


def add_policy(database: Database, policy: Policy, *, on: datetime.date) -> None:
    """
    Note that a policy is in force.

    Args:
        database: Of today's version.
        policy: The periods.
        on: The day from which it counts.
    """
    database.execute(_ADD, [on.isoformat(), format_json(format_periods(policy)).decode()])
