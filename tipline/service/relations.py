"""
What relates rows of one conversation, sealed for each row alone (`crypto/window.py`).

Rules:
1. A conversation's name and its sender's mark stand in no file in clear, and in no two rows as the
   same bytes. So copies of the database, of whatever days, relate nothing once those days' keys are
   gone: not the windows of two epochs, and not an answer to whom it is for.
2. They are in clear in memory alone; what is looked for by conversation is looked for there.
3. What does not open relates nothing. A key that died is no fault; anything else is told.
4. A key for a day that is over is never made.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Final

from crypto.errors import CryptoError
from crypto.window import derive_relation_key, open_relation, seal_relation
from tipline.service.derived_keys import DerivedKeys
from tipline.service.record_keys import KeyUnavailableError, RecordKeys

CONVERSATION_BYTES: Final = 16
MARK_BYTES: Final = 16
_GONE: Final = "slot_free"  # what the slot file says of a day whose key died


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """
    What relates a row to others.

    Args:
        conversation: Random, 16 bytes: its name.
        mark: Of its sender, under the window key of the row's last day; empty for an answer.
    """

    conversation: bytes
    mark: bytes = b""


class Relations:
    """
    Seals and opens what relates the rows of one store. Any thread may use it.

    Args:
        keys: Of the store.
        on_fault: Told of what does not open though its key is there.
    """

    def __init__(self, keys: RecordKeys, *, on_fault: Callable[[Exception], None]) -> None:
        self._keys = DerivedKeys(keys, derive_relation_key)
        self._on_fault = on_fault

    def seal(self, related: Related, *, row_id: bytes, dies_on: datetime.date) -> bytes:
        """
        Seal what relates a row.

        Args:
            related: It.
            row_id: The row's id.
            dies_on: The row's last day, to come.

        Returns:
            What the row holds.

        Raises:
            KeyUnavailableError: the day's key is unreadable.
        """
        key = self._keys.read(dies_on)
        return seal_relation(key, related.conversation + related.mark, row_id=row_id)

    def open(
        self, untrusted: bytes, *, row_id: bytes, dies_on: datetime.date, has_mark: bool
    ) -> Related | None:
        """
        Open what relates a row.

        Args:
            untrusted: What the row holds.
            row_id: The row's id.
            dies_on: The row's last day.
            has_mark: Whether a row of this kind has one.

        Returns:
            What relates it; None if it does not open.
        """
        size = CONVERSATION_BYTES + (MARK_BYTES if has_mark else 0)
        try:
            key = self._keys.read(dies_on, may_make=False)
            content = open_relation(key, untrusted, row_id=row_id, size=size)
        except (CryptoError, KeyUnavailableError) as exc:
            if exc.args != (_GONE,):
                self._on_fault(exc)
            return None
        return Related(conversation=content[:CONVERSATION_BYTES], mark=content[CONVERSATION_BYTES:])

    def forget(self, until: datetime.date) -> None:
        """
        Forget the keys of days that are over.

        Args:
            until: The last of them.
        """
        self._keys.forget(until)
