"""
The rows that relate tips to the pseudonyms of their senders: each statement runs in the writer's
thread. All of them go with their epoch (`dying_epochs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from crypto.handle import HANDLE_BITS
from crypto.pseudonym import PSEUDONYM_BYTES


class HandleRows:
    """
    The rows of one database.

    Args:
        database: Of today's version; used in one thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_epoch(self, epoch: bytes) -> bool:
        """
        Tell whether an epoch has a row.

        Args:
            epoch: Its id.

        Returns:
            Whether.
        """
        row = self._database.execute("SELECT 1 FROM epochs WHERE id = ?", [epoch]).fetchone()
        return row is not None

    def find_pseudonym(self, window_ids: Sequence[bytes], epoch: bytes) -> bytes | None:
        """
        Find the pseudonym that a conversation has in an epoch.

        Args:
            window_ids: Of its windows.
            epoch: Its id.

        Returns:
            16 bytes; None if it is not known.
        """
        for window_id in reversed(window_ids):  # the latest has it most likely
            row = self._database.execute(
                "SELECT pseudonym FROM windows"
                " WHERE id = ? AND epoch = ? AND pseudonym IS NOT NULL",
                [window_id, epoch],
            ).fetchone()
            if row is not None:
                return bytes(row[0])
        return None

    def insert_handle(
        self, tip: bytes, *, epoch: bytes, pseudonym: bytes | None, window: bytes | None
    ) -> None:
        """
        Relate a tip to its sender's pseudonym, or to the window of which it will be known.

        Args:
            tip: Its id.
            epoch: In which it came.
            pseudonym: Of its sender; None while it is not known.
            window: None once it is known.
        """
        self._database.execute(
            "INSERT INTO handles VALUES (?, ?, ?, ?)", [tip, epoch, pseudonym, window]
        )

    def list_waiting(self) -> list[tuple[bytes, bytes, bytes]]:
        """
        List the tips whose pseudonym is not known yet.

        Returns:
            Of each its id, the window of its sender and its epoch.
        """
        rows = self._database.execute(
            "SELECT tip, window, epoch FROM handles WHERE window IS NOT NULL"
        )
        return [(bytes(tip), bytes(window), bytes(epoch)) for tip, window, epoch in rows]

    def set_pseudonym(self, window_ids: Sequence[bytes], epoch: bytes, pseudonym: bytes) -> None:
        """
        Keep the pseudonym of a conversation in an epoch, with its tips.

        Args:
            window_ids: Of its windows.
            epoch: Its id. If it is over, nothing is kept.
            pseudonym: 16 bytes.
        """
        if not self.has_epoch(epoch):
            return
        for window_id in window_ids:
            self._database.execute(
                "UPDATE handles SET pseudonym = ?, window = NULL WHERE window = ? AND epoch = ?",
                [pseudonym, window_id, epoch],
            )
            self._database.execute(
                "UPDATE windows SET pseudonym = ? WHERE id = ? AND epoch = ?",
                [pseudonym, window_id, epoch],
            )

    def drop_waiting(self, window_ids: Sequence[bytes], epoch: bytes) -> None:
        """
        Let waiting handles go whose pseudonym can never be known.

        Args:
            window_ids: Of the conversation's windows.
            epoch: Its id.
        """
        for window_id in window_ids:
            self._database.execute(
                "DELETE FROM handles WHERE window = ? AND epoch = ?", [window_id, epoch]
            )

    def list_blocks(self) -> list[tuple[bytes, bytes]]:
        """
        List what is blocked.

        Returns:
            Epoch and pseudonym of each.
        """
        rows = self._database.execute("SELECT epoch, pseudonym FROM blocks")
        return [(bytes(epoch), bytes(pseudonym)) for epoch, pseudonym in rows]

    def set_block(self, epoch: bytes, pseudonym: bytes, *, blocked: bool) -> None:
        """
        Block a pseudonym, or end that.

        Args:
            epoch: Its epoch.
            pseudonym: 16 bytes.
            blocked: Which of the two.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO blocks VALUES (?, ?)"
            if blocked
            else "DELETE FROM blocks WHERE epoch = ? AND pseudonym = ?",
            [epoch, pseudonym],
        )

    def find_by_bits(self, bits: int) -> list[tuple[bytes, bytes]]:
        """
        Find who has a handle. Walks through windows, handles and blocks.

        Args:
            bits: The first of the pseudonym.

        Returns:
            Epoch and pseudonym: of one sender, since two hardly ever share a handle.
        """
        rest = 8 * PSEUDONYM_BYTES - HANDLE_BITS
        low, high = bits << rest, (bits << rest) | ((1 << rest) - 1)
        rows = self._database.execute(
            "SELECT epoch, pseudonym FROM windows WHERE pseudonym BETWEEN :low AND :high"
            " UNION SELECT epoch, pseudonym FROM handles WHERE pseudonym BETWEEN :low AND :high"
            " UNION SELECT epoch, pseudonym FROM blocks WHERE pseudonym BETWEEN :low AND :high",
            {"low": low.to_bytes(PSEUDONYM_BYTES), "high": high.to_bytes(PSEUDONYM_BYTES)},
        )
        return [(bytes(epoch), bytes(pseudonym)) for epoch, pseudonym in rows]
