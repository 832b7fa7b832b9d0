"""
The store on one machine: SQLite for what is small, files for what is large.

Rules:
1. Files and their directory are synced before the row that names them; a row goes before its file.
   So a crash leaves at worst a file that no row names, and the next start removes it.
2. The random id of a tip and the id the source's client chose for its upload never stand together.
3. After each write the times of what was touched are set back to the start of the day.
4. One connection, exclusively locked: there is no shared-memory file, and no second service.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from retention.plan import Record
from retention.policy import EVENTS, RecordClass, find_tip_class
from tipline.errors import InstanceError
from tipline.files import PRIVATE_FILE_MODE, blur_times
from tipline.service.envelope_files import EnvelopeFiles
from tipline.service.schema import migrate
from tipline.service.store import Arrival, PartialUpload, StoredTip
from tipline.service.writer import GroupWriter

DATABASE_NAME: Final = "tipline.db"
WAL_NAME: Final = "tipline.db-wal"
BLOB_MAX_BYTES: Final = 64 * 1024  # measured: larger ones are faster as files

_TABLES: Final = {
    RecordClass.SEALED_TIP: "tips",
    RecordClass.ATTACHMENT: "tips",
    RecordClass.PARTIAL_UPLOAD: "uploads",
    RecordClass.UPLOAD_ANSWER: "answers",
}


class SqliteStore:
    """
    The store on one machine. See `Store` for what each method promises.

    Args:
        directory: The instance.
        today: Tells the day, for the files' times.
        on_fault: Told of what failed after it was stored, from any thread.

    Raises:
        InstanceError: another program holds the database, or it is newer than this program.
    """

    def __init__(
        self,
        directory: Path,
        *,
        today: Callable[[], datetime.date],
        on_fault: Callable[[Exception], None] = lambda fault: None,
    ) -> None:
        self._directory = directory
        self._today = today
        self._database = open_database(directory)
        try:
            migrate(self._database)
            self._files = EnvelopeFiles(directory, today=today)
            self._reconcile()
            self._blur()
        except BaseException:
            self._database.close()
            raise
        self._writer = GroupWriter(self._database, after_commit=self._blur, on_fault=on_fault)

    def close(self) -> None:
        """Finish what waits, empty the WAL into the database and close it."""
        self._writer.close()
        truncate_wal(self._database)
        self._database.close()
        self._blur()

    async def remembers(self, upload_id: bytes) -> bool:
        """Tell whether this upload has arrived."""
        return await self._writer.call(lambda: self._has("answers", upload_id))

    async def partial_uploads(self) -> dict[bytes, tuple[PartialUpload, int]]:
        """List the uploads that are begun, by id, each with the bytes held of it."""
        return await self._writer.call(self._read_partial_uploads)

    async def add_slice(self, upload: PartialUpload, data: bytes, *, offset: int) -> None:
        """Keep a slice that does not complete its upload."""
        await asyncio.to_thread(self._files.write_slice, upload.id, data, offset=offset)
        if offset == 0:
            await self._writer.call(lambda: self._insert("uploads", _upload_row(upload)))

    async def add_whole(self, arrival: Arrival, envelope: bytes) -> None:
        """Keep an envelope that came in one slice."""
        if arrival.tip.size_bytes <= BLOB_MAX_BYTES:
            await self._writer.call(lambda: self._insert_arrival(arrival, envelope))
            return
        await asyncio.to_thread(self._files.create, arrival.tip.id, envelope)
        await self._insert_arrival_of_file(arrival)

    async def complete(self, arrival: Arrival, data: bytes, *, offset: int) -> None:
        """Keep the last of several slices: a crash leaves the upload or the tip, not both."""
        await asyncio.to_thread(self._files.write_slice, arrival.upload_id, data, offset=offset)
        await asyncio.to_thread(self._files.link, arrival.upload_id, tip_id=arrival.tip.id)
        await self._insert_arrival_of_file(arrival)
        await asyncio.to_thread(self._files.remove_partial, arrival.upload_id)

    async def _insert_arrival_of_file(self, arrival: Arrival) -> None:
        try:
            await self._writer.call(lambda: self._insert_arrival(arrival, None))
        except sqlite3.Error:
            # What a failed commit left in the WAL counts again after a crash, and would name a file
            # that is gone: emptying the WAL takes it away.
            await self._writer.call_alone(lambda: truncate_wal(self._database))
            # A commit that failed may have been made all the same. Otherwise no row names the file,
            # so no purge would ever find it.
            if not await self._writer.call(lambda: self._has("tips", arrival.tip.id)):
                await asyncio.to_thread(self._files.remove, arrival.tip.id)
            raise

    async def discard_upload(self, upload_id: bytes) -> None:
        """Let a partial upload go."""
        await self._writer.call(lambda: self._delete("uploads", upload_id))
        await asyncio.to_thread(self._files.remove_partial, upload_id)

    async def tips(self) -> list[StoredTip]:
        """List what is known of every tip, in the order of their random ids."""
        return await self._writer.call(
            lambda: [
                _parse_tip(row) for row in self._database.table("tips").rows_where(order_by="id")
            ]
        )

    async def read_envelope(self, tip: StoredTip, *, offset: int, length: int) -> bytes | None:
        """Read a part of an envelope; None if the tip is gone."""
        if tip.size_bytes <= BLOB_MAX_BYTES:
            return await self._writer.call(lambda: self._read_blob(tip.id, offset, length))
        return await asyncio.to_thread(self._files.read, tip.id, offset=offset, length=length)

    async def records(self) -> list[Record]:
        """List everything that has a day on which it dies."""
        return await self._writer.call(self._read_records)

    async def purge(self, record: Record) -> None:
        """Let one record go: its row, then its file."""
        await self._writer.call(lambda: self._delete(_TABLES[record.record_class], record.id))
        if _TABLES[record.record_class] == "tips":
            await asyncio.to_thread(self._files.remove, record.id)
        elif record.record_class is RecordClass.PARTIAL_UPLOAD:
            await asyncio.to_thread(self._files.remove_partial, record.id)

    async def rewrite(self) -> None:
        """
        Take away what the order and the inodes of the last writes tell: the WAL is emptied into the
        database, the database written anew in the order of its random ids, and every fresh envelope
        file copied to a new inode, in random order.
        """
        await self._writer.call_alone(self._rewrite_database)
        await asyncio.to_thread(self._files.rewrite)

    def _rewrite_database(self) -> None:
        truncate_wal(self._database)
        self._database.vacuum()
        truncate_wal(self._database)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        # Written out: sqlite-utils' own insert asks the schema each time, which costs four times
        # as much as the row. Table and columns are names of ours, never of a request.
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)  # noqa: S608

    def _has(self, table: str, record_id: bytes) -> bool:
        query = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608  # a name of ours
        return self._database.execute(query, [record_id]).fetchone() is not None

    def _delete(self, table: str, record_id: bytes) -> None:
        self._database.execute(f"DELETE FROM {table} WHERE id = ?", [record_id])  # noqa: S608
        if table == "tips":
            self._database.execute("DELETE FROM envelopes WHERE id = ?", [record_id])

    def _insert_arrival(self, arrival: Arrival, envelope: bytes | None) -> None:
        tip = arrival.tip
        self._insert(
            "tips",
            {
                "id": tip.id,
                "arrived_on": tip.arrived_on.isoformat(),
                "dies_on": tip.dies_on.isoformat(),
                "size_bytes": tip.size_bytes,
                "channel": tip.channel,
                "sealed_by_service": int(tip.sealed_by_service),
                "keyset": tip.keyset,
            },
        )
        if envelope is not None:
            self._insert("envelopes", {"id": tip.id, "envelope": envelope})
        self._insert(
            "answers",
            {
                "id": arrival.upload_id,
                "arrived_on": tip.arrived_on.isoformat(),
                "dies_on": arrival.answer_dies_on.isoformat(),
            },
        )
        self._delete("uploads", arrival.upload_id)

    def _read_blob(self, tip_id: bytes, offset: int, length: int) -> bytes | None:
        # SQLite counts from 1.
        row = self._database.execute(
            "SELECT substr(envelope, ?, ?) FROM envelopes WHERE id = ?",
            [offset + 1, length, tip_id],
        ).fetchone()
        return None if row is None else bytes(row[0])

    def _read_partial_uploads(self) -> dict[bytes, tuple[PartialUpload, int]]:
        uploads = [_parse_upload(row) for row in self._database.table("uploads").rows]
        return {upload.id: (upload, self._files.partial_len(upload.id)) for upload in uploads}

    def _read_records(self) -> list[Record]:
        table = self._database.table
        return [
            *(
                _parse_record(row, find_tip_class(row["size_bytes"]), began_on=row["arrived_on"])
                for row in table("tips").rows_where(select="id, size_bytes, arrived_on, dies_on")
            ),
            *(
                _parse_record(row, RecordClass.PARTIAL_UPLOAD, began_on=row["begun_on"])
                for row in table("uploads").rows_where(select="id, begun_on, dies_on")
            ),
            *(
                _parse_record(row, RecordClass.UPLOAD_ANSWER, began_on=row["arrived_on"])
                for row in table("answers").rows_where(select="id, arrived_on, dies_on")
            ),
        ]

    def _reconcile(self) -> None:
        uploads = {row["id"]: row["size_bytes"] for row in self._database.table("uploads").rows}
        for upload_id in self._files.reconcile_partial(uploads):
            self._delete("uploads", upload_id)
        self._files.reconcile(
            {row["id"] for row in self._database.table("tips").rows_where(select="id")}
        )

    def _blur(self) -> None:
        day = self._today()
        blur_times(self._directory / DATABASE_NAME, day=day)
        blur_times(self._directory / WAL_NAME, day=day)
        blur_times(self._directory, day=day)  # the WAL comes and goes in it


def open_database(directory: Path) -> Database:
    """
    Open an instance's database as every part of it must be opened.

    Args:
        directory: The instance.

    Returns:
        The database, locked for this process, not yet migrated.

    Raises:
        InstanceError: another program holds it, or this SQLite does not do what is asked.
    """
    path = directory / DATABASE_NAME
    os.environ["SQLITE_TMPDIR"] = os.fspath(directory)  # SQLite knows no other way to be told
    # SQLite gives its WAL the rights of the database, so these are set before it opens it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
    path.chmod(PRIVATE_FILE_MODE)
    connection = sqlite3.connect(path, check_same_thread=False, timeout=0)
    database = Database(connection)
    try:
        # Some builds of SQLite ignore a pragma without a word, so each answer is checked.
        for pragma, wanted in (
            ("locking_mode = EXCLUSIVE", "exclusive"),
            ("journal_mode = WAL", "wal"),
            ("secure_delete = ON", 1),
        ):
            _set_pragma(database, pragma, wanted=wanted)
        database.execute("PRAGMA synchronous = FULL")
        # The nightly VACUUM makes a copy of the whole database: not in memory, which has an end,
        # but in a nameless file beside the database, sealed as everything in it is.
        database.execute("PRAGMA temp_store = FILE")
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as exc:
        database.close()
        raise InstanceError("instance_in_use", path=str(directory)) from exc
    except InstanceError:
        database.close()
        raise
    return database


def _set_pragma(database: Database, pragma: str, *, wanted: str | int) -> None:
    if database.execute(f"PRAGMA {pragma}").fetchone()[0] != wanted:
        raise InstanceError("instance_sqlite")


def truncate_wal(database: Database) -> None:
    """
    Empty the WAL into the database.

    Args:
        database: Open, without a transaction.

    Raises:
        InstanceError: something held it back, so that old bytes would stay in the WAL.
    """
    busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise InstanceError("instance_checkpoint")


def _parse_record(row: dict[str, Any], record_class: RecordClass, *, began_on: str) -> Record:
    return Record(
        id=row["id"],
        record_class=record_class,
        events={EVENTS[record_class][0]: datetime.date.fromisoformat(began_on)},
        dies_on=datetime.date.fromisoformat(row["dies_on"]),
    )


def _upload_row(upload: PartialUpload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "begun_on": upload.begun_on.isoformat(),
        "dies_on": upload.dies_on.isoformat(),
        "size_bytes": upload.size_bytes,
        "channel": upload.channel,
        "keyset": upload.keyset,
    }


def _parse_upload(row: dict[str, Any]) -> PartialUpload:
    return PartialUpload(
        id=row["id"],
        begun_on=datetime.date.fromisoformat(row["begun_on"]),
        dies_on=datetime.date.fromisoformat(row["dies_on"]),
        size_bytes=row["size_bytes"],
        channel=row["channel"],
        keyset=row["keyset"],
    )


def _parse_tip(row: dict[str, Any]) -> StoredTip:
    return StoredTip(
        id=row["id"],
        arrived_on=datetime.date.fromisoformat(row["arrived_on"]),
        dies_on=datetime.date.fromisoformat(row["dies_on"]),
        size_bytes=row["size_bytes"],
        channel=row["channel"],
        sealed_by_service=bool(row["sealed_by_service"]),
        keyset=row["keyset"],
    )
