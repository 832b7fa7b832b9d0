"""
The store on one machine: SQLite for what is small, files for what is large.

Rules:
1. Everything that is kept of a tip lies under a key of its own (`record_keys.py`), durable before
   the row that names it (INV-05).
2. Files and their directory are synced before the row that names them. So a crash leaves at worst a
   file or a slot that no row names, and the next start removes it.
3. The random id of a tip and the id the source's client chose for its upload never stand together.
4. After each write the times of what was touched are set back to the start of the day.
5. One connection, exclusively locked: there is no shared-memory file, and no second service.
6. Sealing and opening run outside the writer's thread, which everybody waits for.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from crypto.stored import SEALED_SLICE_BYTES, SLICE_BYTES, sealed_len
from retention.hold import Hold
from retention.plan import Move, Record, Waiting, plan_event, plan_purge
from retention.policy import Event, Policy, RecordClass
from retention.promise import Promises
from retention.slot_file import SlotFile
from tipline.files import blur_times
from tipline.laid_copy import remove_unwanted_copy
from tipline.service.adopting import add_policy, read_promises
from tipline.service.arriving import Arriving
from tipline.service.checkpoints import Checkpoints
from tipline.service.conversations import Conversations
from tipline.service.copying import copy_database
from tipline.service.database import DATABASE_NAME, WAL_NAME, open_database
from tipline.service.day_book import DayBook, PrivateText, TextKind
from tipline.service.due_tables import DUE_TABLES
from tipline.service.dying_epochs import DyingEpochs
from tipline.service.envelope_files import ENVELOPES_NAME, EnvelopeFiles
from tipline.service.epochs import Epochs, list_epochs
from tipline.service.groups import Group, count_groups
from tipline.service.handle_rows import HandleRows
from tipline.service.holdings import Holdings
from tipline.service.lost_keys import Losses
from tipline.service.moving import Moving
from tipline.service.phone_rows import PhoneRows
from tipline.service.placing import Placing, find_wrapped_key
from tipline.service.purge import Purge
from tipline.service.purge_report import DeadEpoch, Failure, PurgeReport
from tipline.service.record_keys import KeyUnavailableError, RecordKeys
from tipline.service.rows import DELETED, Rows
from tipline.service.schema import migrate
from tipline.service.sealed_envelopes import BLOB_MAX_BYTES, FoundKey, SealedEnvelopes
from tipline.service.store import Arrival, PartialUpload, Placed, StoredTip
from tipline.service.writer import GroupWriter

BATCH_ROWS: Final = 50  # of what is changed in one go, so that arrivals do not wait long


class SqliteStore:
    """
    The store on one machine. See `Store` for what each method promises.

    Args:
        directory: The instance.
        slots: Where keys lie that can die. The store closes it.
        today: Tells the day, for the files' times.
        on_fault: Told of what failed after it was stored, from any thread.

    Raises:
        InstanceError: another program holds the database, or it is newer than this program.
        SlotError: the slot file does not do what is asked.
    """

    def __init__(
        self,
        directory: Path,
        *,
        slots: SlotFile,
        today: Callable[[], datetime.date],
        on_fault: Callable[[Exception], None] = lambda fault: None,
    ) -> None:
        self._directory = directory
        self._slots = slots
        self._today = today
        self._on_fault = on_fault
        self._turn = asyncio.Lock()
        self._purging = asyncio.Lock()  # one run at a time: each notes which pages are written
        self._database = open_database(directory)
        try:
            migrate(self._database)
            self._rows = Rows(self._database)
            self._keys = RecordKeys(slots)
            self._files = EnvelopeFiles(directory, today=today)
            self._envelopes = SealedEnvelopes(self._keys, self._files)
            uploads = self._reconcile()
            self._holdings = Holdings(self._database, self._keys)
            self._blur()
            self._checkpoints = Checkpoints(directory / DATABASE_NAME, self._database)
        except BaseException:
            self._database.close()
            slots.close()
            raise
        self._writer = GroupWriter(
            self._database,
            before_commit=self._keys.sync,
            after_commit=self._finish_commit,
            on_fault=on_fault,
        )
        self._arriving = Arriving(
            writer=self._writer,
            rows=self._rows,
            holdings=self._holdings,
            keys=self._keys,
            files=self._files,
            envelopes=self._envelopes,
            checkpoints=self._checkpoints,
            uploads=uploads,
        )
        self._placing = Placing(
            writer=self._writer,
            rows=self._rows,
            holdings=self._holdings,
            keys=self._keys,
            envelopes=self._envelopes,
            turn=self._turn,
            on_fault=on_fault,
        )
        self._phone_rows = PhoneRows(self._database)
        self._conversations: Conversations | None = None
        self._dying_epochs = DyingEpochs(
            self._database, writer=self._writer, keys=self._keys, forget=self._forget_epoch
        )
        self._moving = Moving(
            rows=self._rows,
            phone_rows=self._phone_rows,
            holdings=self._holdings,
            keys=self._keys,
            envelopes=self._envelopes,
            today=today,
            on_fault=on_fault,
        )
        self.losses = Losses(
            self._database,
            writer=self._writer,
            rows=self._rows,
            holdings=self._holdings,
            keys=self._keys,
            slots=slots,
            envelopes=self._envelopes,
            discard_upload=self._arriving.discard,
        )
        self.day_book = DayBook(
            self._database,
            writer=self._writer,
            keys=self._keys,
            count_by_day=self._rows.count_by_day,
        )

    def close(self) -> None:
        """Finish what waits, empty the WAL into the database and close it."""
        self._writer.close()
        try:
            self._checkpoints.empty()
        finally:
            self._database.close()
            self._checkpoints.close()
            self._slots.close()
            self._blur()

    def make_conversations(
        self, *, promises: Promises, today: Callable[[], datetime.date]
    ) -> Conversations:
        """
        Make what keeps conversations by phone; once, and `Conversations.open` comes next.

        Args:
            promises: How long things are kept.
            today: Tells the day that what comes is dated by.

        Returns:
            The conversations.
        """
        self._conversations = Conversations(
            self._phone_rows,
            handle_rows=HandleRows(self._database),
            epochs=Epochs(self._database, writer=self._writer, keys=self._keys),
            writer=self._writer,
            keys=self._keys,
            arriving=self._arriving,
            promises=promises,
            today=today,
            empty_wal=self._checkpoints.empty,
            on_fault=self._on_fault,
        )
        return self._conversations

    async def remembers(self, upload_id: bytes) -> bool:
        """Tell whether this upload has arrived."""
        return await self._writer.call(lambda: self._rows.has("answers", upload_id))

    async def partial_uploads(self) -> dict[bytes, tuple[PartialUpload, int]]:
        """List the uploads that are begun, by id, each with the bytes held of it."""
        return await self._writer.call(self._read_partial_uploads)

    async def add_slice(self, upload: PartialUpload, data: bytes, *, offset: int) -> None:
        """Keep a slice that does not complete its upload."""
        await self._arriving.add_slice(upload, data, offset=offset)

    async def add_whole(self, arrival: Arrival, envelope: bytes) -> None:
        """Keep an envelope that came in one slice."""
        await self._arriving.add_whole(arrival, envelope)

    async def complete(self, arrival: Arrival, data: bytes, *, offset: int) -> None:
        """Keep the last of several slices: a crash leaves the upload or the tip, not both."""
        await self._arriving.complete(arrival, data, offset=offset)

    async def discard_upload(self, upload_id: bytes) -> None:
        """Let a partial upload go."""
        await self._arriving.discard(upload_id)

    async def tips(self) -> list[StoredTip]:
        """List what is known of every tip, in the order of their random ids."""
        return await self._writer.call(self._rows.tips)

    async def read_envelope(self, tip: StoredTip, *, offset: int, length: int) -> bytes | None:
        """Read a part of an envelope; None if the tip is gone or its key is."""
        is_blob = tip.size_bytes <= BLOB_MAX_BYTES
        found, blob = await self._writer.call(
            lambda: (
                self._find_key("tips", tip.id),
                self._rows.read_sealed(tip.id) if is_blob else None,
            )
        )
        if found is None or (is_blob and blob is None):
            return None
        span = range(offset, offset + length)
        try:
            return await asyncio.to_thread(self._envelopes.open_part, tip, found, blob, span=span)
        except (KeyUnavailableError, CryptoError) as exc:
            # One tip that cannot be opened must not keep the others from the desk.
            self._on_fault(exc)
            return None

    async def records(self) -> list[Record]:
        """List everything that has a day on which it dies. Walks through all of it."""
        stored = await self._writer.call(self._rows.records)
        return [one.record for one in stored]

    async def records_after(self, day: datetime.date) -> list[Record]:
        """List what began after a day: what a clock that was ahead dated. Walks through all."""
        stored = await self._writer.call(
            lambda: [one for table in DUE_TABLES for one in self._rows.after(table, day)]
        )
        return [one.record for one in stored]

    async def promises(self) -> Promises | None:
        """Tell which policies were in force; None if none ever was."""
        return await self._writer.call(lambda: read_promises(self._database))

    async def adopt(self, policy: Policy, *, on: datetime.date) -> None:
        """Note that a policy is in force from a day on."""
        await self._writer.call(lambda: add_policy(self._database, policy, on=on))

    async def due_records(
        self, *, today: datetime.date, waiting: Waiting | None = None
    ) -> list[Record]:
        """List what may be due, as a purge finds it."""
        return await self._writer.call(
            lambda: [
                one.record
                for table in DUE_TABLES
                for one in self._rows.due(table, today=today, waiting=waiting, after=None, limit=-1)
            ]
        )

    async def count_by_day(self) -> dict[tuple[RecordClass, datetime.date], int]:
        """Count what dies, by class and day."""
        return await self._writer.call(self._rows.count_by_day)

    async def purge_due(
        self,
        *,
        promises: Promises,
        today: datetime.date,
        waiting: Waiting | None = None,
        forget: Callable[[bytes], None] = lambda upload_id: None,
    ) -> PurgeReport:
        """Let everything go that is due, and say what went and what did not."""
        plan = functools.partial(plan_purge, promises=promises, today=today, waiting=waiting)
        purge = Purge(
            directory=self._directory,
            writer=self._writer,
            rows=self._rows,
            holdings=self._holdings,
            keys=self._keys,
            files=self._files,
            checkpoints=self._checkpoints,
            book=self.day_book,
            conversations=self._conversations,
            epochs=self._dying_epochs,
            turn=self._turn,
            plan=plan,
            today=today,
            waiting=waiting,
            forget=functools.partial(self._arriving.forget, tell=forget),
        )
        async with self._purging:
            left = await asyncio.to_thread(self._remove_left_copy)
            report = await purge.run()
            if self._conversations is not None:
                await self._conversations.handles.go_on()
        return dataclasses.replace(report, failures=(*report.failures, *left))

    async def make_day_keys(self, first: datetime.date, *, days: int) -> None:
        """Make the keys of so many days from *first* on, so that one can die on each."""
        last = first + datetime.timedelta(days=days - 1)
        await asyncio.to_thread(self._keys.make_days, first, last)

    async def pick_up(
        self, tip_ids: Sequence[bytes], *, promises: Promises, today: datetime.date
    ) -> int:
        """Note that a desk has these tips, which brings their last day nearer."""
        noted = 0
        for start in range(0, len(tip_ids), BATCH_ROWS):
            part = tip_ids[start : start + BATCH_ROWS]
            stored = await self._writer.call(
                lambda part=part: self._rows.find_records("tips", part)  # type: ignore[misc]
            )
            moves = [
                move
                for one in stored
                if (move := plan_event(one.record, Event.PICKED_UP, promises=promises, on=today))
            ]
            await self.move(moves)
            noted += len(moves)
        return noted

    async def move(self, moves: Sequence[Move]) -> None:
        """Let records die on other days, each that opens wrapped under the key of its new one."""
        for start in range(0, len(moves), BATCH_ROWS):
            part = moves[start : start + BATCH_ROWS]
            async with self._turn:
                await self._writer.call(lambda part=part: self._moving.move(part))  # type: ignore[misc]
        if self._conversations is not None:
            await self._conversations.follow_moves(moves)

    async def delete_early(self, tip_ids: Sequence[bytes], *, today: datetime.date) -> int:
        """Mark tips whose end was asked for; the next purge lets them go. What is held stays."""
        return await self._writer.call(lambda: self._rows.end(tip_ids, ended_by=DELETED, on=today))

    async def holds(self) -> list[tuple[Hold, int]]:
        """List the holds, each with how many tips it holds."""
        return await self._writer.call(
            lambda: [
                (hold, self._holdings.count_held().get(hold.id, 0))
                for hold in self._holdings.all().values()
            ]
        )

    async def find_tips(self, tip_ids: Sequence[bytes]) -> list[Record]:
        """Find tips by their ids: those there are."""
        stored = await self._writer.call(lambda: self._rows.find_records("tips", tip_ids))
        return [one.record for one in stored]

    async def has_channel(self, channel: str) -> bool:
        """Tell whether a tip of this channel is there."""
        return await self._placing.has_channel(channel)

    async def add_hold(
        self, hold: Hold, tip_ids: Collection[bytes], *, promises: Promises
    ) -> Placed:
        """Place a hold over tips, or over its channel; tell how many it holds by now."""
        return await self._placing.place(hold, tip_ids, promises=promises)

    async def release_hold(self, hold_id: bytes, *, today: datetime.date) -> None:
        """Note that a hold was released; the next purge lets go what is past its day."""
        await self._writer.call(lambda: self._holdings.end(hold_id, on=today))

    async def bury_holds(self, holds: Sequence[Hold], *, promises: Promises) -> None:
        """Let the rows of holds go that ended, and keep their words as a text of the log."""
        ids = [hold.id for hold in holds]
        keys = await self._writer.call(lambda: self._holdings.find_words_keys(ids))
        await self._writer.call(
            lambda: self._holdings.bury(holds, book=self.day_book, promises=promises)
        )
        await asyncio.to_thread(self._keys.destroy, keys)
        await self._writer.call_alone(self._checkpoints.empty)

    async def bury_epochs(self, ended: Sequence[DeadEpoch]) -> None:
        """Let what the log was told of epochs that ended go."""
        await self._dying_epochs.bury(ended)

    async def ended_hold_texts(self) -> list[PrivateText]:
        """List the texts of holds that ended, as long as they are kept."""
        return await self.day_book.read_hold_texts()

    async def count_groups(self) -> list[Group]:
        """Count what is stored, by class and days."""
        return await self._writer.call(lambda: list(count_groups(self._database)))

    async def read_annex(self, of: datetime.date) -> bytes | None:
        """Read the exact counts of a day, as the log committed to them; None if there are none."""
        texts = await self.day_book.read_texts(of)
        return next((text.text for text in texts if text.kind is TextKind.ANNEX), None)

    async def is_empty(self) -> bool:
        """Tell whether there is no tip, no upload and no hold any more."""
        return await self._writer.call(
            lambda: not self._rows.tip_ids() | self._rows.hold_ids() and not self._rows.uploads()
        )

    async def destroy_keys(self) -> None:
        """Destroy every key: nothing that was ever stored opens from then on."""
        async with self._purging:
            await self._writer.call_alone(self._keys.destroy_all)

    async def copy_to(self, folder: Path) -> None:
        """Lay a copy of the database and of every envelope's file that it names into a folder."""
        async with self._purging:  # nothing goes meanwhile; arrivals go on
            await asyncio.to_thread(
                copy_database,
                self._database,
                folder / DATABASE_NAME,
                stand_still=self._writer.stand_still,
            )
            await asyncio.to_thread(self._files.link_all, folder / ENVELOPES_NAME)

    async def reusable_bytes(self) -> int:
        """Tell how much room the database has inside, left by what died."""
        return await self._writer.call(self._checkpoints.reusable_bytes)

    async def rewrite(self) -> None:
        """
        Take away what the order and the inodes of the last writes tell: the WAL is emptied into the
        database, the database written anew in the order of its random ids, and every fresh envelope
        file copied to a new inode, in random order.
        """
        async with self._purging:
            await self._writer.call_alone(self._rewrite_database)
            await asyncio.to_thread(self._files.rewrite)

    def _forget_epoch(self, epoch_id: bytes) -> None:
        if self._conversations is not None:
            self._conversations.handles.forget_epoch(epoch_id)

    def _remove_left_copy(self) -> list[Failure]:
        # A backup that was killed left the rows of what dies now, and its files' second names.
        try:
            remove_unwanted_copy(self._directory)
        except OSError as exc:
            return [Failure(code="files", record_class=None, due_on=None, count=1, error=exc)]
        return []

    def _rewrite_database(self) -> None:
        self._checkpoints.empty()
        self._database.vacuum()
        self._checkpoints.empty()

    def _find_key(self, table: str, record_id: bytes) -> FoundKey | None:
        return find_wrapped_key(self._rows, self._holdings, table, record_id)

    def _read_partial_uploads(self) -> dict[bytes, tuple[PartialUpload, int]]:
        return {
            upload.id: (
                upload,
                self._files.partial_len(upload.id) // SEALED_SLICE_BYTES * SLICE_BYTES,
            )
            for upload, _ in self._rows.uploads()
        }

    def _reconcile(self) -> dict[bytes, FoundKey]:
        uploads = self._rows.uploads()
        missing = self._files.reconcile_partial(
            {upload.id: sealed_len(upload.size_bytes) for upload, _ in uploads}
        )
        self._rows.delete("uploads", list(missing))
        self._files.reconcile(self._rows.tip_ids())
        self._slots.reconcile(self._rows.slots())
        self._keys.destroy_unknown_holds(self._rows.hold_ids())
        self._keys.destroy_unknown_epochs({one.id for one in list_epochs(self._database)})
        return {
            upload.id: FoundKey(key=key, dies_on=upload.dies_on)
            for upload, key in uploads
            if upload.id not in missing
        }

    def _finish_commit(self) -> None:
        self._checkpoints.copy_when_grown()
        self._blur()

    def _blur(self) -> None:
        day = self._today()
        blur_times(self._directory / DATABASE_NAME, day=day)
        blur_times(self._directory / WAL_NAME, day=day)
        blur_times(self._directory, day=day)  # the WAL comes and goes in it
