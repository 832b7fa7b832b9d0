"""
Emptying the WAL into the database, so that nothing of former rows stays in either.

Rules:
1. SQLite's own checkpoints are off: they would forget which pages were written.
2. First the pages go into the database, then what is unused of them is overwritten with zeros,
   then the WAL is cut to nothing. A crash in between leaves the WAL, so all of it is done again.
3. Only what SQLite itself does not use is overwritten, and only here, where no transaction runs
   and the database is locked for this process.
4. A frame of the WAL is dealt with once: what was copied stays there until the next transaction
   begins the WAL anew, with another mark.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from tipline.errors import InstanceError
from tipline.service.database_pages import (
    FRAME_HEAD_BYTES,
    MAX_PAGES,
    WAL_HEAD_BYTES,
    find_frames,
    find_remnants,
    parse_wal_head,
)

GROWN_FRAMES: Final = 1000  # SQLite's own measure for a checkpoint: 4 MiB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WalPlace:
    """
    A place in the WAL.

    Args:
        salts: The mark of this run through the file.
        frame_count: How many frames lie before the place.
    """

    salts: bytes
    frame_count: int


class Checkpoints:
    """
    The checkpoints of one database. Used by one thread, outside transactions.

    Args:
        path: Of the database. It is kept open, because closing any descriptor of it would let
            SQLite's lock on it go.
        database: Open and locked, with no checkpoints of its own.
    """

    def __init__(self, path: Path, database: Database) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._database = database
        self._page_bytes = int(database.execute("PRAGMA page_size").fetchone()[0])
        self._noted: set[int] | None = None
        self._uncleaned: set[int] = set()  # copied into the database, not yet overwritten
        self._copied = WalPlace(salts=b"", frame_count=0)  # how far the WAL is in the database
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOATIME | os.O_CLOEXEC)

    def close(self) -> None:
        """Let the database's file go. SQLite must have closed it before."""
        os.close(self._descriptor)

    def reusable_bytes(self) -> int:
        """
        Tell how much room there is inside the database.

        Returns:
            Bytes of its pages that nothing uses.
        """
        (pages,) = self._database.execute("PRAGMA freelist_count").fetchone()
        return int(pages) * self._page_bytes

    def note_pages(self) -> None:
        """Begin to note which pages are written."""
        self._noted = set()

    def take_noted_pages(self) -> set[int]:
        """
        End the noting.

        Returns:
            The numbers of the pages that were written since `note_pages`, as far as they are in
            the database by now.
        """
        noted, self._noted = self._noted or set(), None
        return noted

    def copy_when_grown(self) -> None:
        """
        Empty the WAL into the database if it has grown long; its file keeps its length.

        Raises:
            InstanceError: something held it back.
        """
        if self._has_grown():
            self._copy()

    def empty(self) -> None:
        """
        Empty the WAL into the database and cut it to nothing.

        Raises:
            InstanceError: something held it back, so that old bytes would stay in the WAL.
        """
        self._copy()
        self._checkpoint("TRUNCATE")
        if self._wal.exists() and self._wal.stat().st_size:
            raise InstanceError("instance_checkpoint")

    def read_page(self, number: int) -> bytes:
        """
        Read a page as it lies in the database's file.

        Args:
            number: Counted from 1.

        Returns:
            Its bytes; nothing if the file has become shorter.
        """
        return os.pread(self._descriptor, self._page_bytes, (number - 1) * self._page_bytes)

    def _copy(self) -> None:
        numbers, salts = self._find_written()
        frame_count = self._checkpoint("PASSIVE")
        self._uncleaned |= numbers
        # By SQLite's own count: behind it may lie frames of a transaction that was rolled back,
        # in whose place the next one writes.
        self._copied = WalPlace(salts=salts, frame_count=frame_count)
        if self._overwrite_unused(self._uncleaned):
            os.fdatasync(self._descriptor)
            # What SQLite still has in memory would be written back with the page's next change.
            self._database.execute("PRAGMA shrink_memory")
        if self._noted is not None:
            self._noted |= self._uncleaned
        self._uncleaned = set()

    def _checkpoint(self, mode: str) -> int:
        busy, frames_len, copied_len = self._database.execute(
            f"PRAGMA wal_checkpoint({mode})"
        ).fetchone()
        if busy or frames_len != copied_len:
            raise InstanceError("instance_checkpoint")
        return int(frames_len)

    def _overwrite_unused(self, numbers: set[int]) -> bool:
        if os.fstat(self._descriptor).st_size >= MAX_PAGES * self._page_bytes:
            raise InstanceError("instance_large")
        found = False
        for number in numbers:
            page = self.read_page(number)
            if not page:
                continue
            for begin, end in find_remnants(page, number=number):
                found = True
                offset = (number - 1) * self._page_bytes + begin
                os.pwrite(self._descriptor, bytes(end - begin), offset)
        return found

    def _find_written(self) -> tuple[set[int], bytes]:
        """Find the pages in the WAL that are not copied yet, and the mark of its run."""
        try:
            descriptor = os.open(self._wal, os.O_RDONLY | os.O_NOATIME)
        except FileNotFoundError:
            return set(), b""
        try:
            if os.fstat(descriptor).st_size == 0:
                return set(), b""
            with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as wal:
                head = parse_wal_head(wal[:WAL_HEAD_BYTES])
                if head is None:
                    return set(), b""
                return set(find_frames(wal, after=self._count_copied(head[1]))), head[1]
        finally:
            os.close(descriptor)

    def _has_grown(self) -> bool:
        descriptor = os.open(self._wal, os.O_RDONLY | os.O_NOATIME)
        try:
            head = parse_wal_head(os.pread(descriptor, WAL_HEAD_BYTES, 0))
            if head is None:
                return False
            frame_bytes = FRAME_HEAD_BYTES + self._page_bytes
            frame = self._count_copied(head[1]) + GROWN_FRAMES - 1
            at = WAL_HEAD_BYTES + frame * frame_bytes
            return os.pread(descriptor, FRAME_HEAD_BYTES, at)[8:16] == head[1]
        finally:
            os.close(descriptor)

    def _count_copied(self, salts: bytes) -> int:
        return self._copied.frame_count if self._copied.salts == salts else 0
