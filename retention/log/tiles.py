"""
Tiles: the tree and the entries as files that never change.

Rules:
    1. A tile has 256 hashes; those of level L each cover 256^L entries.
    2. Only complete subtrees stand in a tile, so none ever changes: it only gets longer.
    3. A path has one spelling. What is spelled otherwise is not there.

Source: C2SP tlog-tiles.md.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from crypto.errors import MalformedError
from retention.log.merkle import HASH_BYTES, Frontier, ReadNode, hash_children

TILE_WIDTH: Final = 256
TILE_BITS: Final = 8
MAX_LEVEL: Final = 5  # 256^6 entries are more than a checkpoint's size can say
MAX_ENTRY_BYTES: Final = 0xFFFF  # what the two bytes of length can say
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<groups>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)

# Gives the hashes of a tile, as many as there are, one after the other.
ReadTile = Callable[[int, int], bytes]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TilePath:
    """
    Which tile, and how much of it.

    Args:
        level: 0 to `MAX_LEVEL`, or None for entries.
        number: From 0.
        width: How many hashes or entries, 1 to 256.
    """

    level: int | None
    number: int
    width: int

    def format(self) -> str:
        """
        Write the path.

        Returns:
            `tile/0/x001/x234/067.p/12`, or without its end if the tile is full.
        """
        groups = f"{self.number % 1000:03}"
        rest = self.number // 1000
        while rest:
            groups = f"x{rest % 1000:03}/{groups}"
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{groups}{partial}"


def parse_tile_path(untrusted: str) -> TilePath:
    """
    Read a path.

    Args:
        untrusted: After the log's prefix, without a slash before it.

    Returns:
        The path; `format` of it is the same text.

    Raises:
        MalformedError: no tile has this path.
    """
    match = _PATH.fullmatch(untrusted)
    if match is None or not untrusted.isascii():
        raise MalformedError("tile path")
    number = 0
    for group in match["groups"].split("/"):
        number = number * 1000 + int(group.removeprefix("x"))
        if number >= 1 << 53:
            raise MalformedError("tile path")
    level = None if match["level"] == "entries" else int(match["level"])
    if level is not None and level > MAX_LEVEL:
        raise MalformedError("tile path")
    path = TilePath(
        level=level, number=number, width=int(match["width"]) if match["width"] else TILE_WIDTH
    )
    # Zeros in front, and a partial tile that is a full one, are other spellings.
    if path.format() != untrusted:
        raise MalformedError("tile path")
    return path


def list_tiles(size: int) -> Iterator[TilePath]:
    """
    List what a log consists of.

    Args:
        size: How many entries.

    Yields:
        Every full tile and the partial ones at the end, the entries' last.
    """
    level: int | None
    for level in range(MAX_LEVEL + 1):
        count = size >> (TILE_BITS * level)
        yield from _list_level(level, count)
    yield from _list_level(None, size)


def _list_level(level: int | None, count: int) -> Iterator[TilePath]:
    for number in range(-(-count // TILE_WIDTH)):
        width = min(TILE_WIDTH, count - number * TILE_WIDTH)
        yield TilePath(level=level, number=number, width=width)


def grow_tiles(
    first: int, leaf_hashes: Iterable[bytes], *, read_tile: ReadTile
) -> Iterator[tuple[int, int, bytes]]:
    """
    Compute the hashes that new leaves add to the tiles.

    Args:
        first: How many leaves there are.
        leaf_hashes: Of the new ones.
        read_tile: Gives the hashes that a tile has already.

    Yields:
        Level, number within the level, hash; the lower level first.
    """
    # The tiles that are being filled, by level.
    open_tiles: dict[int, bytearray] = {}
    for index, leaf_hash in enumerate(leaf_hashes, start=first):
        node, level, number = leaf_hash, 0, index
        while True:
            if level not in open_tiles:
                held = number % TILE_WIDTH * HASH_BYTES
                open_tiles[level] = bytearray(
                    read_tile(level, number // TILE_WIDTH)[:held] if held else b""
                )
            tile = open_tiles[level]
            tile += node
            yield level, number, node
            if len(tile) < TILE_WIDTH * HASH_BYTES or level == MAX_LEVEL:
                break
            node = hash_tile(bytes(tile))
            del open_tiles[level]
            level, number = level + 1, number // TILE_WIDTH


def hash_tile(tile: bytes) -> bytes:
    """
    Hash the subtree over some hashes.

    Args:
        tile: A power of two of hashes, one after the other.

    Returns:
        The hash above them.
    """
    row = [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]
    while len(row) > 1:
        row = [hash_children(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def make_node_reader(read_tile: ReadTile) -> ReadNode:
    """
    Read any complete subtree from the tiles.

    Args:
        read_tile: Gives a tile's hashes.

    Returns:
        A reader for `merkle`'s proofs.
    """

    def read_node(level: int, number: int) -> bytes:
        tile_level, height = divmod(level, TILE_BITS)
        begin = number << height
        tile = read_tile(tile_level, begin // TILE_WIDTH)
        start = begin % TILE_WIDTH * HASH_BYTES
        wanted = tile[start : start + (HASH_BYTES << height)]
        if len(wanted) != HASH_BYTES << height:
            raise ValueError("the tile is too short")
        return hash_tile(wanted)

    return read_node


def read_frontier(size: int, *, read_tile: ReadTile) -> Frontier:
    """
    Read from the tiles what is needed to go on.

    Args:
        size: How many leaves there are.
        read_tile: Gives a tile's hashes.

    Returns:
        The frontier.

    Raises:
        ValueError: a tile is too short.
    """
    read_node = make_node_reader(read_tile)
    hashes: list[bytes] = []
    begin = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            hashes.append(read_node(level, begin >> level))
            begin += 1 << level
    return Frontier(size=size, hashes=tuple(hashes))


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """
    Write entries one after the other.

    Args:
        entries: Each at most `MAX_ENTRY_BYTES` long.

    Returns:
        Each after its length in two bytes, big endian.
    """
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(untrusted: bytes, *, count: int) -> list[bytes]:
    """
    Read entries that stand one after the other.

    Args:
        untrusted: A whole bundle.
        count: How many there must be.

    Returns:
        The entries.

    Raises:
        MalformedError: there are more, fewer, or the last is cut.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(untrusted):
        start = place + 2
        place = start + int.from_bytes(untrusted[start - 2 : start], "big")
        if start > len(untrusted) or place > len(untrusted):
            raise MalformedError("entry bundle")
        entries.append(untrusted[start:place])
    if len(entries) != count:
        raise MalformedError("entry bundle")
    return entries
