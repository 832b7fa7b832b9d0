"""
The rows of what comes from phones: every statement about them, each run in the writer's thread.

Rules:
1. No statement knows a conversation: the rows do not say theirs in clear. Whoever wants those of
   one names their ids, which are in memory (`window_index.py`). An id without a row is no error.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from crypto.strict import parse_day
from tipline.service.reach import SealedRow
from tipline.service.record_keys import RecordKey
from tipline.service.relations import Relations


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    A day on which a conversation wrote: what is known of it without its key.

    Args:
        id: Random, 16 bytes.
        conversation: Random, 16 bytes.
        received_on: The day.
        dies_on: By the policy's class `raw_number`.
        mark: Of its sender, under the window key of `dies_on`.
        epoch: In which it wrote; None once that epoch is over, or if its key was lost.
        pseudonym: Of its sender in that epoch; None while it is not known.
        noticed: Whether it was answered with the notice on this day.
        gateway: By which it wrote; None if that is not known since a start: it is sealed.
    """

    id: bytes
    conversation: bytes
    received_on: datetime.date
    dies_on: datetime.date
    mark: bytes
    epoch: bytes | None
    pseudonym: bytes | None
    noticed: bool
    gateway: str | None = None


class PhoneRows:
    """
    The rows of one database.

    Args:
        database: Of today's version; used in one thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """Where they lie, for the rows beside them."""
        return self._database

    def list_windows(self, relations: Relations) -> list[Window]:
        """
        List all windows that can be related to a sender. Walks through all of them.

        Args:
            relations: Opens what relates them.

        Returns:
            In the order of their random ids.
        """
        rows = self._database.execute(
            "SELECT id, relation, received_on, dies_on, epoch, pseudonym, noticed"
            " FROM windows ORDER BY id"
        )
        windows = []
        for window_id, sealed, received_on, dies_on, epoch, pseudonym, noticed in rows:
            day = parse_day(dies_on)
            related = relations.open(sealed, row_id=window_id, dies_on=day, has_mark=True)
            if related is not None:
                windows.append(
                    Window(
                        id=window_id,
                        conversation=related.conversation,
                        received_on=parse_day(received_on),
                        dies_on=day,
                        mark=related.mark,
                        epoch=epoch,
                        pseudonym=pseudonym,
                        noticed=bool(noticed),
                    )
                )
        return windows

    def find_window(
        self, window_ids: Sequence[bytes], *, received_on: datetime.date, epoch: bytes | None
    ) -> bytes | None:
        """
        Find the window of a conversation's day.

        Args:
            window_ids: Of its windows.
            received_on: The day.
            epoch: In which it wrote.

        Returns:
            Its id; None if it did not write then.
        """
        row = self._database.execute(
            f"SELECT id FROM windows WHERE {_among(window_ids)}"  # noqa: S608  # places alone
            " AND received_on = ? AND epoch IS ?",
            [*window_ids, received_on.isoformat(), epoch],
        ).fetchone()
        return None if row is None else bytes(row[0])

    def insert_window(
        self, window: Window, row: SealedRow, *, relation: bytes, status: bytes
    ) -> None:
        """
        Note a day on which a conversation wrote.

        Args:
            window: What is known of it.
            row: Who wrote, sealed.
            relation: What relates it to others, sealed.
            status: What it tells who asks, sealed.
        """
        self._insert(
            "windows",
            {
                **_sealed_columns(row),
                "relation": relation,
                "received_on": window.received_on.isoformat(),
                "epoch": window.epoch,
                "pseudonym": window.pseudonym,
                "noticed": int(window.noticed),
                "status": status,
            },
        )

    def read_windows(self, window_ids: Sequence[bytes]) -> list[SealedRow]:
        """
        Read windows.

        Args:
            window_ids: Their ids.

        Returns:
            The one that lasts longest first.
        """
        return [row for row in self._read_sealed("windows", window_ids) if not row.is_let_go]

    def read_statuses(self, window_ids: Sequence[bytes]) -> list[SealedRow]:
        """
        Read the statuses of windows.

        Args:
            window_ids: Their ids.

        Returns:
            The windows, each with its status in the place of what it holds; the one that lasts
            longest first.
        """
        rows = self._read_sealed("windows", window_ids, column="status")
        return [row for row in rows if not row.is_let_go]

    def set_status(self, window_id: bytes, sealed: bytes) -> bool:
        """
        Keep a status in a window. No other row changes (`kept_status.py`).

        Args:
            window_id: Which.
            sealed: The status.

        Returns:
            Whether the window is there.
        """
        found = self._database.execute(
            "UPDATE windows SET status = ? WHERE id = ?", [sealed, window_id]
        )
        return bool(found.rowcount)

    def read_relation(self, table: str, row_id: bytes) -> bytes | None:
        """
        Read what relates a window or an answer.

        Args:
            table: Where it lies.
            row_id: Its id.

        Returns:
            It, sealed; None if the row is gone.
        """
        row = self._database.execute(
            f"SELECT relation FROM {table} WHERE id = ?",  # noqa: S608  # a name of ours
            [row_id],
        ).fetchone()
        return None if row is None else bytes(row[0])

    def set_relation(self, table: str, row_id: bytes, relation: bytes) -> None:
        """
        Seal anew what relates a window or an answer, since it dies on another day.

        Args:
            table: Where it lies.
            row_id: Its id.
            relation: Sealed under a key of the new day.
        """
        self._database.execute(
            f"UPDATE {table} SET relation = ? WHERE id = ?",  # noqa: S608  # a name of ours
            [relation, row_id],
        )

    def note_notice(self, window_ids: Sequence[bytes], received_on: datetime.date) -> bool:
        """
        Note that a conversation was answered with the notice.

        Args:
            window_ids: Of its windows.
            received_on: The day.

        Returns:
            Whether it was not before on that day.
        """
        rows = self._database.execute(
            "SELECT id, noticed FROM windows"  # noqa: S608
            f" WHERE {_among(window_ids)} AND received_on = ? ORDER BY epoch IS NULL, id",
            [*window_ids, received_on.isoformat()],
        ).fetchall()
        if not rows or any(noticed for _, noticed in rows):
            return False
        # One alone, if an epoch ended on that day: what changes together is related.
        self._database.execute("UPDATE windows SET noticed = 1 WHERE id = ?", [rows[0][0]])
        return True

    def delete_windows(self, window_ids: Sequence[bytes]) -> None:
        """
        Let windows go.

        Args:
            window_ids: Their ids.
        """
        for window_id in window_ids:
            # A tip whose pseudonym was being computed has none from now on.
            self._database.execute("DELETE FROM handles WHERE window = ?", [window_id])
            self._database.execute("DELETE FROM windows WHERE id = ?", [window_id])

    def has_mark(self, marks: Sequence[bytes]) -> bool:
        """
        Tell whether a message came before.

        Args:
            marks: Of it, under the keys of all days to come.

        Returns:
            Whether.
        """
        return any(
            self._database.execute("SELECT 1 FROM replays WHERE id = ?", [mark]).fetchone()
            for mark in marks
        )

    def insert_mark(
        self, mark: bytes, *, received_on: datetime.date, dies_on: datetime.date
    ) -> None:
        """
        Remember a message for as long as its provider may repeat it.

        Args:
            mark: Of it, under the replay key of *dies_on*.
            received_on: The day.
            dies_on: By the policy's class `gateway_message`.
        """
        day = dies_on.isoformat()
        self._database.execute(
            "INSERT INTO replays VALUES (?, ?, ?, ?)", [mark, received_on.isoformat(), day, day]
        )

    def list_marks(self) -> Iterator[tuple[bytes, datetime.date]]:
        """
        List the marks of messages. Walks through all of them.

        Yields:
            Each, with the day under whose key it is.
        """
        days: dict[str, datetime.date] = {}
        for mark, keyed_on in self._database.execute("SELECT id, keyed_on FROM replays"):
            if keyed_on not in days:
                days[keyed_on] = parse_day(keyed_on)
            yield bytes(mark), days[keyed_on]

    def insert_part(self, row: SealedRow, *, received_on: datetime.date) -> None:
        """
        Keep a part of a message.

        Args:
            row: The part, sealed.
            received_on: The day.
        """
        self._insert("parts", {**_sealed_columns(row), "received_on": received_on.isoformat()})

    def list_parts(self) -> list[SealedRow]:
        """
        List the parts that wait.

        Returns:
            In the order of their random ids.
        """
        return self._read_sealed("parts", None)

    def delete_parts(self, part_ids: Sequence[bytes]) -> None:
        """
        Let parts go.

        Args:
            part_ids: Their ids. One that is gone is no error.
        """
        for part_id in part_ids:
            self._database.execute("DELETE FROM parts WHERE id = ?", [part_id])

    def insert_outgoing(self, row: SealedRow, *, relation: bytes, sent_on: datetime.date) -> None:
        """
        Keep an answer until it is sent.

        Args:
            row: The answer, sealed.
            relation: To whom, sealed.
            sent_on: The day on which the desk sent it.
        """
        self._insert(
            "outgoing",
            {**_sealed_columns(row), "relation": relation, "sent_on": sent_on.isoformat()},
        )

    def list_outgoing(self, relations: Relations) -> list[tuple[bytes, bytes]]:
        """
        List the answers that wait and can be related to somebody.

        Args:
            relations: Opens to whom.

        Returns:
            Id and conversation of each, in the order of their random ids.
        """
        rows = self._database.execute("SELECT id, relation, dies_on FROM outgoing ORDER BY id")
        waiting = []
        for row_id, sealed, dies_on in rows:
            day = parse_day(dies_on)
            related = relations.open(sealed, row_id=row_id, dies_on=day, has_mark=False)
            if related is not None:
                waiting.append((row_id, related.conversation))
        return waiting

    def find_outgoing(self, outgoing_id: bytes) -> SealedRow | None:
        """
        Find an answer.

        Args:
            outgoing_id: Its id.

        Returns:
            It, sealed; None if it is gone.
        """
        return next(iter(self._read_sealed("outgoing", [outgoing_id])), None)

    def delete_outgoing(self, outgoing_id: bytes) -> None:
        """
        Let an answer go.

        Args:
            outgoing_id: Its id.
        """
        self._database.execute("DELETE FROM outgoing WHERE id = ?", [outgoing_id])

    def list_keys(self, table: str, row_ids: Sequence[bytes]) -> list[RecordKey]:
        """
        List the keys of windows, parts or answers.

        Args:
            table: Where they lie.
            row_ids: Their ids.

        Returns:
            The keys of those that are there.
        """
        return [row.key for row in self._read_sealed(table, row_ids)]

    def let_go(self, table: str, row_ids: Sequence[bytes]) -> list[RecordKey]:
        """
        Note that windows, parts or answers are let go, before their secrets are destroyed. If a
        crash comes before their rows go, nobody says that their keys were lost.

        Args:
            table: Where they lie.
            row_ids: Their ids.

        Returns:
            The keys of those that are there.
        """
        keys = self.list_keys(table, row_ids)
        if keys:
            self._database.execute(
                f"UPDATE {table} SET wrapped = x'' WHERE {_among(row_ids)}",  # noqa: S608  # ours
                row_ids,
            )
        return keys

    def _read_sealed(
        self, table: str, row_ids: Sequence[bytes] | None, *, column: str = "sealed"
    ) -> list[SealedRow]:
        rows = self._database.execute(
            f"SELECT id, data_id, slot, wrapped, dies_on, {column} FROM {table}"  # noqa: S608
            f" WHERE {'1' if row_ids is None else _among(row_ids)}"  # texts of ours
            " ORDER BY dies_on DESC, id",
            row_ids or [],
        )
        return list(_parse_sealed(rows))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        # Table and columns are names of ours, never of a request.
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)  # noqa: S608


def _among(row_ids: Sequence[bytes]) -> str:
    # Places alone: what they stand for is handed over beside.
    return f"id IN ({', '.join('?' * len(row_ids))})"


def _sealed_columns(row: SealedRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "dies_on": row.dies_on.isoformat(),
        "data_id": row.key.data_id,
        "slot": row.key.slot,
        "wrapped": row.key.wrapped,
        "sealed": row.sealed,
    }


def _parse_sealed(rows: Any) -> Iterator[SealedRow]:
    for record_id, data_id, slot, wrapped, dies_on, sealed in rows:
        yield SealedRow(
            id=bytes(record_id),
            key=RecordKey(data_id=bytes(data_id), slot=slot, wrapped=bytes(wrapped)),
            dies_on=parse_day(dies_on),
            sealed=bytes(sealed),
        )
