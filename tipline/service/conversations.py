"""
Conversations by phone: who writes again, for how long, and under which handle.

Rules:
1. What a call promised is durable when it returns (INV-05): tip, window, mark in one transaction.
2. A number is in clear in memory alone, and only inside its window: `read_sender` and the queue of
   pseudonyms are the two places that unseal one.
3. A conversation lasts as long as one of its windows. It goes on over the end of an epoch; what is
   stored relates its pseudonyms of two epochs only while both windows are open.
4. STOP takes all of it at once: the secrets are overwritten first, then the rows go. Tips that are
   stored stay until their day; what is being stored meanwhile becomes a tip without a number.
5. A message that its provider repeats is known by its mark, and is not kept, nor followed, twice.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.window import derive_window_key
from retention.policy import Event, RecordClass, find_tip_class
from retention.promise import Promises
from tipline.gateway.numbers import Sender
from tipline.service.arriving import Arriving
from tipline.service.derived_keys import DerivedKeys
from tipline.service.ended import Ended, Stopped
from tipline.service.epochs import Epochs
from tipline.service.handle_rows import HandleRows
from tipline.service.handles import Handles
from tipline.service.message_marks import MessageMarks
from tipline.service.outbox import Outbox
from tipline.service.phone_rows import PhoneRows, Window
from tipline.service.reach import (
    Reach,
    SealedRow,
    encode_reach,
    mark_reach,
    open_reach,
    seal_row,
)
from tipline.service.record_keys import RecordKeys
from tipline.service.standing import Standing
from tipline.service.store import Arrival, StoredTip
from tipline.service.taken_answers import TakenAnswers
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

CONVERSATION_BYTES: Final = 16
ID_BYTES: Final = 16


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
        self._promises = promises
        self._today = today
        self._random = random
        self._window_keys = DerivedKeys(keys, derive_window_key)
        self._index = WindowIndex(self._window_keys.read)
        self._marks = MessageMarks(keys, promises=promises, today=today)
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
        self._coming: dict[bytes, asyncio.Event] = {}
        self._ended = Ended(
            rows,
            index=self._index,
            writer=writer,
            keys=keys,
            empty_wal=empty_wal,
            on_fault=on_fault,
            random=random,
        )
        self._is_stale = False
        self.outbox = Outbox(
            rows, writer=writer, keys=keys, promises=promises, today=today, random=random
        )
        self.taken = TakenAnswers(
            rows, writer=writer, keys=keys, promises=promises, today=today, random=random
        )

    async def open(self) -> None:
        """
        Take up what is stored, begin an epoch if none lasts, and go on with the queue.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        await self.reload()
        await self.handles.open()

    async def close(self) -> None:
        """Stop the queue; the next start goes on with it."""
        await self.handles.close()

    async def reload(self) -> None:
        """Take up what is stored, in the place of what is known."""
        self._is_stale = False
        self._index.load(await self._writer.call(self._rows.list_windows))
        self._marks.add_days(await self._writer.call(self._rows.list_replay_days))

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
                conversation=self._random(CONVERSATION_BYTES),
                continues=False,
                new_today=True,
                blocked=False,
            )
        today, address = self._today(), sender.encode()
        conversation = self._index.find(
            channel=channel,
            address=address,
            today=today,
            dies_on=self._promises.dies_on(RecordClass.RAW_NUMBER, {Event.RECEIVED: today}),
            draw=lambda: self._random(CONVERSATION_BYTES),
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

    async def was_seen(self, gateway: str, provider_id: str) -> bool:
        """
        Tell whether a message came before.

        Args:
            gateway: Its name.
            provider_id: Untrusted: what the provider calls the message.

        Returns:
            Whether.

        Raises:
            KeyUnavailableError: the slot file does not give a day's key.
        """
        marks = self._marks.make(gateway, provider_id)
        return await self._writer.call(lambda: self._rows.has_mark(marks))

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
        today, marked_until = self._today(), self._marks.find_end()
        marked = [self._marks.make(gateway, one) for one in provider_ids]

        def note() -> None:
            for marks in marked:
                if not self._rows.has_mark(marks):
                    self._rows.insert_mark(marks[0], received_on=today, dies_on=marked_until)

        await self._writer.call(note)
        self._marks.add_days({marked_until})

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
            part_ids: The parts that it was joined of.
            part_provider_ids: Untrusted: what the provider calls these; it may repeat any of them.

        Returns:
            The tip; None if the message came before, and was kept then.

        Raises:
            OSError: the disk refuses, or the slot file does: nothing was promised.
            sqlite3.Error: the same of the database.
        """
        await self.handles.begin_epoch()
        if self._is_stale:
            await self.reload()
        marks = self._marks.make(gateway, provider_id)
        while (coming := self._coming.get(marks[0])) is not None:
            await coming.wait()  # the provider repeats it while it is being kept
        self._coming[marks[0]] = asyncio.Event()
        try:
            reach = (
                None if sender is None else Reach(sender=sender, gateway=gateway, channel=channel)
            )
            return await self._add(
                self._make_tip(channel, keyset, size_bytes=len(envelope)),
                envelope,
                conversation=standing.conversation,
                reach=reach,
                marks=marks,
                part_ids=part_ids,
                part_marks=[self._marks.make(gateway, one)[0] for one in part_provider_ids],
            )
        except (OSError, sqlite3.Error):
            self._is_stale = True  # what failed may have come after the commit
            raise
        finally:
            self._coming.pop(marks[0]).set()

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
        windows = await self._writer.call(lambda: self._rows.read_windows(conversation))
        if not windows or windows[0].dies_on <= self._today():
            return None
        return await asyncio.to_thread(self._open_reach, windows[0])

    async def end(self, conversation: bytes) -> None:
        """
        End a conversation: its number, status and waiting answers go at once.

        Args:
            conversation: Its id.

        Raises:
            OSError: the disk refuses; nothing may be said to be gone.
        """
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
        is_first = await self._writer.call(lambda: self._rows.note_notice(conversation, today))
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
        self._marks.forget_days(until)

    def _make_tip(self, channel: str, keyset: int, *, size_bytes: int) -> StoredTip:
        today = self._today()
        return StoredTip(
            id=self._random(ID_BYTES),
            arrived_on=today,
            dies_on=self._promises.dies_on(find_tip_class(size_bytes), {Event.ARRIVED: today}),
            size_bytes=size_bytes,
            channel=channel,
            sealed_by_service=True,
            keyset=keyset,
        )

    async def _add(
        self,
        tip: StoredTip,
        envelope: bytes,
        *,
        conversation: bytes,
        reach: Reach | None,
        marks: Sequence[bytes],
        part_ids: Sequence[bytes],
        part_marks: Sequence[bytes],
    ) -> StoredTip | None:
        today = tip.arrived_on
        arrival = Arrival(
            upload_id=self._random(ID_BYTES),
            answer_dies_on=self._promises.dies_on(
                RecordClass.UPLOAD_ANSWER, {Event.ARRIVED: today}
            ),
            tip=tip,
        )
        epoch_id, marked_until = self.handles.find_epoch(today), self._marks.find_end()
        window = None
        if reach is not None and not self._has_window(conversation, today):
            window = await asyncio.to_thread(
                self._seal_window, conversation, reach, today=today, epoch_id=epoch_id
            )
        relation = _Relation()

        def keep_beside() -> bool:
            if self._rows.has_mark(marks):
                return False
            for mark in {marks[0], *part_marks}:
                if not self._rows.has_mark([mark]):
                    self._rows.insert_mark(mark, received_on=today, dies_on=marked_until)
            self._rows.delete_parts(part_ids)
            self._relate(tip, conversation, window, epoch_id=epoch_id, relation=relation)
            return True

        parts = await self._writer.call(lambda: self._rows.list_part_keys(part_ids))
        is_new = await self._arriving.add_received(arrival, envelope, beside=keep_beside)
        self._marks.add_days({marked_until})
        if relation.window is not None and not self._ended.is_finished(conversation):
            self._index.add(relation.window)
        unused = [] if window is None or relation.window is not None else [window[1].key]
        if gone := [*unused, *(parts if is_new else ())]:
            await asyncio.to_thread(self._keys.destroy, gone)
        if relation.waits and epoch_id is not None:
            self.handles.expect(tip.id, conversation=conversation, epoch=epoch_id)
        return tip if is_new else None

    def _relate(
        self,
        tip: StoredTip,
        conversation: bytes,
        window: tuple[Window, SealedRow] | None,
        *,
        epoch_id: bytes | None,
        relation: _Relation,
    ) -> None:
        """Keep the window of the day and the tip's handle; in the writer's thread."""
        if self._ended.has_begun(conversation):
            return  # STOP came meanwhile: a window now would bring the number back
        found = self._rows.find_window(conversation, tip.arrived_on)
        pseudonym = self.handles.find_pseudonym(conversation, epoch_id)
        if found is not None:
            window_id = found
        elif window is not None:
            relation.window = dataclasses.replace(window[0], pseudonym=pseudonym)
            self._rows.insert_window(relation.window, window[1])
            window_id = relation.window.id
        else:
            return  # nobody said who wrote, or the window was closed meanwhile
        relation.waits = self.handles.relate(
            tip.id, epoch=epoch_id, pseudonym=pseudonym, window=window_id
        )

    def _has_window(self, conversation: bytes, today: datetime.date) -> bool:
        windows = self._index.windows_of(conversation, today=today)
        return any(window.received_on == today for window in windows)

    def _seal_window(
        self, conversation: bytes, reach: Reach, *, today: datetime.date, epoch_id: bytes | None
    ) -> tuple[Window, SealedRow]:
        dies_on = self._promises.dies_on(RecordClass.RAW_NUMBER, {Event.RECEIVED: today})
        row = seal_row(encode_reach(reach), self._keys, dies_on=dies_on, random=self._random)
        window = Window(
            id=row.id,
            conversation=conversation,
            received_on=today,
            dies_on=dies_on,
            mark=mark_reach(self._window_keys.read(dies_on), reach),
            epoch=epoch_id,
            pseudonym=None,
            noticed=False,
        )
        return window, row

    def _open_reach(self, row: SealedRow) -> Reach:
        return open_reach(self._keys.open(row.key, dies_on=row.dies_on), row)


@dataclasses.dataclass(slots=True, kw_only=True)
class _Relation:
    """What came of relating a tip to its sender, told out of the writer's thread."""

    window: Window | None = None
    waits: bool = False
