"""
The tar inside a backup: one frozen profile, written and read from its first byte to its last.

Rules:
1. The headers are those of a tip's tar: owner and times say nothing. What parses is the same again.
2. Names are relative, of a few characters, and never lead out of a directory.
3. A file longer than `PART_BYTES` is cut into members `NAME`, `NAME.001`, `NAME.002`, ..., which
   follow one another.
4. After the last member come two empty blocks, and nothing.
5. What is looked at in memory is short: the first member, and those that must reach no disk.
6. Nothing is laid down before the first member was looked at.

docs/reference/formats.md, "Backup".
"""

from __future__ import annotations

import dataclasses
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError, MalformedError, TooLargeError
from crypto.tar import BLOCK_LEN, encode_header
from tipline.files import write_all

PART_BYTES: Final = 4 * 1024**3  # a ustar header counts to 8 GiB; a large database is longer
PIECE_BYTES: Final = 1024 * 1024
END: Final = bytes(2 * BLOCK_LEN)
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,2}")
_SIZE_FIELD = slice(124, 135)
MAX_NAME_CHARACTERS: Final = 100
MAX_IN_MEMORY_BYTES: Final = 16 * 1024  # four times the longest head


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    A file that goes into an archive.

    Args:
        name: Within the archive.
        path: Where it lies, unchanged until it was read; or None.
        content: What it holds, if it lies nowhere.
    """

    name: str
    path: Path | None = None
    content: bytes = b""

    def measure(self) -> int:
        """Tell its length in bytes."""
        return len(self.content) if self.path is None else self.path.stat().st_size


class ArchiveSource(io.RawIOBase):
    """
    An archive as a stream, made while it is read.

    Args:
        files: What goes in, in this order.
        on_bytes: Told how many bytes were read.
        part_bytes: Where a file is cut.
    """

    def __init__(
        self,
        files: Iterable[Kept],
        *,
        on_bytes: Callable[[int], None] = lambda count: None,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._pieces = _list_pieces(files, part_bytes)
        self._rest = memoryview(b"")
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read the next bytes."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._on_bytes(count)
        return count


class ArchiveReader:
    """
    Takes an archive piece by piece, and lays its files into a directory.

    Args:
        folder: Empty, and private, when *on_first* has returned.
        on_first: Told the content of the first member before anything is laid; it may raise.
        off_disk: Names of members that are not laid into the folder, each with who is told its
            content; it may raise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_first: Callable[[bytes], object],
        off_disk: Mapping[str, Callable[[bytes], object]] | None = None,
    ) -> None:
        self._folder = folder
        self._on_first = on_first
        self._off_disk = off_disk or {}
        self._buffer = bytearray()
        self._memory: bytearray | None = None
        self._tell: Callable[[bytes], object] = on_first
        self._first = ""
        self._whole = ""  # the file that was begun last, and the number of its next part
        self._next_part = 1
        self._names: set[str] = set()
        self._file: int | None = None
        self._left = 0
        self._padding = 0
        self._ended = False

    def write(self, value: bytes | memoryview, /) -> int:
        """
        Take the next bytes.

        Args:
            value: Untrusted.

        Returns:
            Their number.

        Raises:
            MalformedError: not an archive of this profile.
            OSError: the disk refuses.
        """
        view = memoryview(value)
        while view:
            view = self._take(view)
        return len(value)

    def finish(self) -> None:
        """
        Say that nothing comes any more.

        Raises:
            MalformedError: the archive is cut.
        """
        # A whole block is kept only of what comes after the first of the two.
        if bytes(self._buffer) != END[BLOCK_LEN:]:
            raise MalformedError("archive end")

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self, view: memoryview) -> memoryview:
        if self._left:
            part = view[: self._left]
            if self._file is not None:
                write_all(self._file, part)
            if self._memory is not None:
                self._memory += part
            self._left -= len(part)
            if not self._left:
                self._end_member()
            return view[len(part) :]
        if self._padding:
            part = view[: self._padding]
            if any(part):
                raise MalformedError("archive padding")
            self._padding -= len(part)
            return view[len(part) :]
        part = view[: BLOCK_LEN - len(self._buffer)]
        if not part:
            raise MalformedError("archive end")
        self._buffer += part
        if len(self._buffer) == BLOCK_LEN and not self._ended:
            self._begin_member(bytes(self._buffer))
            self._buffer.clear()
        return view[len(part) :]

    def _begin_member(self, header: bytes) -> None:
        if header == END[:BLOCK_LEN]:
            self._ended = True
            return
        name, size_bytes = _parse_header(header)
        if name in self._names:
            raise MalformedError("archive name")
        if not self._names or name in self._off_disk:
            if size_bytes > MAX_IN_MEMORY_BYTES:
                raise TooLargeError("archive member")
            self._memory = bytearray()
            self._tell = self._off_disk[name] if self._names else self._take_first
            self._first = self._first or name
        else:
            self._file = self._open(name)
        self._names.add(name)
        self._left, self._padding = size_bytes, -size_bytes % BLOCK_LEN
        if not size_bytes:
            self._end_member()

    def _open(self, name: str) -> int:
        if name == f"{self._whole}.{self._next_part:03}":
            exclusive, self._next_part = 0, self._next_part + 1
        else:
            exclusive, self._whole, self._next_part = os.O_EXCL, name, 1
        path = self._folder / self._whole
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | exclusive | os.O_NOFOLLOW, 0o600
            )
        except (FileExistsError, NotADirectoryError) as exc:
            # A name that is a directory's besides, or the name of two files.
            raise MalformedError("archive name") from exc

    def _end_member(self) -> None:
        if self._memory is not None:
            content, self._memory = bytes(self._memory), None
            self._tell(content)
        if self._file is not None:
            os.fsync(self._file)
            self.close()

    def _take_first(self, content: bytes) -> None:
        self._on_first(content)
        self._file = self._open(self._first)
        write_all(self._file, content)


def _list_pieces(files: Iterable[Kept], part_bytes: int) -> Iterator[bytes]:
    for file in files:
        size_bytes = file.measure()
        for number, start in enumerate(range(0, max(size_bytes, 1), part_bytes)):
            length = min(part_bytes, size_bytes - start)
            name = file.name if number == 0 else f"{file.name}.{number:03}"
            yield encode_header(_check_name(name), size_bytes=length)
            yield from _read_pieces(file, start, length)
            yield bytes(-length % BLOCK_LEN)
    yield END


def _read_pieces(file: Kept, start: int, length: int) -> Iterator[bytes]:
    if file.path is None:
        yield file.content[start : start + length]
        return
    descriptor = os.open(file.path, os.O_RDONLY | os.O_NOATIME | os.O_NOFOLLOW)
    try:
        while length:
            piece = os.pread(descriptor, min(PIECE_BYTES, length), start)
            if not piece:
                raise OSError(f"{file.name} became shorter while it was read")
            yield piece
            start, length = start + len(piece), length - len(piece)
    finally:
        os.close(descriptor)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
        raise MalformedError("archive name")
    return name


def _parse_header(header: bytes) -> tuple[str, int]:
    try:
        name = header[: header.index(b"\0")].decode("ascii")
        digits = header[_SIZE_FIELD].decode("ascii")
    except ValueError as exc:
        raise MalformedError("archive header") from exc
    if not re.fullmatch(r"[0-7]{11}", digits):
        raise MalformedError("archive header")
    try:
        again = encode_header(_check_name(name), size_bytes=int(digits, 8))
    except CryptoError as exc:
        raise MalformedError("archive header") from exc
    if again != header:
        raise MalformedError("archive header")
    return name, int(digits, 8)
