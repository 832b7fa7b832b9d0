"""
SQLite's pages and WAL as bytes: which pages were written, and what of a page is not in use.

With `secure_delete` SQLite overwrites a row where it stood and every page that it frees. It does
not overwrite what stays behind where a row was *moved* between pages (in `rebuildPage` of its
btree.c): a copy of a row that is alive lies in the unused part of a page, and is still there after
the row went. So the unused parts are found here, to be overwritten and to be looked at.

Source:
    SQLite, "Database File Format", sections 1.6 (b-tree pages) and 4.1 (WAL); measured with
    SQLite 3.40.1.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import Final

WAL_HEAD_BYTES: Final = 32
FRAME_HEAD_BYTES: Final = 24
DATABASE_HEAD_BYTES: Final = 100
# In front of the page of an overflow or of the freelist stands the number of another page: below
# this many, its first byte is none of those that begin a b-tree page.
MAX_PAGES: Final = 0x02000000
_WAL_MAGICS: Final = (0x377F0682, 0x377F0683)
_PAGE_HEAD_BYTES: Final = {2: 12, 5: 12, 10: 8, 13: 8}  # by kind: two inner ones, two leaves
_FREEBLOCK_HEAD_BYTES: Final = 4


def parse_wal_head(head: bytes) -> tuple[int, bytes] | None:
    """
    Read the head of a WAL.

    Args:
        head: Its first `WAL_HEAD_BYTES`, or fewer if it is shorter.

    Returns:
        The size of a page in bytes, and the salts that mark the frames of this run through the
        file; None if it has no head.
    """
    if len(head) < WAL_HEAD_BYTES or struct.unpack_from(">I", head)[0] not in _WAL_MAGICS:
        return None
    page_bytes = struct.unpack_from(">I", head, 8)[0]
    return page_bytes, head[16:24]


def find_frames(wal: bytes | mmap.mmap, *, after: int = 0) -> Iterator[int]:
    """
    List the pages whose new content stands in a WAL.

    Args:
        wal: The whole file. Frames of an earlier run, which lie behind today's, do not count.
        after: How many of its first frames are passed over.

    Yields:
        A page's number, once for each frame.
    """
    parsed = parse_wal_head(wal[:WAL_HEAD_BYTES])
    if parsed is None:
        return
    page_bytes, salts = parsed
    frame_bytes = FRAME_HEAD_BYTES + page_bytes
    for start in range(WAL_HEAD_BYTES + after * frame_bytes, len(wal), frame_bytes):
        if wal[start + 8 : start + 16] != salts:
            return
        yield struct.unpack_from(">I", wal, start)[0]


def find_unused(page: bytes, *, number: int) -> list[tuple[int, int]]:
    """
    Find what is not in use of a b-tree page.

    Args:
        page: Its content, of a database of fewer than `MAX_PAGES` pages.
        number: Counted from 1.

    Returns:
        Where each unused part begins and ends; nothing if it is no b-tree page.
    """
    start = DATABASE_HEAD_BYTES if number == 1 else 0
    head_bytes = _PAGE_HEAD_BYTES.get(page[start])
    if head_bytes is None:
        return []
    freeblock, cell_len, content = struct.unpack_from(">HHH", page, start + 1)
    content = content or 65536  # 0 stands for it: it does not fit two bytes
    cells_end = start + head_bytes + 2 * cell_len
    if not cells_end <= content <= len(page):
        return []
    unused = [(cells_end, content)]
    while freeblock:
        following, size = struct.unpack_from(">HH", page, freeblock)
        end = freeblock + size
        if size < _FREEBLOCK_HEAD_BYTES or end > len(page) or 0 < following < end:
            return []  # not a chain of freeblocks, so not a b-tree page
        unused.append((freeblock + _FREEBLOCK_HEAD_BYTES, end))
        freeblock = following
    return [(begin, end) for begin, end in unused if begin < end]


def find_remnants(page: bytes, *, number: int) -> list[tuple[int, int]]:
    """
    Find the unused parts of a page in which something is left.

    Args:
        page: As for `find_unused`.
        number: Counted from 1.

    Returns:
        Where each begins and ends.
    """
    return [
        (begin, end)
        for begin, end in find_unused(page, number=number)
        if page.count(0, begin, end) != end - begin
    ]


def find_freelist(trunk: bytes) -> tuple[int, list[int]]:
    """
    Read a trunk page of the freelist.

    Args:
        trunk: Its content.

    Returns:
        The next trunk's number, 0 if it is the last; and the numbers of the free pages it lists.
    """
    following, count = struct.unpack_from(">II", trunk)
    count = min(count, len(trunk) // 4 - 2)
    return following, list(struct.unpack_from(f">{count}I", trunk, 8))
