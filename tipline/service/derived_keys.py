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

    def read(self, day: datetime.date, *, may_make: bool = True) -> Secret:
        """
        Give the key of a day.

        Args:
            day: To come, if it may be made.
            may_make: Whether the day's key is made if there is none.

        Returns:
            The key.

        Raises:
            KeyUnavailableError: the day's key is unreadable, or gone.
        """
        found = self._derived.get(day)
        if found is None:
            found = self._keys.derive_of_day(day, self._derive, may_make=may_make)
            self._derived[day] = found
        return found

    def forget(self, until: datetime.date) -> None:
        """
        Forget the keys of days that are over.

        Args:
            until: The last of them.
        """
        # Another thread may be adding one, or have forgotten it.
        for day in [day for day in list(self._derived) if day <= until]:
            self._derived.pop(day, None)
