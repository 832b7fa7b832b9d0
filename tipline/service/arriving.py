"""
What arrives: slices, and the tips they become.

Rules:
1. A tip that came in several slices keeps its upload's secret. So an upload that is being completed
   is not let die meanwhile: who lets uploads die says so first, and waits (`forget`).
2. An upload that was let go is not completed any more: its client is told, and begins again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from tipline.service.checkpoints import Checkpoints
from tipline.service.envelope_files import EnvelopeFiles
from tipline.service.holdings import Holdings
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.rows import Rows
from tipline.service.sealed_envelopes import FoundKey, Sealed, SealedEnvelopes
from tipline.service.store import Arrival, PartialUpload
from tipline.service.writer import GroupWriter


class Arriving:
    """
    The arrivals of one store.

    Args:
        writer: Runs what touches the database.
        rows: The rows.
        holdings: The holds.
        keys: The keys.
        files: The files.
        envelopes: Seals what comes.
        checkpoints: The database's.
        uploads: The keys of the uploads that are begun, by id.
    """

    def __init__(
        self,
        *,
        writer: GroupWriter,
        rows: Rows,
        holdings: Holdings,
        keys: RecordKeys,
        files: EnvelopeFiles,
        envelopes: SealedEnvelopes,
        checkpoints: Checkpoints,
        uploads: dict[bytes, FoundKey],
    ) -> None:
        self._writer = writer
        self._rows = rows
        self._holdings = holdings
        self._keys = keys
        self._files = files
        self._envelopes = envelopes
        self._checkpoints = checkpoints
        self._uploads = uploads
        self._completing: dict[bytes, asyncio.Event] = {}

    async def add_slice(self, upload: PartialUpload, data: bytes, *, offset: int) -> None:
        """
        Keep a slice that does not complete its upload.

        Args:
            upload: What is known of it.
            data: The slice.
            offset: What is held so far.

        Raises:
            OSError: the disk refuses, or the upload was let go meanwhile.
        """
        found = self._uploads.get(upload.id)
        if found is None and offset > 0:
            raise KeyUnavailableError("upload_gone")  # it was purged meanwhile
        key = await asyncio.to_thread(
            self._envelopes.write_slice, upload, found, data, offset=offset
        )
        if found is None:
            await self._writer.call(lambda: self._rows.add_upload(upload, key))
            self._uploads[upload.id] = FoundKey(key=key, dies_on=upload.dies_on)

    async def add_whole(self, arrival: Arrival, envelope: bytes) -> None:
        """
        Keep an envelope that came in one slice.

        Args:
            arrival: What is known of it.
            envelope: All of it.

        Raises:
            OSError: the disk refuses.
        """
        sealed = await asyncio.to_thread(self._envelopes.seal_whole, arrival, envelope)
        await self._insert(arrival, sealed)

    async def add_received(
        self,
        arrival: Arrival,
        envelope: bytes,
        *,
        prepare: Callable[[], None],
        beside: Callable[[], bool],
    ) -> bool:
        """
        Keep an envelope that the service itself sealed, with what belongs to it.

        Args:
            arrival: What is known of it.
            envelope: All of it.
            prepare: Makes ready what belongs to it; run in the thread that seals the envelope.
            beside: Keeps the rest, in the same transaction; tells whether it is to be kept at all.

        Returns:
            Whether it was.

        Raises:
            OSError: the disk refuses.
        """

        def seal() -> Sealed:
            prepare()
            return self._envelopes.seal_whole(arrival, envelope)

        sealed = await asyncio.to_thread(seal)
        if await self._insert(arrival, sealed, beside=beside):
            return True
        await asyncio.to_thread(self._keys.destroy, [sealed.key])
        if sealed.blob is None:
            await asyncio.to_thread(self._files.remove, [arrival.tip.id])
        return False

    async def complete(self, arrival: Arrival, data: bytes, *, offset: int) -> None:
        """
        Keep the last of several slices: a crash leaves the upload or the tip, not both.

        Args:
            arrival: What is known of the tip.
            data: The slice.
            offset: What is held so far.

        Raises:
            OSError: the disk refuses, or the upload was let go meanwhile.
        """
        found = self._uploads.get(arrival.upload_id)
        if found is None:
            raise KeyUnavailableError("upload_gone")
        with self._note_completing(arrival.upload_id):
            sealed = await asyncio.to_thread(
                self._envelopes.write_last_slice, arrival, found, data, offset=offset
            )
            await self._insert(arrival, sealed)
        self._uploads.pop(arrival.upload_id, None)
        await asyncio.to_thread(self._files.remove_partial, [arrival.upload_id])

    async def discard(self, upload_id: bytes) -> None:
        """
        Let a partial upload go.

        Args:
            upload_id: Its id.

        Raises:
            OSError: the disk refuses.
        """
        found = await self._writer.call(lambda: self._rows.find_key("uploads", upload_id))
        if found is not None:
            await asyncio.to_thread(self._keys.destroy, [found[0]])
            await self._writer.call(lambda: self._rows.delete("uploads", [upload_id]))
        self._uploads.pop(upload_id, None)
        await asyncio.to_thread(self._files.remove_partial, [upload_id])

    async def forget(self, upload_ids: Sequence[bytes], *, tell: Callable[[bytes], None]) -> None:
        """
        Let uploads be completed no more, and wait for those that are just being completed.

        Args:
            upload_ids: Their ids. One that is still there afterwards has not become a tip, and
                does not become one any more.
            tell: Told of each.
        """
        # Nothing waits in between: from here on `complete` finds none of them.
        for upload_id in upload_ids:
            self._uploads.pop(upload_id, None)
            tell(upload_id)
        for upload_id in upload_ids:
            if (done := self._completing.get(upload_id)) is not None:
                await done.wait()

    @contextlib.contextmanager
    def _note_completing(self, upload_id: bytes) -> Iterator[None]:
        done = self._completing[upload_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._completing[upload_id]
            done.set()

    async def _insert(
        self, arrival: Arrival, sealed: Sealed, *, beside: Callable[[], bool] = lambda: True
    ) -> bool:
        try:
            return await self._writer.call(lambda: beside() and self._add_arrival(arrival, sealed))
        except (sqlite3.Error, OSError):
            if sealed.blob is not None:
                raise
            # What a failed commit left in the WAL counts again after a crash, and would name a file
            # that is gone: emptying the WAL takes it away.
            await self._writer.call_alone(self._checkpoints.empty)
            # A commit that failed may have been made all the same. Otherwise no row names the file,
            # so no purge would ever find it.
            if not await self._writer.call(lambda: self._rows.has("tips", arrival.tip.id)):
                await asyncio.to_thread(self._files.remove, [arrival.tip.id])
            raise

    def _add_arrival(self, arrival: Arrival, sealed: Sealed) -> bool:
        tip = arrival.tip
        self._rows.add_arrival(arrival, sealed.key, sealed.blob)
        self._holdings.wrap_arrival(
            tip.id, sealed.key, sealed.data_key, channel=tip.channel, today=tip.arrived_on
        )
        return True
