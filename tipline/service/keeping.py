"""
Keeping a message: its tip, the window of its sender's day, its handle and its mark, all or nothing.

Rules:
1. What `keep` promised is durable when it returns (INV-05), in one transaction.
2. A message that its provider repeats is kept once, also while it is being kept.
3. Of a sender's day there is one window for each gateway: who writes twice at once waits for the
   first to be stored. The index names a window before it is stored, so that nothing of a
   conversation is overlooked.
4. Where STOP comes meanwhile, the message becomes a tip of nobody.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Callable, Sequence

from retention.policy import RecordClass, find_tip_class
from tipline.service.arriving import Arriving
from tipline.service.derived_keys import DerivedKeys
from tipline.service.drawn_ids import DrawnIds
from tipline.service.ended import Ended
from tipline.service.handles import Handles
from tipline.service.last_days import LastDays
from tipline.service.message_marks import MessageMark, MessageMarks
from tipline.service.phone_rows import PhoneRows, Window
from tipline.service.reach import Reach, SealedRow, mark_reach, seal_window
from tipline.service.record_keys import RecordKey, RecordKeys
from tipline.service.relations import Related, Relations
from tipline.service.store import Arrival, StoredTip
from tipline.service.window_index import WindowIndex


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    A message that is to be kept.

    Args:
        envelope: Sealed to the investigators.
        conversation: Its sender's.
        reach: How its sender is answered; None if nobody said who wrote.
        channel: The channel's id.
        keyset: The number of the keyset it is sealed to.
        mark: Of it.
        part_ids: The parts that it was joined of.
        part_marks: Of these.
    """

    envelope: bytes
    conversation: bytes
    reach: Reach | None
    channel: str
    keyset: int
    mark: MessageMark
    part_ids: Sequence[bytes] = ()
    part_marks: Sequence[bytes] = ()


@dataclasses.dataclass(slots=True, kw_only=True)
class _Opened:
    """What the threads tell of a message: of its window, if it opens one, and of its handle."""

    window: Window | None = None
    row: SealedRow | None = None
    relation: bytes = b""
    status: bytes = b""
    is_stored: bool = False
    waits: bool = False
    parts: Sequence[RecordKey] = ()


class Keeping:
    """
    Keeps the messages of one store.

    Args:
        rows: The rows; used in the writer's thread alone.
        relations: Of the same store.
        index: The open conversations.
        window_keys: Under which senders are marked.
        marks: Of messages.
        ended: What was ended.
        handles: Of the same store.
        keys: Of the store.
        arriving: Keeps tips.
        last_days: How long things are kept.
        today: Tells the day that what comes is dated by.
        ids: Where ids come from.
    """

    def __init__(
        self,
        rows: PhoneRows,
        *,
        relations: Relations,
        index: WindowIndex,
        window_keys: DerivedKeys,
        marks: MessageMarks,
        ended: Ended,
        handles: Handles,
        keys: RecordKeys,
        arriving: Arriving,
        last_days: LastDays,
        today: Callable[[], datetime.date],
        ids: DrawnIds,
    ) -> None:
        self._rows = rows
        self._relations = relations
        self._index = index
        self._window_keys = window_keys
        self._marks = marks
        self._ended = ended
        self._handles = handles
        self._keys = keys
        self._arriving = arriving
        self._last_days = last_days
        self._today = today
        self._ids = ids
        self._coming: dict[bytes, asyncio.Event] = {}  # by mark, and by conversation

    async def keep(self, message: Message) -> StoredTip | None:
        """
        Keep a message as a tip, with all that belongs to it. Durable when it returns.

        Args:
            message: It.

        Returns:
            The tip; None if the message came before, and was kept then.

        Raises:
            OSError: the disk refuses, or the slot file does: nothing was promised.
            sqlite3.Error: the same of the database.
        """
        today = self._today()  # once: midnight may pass
        await self._handles.begin_epoch(today)
        epoch_id = self._handles.find_epoch(today)
        # The provider repeats it while it is being kept.
        async with _Alone(self._coming, message.mark.first):
            if message.reach is None or self._find_window(message, today, epoch_id):
                return await self._keep(message, None, today, epoch_id)
            async with _Alone(self._coming, message.conversation):
                is_first = self._find_window(message, today, epoch_id) is None
                window_id = self._ids.draw_nonce() if is_first else None
                return await self._keep(message, window_id, today, epoch_id)

    async def _keep(
        self,
        message: Message,
        window_id: bytes | None,
        today: datetime.date,
        epoch_id: bytes | None,
    ) -> StoredTip | None:
        """Keep it; *window_id* is of the window that it opens, None if it opens none."""
        tip = self._make_tip(message, today)
        arrival = Arrival(
            upload_id=self._ids.draw(),
            answer_dies_on=self._last_days.find(RecordClass.UPLOAD_ANSWER, today),
            tip=tip,
        )
        opened = _Opened()

        def open_window() -> None:
            if window_id is not None:
                self._seal_window(opened, window_id, message, today, epoch_id)

        def keep_beside() -> bool:
            if self._rows.has_mark(message.mark.all):
                return False
            self._keep_marks(message, today)
            if message.part_ids:
                opened.parts = self._rows.list_keys("parts", message.part_ids)
                self._rows.delete_parts(message.part_ids)
            if message.reach is not None:
                self._relate(tip, message, opened, epoch_id=epoch_id)
            return True

        self._marks.note([message.mark.first, *message.part_marks], message.mark.dies_on)
        if window_id is not None:
            self._index.announce(window_id, message.conversation)
        try:
            is_new = await self._arriving.add_received(
                arrival, message.envelope, prepare=open_window, beside=keep_beside
            )
            was_ended = self._ended.is_finished(message.conversation)
            if opened.is_stored and opened.window is not None and not was_ended:
                self._index.add(opened.window)
        finally:
            if window_id is not None:
                self._index.settle(window_id)
        if is_new and window_id is None:
            known = self._find_window(message, today, epoch_id)
            if known is not None:
                self._index.touch(known.id, message.conversation)
        gone = [*opened.parts] if is_new else []
        if opened.row is not None and not opened.is_stored:
            gone.append(opened.row.key)
        if gone:
            await asyncio.to_thread(self._keys.destroy, gone)
        if opened.waits and epoch_id is not None:
            self._handles.expect(tip.id, conversation=message.conversation, epoch=epoch_id)
        return tip if is_new else None

    def _keep_marks(self, message: Message, today: datetime.date) -> None:
        mark = message.mark
        self._rows.insert_mark(mark.first, received_on=today, dies_on=mark.dies_on)
        for one in message.part_marks:  # the provider may call several parts the same
            if not self._rows.has_mark([one]):
                self._rows.insert_mark(one, received_on=today, dies_on=mark.dies_on)

    def _relate(
        self, tip: StoredTip, message: Message, opened: _Opened, *, epoch_id: bytes | None
    ) -> None:
        """Keep the window of the day and the tip's handle; in the writer's thread."""
        conversation = message.conversation
        if self._ended.has_begun(conversation):
            return  # STOP came meanwhile: a window now would bring the number back
        if epoch_id is not None and not self._handles.lasts(epoch_id):
            epoch_id = None  # its end came meanwhile, and nothing may name it any more
        pseudonym = self._handles.find_pseudonym(conversation, epoch_id)
        if opened.window is not None and opened.row is not None:
            opened.window = dataclasses.replace(opened.window, epoch=epoch_id, pseudonym=pseudonym)
            self._rows.insert_window(
                opened.window, opened.row, relation=opened.relation, status=opened.status
            )
            opened.is_stored = True
            window_id = opened.window.id
        else:
            found = self._rows.find_window(
                self._index.ids_of(conversation), received_on=tip.arrived_on, epoch=epoch_id
            )
            if found is None:
                return  # it was closed meanwhile
            window_id = found
        opened.waits = self._handles.relate(
            tip.id, epoch=epoch_id, pseudonym=pseudonym, window=window_id
        )

    def _find_window(
        self, message: Message, today: datetime.date, epoch_id: bytes | None
    ) -> Window | None:
        gateway = None if message.reach is None else message.reach.gateway
        for one in self._index.windows_of(message.conversation, today=today):
            # Of an epoch: where a clock steps over its edge, a window of both would relate their
            # tips. Of a gateway: an answer goes by the one over which its sender wrote last.
            if (one.received_on, one.epoch, one.gateway) == (today, epoch_id, gateway):
                return one
        return None

    def _seal_window(
        self,
        opened: _Opened,
        window_id: bytes,
        message: Message,
        today: datetime.date,
        epoch_id: bytes | None,
    ) -> None:
        """Seal what the window of the day needs; in a thread."""
        reach = message.reach
        if reach is None:
            return
        dies_on = self._last_days.find(RecordClass.RAW_NUMBER, today)
        opened.row, opened.status = seal_window(
            reach, self._keys, dies_on=dies_on, row_id=window_id
        )
        mark = mark_reach(self._window_keys.read(dies_on), reach)
        opened.relation = self._relations.seal(
            Related(conversation=message.conversation, mark=mark),
            row_id=window_id,
            dies_on=dies_on,
        )
        opened.window = Window(
            id=window_id,
            conversation=message.conversation,
            received_on=today,
            dies_on=dies_on,
            mark=mark,
            epoch=epoch_id,
            pseudonym=None,
            noticed=False,
            gateway=reach.gateway,
        )

    def _make_tip(self, message: Message, today: datetime.date) -> StoredTip:
        size_bytes = len(message.envelope)
        return StoredTip(
            id=self._ids.draw(),
            arrived_on=today,
            dies_on=self._last_days.find(find_tip_class(size_bytes), today),
            size_bytes=size_bytes,
            channel=message.channel,
            sealed_by_service=True,
            keyset=message.keyset,
        )


class _Alone:
    """Lets one go on of all that have the same key."""

    def __init__(self, coming: dict[bytes, asyncio.Event], key: bytes) -> None:
        self._coming = coming
        self._key = key

    async def __aenter__(self) -> None:
        while (other := self._coming.get(self._key)) is not None:
            await other.wait()
        self._coming[self._key] = asyncio.Event()

    async def __aexit__(self, *_: object) -> None:
        self._coming.pop(self._key).set()
