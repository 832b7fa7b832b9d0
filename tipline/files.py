"""
Files that survive a crash, that only their owner reads, and whose times tell no more than a day.

Rules:
1. What must not be lost is written under another name, synced, renamed, and its directory synced.
2. Everything an instance writes is readable by its owner alone.
3. Modification and access times are set to the start of the day: an arrival is known by its day.
   The inode's change time cannot be set; docs/explanation/what-a-disk-tells.md says what is left.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import secrets
import signal
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from tipline.errors import FileError, PermissionsError

PRIVATE_FILE_MODE: Final = 0o600
PRIVATE_DIRECTORY_MODE: Final = 0o700
# The first day that a zip or a FAT stick can note: a time that is plainly none.
NO_DAY: Final = datetime.date(1980, 1, 1)
NEVER_SECONDS: Final = 4_102_444_800  # 2100-01-01, later than any access
OVERWRITE_BYTES: Final = 1024 * 1024
OTHERS_MASK: Final = 0o077  # any right of group or others
# No room: said of what is written, and of nothing that is read.
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# How a file system says that it has no hard links: FAT and exFAT by EPERM (link(2)), network and
# FUSE file systems also by the others.
NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


def read_quietly(path: Path, *, offset: int = 0, length: int) -> bytes:
    """
    Read a part of a file of our own without the kernel noting when.

    Args:
        path: Belongs to us, or the kernel refuses.
        offset: From its first byte.
        length: At most this many bytes.

    Returns:
        The bytes.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOATIME)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def blur_times(path: Path, *, day: datetime.date) -> None:
    """
    Set a file's or directory's modification and access times to the start of *day*.

    Args:
        path: What is there. A file that went away in between is no error: it tells nothing.
        day: In UTC.
    """
    start = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
    start_ns = int(start.timestamp()) * 1_000_000_000
    with contextlib.suppress(FileNotFoundError):
        os.utime(path, ns=(start_ns, start_ns))


def blur_read_times(path: Path, *, day: datetime.date) -> None:
    """
    Set the times of a socket, or of a file that is read while it is served, so that no reading
    leaves a time behind.

    The kernel notes the access time of a socket when somebody connects, and of a file when it is
    read, unless that time is later than the other times and less than a day old (the mount option
    relatime, Linux's default): so it is set to a day that never comes.

    Args:
        path: What is there.
        day: For its modification time.
    """
    blur_times(path, day=day)
    os.utime(path, ns=(NEVER_SECONDS * 1_000_000_000, path.stat().st_mtime_ns))


def read_given(path: Path, *, max_bytes: int) -> bytes:
    """
    Read a file that a person named.

    Args:
        path: Untrusted: a pipe that nobody writes into is refused, and not waited for.
        max_bytes: One more is read than this, so that it can be seen.

    Returns:
        At most `max_bytes` and one.

    Raises:
        FileError: `file_special`: it is no ordinary file.
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileError("file_special", path=str(path))
    with os.fdopen(descriptor, "rb") as file:
        return file.read(max_bytes + 1)


def sync_directory(path: Path) -> None:
    """
    Make the names in a directory durable.

    Args:
        path: The directory.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_directory(path: Path) -> None:
    """
    Make a directory that only its owner enters.

    Args:
        path: It may exist; its rights are narrowed then.
    """
    path.mkdir(mode=PRIVATE_DIRECTORY_MODE, exist_ok=True)
    path.chmod(PRIVATE_DIRECTORY_MODE)


def create_file(path: Path, data: bytes | memoryview, *, day: datetime.date) -> None:
    """
    Write a new file of our own and make it durable; the caller syncs the directory.

    Args:
        path: Must not exist.
        data: The whole content.
        day: For the file's times.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    with _name_full_disk(path), open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
        write_all(file.fileno(), data)
        os.fsync(file.fileno())
    blur_times(path, day=day)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """
    Write every byte: one write may take fewer than it was given.

    Args:
        descriptor: Open for writing.
        data: What to write.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def save_file(path: Path, data: bytes, *, day: datetime.date) -> None:
    """
    Put *data* in the place of *path*: after a crash there is the old or the new, never a part.

    Args:
        path: May exist.
        data: The whole content.
        day: For the times of the file and of its directory.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    try:
        create_file(temporary, data, day=day)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
    blur_times(path.parent, day=day)


def overwrite_file(path: Path) -> None:
    """
    Overwrite a file in place, read it back from the disk, and remove it. May be done again.

    Args:
        path: Of one name. If it is gone already, nothing is done.

    Raises:
        FileError: `file_not_overwritten`: something else was read back.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        length = os.fstat(descriptor).st_size
        # A key overwritten with zeros alone could be taken for a block that was never written.
        for fill in (secrets.token_bytes, bytes):
            os.lseek(descriptor, 0, os.SEEK_SET)
            for start in range(0, length, OVERWRITE_BYTES):
                write_all(descriptor, fill(min(OVERWRITE_BYTES, length - start)))
            os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        for start in range(0, length, OVERWRITE_BYTES):
            if any(os.pread(descriptor, OVERWRITE_BYTES, start)):
                raise FileError("file_not_overwritten", path=str(path))
    finally:
        os.close(descriptor)
    path.unlink()
    sync_directory(path.parent)


def check_private(path: Path) -> None:
    """
    Refuse a file or directory in which others may read or write.

    Args:
        path: A file that holds a secret, or the directory around it.

    Raises:
        PermissionsError: group or others have any right, or it belongs to another user.
    """
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & OTHERS_MASK:
        raise PermissionsError("permissions_open", path=str(path))
    if status.st_uid != os.geteuid():
        raise PermissionsError("permissions_owner", path=str(path))


@contextlib.contextmanager
def write_atomically(
    path: Path, mode: int = PRIVATE_FILE_MODE, *, replace: bool = True
) -> Iterator[BinaryIO]:
    """
    Write a file of a person's choice, which appears under its name only when the block ends well.

    The bytes go to a temporary name in the same directory, are synced, and take their name in one
    step; then the directory is synced. After an error nothing new remains, and what stood under the
    name before is untouched.

    Args:
        path: The final name.
        mode: Permissions of the new file, whatever the umask is.
        replace: Whether a file that has the name already is replaced.

    Yields:
        The temporary file, open for writing and reading.

    Raises:
        FileError: `file_special`: a device, a pipe or a directory has the name.
        FileExistsError: *replace* is false and something has the name already.
        OSError: the disk refuses.
    """
    if path.exists() and not path.is_file():
        raise FileError("file_special", path=str(path))
    # The temporary name tells nothing about the final one, and cannot be too long.
    partial = path.with_name(f".tipline-{secrets.token_hex(8)}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    except OSError as exc:
        # Else a person who may not write here reads a name that nobody gave.
        exc.filename = str(path)
        raise
    try:
        with _name_full_disk(path), open(descriptor, "w+b") as file:  # noqa: PTH123  # no path
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            _take_free_name(path, partial)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(path.parent)


def _take_free_name(path: Path, partial: Path) -> None:
    try:
        # A link, unlike a rename, fails when the name is taken.
        path.hardlink_to(partial)
    except OSError as exc:
        if exc.errno not in NO_LINKS:
            raise
        # What sticks are formatted with (FAT, exFAT) has no links. The name is taken first, empty,
        # so that nothing is overwritten; then the file takes its place. What is lost: a crash
        # between the two leaves an empty file, and the next try says that the name is taken. That
        # is fine: nobody takes an empty file for a key or a bundle, and nothing of old is gone.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE))
        try:
            partial.replace(path)
        except OSError:
            path.unlink()
            raise


@contextlib.contextmanager
def leave_nothing_when_stopped() -> Iterator[None]:
    """
    Let a closed terminal or a polite kill undo what was begun, as Ctrl-C does.

    Yields:
        Nothing.

    Raises:
        KeyboardInterrupt: the process was asked to end.
    """
    stops = (signal.SIGTERM, signal.SIGHUP)
    before = {stop: signal.signal(stop, signal.default_int_handler) for stop in stops}
    try:
        yield
    finally:
        for stop, action in before.items():
            signal.signal(stop, action)


@contextlib.contextmanager
def name_file_errors(directory: Path | None = None) -> Iterator[None]:
    """
    Turn the system's error about a file into one that a person is told.

    Args:
        directory: Named where the error names no file, such as one of a database.

    Yields:
        Nothing.

    Raises:
        FileError: `file_system`, with the file's name and the system's reason.
        BrokenPipeError: unchanged: it is not about a file.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        # A link names two files; the second is the one that a person asked for.
        path = exc.filename2 or exc.filename or directory or "-"
        raise FileError(
            "file_system", path=str(path), reason=exc.strerror or type(exc).__name__
        ) from exc
    except sqlite3.OperationalError as exc:
        raise FileError("file_system", path=str(directory or "-"), reason=str(exc)) from exc


@contextlib.contextmanager
def _name_full_disk(path: Path) -> Iterator[None]:
    # A descriptor has no name: whoever reads "no space left" has to know which disk is full. Other
    # errors may be of a file that is read meanwhile.
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL and exc.filename is None:
            exc.filename = str(path)
        raise
