"""
Marks of messages, by which one that its provider repeats is known again.

Rules:
1. A mark lies under a key that comes from the key of the day on which it dies.
2. A message is looked for under the keys of all days that marks die on, its own day's first.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from crypto.window import derive_replay_key, mark_message
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.service.derived_keys import DerivedKeys
from tipline.service.record_keys import RecordKeys


class MessageMarks:
    """
    The marks of one store.

    Args:
        keys: Of the store.
        promises: How long a mark is kept.
        today: Tells the day that what comes is dated by.
    """

    def __init__(
        self, keys: RecordKeys, *, promises: Promises, today: Callable[[], datetime.date]
    ) -> None:
        self._keys = DerivedKeys(keys, derive_replay_key)
        self._promises = promises
        self._today = today
        self._days: set[datetime.date] = set()

    def find_end(self) -> datetime.date:
        """Tell the day on which a mark dies that is made today."""
        return self._find_end(self._today())

    def make(self, gateway: str, provider_id: str) -> Sequence[bytes]:
        """
        Mark a message.

        Args:
            gateway: Its name.
            provider_id: Untrusted: what the provider calls the message.

        Returns:
            The mark that it is given, then those that it may have from before.

        Raises:
            KeyUnavailableError: the slot file does not give a day's key.
        """
        today = self._today()
        dies_on = self._find_end(today)
        others = sorted(day for day in self._days if day > today and day != dies_on)
        # Any text that Python can hold: what is no character is told apart, too.
        encoded = provider_id.encode("utf-8", "surrogatepass")
        return [
            mark_message(self._keys.read(day), gateway=gateway, provider_id=encoded)
            for day in (dies_on, *others)
        ]

    def add_days(self, days: set[datetime.date]) -> None:
        """
        Look under the keys of these days, too.

        Args:
            days: On which marks die.
        """
        self._days |= days

    def forget_days(self, until: datetime.date) -> None:
        """
        Forget the keys of days that are over.

        Args:
            until: The last of them.
        """
        self._keys.forget(until)
        self._days = {day for day in self._days if day > until}

    def _find_end(self, today: datetime.date) -> datetime.date:
        return self._promises.dies_on(RecordClass.GATEWAY_MESSAGE, {Event.RECEIVED: today})
