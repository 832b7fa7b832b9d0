"""
Marks of messages, by which one that its provider repeats is known again.

Rules:
1. A mark lies under a key that comes from the key of the day on which it dies.
2. A message is looked for under the keys of all days that marks die on, its own day's first.
3. Every mark that is stored was noted here first (`mark_filter.py`): of most messages that are new,
   nobody need ask the database whether they came before.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Sequence

from crypto.window import derive_replay_key, mark_message
from retention.policy import RecordClass
from tipline.service.derived_keys import DerivedKeys
from tipline.service.last_days import LastDays
from tipline.service.mark_filter import MarkFilter
from tipline.service.record_keys import RecordKeys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageMark:
    """
    The marks of a message.

    Args:
        made_on: The day on which they were made.
        dies_on: The day on which the first one dies.
        first: That which the message is given.
        all: This one, then those that it may have from before.
        may_be_known: Whether one of them may be stored. If not, the message never came.
    """

    made_on: datetime.date
    dies_on: datetime.date
    first: bytes
    all: Sequence[bytes]
    may_be_known: bool


class MessageMarks:
    """
    The marks of one store.

    Args:
        keys: Of the store.
        last_days: How long a mark is kept.
        today: Tells the day that what comes is dated by.
    """

    def __init__(
        self, keys: RecordKeys, *, last_days: LastDays, today: Callable[[], datetime.date]
    ) -> None:
        self._keys = DerivedKeys(keys, derive_replay_key)
        self._last_days = last_days
        self._today = today
        self._noted: dict[datetime.date, MarkFilter] = {}

    def make(self, gateway: str, provider_id: str) -> MessageMark:
        """
        Mark a message.

        Args:
            gateway: Its name.
            provider_id: Untrusted: what the provider calls the message.

        Returns:
            The mark that it is given, with those that it may have from before.

        Raises:
            KeyUnavailableError: the slot file does not give a day's key.
        """
        today = self._today()
        dies_on = self._last_days.find(RecordClass.GATEWAY_MESSAGE, today)
        days = [dies_on, *sorted(day for day in self._noted if day > today and day != dies_on)]
        # Any text that Python can hold: what is no character is told apart, too.
        encoded = provider_id.encode("utf-8", "surrogatepass")
        marks = [
            mark_message(self._keys.read(day), gateway=gateway, provider_id=encoded) for day in days
        ]
        may_be_known = any(
            day in self._noted and self._noted[day].may_have(mark)
            for day, mark in zip(days, marks, strict=True)
        )
        return MessageMark(
            made_on=today,
            dies_on=dies_on,
            first=marks[0],
            all=marks,
            may_be_known=may_be_known,
        )

    def note(self, marks: Iterable[bytes], dies_on: datetime.date) -> None:
        """
        Note marks that are about to be stored, or are.

        Args:
            marks: Of messages.
            dies_on: The day under whose key they are.
        """
        noted = self._noted.get(dies_on)
        if noted is None:
            noted = self._noted[dies_on] = MarkFilter()
        for mark in marks:
            noted.add(mark)

    def forget_days(self, until: datetime.date) -> None:
        """
        Forget the keys of days that are over.

        Args:
            until: The last of them.
        """
        self._keys.forget(until)
        for day in [day for day in self._noted if day <= until]:
            del self._noted[day]
