"""
Reading many small parts one behind the other, without asking the file for each.

After a jump little is read at once; whoever reads on gets twice as much each time. So a film of
small samples is read in few large parts, and of one with large samples only their heads.
"""

from __future__ import annotations

from typing import Final, Protocol

from tipline.cleaning.source import WINDOW_BYTES, Source

FIRST_BYTES: Final = 4 * 1024  # what an operating system reads at least


class Bytes(Protocol):
    """What can be read at any place."""

    def read(self, offset: int, length_bytes: int) -> bytes:
        """Read exactly so many bytes."""
        ...


class Window:
    """
    A part of a file that lies in memory, and moves.

    Args:
        source: The file.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._data = b""
        self._start = 0
        self._next_bytes = FIRST_BYTES

    def load(self, offset: int, length_bytes: int) -> bytes:
        """
        Read a part that is then at hand, whatever of it is read.

        Args:
            offset: From the first byte of the file.
            length_bytes: Exactly so many. The caller bounds it.

        Returns:
            The bytes.

        Raises:
            RefusedError: the file ends before.
        """
        self._data = self._source.read(offset, length_bytes)
        self._start = offset
        return self._data

    def read(self, offset: int, length_bytes: int) -> bytes:
        """
        Read a part.

        Args:
            offset: From the first byte of the file.
            length_bytes: Exactly so many. The caller bounds it.

        Returns:
            The bytes.

        Raises:
            RefusedError: the file ends before.
        """
        at = offset - self._start
        if at >= 0 and at + length_bytes <= len(self._data):
            return self._data[at : at + length_bytes]
        if length_bytes > WINDOW_BYTES:
            return self._source.read(offset, length_bytes)
        reads_on = 0 <= at <= len(self._data)
        self._next_bytes = min(2 * self._next_bytes, WINDOW_BYTES) if reads_on else FIRST_BYTES
        self._source.check(offset, length_bytes)
        self._data = self._source.read_up_to(offset, max(length_bytes, self._next_bytes))
        self._start = offset
        # It was cut while it was read: then the file says so.
        if len(self._data) < length_bytes:
            return self._source.read(offset, length_bytes)
        return self._data[:length_bytes]
