"""
What was promised to a record: the shortest period in force since it began.

Rules:
1. A longer period never applies to what came under a shorter one, not even when a later event (the
   desk's pick-up) happens under the longer one.
2. A shorter period applies to what is stored already.
3. On a day on which the policy changed, both count.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Self

from retention.policy import EVENTS, Event, Policy, RecordClass, check_events


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """
    A policy that was put in force.

    Args:
        on: The day from which it counts.
        policy: The periods.
    """

    on: datetime.date
    policy: Policy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """
    Every policy that was in force since the oldest living record began.

    Args:
        adopted: In the order in which they were put in force, at least one; the last is in force.
    """

    adopted: tuple[Adopted, ...]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """
        Promise by a single policy, as a line does that never changed its own.

        Args:
            policy: The one in force.

        Returns:
            Its promises.
        """
        return cls(adopted=(Adopted(on=datetime.date.min, policy=policy),))

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.adopted[-1].policy

    def dies_on(
        self, record_class: RecordClass, events: Mapping[Event, datetime.date]
    ) -> datetime.date:
        """
        Tell the day on which a record dies.

        Args:
            record_class: Of the record.
            events: The day of each event that has happened to it; the first of its class at least.

        Returns:
            The first day on which it must not be there any more.
        """
        check_events(record_class, events)
        since = events[EVENTS[record_class][0]]
        following = (*self.adopted[1:], None)
        return min(
            adopted.policy.dies_on(record_class, events)
            for adopted, next_ in zip(self.adopted, following, strict=True)
            if next_ is None or next_.on >= since
        )
