"""Last days, looked up once a day."""

from __future__ import annotations

import datetime

from retention.policy import EVENTS, Policy, RecordClass
from retention.promise import Promises
from tipline.service.last_days import LastDays

TODAY = datetime.date(2031, 6, 12)
PERIODS = {one: dict.fromkeys(events, 7) for one, events in EVENTS.items()}


def test_last_day_when_looked_up_again_then_it_is_what_was_promised_for_each_day() -> None:
    """Every class and day has its own, however often and in whatever order it is asked for."""
    promises = Promises.of(Policy(periods=PERIODS))
    last_days = LastDays(promises)
    days = [TODAY + datetime.timedelta(days=number % 3) for number in range(9)]
    for today in days:
        for record_class in RecordClass:
            if record_class in EVENTS:
                begun = {EVENTS[record_class][0]: today}
                expected = promises.dies_on(record_class, begun)
                assert last_days.find(record_class, today) == expected
    assert len(last_days._known) <= len(RecordClass) + 1
