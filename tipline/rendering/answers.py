"""
What comes out of the sandbox, byte by byte.

    START                              it stands in a sandbox and has given up its rights
    then parts, each begins with one byte:
    P  width, height (4 bytes each)    a page, then width * height * 3 bytes: red, green, blue
    B                                  a page that cannot be shown
    C  two words                       the format, and the kinds found, with commas between
    D  length (8 bytes)                a cleaned file, then its bytes
    F  a word                          it ends here, for this reason
    E  number (4 bytes)                the end; how many pages there are, shown or not

A number is big-endian; a word is one byte for its length, then small letters, `-` and `,`.
"""

from __future__ import annotations

import enum
import struct
from typing import Final, Protocol

START: Final = b"tipline-sandbox/1\n"
PAGE: Final = b"P"
BROKEN_PAGE: Final = b"B"
CLEANING: Final = b"C"
DATA: Final = b"D"
FAILURE: Final = b"F"
END: Final = b"E"
MEASURES: Final = struct.Struct(">II")
COUNT: Final = struct.Struct(">I")
LENGTH: Final = struct.Struct(">Q")
BYTES_PER_PIXEL: Final = 3

# What is made of one file at most; what is more is told as more.
MAX_PAGES: Final = 200
MAX_SIDE: Final = 16_384  # PNGs of this size open in every viewer
MAX_PAGE_PIXELS: Final = 40_000_000  # a photo of 7,700 by 5,200; larger ones are made smaller
MAX_TOTAL_PIXELS: Final = 600_000_000  # 200 pages of A4 at 150 dots per inch, and some


class Failure(enum.StrEnum):
    """Why a file is not shown. The words a person reads stand in `tipline/desk/viewwords.py`."""

    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    ENCRYPTED = "encrypted"
    TOO_LARGE = "too-large"
    NO_OFFICE = "no-office"
    # Those below are told of the sandbox, never by it.
    TOO_SLOW = "too-slow"
    DIED = "died"
    NO_ROOM = "no-room"


class FailedError(Exception):
    """
    A file cannot be shown.

    Args:
        failure: Why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Output(Protocol):
    """Where the answer goes."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of *data*."""
        ...


def format_word(word: str) -> bytes:
    """
    Lay a word out.

    Args:
        word: Of the alphabet above, up to 255 letters.

    Returns:
        Its length and its letters.
    """
    return bytes((len(word),)) + word.encode("ascii")


def format_page_head(width: int, height: int) -> bytes:
    """
    Lay the head of a page out.

    Args:
        width: In pixels.
        height: In pixels.

    Returns:
        What stands before the pixels.
    """
    return PAGE + MEASURES.pack(width, height)
