"""
One slot file on one disk: read, written in place, synced, and read back from the disk itself.

Rules:
1. The file is never renamed, truncated or replaced: an overwritten slot is the same block.
2. It belongs to us alone: an ordinary file of one name, mode 0600, not reached through a link.
3. It grows by zeros that are written and synced, so that a later write needs no new block.
4. What must be gone is read back past the page cache, which would only tell what was asked for.
5. Its times are set to 1970-01-01 after each sync: the last write would else tell of an arrival.
6. Whoever has it open has it alone, whatever directory it was reached from: another program would
   take keys that only the first one knows of for keys that nobody needs.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import stat
from pathlib import Path
from typing import Final, Protocol, Self

from retention.errors import SlotError
from retention.slot import SLOT_BYTES

FILE_MODE: Final = 0o600
OTHERS_MASK: Final = 0o077
PIECE_SLOTS: Final = 256  # 1 MiB: large enough for a disk, small enough for memory


class SlotDisk(Protocol):
    """A slot file as its caller needs it. Tests pass one that fails or loses power."""

    def count(self) -> int:
        """Tell how many whole slots the file has."""
        ...

    def read(self, first: int, count: int = 1) -> bytes:
        """Read slots."""
        ...

    def read_back(self, first: int, count: int = 1) -> bytes:
        """Read synced slots from the disk itself."""
        ...

    def expect(self, first: int, count: int = 1) -> None:
        """Say that these slots will be read soon."""
        ...

    def write(self, first: int, data: bytes) -> None:
        """Write slots in place, or behind the last."""
        ...

    def sync(self) -> None:
        """Make durable what was written in place."""
        ...

    def sync_all(self) -> None:
        """Make durable what was written, the file's new length and its name."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class FileDisk:
    """
    A slot file on a real disk.

    Args:
        descriptor: Open for reading and writing; belongs to this object.
        path: Its name.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._direct = _open_direct(descriptor)
        self._blur()

    @classmethod
    def open(cls, path: Path) -> Self:
        """
        Open a slot file.

        Args:
            path: Its name.

        Returns:
            The file.

        Raises:
            FileNotFoundError: there is none.
            SlotError: `slot_file_unsafe`: not an ordinary file, a link, has another name besides,
                or others have rights on it; `slot_file_in_use`: another has it open.
            OSError: the disk refuses.
        """
        return cls._open(path, flags=0)

    @classmethod
    def create(cls, path: Path) -> Self:
        """
        Open a slot file, and make an empty one if there is none.

        Args:
            path: Its name.

        Returns:
            The file.

        Raises:
            SlotError: `slot_file_unsafe`, `slot_file_in_use`, as for `open`.
            OSError: the disk refuses.
        """
        return cls._open(path, flags=os.O_CREAT)

    @classmethod
    def _open(cls, path: Path, *, flags: int) -> Self:
        # O_NONBLOCK: a pipe in the file's place must not keep us waiting.
        flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOATIME | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags, FILE_MODE)
        except OSError as exc:
            if exc.errno in (errno.ELOOP, errno.EISDIR, errno.EPERM):
                raise SlotError("slot_file_unsafe", path=str(path)) from exc
            raise
        try:
            _check_safe(os.fstat(descriptor), path)
            _take_lock(descriptor, path)
            return cls(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise

    def count(self) -> int:
        """
        Tell how many whole slots the file has.

        Returns:
            Their number.
        """
        return os.fstat(self._descriptor).st_size // SLOT_BYTES

    def read(self, first: int, count: int = 1) -> bytes:
        """
        Read slots.

        Args:
            first: The first slot.
            count: How many.

        Returns:
            Their bytes; zeros where the file ends.
        """
        data = os.pread(self._descriptor, count * SLOT_BYTES, first * SLOT_BYTES)
        return data.ljust(count * SLOT_BYTES, b"\0")

    def read_back(self, first: int, count: int = 1) -> bytes:
        """
        Read synced slots from the disk itself.

        Args:
            first: The first slot.
            count: How many.

        Returns:
            Their bytes.
        """
        length, offset = count * SLOT_BYTES, first * SLOT_BYTES
        if self._direct is None:
            # Clean pages are dropped, so the next read asks the disk.
            os.posix_fadvise(self._descriptor, offset, length, os.POSIX_FADV_DONTNEED)
            return self.read(first, count)
        # The kernel wants a buffer that begins on a page.
        with mmap.mmap(-1, length) as buffer:
            got = os.preadv(self._direct, [buffer], offset)
            return buffer[:got].ljust(length, b"\0")

    def expect(self, first: int, count: int = 1) -> None:
        """
        Let the kernel read ahead: scattered slots then come in parallel.

        Args:
            first: The first slot.
            count: How many.
        """
        length, offset = count * SLOT_BYTES, first * SLOT_BYTES
        os.posix_fadvise(self._descriptor, offset, length, os.POSIX_FADV_WILLNEED)

    def write(self, first: int, data: bytes) -> None:
        """
        Write slots in place, or behind the last.

        Args:
            first: The first slot.
            data: Whole slots.
        """
        rest, offset = memoryview(data), first * SLOT_BYTES
        while rest:
            written = os.pwrite(self._descriptor, rest, offset)
            rest, offset = rest[written:], offset + written

    def sync(self) -> None:
        """Make durable what was written in place."""
        os.fdatasync(self._descriptor)
        self._blur()

    def sync_all(self) -> None:
        """Make durable what was written, the file's new length and its name."""
        os.fsync(self._descriptor)
        self._blur()
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Close the file."""
        if self._direct is not None:
            os.close(self._direct)
        os.close(self._descriptor)

    def _blur(self) -> None:
        os.utime(self._descriptor, ns=(0, 0))


def _check_safe(status: os.stat_result, path: Path) -> None:
    if (
        not stat.S_ISREG(status.st_mode)
        or status.st_mode & OTHERS_MASK
        or status.st_uid != os.geteuid()
        # A second name is a second place to which a backup program goes.
        or status.st_nlink != 1
    ):
        raise SlotError("slot_file_unsafe", path=str(path))


def _take_lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise SlotError("slot_file_in_use", path=str(path)) from exc


def _open_direct(descriptor: int) -> int | None:
    """Open the same file once more, past the page cache; None where this cannot be (tmpfs)."""
    with contextlib.suppress(OSError):
        # By its descriptor: a path could lead to another file by now.
        flags = os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC | os.O_NOATIME
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    return None
