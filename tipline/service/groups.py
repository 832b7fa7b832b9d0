"""
What a database holds, by class and days, in groups: the work grows with days, not with tips.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any, Final

from sqlite_utils import Database

from crypto.ladder import TEXT_RUNG
from retention.plan import Record
from retention.policy import EVENTS, Event, RecordClass

_TIPS: Final = (
    "SELECT count(*), dies_on, arrived_on, picked_up_on FROM tips WHERE size_bytes {sign} ?"
    " GROUP BY dies_on, arrived_on, picked_up_on"
)
# Each query gives: how many, when it dies, then the days of its class's events.
_QUERIES: Final = {
    RecordClass.SEALED_TIP: (
        _TIPS.format(sign="<="),
        [TEXT_RUNG],
    ),
    RecordClass.ATTACHMENT: (
        _TIPS.format(sign=">"),
        [TEXT_RUNG],
    ),
    RecordClass.PARTIAL_UPLOAD: (
        "SELECT count(*), dies_on, begun_on FROM uploads GROUP BY dies_on, begun_on",
        [],
    ),
    RecordClass.UPLOAD_ANSWER: (
        "SELECT count(*), dies_on, arrived_on FROM answers GROUP BY dies_on, arrived_on",
        [],
    ),
    RecordClass.REPLY: (
        "SELECT count(*), dies_on, sent_on, NULL FROM outgoing GROUP BY dies_on, sent_on",
        [],
    ),
    RecordClass.RAW_NUMBER: (
        "SELECT count(*), dies_on, received_on FROM windows GROUP BY dies_on, received_on",
        [],
    ),
    RecordClass.GATEWAY_MESSAGE: (
        """
        SELECT count(*), dies_on, received_on FROM
            (SELECT dies_on, received_on FROM parts
            UNION ALL SELECT dies_on, received_on FROM replays)
        GROUP BY dies_on, received_on
        """,
        [],
    ),
    RecordClass.PSEUDONYM_EPOCH: (
        "SELECT count(*), dies_on, begun_on FROM epochs GROUP BY dies_on, begun_on",
        [],
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    Records of one class with the same days.

    Args:
        record: One that stands for all.
        count: How many there are.
    """

    record: Record
    count: int


def count_groups(database: Database) -> Iterator[Group]:
    """
    Count what a database holds, by class and days.

    Args:
        database: Of today's version.

    Yields:
        The groups.
    """
    number = 0
    for record_class, (query, parameters) in _QUERIES.items():
        for count, dies_on, *days in database.execute(query, parameters):
            number += 1
            yield Group(
                record=Record(
                    id=number.to_bytes(16),
                    record_class=record_class,
                    events=_read_events(record_class, days),
                    dies_on=datetime.date.fromisoformat(dies_on),
                ),
                count=count,
            )


def _read_events(record_class: RecordClass, days: list[Any]) -> dict[Event, datetime.date]:
    return {
        event: datetime.date.fromisoformat(day)
        for event, day in zip(EVENTS[record_class], days, strict=True)
        if day is not None
    }
