"""
What was ended by STOP, for as long as something else could bring it back. In memory alone.

Rules:
1. A message that is being stored while its sender ends the conversation brings no number back: the
   conversation is marked before anything of it goes, and gets no window from then on.
2. A sender is remembered until the day is over, by a mark under a key that this process drew and
   that nobody stored: STOP ends no block, and brings no second notice on the same day.
3. When an end is acknowledged, the rows that it took are in no file of the database any more, the
   WAL among them: a sender's mark is there as long as others' windows need the key that it is
   under, so a number could be tried against it. If the WAL cannot be emptied at once, that is told
   as a fault, and the nightly purge does it.
4. Both are bounded; what is oldest is forgotten first.

Limitations: a backup that was made before keeps the mark; with the key of its day a number can be
tried against it until that day. A restart forgets what is kept in mind. Nothing is under way then;
but a sender who was told the notice, ended it, and writes again after the restart is told once
more.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import sqlite3
from collections.abc import Callable
from typing import Final

from crypto.randomness import RandomSource
from crypto.secret import Secret
from crypto.window import mark_sender
from tipline.errors import InstanceError
from tipline.service.phone_rows import PhoneRows
from tipline.service.record_keys import RecordKey, RecordKeys
from tipline.service.relations import Relations
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

KEY_BYTES: Final = 32
MAX_ENDED: Final = 100_000  # far more than are ended while one message is being stored


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """
    What is kept in mind of a sender who ended a conversation today.

    Args:
        on: The day.
        noticed: Whether it was told the notice on that day.
        blocks: Those of its pseudonyms that were blocked, each with its epoch.
    """

    on: datetime.date
    noticed: bool
    blocks: frozenset[tuple[bytes, bytes]]


class Ended:
    """
    What was ended.

    Args:
        rows: The rows; used in the writer's thread alone.
        relations: Of the same store.
        index: The open conversations.
        writer: Runs what touches the database.
        keys: Of the store.
        empty_wal: Empties the database's WAL; run in the writer's thread, alone.
        on_fault: Told that the WAL could not be emptied.
        random: Where the key of the senders' marks comes from.
    """

    def __init__(
        self,
        rows: PhoneRows,
        *,
        relations: Relations,
        index: WindowIndex,
        writer: GroupWriter,
        keys: RecordKeys,
        empty_wal: Callable[[], None],
        on_fault: Callable[[Exception], None],
        random: RandomSource,
    ) -> None:
        self._rows = rows
        self._relations = relations
        self._index = index
        self._writer = writer
        self._keys = keys
        self._empty_wal = empty_wal
        self._on_fault = on_fault
        self._key = Secret(random(KEY_BYTES))
        self._conversations: collections.OrderedDict[bytes, bool] = collections.OrderedDict()
        self._senders: collections.OrderedDict[bytes, Stopped] = collections.OrderedDict()

    async def end(self, conversation: bytes) -> None:
        """
        End a conversation: its windows and waiting answers go, secrets first.

        Args:
            conversation: Its id.

        Raises:
            OSError: the disk refuses; nothing may be said to be gone.
            sqlite3.Error: the same of the database.
        """
        # A line of an earlier version may have stored two conversations of one sender.
        ended = [await self._end(one) for one in self._index.find_same(conversation)]
        if any(ended):
            try:
                await self._writer.call_alone(self._empty_wal)
            except (InstanceError, OSError, sqlite3.Error) as exc:
                self._on_fault(exc)  # what was promised is gone with its keys

    def has_begun(self, conversation: bytes) -> bool:
        """
        Tell whether a conversation is being ended, or was.

        Args:
            conversation: Its id.

        Returns:
            Whether.
        """
        return conversation in self._conversations

    def is_finished(self, conversation: bytes) -> bool:
        """
        Tell whether all of a conversation is gone.

        Args:
            conversation: Its id.

        Returns:
            Whether.
        """
        return self._conversations.get(conversation, False)

    def remember(self, channel: str, address: bytes, stopped: Stopped) -> None:
        """
        Keep a sender in mind until the day is over; what was known of the same day stays.

        Args:
            channel: The channel's id.
            address: Of the sender.
            stopped: What is kept in mind.
        """
        before = self.find(channel, address, today=stopped.on)
        if before is not None:
            stopped = dataclasses.replace(
                stopped,
                noticed=stopped.noticed or before.noticed,
                blocks=stopped.blocks | before.blocks,
            )
        mark = mark_sender(self._key, channel=channel, address=address)
        self._senders[mark] = stopped
        self._senders.move_to_end(mark)
        while len(self._senders) > MAX_ENDED:
            self._senders.popitem(last=False)

    def find(self, channel: str, address: bytes, *, today: datetime.date) -> Stopped | None:
        """
        Look whether a sender ended a conversation today.

        Args:
            channel: The channel's id.
            address: Of the sender.
            today: The day.

        Returns:
            What is kept in mind; None if it did not.
        """
        if not self._senders:  # as on most days, and this is asked for each message
            return None
        found = self._senders.get(mark_sender(self._key, channel=channel, address=address))
        return found if found is not None and found.on == today else None

    def forget_days(self, until: datetime.date) -> None:
        """
        Forget the senders of days that are over.

        Args:
            until: The day that is today: those before it are over.
        """
        for mark in [mark for mark, one in self._senders.items() if one.on < until]:
            del self._senders[mark]

    async def _end(self, conversation: bytes) -> bool:
        """End one; tell whether there was anything of it."""
        # Before the first look: whatever the writer runs after it keeps no window any more.
        self._conversations[conversation] = False
        while len(self._conversations) > MAX_ENDED:
            self._conversations.popitem(last=False)
        self._index.release(conversation)
        keys = await self._writer.call(lambda: self._let_go(conversation))
        await asyncio.to_thread(self._keys.destroy, keys)

        def delete() -> list[RecordKey]:
            left = self._list_keys(conversation)
            self._rows.delete_windows(self._index.ids_of(conversation))
            for answer_id in self._list_answers(conversation):
                self._rows.delete_outgoing(answer_id)
            return left

        left = await self._writer.call(delete)
        # An answer may have been taken between the look and this.
        known = {key.data_id for key in keys}
        late = [key for key in left if key.data_id not in known]
        await asyncio.to_thread(self._keys.destroy, late)
        self._conversations[conversation] = True
        self._index.forget_conversation(conversation)
        return bool(known or late)

    def _let_go(self, conversation: bytes) -> list[RecordKey]:
        return [
            *self._rows.let_go("windows", self._index.ids_of(conversation)),
            *self._rows.let_go("outgoing", self._list_answers(conversation)),
        ]

    def _list_keys(self, conversation: bytes) -> list[RecordKey]:
        return [
            *self._rows.list_keys("windows", self._index.ids_of(conversation)),
            *self._rows.list_keys("outgoing", self._list_answers(conversation)),
        ]

    def _list_answers(self, conversation: bytes) -> list[bytes]:
        waiting = self._rows.list_outgoing(self._relations)
        return [answer_id for answer_id, whose in waiting if whose == conversation]
