"""
Puts a plan together of many small changes: short parts share a piece, long ones are ranges.

A file with a change in every few hundred bytes would fill a plan with pieces. So what lies between
two changes is copied if it is short (`LEAST_RANGE_BYTES`), and what is copied is bounded
(`MAX_COPIED_BYTES`).
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import PlanBuilder
from tipline.cleaning.source import Source

LEAST_RANGE_BYTES: Final = 4096  # a shorter range takes hardly more room as bytes
PIECE_BYTES: Final = 256 * 1024
MAX_COPIED_BYTES: Final = 64 * 1024 * 1024  # three hours of a voice note in the smallest pages


class Patchwork:
    """
    Adds to a plan, in order.

    Args:
        builder: Of the plan; nobody else adds to it before `finish`.
        source: The file.
    """

    def __init__(self, *, builder: PlanBuilder, source: Source) -> None:
        self._builder = builder
        self._source = source
        self._copied = bytearray()
        self._copied_len = 0
        self._kept_at = 0
        self._kept_len = 0

    def write(self, data: bytes) -> None:
        """
        Write bytes of our own.

        Args:
            data: They.

        Raises:
            RefusedError: they are too many, or the plan has too many pieces.
        """
        self._end_range()
        self._copy(data)

    def keep(self, offset: int, length_bytes: int) -> None:
        """
        Keep a part of the source.

        Args:
            offset: From its first byte.
            length_bytes: Lies within the source.

        Raises:
            RefusedError: too many bytes are copied, or the plan has too many pieces.
        """
        if self._kept_at + self._kept_len != offset:
            self._end_range()
            self._kept_at = offset
        self._kept_len += length_bytes

    def finish(self) -> None:
        """
        Add what is not added yet.

        Raises:
            RefusedError: as the others.
        """
        self._end_range()
        self._flush()

    def _end_range(self) -> None:
        if self._kept_len >= LEAST_RANGE_BYTES:
            self._flush()
            self._builder.keep(self._kept_at, self._kept_len)
        elif self._kept_len:
            self._copy(self._source.read(self._kept_at, self._kept_len))
        self._kept_at += self._kept_len
        self._kept_len = 0

    def _copy(self, data: bytes) -> None:
        self._copied_len += len(data)
        if self._copied_len > MAX_COPIED_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._copied += data
        if len(self._copied) >= PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._copied:
            self._builder.write(bytes(self._copied))
            self._copied.clear()
