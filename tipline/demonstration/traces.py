"""
Search a directory for what must not be in it.

What was written is looked for in every spelling that a program might leave it in: as it is, as
UTF-16, base64 (at each of its three alignments), hexadecimal, percent-encoded and as a JSON string.
A long value is looked for by several windows, because a program may keep a part of it.
Compressed or encrypted copies cannot be found this way.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import mmap
import os
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

# Long enough that random bytes of a gigabyte never hold it by chance, short enough for a fragment.
WINDOW_BYTES: Final = 24
WINDOW_LEN: Final = 16
# Below this a value is searched as a word of its own, since as a fragment it is found anywhere.
WORD_BYTES: Final = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Needle:
    """
    One spelling of something that must not be found.

    Args:
        of: What it is: `text`, `file`, `name`; never its value.
        spelling: In which spelling.
        pattern: What to look for.
    """

    of: str
    spelling: str
    pattern: re.Pattern[bytes]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """
    A place where something was found.

    Args:
        path: The file.
        of: What was found there.
        spelling: In which spelling; `file name` if the path itself holds it.
    """

    path: Path
    of: str
    spelling: str


def make_needles(of: str, value: bytes) -> list[Needle]:
    """
    Make the spellings of a value.

    Args:
        of: What it is.
        value: Not empty.

    Returns:
        At least one for each spelling.
    """
    if len(value) < WORD_BYTES:
        # A port, say: inside of longer words and numbers it stands by chance.
        word = rb"(?<![0-9A-Za-z+/=])" + re.escape(value) + rb"(?![0-9A-Za-z+/=])"
        return [Needle(of=of, spelling="plain", pattern=re.compile(word))]
    spellings: dict[bytes, str] = {}
    for window in _cut_windows(value):
        for spelling, data in _spell(window):
            spellings.setdefault(data, spelling)
    return [
        Needle(of=of, spelling=spelling, pattern=re.compile(re.escape(data)))
        for data, spelling in spellings.items()
    ]


def _cut_windows(value: bytes) -> list[bytes]:
    if len(value) <= WINDOW_BYTES:
        return [value]
    last = len(value) - WINDOW_BYTES
    starts = {last * number // (WINDOW_LEN - 1) for number in range(WINDOW_LEN)}
    windows = [value[start : start + WINDOW_BYTES] for start in sorted(starts)]
    # A window of one byte repeated (padding inside of a file) stands anywhere.
    return [window for window in windows if len(set(window)) > WINDOW_BYTES // 4]


def _spell(window: bytes) -> Iterable[tuple[str, bytes]]:
    yield "plain", window
    yield "hex", window.hex().encode()
    yield "hex", window.hex().upper().encode()
    for shift in range(3):
        # The first and the last characters depend on what stands around: they are left out.
        aligned = window[shift : shift + (len(window) - shift) // 3 * 3]
        yield "base64", base64.b64encode(aligned)
        yield "base64", base64.urlsafe_b64encode(aligned)
    text = window.decode("utf-8", errors="ignore")
    if text.encode() in window and len(text) >= WORD_BYTES:
        yield "utf-16", text.encode("utf-16-le")
        yield "utf-16", text.encode("utf-16-be")
        yield "percent", urllib.parse.quote(text).encode()
        yield "percent", urllib.parse.quote_plus(text).encode()
        yield "json", json.dumps(text)[1:-1].encode()


def search(directory: Path, needles: Sequence[Needle]) -> list[Trace]:
    """
    Look through every file under a directory, and through the names.

    Args:
        directory: Exists.
        needles: From `make_needles`.

    Returns:
        What was found; empty is good.
    """
    traces = []
    for path in sorted(directory.rglob("*")):
        name = os.fsencode(path.name)
        traces += [
            Trace(path=path, of=needle.of, spelling="file name")
            for needle in needles
            if needle.pattern.search(name)
        ]
        if path.is_file() and not path.is_symlink():
            traces += _search_file(path, needles)
    return traces


def _search_file(path: Path, needles: Sequence[Needle]) -> list[Trace]:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return []
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return [
                    Trace(path=path, of=needle.of, spelling=needle.spelling)
                    for needle in needles
                    if needle.pattern.search(data)
                ]
    except FileNotFoundError:
        # A running service makes and removes files while it is searched.
        return []
