"""
Keys that come from the keys of days to come, kept in memory as long as their day.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from crypto.secret import Secret
from tipline.service.record_keys import RecordKeys


class DerivedKeys:
    """
    Keys of one purpose, one for each day.

    Args:
        keys: Of the store.
        derive: From a day's key.
    """

    def __init__(self, keys: RecordKeys, derive: Callable[[Secret], Secret]) -> None:
        self._keys = keys
        self._derive = derive
        self._derived: dict[datetime.date, Secret] = {}

    def read(self, day: datetime.date) -> Secret:
        """
        Give the key of a day.

        Args:
            day: To come.

        Returns:
            The key.

        Raises:
            KeyUnavailableError: the day's key is unreadable.
        """
        if day not in self._derived:
            self._derived[day] = self._keys.derive_of_day(day, self._derive)
        return self._derived[day]

    def forget(self, until: datetime.date) -> None:
        """
        Forget the keys of days that are over.

        Args:
            until: The last of them.
        """
        for day in [day for day in self._derived if day <= until]:
            del self._derived[day]
