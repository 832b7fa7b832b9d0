"""
The last days of what begins today: looked up for each message, and the same all day.
"""

from __future__ import annotations

import datetime

from retention.policy import EVENTS, RecordClass
from retention.promise import Promises


class LastDays:
    """
    The last days of one line's records. Any thread may ask.

    Args:
        promises: How long things are kept.
    """

    def __init__(self, promises: Promises) -> None:
        self._promises = promises
        self._known: dict[tuple[RecordClass, datetime.date], datetime.date] = {}

    def find(self, record_class: RecordClass, today: datetime.date) -> datetime.date:
        """
        Tell the day on which a record dies to which nothing more happens.

        Args:
            record_class: Of the record.
            today: The day on which it begins.

        Returns:
            The first day on which it must not be there any more.
        """
        found = self._known.get((record_class, today))
        if found is None:
            if len(self._known) > len(RecordClass):
                self._known = {}  # what was known is of another day
            found = self._promises.dies_on(record_class, {EVENTS[record_class][0]: today})
            self._known[record_class, today] = found
        return found
