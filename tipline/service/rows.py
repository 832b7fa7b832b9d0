"""
The rows: every statement about tips, uploads and answers, each run in the writer's thread.

Rules:
1. A tip's row goes together with its envelope's row and its wraps under holds.
2. What is due is found through the index of its day. Nothing here walks through all tips but what
   says so.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlite_utils import Database

from retention.plan import Record, Waiting
from retention.policy import EVENTS, Event, RecordClass
from tipline.service.day_tables import insert_leaf
from tipline.service.due_tables import BEGAN, DUE_TABLES, KEYED_TABLES, find_class
from tipline.service.envelope_rows import delete_sealed, insert_sealed, read_sealed
from tipline.service.record_keys import RecordKey
from tipline.service.store import Arrival, PartialUpload, StoredTip

DELETED: Final = "deleted"  # values of tips.ended_by
KEY_LOST: Final = "key_lost"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """
    A record as it is stored.

    Args:
        table: Where its row is.
        record: What the plan knows of it.
        key: What its row says of its key; None if it has none.
    """

    table: str
    record: Record
    key: RecordKey | None


class Rows:
    """
    The rows of one database.

    Args:
        database: Of today's version; used in one thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, table: str, record_id: bytes) -> bool:
        """
        Tell whether there is a row.

        Args:
            table: Its name, one of ours.
            record_id: Its id.

        Returns:
            Whether.
        """
        query = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608  # a name of ours
        return self._database.execute(query, [record_id]).fetchone() is not None

    def add_upload(self, upload: PartialUpload, key: RecordKey) -> None:
        """
        Note an upload that is begun, in the place of a first try of which nobody knew its end.

        Args:
            upload: What is known of it.
            key: Of what is held of it.
        """
        self.delete("uploads", [upload.id])
        self._insert(
            "uploads",
            {
                "id": upload.id,
                "begun_on": upload.begun_on.isoformat(),
                "dies_on": upload.dies_on.isoformat(),
                "size_bytes": upload.size_bytes,
                "channel": upload.channel,
                "keyset": upload.keyset,
                **_key_columns(key),
            },
        )

    def add_arrival(self, arrival: Arrival, key: RecordKey, sealed: bytes | None) -> None:
        """
        Note a tip, and that its upload arrived, in the upload's place.

        Args:
            arrival: What is known of it.
            key: Of its envelope.
            sealed: The envelope as it is stored; None if it is a file.
        """
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
                "salt": insert_leaf(self._database, tip.id, of=tip.arrived_on),
                "envelope": (
                    None
                    if sealed is None
                    else insert_sealed(self._database, sealed, of=tip.arrived_on)
                ),
                **_key_columns(key),
            },
        )
        self._insert(
            "answers",
            {
                "id": arrival.upload_id,
                "arrived_on": tip.arrived_on.isoformat(),
                "dies_on": arrival.answer_dies_on.isoformat(),
            },
        )
        self.delete("uploads", [arrival.upload_id])

    def find_key(self, table: str, record_id: bytes) -> tuple[RecordKey, datetime.date] | None:
        """
        Find a record's key and its last day.

        Args:
            table: `tips` or `uploads`.
            record_id: Its id.

        Returns:
            What its row says; None if there is no row.
        """
        query = f"SELECT data_id, slot, wrapped, dies_on FROM {table} WHERE id = ?"  # noqa: S608
        row = self._database.execute(query, [record_id]).fetchone()
        if row is None:
            return None
        key = RecordKey(data_id=row[0], slot=row[1], wrapped=row[2])
        return key, datetime.date.fromisoformat(row[3])

    def read_sealed(self, tip_id: bytes) -> bytes | None:
        """
        Read an envelope that is no file.

        Args:
            tip_id: Its tip.

        Returns:
            The envelope as it is stored; None if it is gone.
        """
        return read_sealed(self._database, tip_id)

    def delete(self, table: str, record_ids: Sequence[bytes]) -> set[bytes]:
        """
        Let rows go, with all that belongs to them.

        Args:
            table: Where they are.
            record_ids: Their ids. A row that is gone already is no error.

        Returns:
            The ids of those that went.
        """
        gone = set()
        # Written out, as in `_insert`; executemany would begin a transaction of its own.
        for record_id in record_ids:
            if table == "tips":
                delete_sealed(self._database, record_id)
                self._database.execute("DELETE FROM hold_wraps WHERE tip = ?", [record_id])
                self._database.execute("DELETE FROM handles WHERE tip = ?", [record_id])
            elif table == "windows":
                # A tip whose pseudonym was being computed has none from now on.
                self._database.execute("DELETE FROM handles WHERE window = ?", [record_id])
            query = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608  # a name of ours
            if self._database.execute(query, [record_id]).rowcount:
                gone.add(record_id)
        return gone

    def tips(self) -> list[StoredTip]:
        """
        List every tip that has not ended. Walks through all of them.

        Returns:
            In the order of their random ids.
        """
        rows = self._database.query(
            "SELECT tips.*, handles.pseudonym FROM tips LEFT JOIN handles ON handles.tip = tips.id"
            " WHERE ended_by IS NULL ORDER BY tips.id"
        )
        return [_parse_tip(row) for row in rows]

    def uploads(self) -> list[tuple[PartialUpload, RecordKey]]:
        """
        List every partial upload.

        Returns:
            Each with its key, in the order of their ids.
        """
        rows = self._database.query("SELECT * FROM uploads ORDER BY id")
        return [(_parse_upload(row), _parse_key(row)) for row in rows]

    def slots(self) -> Iterator[int]:
        """
        List every slot that a row names. Walks through all tips.

        Yields:
            Its number.
        """
        for table in (*KEYED_TABLES, "holds"):
            for (slot,) in self._database.execute(f"SELECT slot FROM {table}"):  # noqa: S608
                yield slot

    def hold_ids(self) -> set[bytes]:
        """
        List every hold's id.

        Returns:
            The ids.
        """
        return {row[0] for row in self._database.execute("SELECT id FROM holds")}

    def tip_ids(self) -> set[bytes]:
        """
        List every tip's id. Walks through all of them.

        Returns:
            The ids.
        """
        return {row[0] for row in self._database.execute("SELECT id FROM tips")}

    def records(self) -> list[StoredRecord]:
        """
        List everything that dies. Walks through all of it.

        Returns:
            By table, in the order of their ids.
        """
        held_by = self._read_holds()
        return [
            _parse_record(table, row, held_by)
            for table in DUE_TABLES
            for row in self._database.query(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
        ]

    def find_records(self, table: str, record_ids: Sequence[bytes]) -> list[StoredRecord]:
        """
        Find records by their ids.

        Args:
            table: Where they are.
            record_ids: Their ids.

        Returns:
            Those there are.
        """
        held_by = self._read_holds()
        query = f"SELECT * FROM {table} WHERE id = ?"  # noqa: S608  # a name of ours
        return [
            _parse_record(table, row, held_by)
            for record_id in record_ids
            for row in self._database.query(query, [record_id])
        ]

    def after(self, table: str, day: datetime.date) -> list[StoredRecord]:
        """
        Find what began, or was picked up, after a day. Walks through all of a table.

        Args:
            table: Where to look.
            day: The day.

        Returns:
            Those records, in the order of their ids.
        """
        ahead = f"{BEGAN[table]} > :day"
        if table == "tips":
            ahead += " OR picked_up_on > :day"
        query = f"SELECT id FROM {table} WHERE {ahead} ORDER BY id"  # noqa: S608  # names of ours
        ids = [row[0] for row in self._database.execute(query, {"day": day.isoformat()})]
        return self.find_records(table, ids) if ids else []

    def due(
        self,
        table: str,
        *,
        today: datetime.date,
        waiting: Waiting | None,
        after: Record | None,
        limit: int,
    ) -> list[StoredRecord]:
        """
        Find what may be due, through the index of its day.

        Args:
            table: Where to look.
            today: By the clock that is trusted.
            waiting: A jump of the clock; what it dated is counted by it.
            after: The last one of the batch before; None for the first batch.
            limit: How many at most.

        Returns:
            By day, then id.
        """
        latest = today if waiting is None else max(today, waiting.today)
        since = datetime.date.max if waiting is None else waiting.since
        query = f"""
            SELECT * FROM {table}
            WHERE dies_on <= :latest AND (dies_on <= :today OR {BEGAN[table]} >= :since)
                AND (dies_on, id) > (:after_day, :after_id)
            ORDER BY dies_on, id LIMIT :limit
            """  # noqa: S608  # names of ours
        values = {
            "latest": latest.isoformat(),
            "today": today.isoformat(),
            "since": since.isoformat(),
            "after_day": "" if after is None else after.dies_on.isoformat(),
            "after_id": b"" if after is None else after.id,
            "limit": limit,
        }
        rows = list(self._database.query(query, values))
        held_by = self._read_holds([row["id"] for row in rows]) if table == "tips" else {}
        return [_parse_record(table, row, held_by) for row in rows]

    def count_by_day(self) -> dict[tuple[RecordClass, datetime.date], int]:
        """
        Count what dies, by class and day. Walks through the indexes.

        Returns:
            How many.
        """
        counts: dict[tuple[RecordClass, datetime.date], int] = {}
        for table in DUE_TABLES:
            size = "size_bytes" if table == "tips" else "0"
            query = f"SELECT dies_on, {size}, count(*) FROM {table} GROUP BY 1, 2"  # noqa: S608
            for dies_on, size_bytes, count in self._database.execute(query):
                key = (find_class(table, size_bytes), datetime.date.fromisoformat(dies_on))
                counts[key] = counts.get(key, 0) + count
        return counts

    def move(
        self,
        table: str,
        record_id: bytes,
        *,
        events: Mapping[Event, datetime.date],
        dies_on: datetime.date,
        key: RecordKey | None,
    ) -> None:
        """
        Let a record die on another day.

        Args:
            table: Where it is.
            record_id: Its id.
            events: Its events' days from now on.
            dies_on: Its last day from now on.
            key: Wrapped for that day; None if it has none.
        """
        changes: dict[str, Any] = {"dies_on": dies_on.isoformat()}
        began = next(event for event in events if event is not Event.PICKED_UP)
        changes[BEGAN[table]] = events[began].isoformat()
        if Event.PICKED_UP in events:
            changes["picked_up_on"] = events[Event.PICKED_UP].isoformat()
        if key is not None:
            changes["wrapped"] = key.wrapped
        places = ", ".join(f"{name} = :{name}" for name in changes)
        self._database.execute(
            f"UPDATE {table} SET {places} WHERE id = :id",  # noqa: S608  # names of ours
            {**changes, "id": record_id},
        )

    def end(self, tip_ids: Sequence[bytes], *, ended_by: str, on: datetime.date) -> int:
        """
        Mark tips whose end was asked for, or whose key is lost: they are due from now on.

        Args:
            tip_ids: Their ids.
            ended_by: `DELETED` or `KEY_LOST`.
            on: The day.

        Returns:
            How many there are.
        """
        found = 0
        for tip_id in tip_ids:
            cursor = self._database.execute(
                "UPDATE tips SET ended_by = ?, dies_on = min(dies_on, ?) WHERE id = ?",
                [ended_by, on.isoformat(), tip_id],
            )
            found += cursor.rowcount
        return found

    def _read_holds(self, tip_ids: Sequence[bytes] | None = None) -> dict[bytes, frozenset[bytes]]:
        if self._database.execute("SELECT 1 FROM hold_wraps").fetchone() is None:
            return {}
        if tip_ids is None:
            rows = self._database.execute("SELECT tip, hold FROM hold_wraps").fetchall()
        else:
            query = "SELECT tip, hold FROM hold_wraps WHERE tip = ?"
            rows = [row for tip in tip_ids for row in self._database.execute(query, [tip])]
        held_by: dict[bytes, set[bytes]] = {}
        for tip, hold in rows:
            held_by.setdefault(tip, set()).add(hold)
        return {tip: frozenset(holds) for tip, holds in held_by.items()}

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        # Written out: sqlite-utils' own insert asks the schema each time, which costs four times
        # as much as the row. Table and columns are names of ours, never of a request.
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)  # noqa: S608


def _key_columns(key: RecordKey) -> dict[str, Any]:
    return {"data_id": key.data_id, "slot": key.slot, "wrapped": key.wrapped}


def _parse_record(
    table: str, row: Mapping[str, Any], held_by: Mapping[bytes, frozenset[bytes]]
) -> StoredRecord:
    began_on = datetime.date.fromisoformat(row[BEGAN[table]])
    record_class = find_class(table, row.get("size_bytes", 0))
    events = {EVENTS[record_class][0]: began_on}
    ended_by = None
    if table == "tips":
        ended_by = row["ended_by"]
        if row["picked_up_on"] is not None:
            events[Event.PICKED_UP] = datetime.date.fromisoformat(row["picked_up_on"])
    return StoredRecord(
        table=table,
        record=Record(
            id=row["id"],
            record_class=record_class,
            events=events,
            dies_on=datetime.date.fromisoformat(row["dies_on"]),
            deleted=ended_by == DELETED,
            key_lost=ended_by == KEY_LOST,
            held_by=held_by.get(row["id"], frozenset()),
        ),
        key=_parse_key(row) if table in KEYED_TABLES else None,
    )


def _parse_key(row: Mapping[str, Any]) -> RecordKey:
    return RecordKey(data_id=row["data_id"], slot=row["slot"], wrapped=row["wrapped"])


def _parse_upload(row: Mapping[str, Any]) -> PartialUpload:
    return PartialUpload(
        id=row["id"],
        begun_on=datetime.date.fromisoformat(row["begun_on"]),
        dies_on=datetime.date.fromisoformat(row["dies_on"]),
        size_bytes=row["size_bytes"],
        channel=row["channel"],
        keyset=row["keyset"],
    )


def _parse_tip(row: Mapping[str, Any]) -> StoredTip:
    picked_up_on = row["picked_up_on"]
    return StoredTip(
        id=row["id"],
        arrived_on=datetime.date.fromisoformat(row["arrived_on"]),
        picked_up_on=None if picked_up_on is None else datetime.date.fromisoformat(picked_up_on),
        dies_on=datetime.date.fromisoformat(row["dies_on"]),
        size_bytes=row["size_bytes"],
        channel=row["channel"],
        sealed_by_service=bool(row["sealed_by_service"]),
        keyset=row["keyset"],
        pseudonym=row["pseudonym"],
    )
