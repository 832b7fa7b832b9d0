"""
A file of a stranger's, shown as pixels.

Rules:
    1. The file is opened in the sandbox alone. Outside, its pixels are counted and written as PNG
       under names of our own; whatever does not have the agreed shape ends the view.
    2. What is shown is bounded: pages, pixels of a page and of all, time, memory, and the disk that
       all files of one run take together.
    3. A text is shown as text: no decoder but Python's own reads it, and every character that a
       terminal or an editor would obey is written out as its number.
    4. The pages that were shown before something went wrong stay, and it is said that they are not
       all.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from tipline.desk.png import write_png
from tipline.desk.sandbox import VIEW_SECONDS, Answer, Job, open_sandbox
from tipline.files import make_private_directory, sync_directory, write_atomically
from tipline.plain import make_printable_text
from tipline.rendering.answers import (
    BROKEN_PAGE,
    BYTES_PER_PIXEL,
    COUNT,
    END,
    FAILURE,
    MAX_PAGE_PIXELS,
    MAX_PAGES,
    MAX_SIDE,
    MAX_TOTAL_PIXELS,
    MEASURES,
    PAGE,
    FailedError,
    Failure,
)

MAX_RUN_BYTES: Final = 2 << 30  # the most pixels of one file, uncompressed; a tip may have many
MAX_TEXT_BYTES: Final = 4 << 20  # a thousand pages of a book
_BYTE_ORDER_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# No text has these; every other format that we do not know has some, sooner or later.
_NEVER_IN_TEXT: Final = frozenset(range(0x20)) - frozenset(b"\t\n\r\x0b\x0c\x1b")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    What could be shown of a file.

    Args:
        pages: The files made of it, in order.
        first: The page that the view began with, from 1.
        total_len: How many pages it says it has; None if it never came to that.
        broken_len: How many of them cannot be shown.
        failure: Why it is not shown, or not all of it.
        written_bytes: How much of the disk its pages take.
    """

    pages: tuple[Path, ...]
    first: int = 1
    total_len: int | None = None
    broken_len: int = 0
    failure: Failure | None = None
    written_bytes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every page is shown, from the first one that was asked for."""
        told = self.first - 1 + len(self.pages)
        return self.failure is None and not self.broken_len and self.total_len == told


def view_file(
    untrusted: Path,
    out: Path,
    *,
    first: int = 1,
    limit_seconds: float = VIEW_SECONDS,
    left_bytes: int = MAX_RUN_BYTES,
    job: Job | None = None,
) -> View:
    """
    Show a file as pixels.

    Args:
        untrusted: The file, which is only read.
        out: The directory for its pages; made if there is something to show.
        first: The page to begin with, from 1.
        limit_seconds: How long it may take.
        left_bytes: How much of the disk its pages may take; the last of them may go beyond it.
        job: What runs in the sandbox; ours if None.

    Returns:
        What could be shown.

    Raises:
        SandboxError: this machine has no sandbox; nothing was opened.
        FileError: a page has its name already, or cannot be written.
        OSError: it cannot be read or written.
    """
    job = job or Job(name="view", path=untrusted, limit_seconds=limit_seconds, first=first)
    pages = _Pages(out, first=first, left_bytes=left_bytes)
    try:
        pages.check_room()
        try:
            with open_sandbox(job) as answer:
                total_len = pages.take(answer)
        except FailedError as exc:
            if exc.failure != Failure.UNKNOWN or first != 1:
                raise
            pages.add_text(_read_text(untrusted))
            total_len = 1
    except FailedError as exc:
        return pages.close(failure=exc.failure)
    return pages.close(total_len=total_len)


class _Pages:
    """Takes pages out of an answer, and writes them below a directory."""

    def __init__(self, out: Path, *, first: int, left_bytes: int) -> None:
        self._out = out
        self._first = first
        self._written: list[Path] = []
        self._broken_len = 0
        self._left_pixels = MAX_TOTAL_PIXELS
        self._left_bytes = left_bytes
        self._written_bytes = 0

    def check_room(self) -> None:
        """Hold that another page may be written."""
        if self._written_bytes >= self._left_bytes:
            raise FailedError(Failure.NO_ROOM)

    def take(self, answer: Answer) -> int:
        """Take all of them; say how many there are, shown or not."""
        while True:
            part = answer.read(1)
            if part == END:
                (total_len,) = COUNT.unpack(answer.read(COUNT.size))
                return int(total_len)
            if part == FAILURE:
                raise FailedError(_read_failure(answer))
            if len(self._written) + self._broken_len >= MAX_PAGES:
                raise FailedError(Failure.DIED)
            if part == BROKEN_PAGE:
                self._broken_len += 1
            elif part == PAGE:
                self._take_page(answer)
            else:
                raise FailedError(Failure.DIED)

    def _take_page(self, answer: Answer) -> None:
        width, height = MEASURES.unpack(answer.read(MEASURES.size))
        pixels = width * height
        self._left_pixels -= pixels
        if not (
            0 < width <= MAX_SIDE
            and 0 < height <= MAX_SIDE
            and pixels <= MAX_PAGE_PIXELS
            and self._left_pixels >= 0
        ):
            raise FailedError(Failure.DIED)
        self.check_room()
        path = self._name("png")
        with write_atomically(path, replace=False) as file:
            pieces = answer.read_pieces(pixels * BYTES_PER_PIXEL)
            write_png(file, pieces, width=width, height=height)
        self._add(path)

    def add_text(self, text: str) -> None:
        """Write a text as the one page."""
        path = self._name("txt")
        with write_atomically(path, replace=False) as file:
            file.write(text.encode())
        self._add(path)

    def _add(self, path: Path) -> None:
        self._written.append(path)
        self._written_bytes += path.stat().st_size

    def _name(self, extension: str) -> Path:
        make_private_directory(self._out)
        number = self._first + len(self._written) + self._broken_len
        return self._out / f"page-{number:03}.{extension}"

    def close(self, *, total_len: int | None = None, failure: Failure | None = None) -> View:
        """Say what was shown."""
        if self._written:
            sync_directory(self._out)
        return View(
            pages=tuple(self._written),
            first=self._first,
            total_len=total_len,
            broken_len=self._broken_len,
            failure=failure,
            written_bytes=self._written_bytes,
        )


def _read_failure(answer: Answer) -> Failure:
    (length,) = answer.read(1)
    try:
        return Failure(answer.read(length).decode("ascii"))
    except ValueError:
        return Failure.DIED


def _read_text(untrusted: Path) -> str:
    """Read a file as text, made visible; fails if it is none, or too long to be read by anybody."""
    with untrusted.open("rb") as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    is_marked = data.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS))
    if not data or (_NEVER_IN_TEXT.intersection(data) and not is_marked):
        raise FailedError(Failure.UNKNOWN)
    if len(data) > MAX_TEXT_BYTES:
        raise FailedError(Failure.TOO_LARGE)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return make_printable_text(data.decode(encoding, "backslashreplace"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        # What Windows wrote before: every byte is a letter, or is shown as its number.
        text = data.decode("cp1252", "backslashreplace")
    return make_printable_text(text)
