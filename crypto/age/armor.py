"""
Strict armor: an age file as text that survives mail.

    -----BEGIN AGE ENCRYPTED FILE-----
    BASE64, 64 COLUMNS, PADDED
    -----END AGE ENCRYPTED FILE-----

Besides the file itself only two things may vary: lines end with LF or CRLF, and a little whitespace
may stand around the block. Nothing else has a second spelling.
Both directions work in blocks of lines, so memory stays the same for any length.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from crypto.age.stream import Writable
from crypto.errors import MalformedError

BEGIN_LINE: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END_LINE: Final = b"-----END AGE ENCRYPTED FILE-----"
COLUMNS: Final = 64
LINE_BYTES: Final = 48  # what 64 columns of base64 carry
MAX_OUTSIDE_BYTES: Final = 1024  # of whitespace, before the block and after it

_BLOCK_LINES: Final = 1024  # 48 KiB decoded at a time
_BUFFER_BYTES: Final = 64 * 1024
_WHITESPACE: Final = b" \t\r\n"
_MAX_LINE_BYTES: Final = COLUMNS + 2  # with CRLF


def is_armored(untrusted_start: bytes) -> bool:
    """
    Tell an armored file from a binary one by its start.

    Args:
        untrusted_start: As many bytes as are at hand; `MAX_OUTSIDE_BYTES` and the first line
            suffice.

    Returns:
        Whether it begins as armor does, perhaps after whitespace.
    """
    return untrusted_start.lstrip(_WHITESPACE).startswith(BEGIN_LINE)


def open_armor(source: BinaryIO) -> BinaryIO:
    """
    Read what an armored file carries.

    Args:
        source: Untrusted, at its start.

    Returns:
        A stream of the binary file. Reading from it raises `MalformedError` at the first line that
        is not strict armor; its end is reached only when the end line has been seen and nothing but
        whitespace follows.
    """
    return cast(BinaryIO, io.BufferedReader(_ArmorReader(source), _BLOCK_LINES * LINE_BYTES))


def open_either(source: BinaryIO) -> BinaryIO:
    """
    Read a binary file, whether it comes armored or not.

    Args:
        source: Untrusted, at its start, buffered.

    Returns:
        A stream of the binary file; see `open_armor`.
    """
    start = source.read(MAX_OUTSIDE_BYTES + len(BEGIN_LINE))
    whole = cast(BinaryIO, io.BufferedReader(_Rejoined(start, source), _BUFFER_BYTES))
    return open_armor(whole) if is_armored(start) else whole


class ArmorWriter:
    """
    Writes armor. Only after `close()` is the block complete; without it, the end line is missing
    and no reader takes the file.

    Args:
        destination: Takes the text. Stays open.
    """

    def __init__(self, destination: Writable) -> None:
        self._destination = destination
        self._rest = b""
        destination.write(BEGIN_LINE + b"\n")

    def write(self, value: bytes | memoryview, /) -> int:
        """
        Take bytes of the binary file.

        Args:
            value: Any number of them.

        Returns:
            How many were taken: all.
        """
        ready = self._rest + value
        whole = len(ready) // LINE_BYTES * LINE_BYTES
        self._write_lines(ready[:whole])
        self._rest = ready[whole:]
        return len(value)

    def close(self) -> None:
        """Write the last line and the end line."""
        self._write_lines(self._rest)
        self._destination.write(END_LINE + b"\n")

    def _write_lines(self, value: bytes) -> None:
        text = base64.b64encode(value)
        lines = [text[start : start + COLUMNS] for start in range(0, len(text), COLUMNS)]
        self._destination.write(b"".join(line + b"\n" for line in lines))


class _Rejoined(io.RawIOBase):
    """A stream whose start was read already."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._start = memoryview(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed's Buffer
        if not self._start:
            return int(self._rest.readinto(view))  # type: ignore[attr-defined]
        given = min(len(view), len(self._start))
        view[:given] = self._start[:given]
        self._start = self._start[given:]
        return given


class _ArmorReader(io.RawIOBase):
    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._blocks = _read_blocks(source)
        self._block = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed's Buffer
        if not self._block:
            self._block = memoryview(next(self._blocks, b""))
        given = min(len(view), len(self._block))
        view[:given] = self._block[:given]
        self._block = self._block[given:]
        return given


def _read_blocks(source: BinaryIO) -> Iterator[bytes]:
    _skip_to_begin(source)
    lines: list[bytes] = []
    while (line := _read_line(source)) != END_LINE:
        # Only the last line before the end is short or padded, so none may follow such a line.
        if not line or len(line) > COLUMNS or (lines and not _is_whole(lines[-1])):
            raise MalformedError("age armor: line")
        if len(lines) == _BLOCK_LINES:
            yield _decode(lines)
            lines = []
        lines.append(line)
    if lines:
        yield _decode(lines)
    outside = source.read(MAX_OUTSIDE_BYTES + 1)
    if len(outside) > MAX_OUTSIDE_BYTES or outside.strip(_WHITESPACE):
        raise MalformedError("age armor: after the end")


def _skip_to_begin(source: BinaryIO) -> None:
    left_bytes = MAX_OUTSIDE_BYTES
    while True:
        line = source.readline(left_bytes + len(BEGIN_LINE) + 2)
        text = line.lstrip(_WHITESPACE)
        left_bytes -= len(line) - len(text)
        if left_bytes < 0:
            raise MalformedError("age armor: begin line")
        if text in (BEGIN_LINE + b"\n", BEGIN_LINE + b"\r\n"):
            return
        if text or not line:
            raise MalformedError("age armor: begin line")


def _read_line(source: BinaryIO) -> bytes:
    line = source.readline(_MAX_LINE_BYTES)
    if line.endswith(b"\n"):
        return line[:-1].removesuffix(b"\r")
    if line == END_LINE:
        return line  # the file's last line may lack its end
    raise MalformedError("age armor: line")


def _is_whole(line: bytes) -> bool:
    return len(line) == COLUMNS and not line.endswith(b"=")


def _decode(lines: list[bytes]) -> bytes:
    text = b"".join(lines)
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise MalformedError("age armor: base64") from exc
    # Python drops bits that a canonical encoder sets to zero.
    if base64.b64encode(value) != text:
        raise MalformedError("age armor: base64")
    return value
