"""
A file that is cleaned, read at any place: what a part claims of its length is checked before it is
believed.
"""

from __future__ import annotations

import io
from typing import Final, Protocol

from tipline.cleaning.errors import Reason, RefusedError

WINDOW_BYTES: Final = 256 * 1024  # what is searched at a time: fits a processor's cache


class Readable(Protocol):
    """What is needed of a file: as Python's own files and `io.BytesIO` have it."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...

    def read(self, size: int, /) -> bytes:
        """Read, up to so many bytes; fewer only at the end."""
        ...

    def readinto(self, buffer: memoryview, /) -> int:
        """Read into memory that is there already; 0 only at the end."""
        ...


class Match(Protocol):
    """Where a pattern fits."""

    def start(self) -> int:
        """Return the place of its first byte."""
        ...


class Pattern(Protocol):
    """A pattern that bytes are searched for, as `re` and RE2 have it."""

    def search(self, data: bytes | bytearray, start: int, end: int, /) -> Match | None:
        """Find the first place where it fits between two others."""
        ...


class Source:
    """
    Reads an untrusted file.

    Args:
        untrusted_stream: Can be sought in; is not closed and not written to.
    """

    def __init__(self, untrusted_stream: Readable) -> None:
        self._stream = untrusted_stream
        self.length_bytes = untrusted_stream.seek(0, io.SEEK_END)
        self._window = bytearray(WINDOW_BYTES)  # one for all searches: new memory costs time

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
        self.check(offset, length_bytes)
        data = self.read_up_to(offset, length_bytes)
        if len(data) != length_bytes:
            # It was cut while it was read.
            raise RefusedError(Reason.TRUNCATED)
        return data

    def read_up_to(self, offset: int, length_bytes: int) -> bytes:
        """
        Read a part, or what there is of it.

        Args:
            offset: From the first byte of the file.
            length_bytes: At most so many.

        Returns:
            The bytes; fewer only at the file's end.
        """
        self._stream.seek(offset)
        return self._stream.read(length_bytes)

    def check(self, offset: int, length_bytes: int) -> None:
        """
        Hold that a part lies within the file.

        Args:
            offset: From the first byte of the file.
            length_bytes: As the part claims it.

        Raises:
            RefusedError: the file ends before.
        """
        if offset + length_bytes > self.length_bytes:
            raise RefusedError(Reason.TRUNCATED)

    def find(self, pattern: Pattern, offset: int) -> int | None:
        """
        Find the first place where a pattern of two bytes fits.

        Args:
            pattern: Matches exactly two bytes.
            offset: Where the search begins.

        Returns:
            The place, or None.
        """
        self._stream.seek(offset)
        kept = 0
        while True:
            with memoryview(self._window) as window:
                read_len = self._stream.readinto(window[kept:])
            end = kept + read_len
            match = pattern.search(self._window, 0, end)
            if match is not None:
                return offset + match.start()
            if not read_len:
                return None
            # The last byte may be the first of two.
            self._window[0] = self._window[end - 1]
            offset += end - 1
            kept = 1
