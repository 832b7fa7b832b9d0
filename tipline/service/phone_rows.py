"""
The rows of what comes from phones: every statement about them, each run in the writer's thread.
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
    """

    id: bytes
    conversation: bytes
    received_on: datetime.date
    dies_on: datetime.date
    mark: bytes
    epoch: bytes | None
    pseudonym: bytes | None
    noticed: bool


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

    def list_windows(self) -> list[Window]:
        """
        List all windows. Walks through all of them.

        Returns:
            In the order of their random ids.
        """
        rows = self._database.query(
            "SELECT id, conversation, received_on, dies_on, mark, epoch, pseudonym, noticed"
            " FROM windows ORDER BY id"
        )
        return [
            Window(
                id=row["id"],
                conversation=row["conversation"],
                received_on=parse_day(row["received_on"]),
                dies_on=parse_day(row["dies_on"]),
                mark=row["mark"],
                epoch=row["epoch"],
                pseudonym=row["pseudonym"],
                noticed=bool(row["noticed"]),
            )
            for row in rows
        ]

    def find_window(self, conversation: bytes, received_on: datetime.date) -> bytes | None:
        """
        Find the window of a conversation's day.

        Args:
            conversation: Its id.
            received_on: The day.

        Returns:
            Its id; None if it did not write on that day.
        """
        row = self._database.execute(
            "SELECT id FROM windows WHERE conversation = ? AND received_on = ?",
            [conversation, received_on.isoformat()],
        ).fetchone()
        return None if row is None else bytes(row[0])

    def insert_window(self, window: Window, row: SealedRow) -> None:
        """
        Note a day on which a conversation wrote.

        Args:
            window: What is known of it.
            row: Who wrote, sealed.
        """
        self._insert(
            "windows",
            {
                **_sealed_columns(row),
                "conversation": window.conversation,
                "received_on": window.received_on.isoformat(),
                "mark": window.mark,
                "epoch": window.epoch,
                "pseudonym": window.pseudonym,
                "noticed": int(window.noticed),
            },
        )

    def read_windows(self, conversation: bytes) -> list[SealedRow]:
        """
        Read the windows of a conversation.

        Args:
            conversation: Its id.

        Returns:
            The one that lasts longest first.
        """
        return self._read_sealed("windows", "conversation = ?", [conversation])

    def read_window(self, window_id: bytes) -> SealedRow | None:
        """
        Read a window.

        Args:
            window_id: Its id.

        Returns:
            It; None if it is gone.
        """
        return next(iter(self._read_sealed("windows", "id = ?", [window_id])), None)

    def find_status(self, conversation: bytes) -> SealedRow | None:
        """
        Find a conversation's status.

        Args:
            conversation: Its id.

        Returns:
            The window in which it lies, with the sealed status; None if there is none.
        """
        rows = self._database.execute(
            "SELECT id, data_id, slot, wrapped, dies_on, status FROM windows"
            " WHERE conversation = ? AND status IS NOT NULL",
            [conversation],
        )
        return next(_parse_sealed(rows), None)

    def set_status(self, conversation: bytes, window_id: bytes, sealed: bytes) -> bool:
        """
        Keep a conversation's status in one of its windows, and in no other.

        Args:
            conversation: Its id.
            window_id: Which.
            sealed: The status.

        Returns:
            Whether the window is there.
        """
        self._database.execute(
            "UPDATE windows SET status = NULL WHERE conversation = ?", [conversation]
        )
        found = self._database.execute(
            "UPDATE windows SET status = ? WHERE id = ?", [sealed, window_id]
        )
        return bool(found.rowcount)

    def set_mark(self, window_id: bytes, mark: bytes) -> None:
        """
        Mark a window's sender anew, since it dies on another day.

        Args:
            window_id: Which.
            mark: Under the key of the new day.
        """
        self._database.execute("UPDATE windows SET mark = ? WHERE id = ?", [mark, window_id])

    def note_notice(self, conversation: bytes, received_on: datetime.date) -> bool:
        """
        Note that a conversation was answered with the notice.

        Args:
            conversation: Its id.
            received_on: The day.

        Returns:
            Whether it was not before on that day.
        """
        found = self._database.execute(
            "UPDATE windows SET noticed = 1"
            " WHERE conversation = ? AND received_on = ? AND noticed = 0",
            [conversation, received_on.isoformat()],
        )
        return bool(found.rowcount)

    def delete_conversation(self, conversation: bytes) -> None:
        """
        Let all rows of a conversation go.

        Args:
            conversation: Its id.
        """
        # A tip whose pseudonym was being computed has none from now on.
        self._database.execute(
            "DELETE FROM handles WHERE window IN (SELECT id FROM windows WHERE conversation = ?)",
            [conversation],
        )
        for table in ("windows", "outgoing"):
            self._database.execute(
                f"DELETE FROM {table} WHERE conversation = ?",  # noqa: S608  # a name of ours
                [conversation],
            )

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

    def list_replay_days(self) -> set[datetime.date]:
        """
        List the days under whose keys messages are marked.

        Returns:
            The days.
        """
        rows = self._database.execute("SELECT DISTINCT keyed_on FROM replays")
        return {parse_day(row[0]) for row in rows}

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
        return self._read_sealed("parts", "1", [])

    def list_part_keys(self, part_ids: Sequence[bytes]) -> list[RecordKey]:
        """
        List the keys of parts.

        Args:
            part_ids: Their ids. One that is gone is no error.

        Returns:
            The keys.
        """
        return [
            row.key
            for part_id in part_ids
            for row in self._read_sealed("parts", "id = ?", [part_id])
        ]

    def delete_parts(self, part_ids: Sequence[bytes]) -> None:
        """
        Let parts go.

        Args:
            part_ids: Their ids. One that is gone is no error.
        """
        for part_id in part_ids:
            self._database.execute("DELETE FROM parts WHERE id = ?", [part_id])

    def insert_outgoing(
        self, row: SealedRow, *, conversation: bytes, sent_on: datetime.date
    ) -> None:
        """
        Keep an answer until it is sent.

        Args:
            row: The answer, sealed.
            conversation: To whom.
            sent_on: The day on which the desk sent it.
        """
        self._insert(
            "outgoing",
            {
                **_sealed_columns(row),
                "conversation": conversation,
                "sent_on": sent_on.isoformat(),
            },
        )

    def list_outgoing(self) -> list[tuple[bytes, bytes]]:
        """
        List the answers that wait.

        Returns:
            Id and conversation of each, in the order of their random ids.
        """
        rows = self._database.execute("SELECT id, conversation FROM outgoing ORDER BY id")
        return [(bytes(one), bytes(conversation)) for one, conversation in rows]

    def find_outgoing(self, outgoing_id: bytes) -> SealedRow | None:
        """
        Find an answer.

        Args:
            outgoing_id: Its id.

        Returns:
            It, sealed; None if it is gone.
        """
        return next(iter(self._read_sealed("outgoing", "id = ?", [outgoing_id])), None)

    def delete_outgoing(self, outgoing_id: bytes) -> None:
        """
        Let an answer go.

        Args:
            outgoing_id: Its id.
        """
        self._database.execute("DELETE FROM outgoing WHERE id = ?", [outgoing_id])

    def list_conversation_keys(self, conversation: bytes) -> list[RecordKey]:
        """
        List the keys of a conversation's windows and answers.

        Args:
            conversation: Its id.

        Returns:
            The keys.
        """
        return [
            row.key
            for table in ("windows", "outgoing")
            for row in self._read_sealed(table, "conversation = ?", [conversation])
        ]

    def _read_sealed(self, table: str, where: str, values: Sequence[Any]) -> list[SealedRow]:
        rows = self._database.execute(
            f"SELECT id, data_id, slot, wrapped, dies_on, sealed FROM {table}"  # noqa: S608
            f" WHERE {where} ORDER BY dies_on DESC, id",  # texts of ours
            list(values),
        )
        return list(_parse_sealed(rows))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        # Table and columns are names of ours, never of a request.
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)  # noqa: S608


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
