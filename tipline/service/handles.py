"""
Who a tip's sender is called: the pseudonyms of an epoch, and who is blocked in it.

Rules:
1. A tip that came by phone is related to the pseudonym of its sender, once that is computed, or to
   the window that has the number until then.
2. A number is unsealed here for one purpose, in a thread: to derive the seed of its pseudonym. The
   pseudonym is made of that by processes beside the line, which see neither number nor epoch key.
3. A sender is blocked by pseudonym, so nobody needs to know the number, and until the epoch ends.
4. What of all this is in memory goes with the epoch, as its rows do.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from crypto.pseudonym import derive_seed
from crypto.secret import Secret
from retention.promise import Promises
from tipline.compute_pool import ComputePool
from tipline.service.epochs import Epoch, Epochs
from tipline.service.handle_rows import HandleRows
from tipline.service.phone_rows import PhoneRows, Window
from tipline.service.pseudonyms import WORKERS, Job, PseudonymQueue
from tipline.service.reach import SealedRow, open_reach
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

HARDENER_PROGRAM: Final[Sequence[str]] = ("-m", "tipline.service.hardener")
# 64 MiB in pages of 2 MiB, where the kernel gives them to whoever asks: a third of the time goes
# into 16,384 of 4 KiB otherwise. glibc 2.35 and later; others take no notice of it.
HARDENER_ENVIRONMENT: Final[Mapping[str, str]] = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


class Handles:
    """
    The pseudonyms of one store.

    Args:
        rows: Those that relate tips to pseudonyms; used in the writer's thread alone.
        phone_rows: Those of windows; used in the writer's thread alone.
        epochs: Of the same store.
        index: The open windows.
        writer: Runs what touches the database.
        keys: Of the store.
        promises: How long an epoch lasts.
        today: Tells the day that what comes is dated by.
        on_fault: Told of what failed in the queue; it is tried again.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        rows: HandleRows,
        phone_rows: PhoneRows,
        *,
        epochs: Epochs,
        index: WindowIndex,
        writer: GroupWriter,
        keys: RecordKeys,
        promises: Promises,
        today: Callable[[], datetime.date],
        on_fault: Callable[[Exception], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._rows = rows
        self._phone_rows = phone_rows
        self._epochs = epochs
        self._index = index
        self._writer = writer
        self._keys = keys
        self._promises = promises
        self._today = today
        self._queue = PseudonymQueue(
            derive=self._derive, finish=self._finish, on_fault=on_fault, monotonic=monotonic
        )
        self._hardeners = ComputePool(
            HARDENER_PROGRAM, size=WORKERS, environment=HARDENER_ENVIRONMENT
        )
        self._blocks: set[tuple[bytes, bytes]] = set()
        self._is_open = False

    async def open(self) -> None:
        """
        Take up what is stored, begin an epoch if none lasts, and go on with the queue.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        await self._epochs.load()
        self._blocks = set(await self._writer.call(self._rows.list_blocks))
        self._is_open = True
        await self.begin_epoch(self._today())
        self._queue.start()
        for tip_id, window_id, epoch in await self._writer.call(self._rows.list_waiting):
            conversation = self._index.find_conversation(window_id)
            # Without its window nobody can tell whose tip it is; its row goes with the window's.
            if conversation is not None:
                self._queue.expect(tip_id, (conversation, epoch))

    async def close(self) -> None:
        """Stop the queue; the next start goes on with it."""
        self._is_open = False
        await self._queue.stop()
        await self._hardeners.close()

    async def go_on(self) -> None:
        """
        Begin the next epoch after a purge, also if nobody writes: its first day tells nothing.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        if self._is_open:
            await self.begin_epoch(self._today())

    async def reload(self) -> None:
        """Take up the epochs again: some may last until other days by now."""
        if self._is_open:
            await self._epochs.load()

    async def begin_epoch(self, today: datetime.date) -> None:
        """
        Begin an epoch if none lasts.

        Args:
            today: The day.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        if self._epochs.is_due(today):
            await self._epochs.begin(today=today, promises=self._promises)

    def find_epoch(self, today: datetime.date) -> bytes | None:
        """
        Find the epoch in which a tip comes.

        Args:
            today: The day.

        Returns:
            Its id; None if its key was lost.
        """
        epoch = self._epochs.find_current(today)
        return None if epoch is None else epoch.id

    def lasts(self, epoch: bytes) -> bool:
        """
        Tell whether an epoch is not over; in the writer's thread.

        Args:
            epoch: Its id.

        Returns:
            Whether.
        """
        return self._rows.has_epoch(epoch)

    def find_pseudonym(self, conversation: bytes, epoch: bytes | None) -> bytes | None:
        """
        Find the pseudonym that a conversation has in an epoch; in the writer's thread.

        Args:
            conversation: Its id.
            epoch: Its id; None if its key was lost.

        Returns:
            16 bytes; None if it is not known.
        """
        if epoch is None:
            return None
        return self._rows.find_pseudonym(self._index.ids_of(conversation), epoch)

    def relate(
        self, tip_id: bytes, *, epoch: bytes | None, pseudonym: bytes | None, window: bytes
    ) -> bool:
        """
        Relate a tip to its sender; in the writer's thread, in the tip's own transaction.

        Args:
            tip_id: Its id.
            epoch: In which it comes; None if its key was lost.
            pseudonym: Of its sender; None if it is not known.
            window: Of its sender.

        Returns:
            Whether its pseudonym is still to be computed.
        """
        if epoch is None:
            return False
        waits = pseudonym is None
        self._rows.insert_handle(
            tip_id, epoch=epoch, pseudonym=pseudonym, window=window if waits else None
        )
        return waits

    def expect(self, tip_id: bytes, *, conversation: bytes, epoch: bytes) -> None:
        """
        Compute the pseudonym of a tip's sender.

        Args:
            tip_id: Its id.
            conversation: Of its sender.
            epoch: In which it came.
        """
        self._queue.expect(tip_id, (conversation, epoch))

    def holds_back(self, tip_id: bytes) -> bool:
        """
        Tell whether a bundle is to wait for this tip's handle.

        Args:
            tip_id: Its id.

        Returns:
            Whether.
        """
        return self._queue.holds_back(tip_id)

    def count_waiting(self) -> int:
        """Tell how many pseudonyms are still to be computed."""
        return self._queue.count()

    async def wait_empty(self) -> None:
        """Wait until no pseudonym is still to be computed."""
        await self._queue.wait_empty()

    async def set_block(self, bits: int, *, blocked: bool) -> bool:
        """
        Block a sender until the epoch ends, or end that. Durable when it returns.

        Args:
            bits: The first of the pseudonym, as its handle says them.
            blocked: Which of the two.

        Returns:
            Whether somebody has this handle.
        """

        def change() -> list[tuple[bytes, bytes]]:
            found = self._rows.find_by_bits(bits)
            for epoch, pseudonym in found:
                self._rows.set_block(epoch, pseudonym, blocked=blocked)
            return found

        found = await self._writer.call(change)
        self._blocks = self._blocks | set(found) if blocked else self._blocks - set(found)
        return bool(found)

    def blocked(self) -> frozenset[bytes]:
        """List the pseudonyms that are blocked."""
        return frozenset(pseudonym for _, pseudonym in self._blocks)

    def find_blocks(
        self, windows: Sequence[Window], kept_in_mind: Iterable[tuple[bytes, bytes]] = ()
    ) -> frozenset[tuple[bytes, bytes]]:
        """
        Find what blocks a conversation.

        Args:
            windows: Its open ones.
            kept_in_mind: What blocked its sender before it ended another; it may be lifted.

        Returns:
            Each pseudonym of it that is blocked in an epoch that lasts, with its epoch.
        """
        theirs = {
            (one.epoch, one.pseudonym)
            for one in windows
            if one.epoch is not None and one.pseudonym is not None
        }
        return frozenset(self._blocks & {*theirs, *kept_in_mind})

    def forget_epoch(self, epoch_id: bytes) -> None:
        """
        Forget an epoch that a purge takes.

        Args:
            epoch_id: Its id.
        """
        self._epochs.forget(epoch_id)
        self._index.forget_epoch(epoch_id)
        self._blocks = {block for block in self._blocks if block[0] != epoch_id}

    async def _derive(self, job: Job) -> bytes | None:
        conversation, epoch_id = job
        epoch = self._epochs.find_by_id(epoch_id)
        windows = await self._writer.call(
            lambda: self._phone_rows.read_windows(self._index.ids_of(conversation))
        )
        if epoch is None or not windows:
            return None
        try:
            seed = await asyncio.to_thread(self._derive_seed, epoch, windows[0])
        except KeyUnavailableError:
            return None  # it died meanwhile
        return await self._hardeners.ask(seed.reveal() + epoch.salt)

    def _derive_seed(self, epoch: Epoch, row: SealedRow) -> Secret:
        reach = open_reach(self._keys.open(row.key, dies_on=row.dies_on), row)
        epoch_key = self._keys.read_epoch(epoch.id)
        return derive_seed(epoch_key, channel=reach.channel, address=reach.sender.encode())

    async def _finish(self, job: Job, pseudonym: bytes | None) -> None:
        conversation, epoch_id = job
        # In the writer's thread: it names windows that were stored since, too.
        if pseudonym is None:
            await self._writer.call(
                lambda: self._rows.drop_waiting(self._index.ids_of(conversation), epoch_id)
            )
            return
        await self._writer.call(
            lambda: self._rows.set_pseudonym(self._index.ids_of(conversation), epoch_id, pseudonym)
        )
        self._index.set_pseudonym(conversation, epoch_id, pseudonym)
