"""
What waits on its way to or from a phone: parts of messages, answers, and what a status says.

Rules:
1. Each lies sealed under a key of its own, and is in clear in memory alone.
2. An answer dies with the window in which somebody can still be reached, a status with the last
   one when it was set (`kept_status.py`).
3. What was sent, or became a message, goes at once: its secret is overwritten.
4. The content is the caller's own format; nothing here reads it.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence
from typing import Final

from crypto.errors import CryptoError
from crypto.randomness import RandomSource, system_random
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.service.kept_status import Status, open_status
from tipline.service.phone_rows import PhoneRows
from tipline.service.reach import SealedRow, open_row, seal_row
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.relations import Relations
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

ID_BYTES: Final = 16


class Outbox:
    """
    What waits in one store.

    Args:
        rows: The rows; used in the writer's thread alone.
        relations: Of the same store.
        index: The open conversations.
        writer: Runs what touches them.
        keys: Of the store.
        promises: How long things are kept.
        today: Tells the day that what comes is dated by.
        random: Where ids come from.
    """

    def __init__(
        self,
        rows: PhoneRows,
        *,
        relations: Relations,
        index: WindowIndex,
        writer: GroupWriter,
        keys: RecordKeys,
        promises: Promises,
        today: Callable[[], datetime.date],
        random: RandomSource = system_random,
    ) -> None:
        self._rows = rows
        self._relations = relations
        self._index = index
        self._writer = writer
        self._keys = keys
        self._promises = promises
        self._today = today
        self._random = random

    async def keep_part(self, content: bytes) -> bytes:
        """
        Keep a part of a message until the others come. Durable when it returns.

        Args:
            content: The part, at most 1 MiB.

        Returns:
            Its id.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        today = self._today()
        dies_on = self._promises.dies_on(RecordClass.GATEWAY_MESSAGE, {Event.RECEIVED: today})
        row = await asyncio.to_thread(
            seal_row, content, self._keys, dies_on=dies_on, row_id=self._random(ID_BYTES)
        )
        await self._writer.call(lambda: self._rows.insert_part(row, received_on=today))
        return row.id

    async def parts(
        self, *, on_damaged: Callable[[CryptoError], None] | None = None
    ) -> list[tuple[bytes, bytes]]:
        """
        List the parts that wait, after a restart; what was being let go before it, goes.

        Args:
            on_damaged: Told of each that is not what was sealed, which is left out: one damaged
                row keeps no other part, and no line, from going on.

        Returns:
            Id and content of each that opens.

        Raises:
            CryptoError: the same, if nobody is to be told.
            OSError: the disk refuses.
        """
        opened = []
        rows = await self._writer.call(self._rows.list_parts)
        await self.drop_parts([row.id for row in rows if row.is_let_go])
        for row in (row for row in rows if not row.is_let_go):
            try:
                opened.append((row.id, await asyncio.to_thread(open_row, row, self._keys)))
            except KeyUnavailableError:
                continue  # dead: the next purge takes its row
            except CryptoError as exc:
                if on_damaged is None:
                    raise
                on_damaged(exc)
        return opened

    async def drop_parts(self, part_ids: Sequence[bytes]) -> None:
        """
        Let parts go that became no message.

        Args:
            part_ids: Their ids.

        Raises:
            OSError: the disk refuses.
        """
        if not part_ids:
            return
        keys = await self._writer.call(lambda: self._rows.let_go("parts", part_ids))
        await asyncio.to_thread(self._keys.destroy, keys)
        await self._writer.call(lambda: self._rows.delete_parts(part_ids))

    async def answers(self) -> list[tuple[bytes, bytes]]:
        """
        List the answers that wait.

        Returns:
            Id and conversation of each.
        """
        return await self._writer.call(lambda: self._rows.list_outgoing(self._relations))

    async def read_answer(self, answer_id: bytes) -> bytes | None:
        """
        Read an answer.

        Args:
            answer_id: Its id.

        Returns:
            Its content; None if it is gone, or nobody can be reached any more.

        Raises:
            KeyUnavailableError: its key cannot be read.
            CryptoError: what is stored is not what was sealed.
        """
        row = await self._writer.call(lambda: self._rows.find_outgoing(answer_id))
        if row is None or row.is_let_go or row.dies_on <= self._today():
            return None
        return await asyncio.to_thread(open_row, row, self._keys)

    async def drop_answer(self, answer_id: bytes) -> None:
        """
        Let an answer go: it was sent, or cannot be.

        Args:
            answer_id: Its id.

        Raises:
            OSError: the disk refuses.
        """
        keys = await self._writer.call(lambda: self._rows.let_go("outgoing", [answer_id]))
        if keys:
            await asyncio.to_thread(self._keys.destroy, keys)
            await self._writer.call(lambda: self._rows.delete_outgoing(answer_id))

    async def read_status(self, conversation: bytes) -> str | None:
        """
        Read what a conversation is told when it asks.

        Args:
            conversation: Its id.

        Returns:
            The text; None if there is none, or its window is over.

        Raises:
            KeyUnavailableError: the window's key cannot be read.
            CryptoError: what is stored is not what was sealed.
        """
        rows = await self._writer.call(
            lambda: self._rows.read_statuses(self._index.ids_of(conversation))
        )
        open_rows = [row for row in rows if row.dies_on > self._today()]
        return await asyncio.to_thread(self._find_newest, open_rows) or None

    def _find_newest(self, rows: Sequence[SealedRow]) -> str:
        newest = Status()
        failed: Exception | None = None
        for row in rows:
            try:
                data_key = self._keys.open(row.key, dies_on=row.dies_on)
                status = open_status(data_key, row.sealed, data_id=row.key.data_id)
            except (CryptoError, KeyUnavailableError) as exc:
                failed = exc
                continue
            newest = max(newest, status, key=lambda one: one.number)
        # What does not open may have been the newest; but it never opens for anybody any more.
        if not newest.number and failed is not None:
            raise failed
        return newest.text
