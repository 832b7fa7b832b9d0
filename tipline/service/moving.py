"""
Records that die on another day than was fixed: their rows and keys follow.

Rules:
1. What opens is wrapped under the key of its new day; what opens for nobody moves all the same.
2. A window's sender is marked anew, because the mark dies with the key of its day; what relates it
   or an answer to others is sealed anew. The marks of messages cannot be: they stay under the key
   of the day they were made for, and their rows go.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Final

from crypto.data_key import DataKey
from crypto.window import derive_window_key
from retention.plan import Move, Record
from retention.policy import RecordClass
from tipline.service.due_tables import KEYED_TABLES
from tipline.service.holdings import Holdings
from tipline.service.phone_rows import PhoneRows
from tipline.service.placing import find_wrapped_key
from tipline.service.reach import mark_reach, open_reach
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys
from tipline.service.relations import Relations
from tipline.service.rows import Rows
from tipline.service.sealed_envelopes import SealedEnvelopes

_TABLES: Final = {
    RecordClass.SEALED_TIP: "tips",
    RecordClass.ATTACHMENT: "tips",
    RecordClass.PARTIAL_UPLOAD: "uploads",
    RecordClass.UPLOAD_ANSWER: "answers",
    RecordClass.LOG_TEXT: "log_texts",
    RecordClass.REPLY: "outgoing",
    RecordClass.RAW_NUMBER: "windows",
    RecordClass.PSEUDONYM_EPOCH: "epochs",
}


class Moving:
    """
    Moves the records of one store; used in the writer's thread alone.

    Args:
        rows: The rows.
        phone_rows: Those of what comes from phones.
        holdings: The holds.
        keys: The keys.
        envelopes: Opens the data keys.
        today: Tells the day.
        on_fault: Told of what opens for nobody.
    """

    def __init__(
        self,
        *,
        rows: Rows,
        phone_rows: PhoneRows,
        holdings: Holdings,
        keys: RecordKeys,
        envelopes: SealedEnvelopes,
        today: Callable[[], datetime.date],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._rows = rows
        self._phone_rows = phone_rows
        self._holdings = holdings
        self._keys = keys
        self._envelopes = envelopes
        self._today = today
        self._on_fault = on_fault

    def move(self, moves: Sequence[Move]) -> None:
        """
        Let records die on other days.

        Args:
            moves: As they were planned.

        Raises:
            KeyUnavailableError: the slot file does not give what is needed.
        """
        for move in moves:
            record = move.record
            table = self._find_table(record)
            key = self._rewrap(table, move) if table in KEYED_TABLES else None
            self._rows.move(table, record.id, events=move.events, dies_on=move.dies_on, key=key)

    def _find_table(self, record: Record) -> str:
        # Of one class there are two.
        if record.record_class is RecordClass.GATEWAY_MESSAGE:
            return "parts" if self._rows.has("parts", record.id) else "replays"
        return _TABLES[record.record_class]

    def _rewrap(self, table: str, move: Move) -> RecordKey | None:
        found = find_wrapped_key(self._rows, self._holdings, table, move.record.id)
        if found is None or move.dies_on <= self._today():
            return None  # a day that is over gets no key any more
        try:
            data_key = self._envelopes.open_key(found)
        except KeyUnavailableError as exc:
            # It opens for nobody, on whatever day it dies; it must not keep the others' days back.
            self._on_fault(exc)
            return None
        if table in ("windows", "outgoing"):
            self._relate_anew(table, move, data_key)
        return self._keys.wrap(found.key, data_key, dies_on=move.dies_on)

    def _relate_anew(self, table: str, move: Move, data_key: DataKey) -> None:
        row_id, dies_on = move.record.id, move.dies_on
        sealed = self._phone_rows.read_relation(table, row_id)
        if sealed is None:
            return
        # No key is kept for the next: a line without phones forgets none.
        relations = Relations(self._keys, on_fault=self._on_fault)
        related = relations.open(
            sealed, row_id=row_id, dies_on=move.record.dies_on, has_mark=table == "windows"
        )
        if related is None:
            return
        for row in self._phone_rows.read_windows([row_id] if table == "windows" else []):
            window_key = self._keys.derive_of_day(dies_on, derive_window_key)
            mark = mark_reach(window_key, open_reach(data_key, row))
            related = dataclasses.replace(related, mark=mark)
        self._phone_rows.set_relation(
            table, row_id, relations.seal(related, row_id=row_id, dies_on=dies_on)
        )
