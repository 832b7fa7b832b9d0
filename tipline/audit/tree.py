"""
The Merkle tree of RFC 6962, grown leaf by leaf and kept as its unfinished tiles.

Level 0 holds leaf hashes; level L + 1 holds one hash for each 256 of level L. Of each level only
what does not yet make a whole tile is kept, at most 255 hashes: enough for the root, and for going
on later.

Source: RFC 6962, section 2.1; C2SP tlog-tiles.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tipline.audit.errors import MalformedError
from tipline.audit.strict import HASH_BYTES

TILE_WIDTH: Final = 256
MAX_LEVELS: Final = 6  # 256^6 entries: more than any log will have
_sha256 = hashlib.sha256


def hash_leaf(entry: bytes) -> bytes:
    """
    Hash an entry.

    Args:
        entry: Its bytes.

    Returns:
        The leaf's hash.
    """
    return _sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """
    Hash two subtrees.

    Args:
        left: Hash of the left one.
        right: Hash of the right one.

    Returns:
        The inner node's hash.
    """
    return _sha256(b"\x01" + left + right).digest()


class GrowingTree:
    """
    A tree to which leaves are added.

    Args:
        levels: What another tree's `levels` gave, to go on from there; none for an empty tree.

    Raises:
        MalformedError: *levels* cannot come from a tree.
    """

    def __init__(self, levels: Sequence[Sequence[bytes]] = ()) -> None:
        if len(levels) > MAX_LEVELS or any(
            len(level) >= TILE_WIDTH or any(len(value) != HASH_BYTES for value in level)
            for level in levels
        ):
            raise MalformedError("tree")
        self._levels = [list(level) for level in levels]

    @property
    def size(self) -> int:
        """How many leaves."""
        return sum(len(level) * TILE_WIDTH**place for place, level in enumerate(self._levels))

    @property
    def levels(self) -> tuple[tuple[bytes, ...], ...]:
        """The unfinished tile of each level."""
        return tuple(tuple(level) for level in self._levels)

    def add(self, leaves: Iterable[bytes]) -> Iterator[tuple[int, int, tuple[bytes, ...]]]:
        """
        Add leaves.

        Args:
            leaves: Their hashes.

        Yields:
            Each tile that became whole: level, number, its 256 hashes.

        Raises:
            MalformedError: there are more leaves than a log may have.
        """
        for leaf in leaves:
            level, value = 0, leaf
            while True:
                if level == len(self._levels):
                    if level == MAX_LEVELS:
                        raise MalformedError("tree")
                    self._levels.append([])
                tile = self._levels[level]
                tile.append(value)
                if len(tile) < TILE_WIDTH:
                    break
                self._levels[level] = []
                whole = tuple(tile)
                value = fold(whole)
                level += 1
                yield level - 1, self._count(level), whole

    def root(self) -> bytes:
        """
        Compute the root.

        Returns:
            The hash over all leaves; that of nothing for an empty tree.
        """
        right: bytes | None = None
        for level in self._levels:
            for node in reversed(_split(level)):
                right = node if right is None else hash_node(node, right)
        return hashlib.sha256().digest() if right is None else right

    def _count(self, level: int) -> int:
        """Count the whole tiles below *level*; the one just made is not among its hashes yet."""
        return sum(
            len(hashes) * TILE_WIDTH ** (place - level)
            for place, hashes in enumerate(self._levels)
            if place >= level
        )


def fold(hashes: Sequence[bytes]) -> bytes:
    """
    Compute the root over a power of two of hashes.

    Args:
        hashes: 1, 2, 4 and so on.

    Returns:
        The root of their subtree.
    """
    row = list(hashes)
    while len(row) > 1:
        row = [
            _sha256(b"\x01" + row[place] + row[place + 1]).digest()
            for place in range(0, len(row), 2)
        ]
    return row[0]


def _split(hashes: Sequence[bytes]) -> list[bytes]:
    """Part a tile into the whole subtrees it is made of, the largest first."""
    nodes, start = [], 0
    for bit in range(TILE_WIDTH.bit_length() - 1, -1, -1):
        width = 1 << bit
        if len(hashes) & width:
            nodes.append(fold(hashes[start : start + width]))
            start += width
    return nodes
