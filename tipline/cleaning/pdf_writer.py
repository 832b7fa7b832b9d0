"""
A PDF written anew, always in the same way: no id, no date, no program, plain numbers of objects.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

MAX_OBJECTS: Final = 200_000  # a book of a thousand pages has about ten thousand
MAX_WRITTEN_BYTES: Final = 128 * 1024 * 1024  # twice what is read at most

# The second line says to whoever carries the file that it is no text.
FILE_HEAD: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


class PdfWriter:
    """Collects objects by number, and writes them in order."""

    def __init__(self) -> None:
        self._objects: list[bytes | None] = []
        self._length_bytes = 0

    def reserve(self) -> int:
        """
        Give out the next number.

        Returns:
            It, from 1 on.

        Raises:
            RefusedError: it is one too many.
        """
        if len(self._objects) >= MAX_OBJECTS:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._objects.append(None)
        return len(self._objects)

    def put(self, number: int, body: bytes) -> None:
        """
        Write an object.

        Args:
            number: Was given out.
            body: As it stands between `obj` and `endobj`.

        Raises:
            RefusedError: the file becomes too long.
        """
        self._length_bytes += len(body)
        if self._length_bytes > MAX_WRITTEN_BYTES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._objects[number - 1] = body

    def build(self, *, root: int) -> bytes:
        """
        Write the file.

        Args:
            root: The number of the catalogue.

        Returns:
            The whole file.
        """
        parts, offsets, at = [FILE_HEAD], [], len(FILE_HEAD)
        for number, body in enumerate(self._objects, 1):
            written = b"%d 0 obj\n%s\nendobj\n" % (number, b"null" if body is None else body)
            offsets.append(at)
            parts.append(written)
            at += len(written)
        count = len(offsets) + 1
        parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        parts += [b"%010d 00000 n \n" % offset for offset in offsets]
        parts.append(
            b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, root, at)
        )
        return b"".join(parts)


def format_dictionary(entries: dict[str, bytes]) -> bytes:
    """
    Write a dictionary.

    Args:
        entries: Names that need no escape, and values that are written already.

    Returns:
        It, in the order given.
    """
    return b"<< " + b"".join(b"/%s %s " % (k.encode(), v) for k, v in entries.items()) + b">>"


def format_stream(entries: dict[str, bytes], data: bytes) -> bytes:
    """
    Write a stream.

    Args:
        entries: Of its dictionary, but for the length.
        data: Coded as the dictionary says.

    Returns:
        It.
    """
    head = format_dictionary({**entries, "Length": b"%d" % len(data)})
    return head + b"\nstream\n" + data + b"\nendstream"
