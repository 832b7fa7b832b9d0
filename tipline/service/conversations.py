"""
Conversations by phone: who writes again, for how long, and under which handle.

Rules:
1. What a call promised is durable when it returns (INV-05).
2. A number is in clear in memory alone, and only inside its window: `read_sender` and the queue of
   pseudonyms are the two places that unseal one.
3. A conversation lasts as long as one of its windows. It goes on over the end of an epoch. No file
   says its name in clear: what relates its windows is sealed in each under a key that dies with the
   window's day (`relations.py`).
4. STOP takes all of it at once: the secrets are overwritten first, then the rows go. Tips that are
   stored stay until their day; what is being stored meanwhile becomes a tip without a number.
5. A message that its provider repeats is known by its mark, and is not kept, nor followed, twice.
6. What was begun to be kept is kept, also if nobody waits for it any more: a window that is stored
   and not known would outlive STOP. `close` waits for it.
"""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.window import derive_window_key
from retention.plan import Move
from retention.policy import RecordClass
from retention.promise import Promises
from tipline.gateway.numbers import Sender
from tipline.service.arriving import Arriving
from tipline.service.derived_keys import DerivedKeys
from tipline.service.drawn_ids import DrawnIds
from tipline.service.ended import Ended, Stopped
from tipline.service.epochs import Epochs
from tipline.service.handle_rows import HandleRows
from tipline.service.handles import Handles
from tipline.service.keeping import Keeping, Message
from tipline.service.last_days import LastDays
from tipline.service.message_marks import MessageMark, MessageMarks
from tipline.service.outbox import Outbox
from tipline.service.phone_rows import PhoneRows
from tipline.service.reach import (
    Reach,
    SealedRow,
    open_reach,
)
from tipline.service.record_keys import RecordKeys
from tipline.service.relations import Relations
from tipline.service.standing import Standing
from tipline.service.store import StoredTip
from tipline.service.taken_answers import TakenAnswers
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

_KEPT_IN_MIND: Final = frozenset({RecordClass.RAW_NUMBER, RecordClass.PSEUDONYM_EPOCH})


class Conversations:
    """
    The conversations of one store. `open` comes first.

    Args:
        rows: The rows; used in the writer's thread alone.
        handle_rows: Those that relate tips to pseudonyms; used in the writer's thread alone.
        epochs: Of the same store.
        writer: Runs what touches the database.
        keys: Of the store.
        arriving: Keeps tips.
        promises: How long things are kept.
        today: Tells the day that what comes is dated by.
        empty_wal: Empties the database's WAL; run in the writer's thread, alone.
        on_fault: Told of what failed in the queue of pseudonyms; it is tried again.
        random: Where ids come from.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        rows: PhoneRows,
        *,
        handle_rows: HandleRows,
        epochs: Epochs,
        writer: GroupWriter,
        keys: RecordKeys,
        arriving: Arriving,
        promises: Promises,
        today: Callable[[], datetime.date],
        empty_wal: Callable[[], None],
        on_fault: Callable[[Exception], None],
        random: RandomSource = system_random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._writer = writer
        self._keys = keys
        self._arriving = arriving
        self._today = today
        self._ids = DrawnIds(random)
        self._last_days = LastDays(promises)
        self._window_keys = DerivedKeys(keys, derive_window_key)
        self._relations = Relations(keys, on_fault=on_fault)
        self._index = WindowIndex(self._window_keys.read)
        self._marks = MessageMarks(keys, last_days=self._last_days, today=today)
        self.handles = Handles(
            handle_rows,
            rows,
            epochs=epochs,
            index=self._index,
            writer=writer,
            keys=keys,
            promises=promises,
            today=today,
            on_fault=on_fault,
            monotonic=monotonic,
        )
        self._ended = Ended(
            rows,
            relations=self._relations,
            index=self._index,
            writer=writer,
            keys=keys,
            empty_wal=empty_wal,
            on_fault=on_fault,
            random=random,
        )
        self._keeping = Keeping(
            rows,
            relations=self._relations,
            index=self._index,
            window_keys=self._window_keys,
            marks=self._marks,
            ended=self._ended,
            handles=self.handles,
            keys=keys,
            arriving=arriving,
            last_days=self._last_days,
            today=today,
            ids=self._ids,
        )
        self._is_stale = False
        self._keeps: set[asyncio.Task[StoredTip | None]] = set()
        self.outbox = Outbox(
            rows,
            relations=self._relations,
            index=self._index,
            writer=writer,
            keys=keys,
            promises=promises,
            today=today,
            random=random,
        )
        self.taken = TakenAnswers(
            rows,
            relations=self._relations,
            index=self._index,
            writer=writer,
            keys=keys,
            promises=promises,
            today=today,
            random=random,
        )

    async def open(self) -> None:
        """
        Take up what is stored, begin an epoch if none lasts, and go on with the queue.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        await self.reload()
        await self._writer.call(self._note_stored)
        await self.handles.open()

    async def close(self) -> None:
        """Finish what is being kept and stop the queue; the next start goes on with it."""
        while self._keeps:
            await asyncio.wait(set(self._keeps))
        await self.handles.close()

    async def reload(self) -> None:
        """Take up what is stored, in the place of what is known."""
        self._is_stale = False
        self._index.load(await self._writer.call(lambda: self._rows.list_windows(self._relations)))
        await self.handles.reload()

    async def follow_moves(self, moves: Sequence[Move]) -> None:
        """
        Take up anew what dies on another day, if it is kept in mind.

        Args:
            moves: What was moved. Where it is tips alone, as at each pick-up, there is nothing.
        """
        if any(move.record.record_class in _KEPT_IN_MIND for move in moves):
            await self.reload()  # some senders are marked for other days by now

    def find(self, sender: Sender | None, channel: str) -> Standing:
        """
        Find the conversation of a sender; who is not known gets a new one, kept in mind.

        Args:
            sender: Who writes; None if nobody says: then nothing of it is ever found again.
            channel: The channel's id.

        Returns:
            What is known.

        Raises:
            KeyUnavailableError: the slot file does not give a day's key.
        """
        if sender is None:
            return Standing(
                conversation=self._ids.draw(),
                continues=False,
                new_today=True,
                blocked=False,
            )
        today, address = self._today(), sender.encode()
        conversation = self._index.find(
            channel=channel,
            address=address,
            today=today,
            dies_on=self._last_days.find(RecordClass.RAW_NUMBER, today),
            draw=self._ids.draw,
        )
        windows = self._index.windows_of(conversation, today=today)
        stopped = self._ended.find(channel, address, today=today)
        noticed = any(one.noticed and one.received_on == today for one in windows)
        blocks = self.handles.find_blocks(windows, () if stopped is None else stopped.blocks)
        return Standing(
            conversation=conversation,
            continues=bool(windows),
            new_today=not (noticed or (stopped is not None and stopped.noticed)),
            blocked=bool(blocks),
            blocks=blocks,
        )

    async def find_new(self, gateway: str, provider_id: str) -> MessageMark | None:
        """
        Mark a message, unless it came before.

        Args:
            gateway: Its name.
            provider_id: Untrusted: what the provider calls the message.

        Returns:
            Its mark, for `add`; None if it came before.

        Raises:
            KeyUnavailableError: the slot file does not give a day's key.
        """
        mark = self._marks.make(gateway, provider_id)
        if not mark.may_be_known:
            return mark
        was_seen = await self._writer.call(lambda: self._rows.has_mark(mark.all))
        return None if was_seen else mark

    async def note_seen(self, gateway: str, provider_ids: Sequence[str]) -> None:
        """
        Remember what became no tip: an order that was followed, what a blocked sender wrote.

        Durable when it returns.

        Args:
            gateway: Its name.
            provider_ids: Untrusted: what the provider calls the message, or its parts.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        marks = [self._marks.make(gateway, one) for one in provider_ids]

        def note() -> None:
            for mark in marks:
                if not self._rows.has_mark(mark.all):
                    self._rows.insert_mark(
                        mark.first, received_on=mark.made_on, dies_on=mark.dies_on
                    )

        for mark in marks:
            self._marks.note([mark.first], mark.dies_on)
        await self._writer.call(note)

    async def add(
        self,
        envelope: bytes,
        *,
        standing: Standing,
        sender: Sender | None,
        gateway: str,
        provider_id: str,
        channel: str,
        keyset: int,
        mark: MessageMark | None = None,
        part_ids: Sequence[bytes] = (),
        part_provider_ids: Sequence[str] = (),
    ) -> StoredTip | None:
        """
        Keep a message as a tip, with all that belongs to it. Durable when it returns.

        Args:
            envelope: Sealed to the investigators.
            standing: As `find` told it.
            sender: Who wrote; None if nobody said.
            gateway: By which it came.
            provider_id: Untrusted: what the provider calls the message.
            channel: The channel's id.
            keyset: The number of the keyset it is sealed to.
            mark: Of the message, if it was made already.
            part_ids: The parts that it was joined of.
            part_provider_ids: Untrusted: what the provider calls these; it may repeat any of them.

        Returns:
            The tip; None if the message came before, and was kept then.

        Raises:
            OSError: the disk refuses, or the slot file does: nothing was promised.
            sqlite3.Error: the same of the database.
        """
        await self._reload_stale()
        if mark is None or mark.made_on != self._today():  # collecting pictures takes a while
            mark = self._marks.make(gateway, provider_id)
        message = Message(
            envelope=envelope,
            conversation=standing.conversation,
            reach=None
            if sender is None
            else Reach(sender=sender, gateway=gateway, channel=channel),
            channel=channel,
            keyset=keyset,
            mark=mark,
            part_ids=part_ids,
            part_marks=[self._marks.make(gateway, one).first for one in part_provider_ids],
        )
        keep = asyncio.create_task(self._keep(message))
        self._keeps.add(keep)
        keep.add_done_callback(self._keeps.discard)
        return await asyncio.shield(keep)

    async def read_sender(self, conversation: bytes) -> Reach | None:
        """
        Unseal whom to answer. For the moment of sending, and nothing else.

        Args:
            conversation: Its id.

        Returns:
            How it is answered; None if its window is over.

        Raises:
            KeyUnavailableError: its key cannot be read.
            CryptoError: what is stored is not what was sealed.
        """
        await self._reload_stale()
        ids = self._index.ids_of(conversation)
        windows = await self._writer.call(lambda: self._rows.read_windows(ids))
        if not windows or windows[0].dies_on <= self._today():
            return None
        # Of the last day the window of the gateway over which its sender wrote last.
        of_last_day = [one for one in windows if one.dies_on == windows[0].dies_on]
        last = max(of_last_day, key=lambda one: ids.index(one.id))
        return await asyncio.to_thread(self._open_reach, last)

    async def end(self, conversation: bytes) -> None:
        """
        End a conversation: its number, status and waiting answers go at once.

        Args:
            conversation: Its id.

        Raises:
            OSError: the disk refuses; nothing may be said to be gone.
        """
        await self._reload_stale()
        await self._ended.end(conversation)

    def note_stopped(self, sender: Sender, channel: str, standing: Standing) -> None:
        """
        Keep a sender who ended a conversation in mind until the day is over, in memory alone.

        Args:
            sender: Who ended it.
            channel: The channel's id.
            standing: As `find` told it before the end.
        """
        stopped = Stopped(on=self._today(), noticed=not standing.new_today, blocks=standing.blocks)
        self._ended.remember(channel, sender.encode(), stopped)

    async def note_notice(self, conversation: bytes) -> bool:
        """
        Note that a conversation is answered with the notice today. Durable when it returns.

        Args:
            conversation: Its id.

        Returns:
            Whether it was not before: only then the notice may be sent.
        """
        today = self._today()
        is_first = await self._writer.call(
            lambda: self._rows.note_notice(self._index.ids_of(conversation), today)
        )
        self._index.set_noticed(conversation, today)
        return is_first

    def forget_windows(self, window_ids: Sequence[bytes]) -> None:
        """
        Forget windows that a purge takes.

        Args:
            window_ids: Their ids.
        """
        self._index.forget(window_ids)

    def forget_days(self, until: datetime.date) -> None:
        """
        Forget the keys that came from the keys of days.

        Args:
            until: The last of these days.
        """
        self._index.forget_reserved()
        self._ended.forget_days(until)
        self._window_keys.forget(until)
        self._relations.forget(until)
        self._marks.forget_days(until)

    async def _keep(self, message: Message) -> StoredTip | None:
        try:
            return await self._keeping.keep(message)
        except (OSError, sqlite3.Error):
            self._is_stale = True  # what failed may have come after the commit
            raise

    def _note_stored(self) -> None:
        for mark, dies_on in self._rows.list_marks():
            self._marks.note([mark], dies_on)

    async def _reload_stale(self) -> None:
        if self._is_stale:
            await self.reload()

    def _open_reach(self, row: SealedRow) -> Reach:
        return open_reach(self._keys.open(row.key, dies_on=row.dies_on), row)
