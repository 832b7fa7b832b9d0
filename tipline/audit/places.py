"""
Where a log's parts are, and how its entries are bundled.

Source: C2SP tlog-tiles.md.
"""

from __future__ import annotations

from typing import Final

from tipline.audit.errors import MalformedError
from tipline.audit.strict import HASH_BYTES
from tipline.audit.tree import TILE_WIDTH

CHECKPOINT_PATH: Final = "checkpoint"
MAX_ENTRY_BYTES: Final = 16_384
MAX_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_BUNDLE_BYTES: Final = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
_GROUP: Final = 1000


def name_tile(level: int | str, number: int, width: int) -> str:
    """
    Name a tile.

    Args:
        level: 0 to 5, or `entries`.
        number: Of the tile in its level.
        width: How many hashes or entries: 256, or fewer in a partial tile.

    Returns:
        Its path below the log.
    """
    groups = []
    rest = number
    while True:
        rest, group = divmod(rest, _GROUP)
        groups.append(f"{group:03}")
        if not rest:
            break
    path = "/".join([f"x{group}" for group in reversed(groups[1:])] + [groups[0]])
    ending = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{path}{ending}"


def split_bundle(untrusted: bytes) -> tuple[list[bytes], bool]:
    """
    Part a bundle into its entries.

    Args:
        untrusted: Each entry after two bytes of length, big endian.

    Returns:
        The entries, and whether the last one was whole.
    """
    entries: list[bytes] = []
    place, end = 0, len(untrusted)
    while place < end:
        start = place + 2
        stop = start + int.from_bytes(untrusted[place:start], "big")
        # An empty entry says nothing, and a server could send them for ever.
        if start >= stop or stop > end or len(entries) > TILE_WIDTH:
            return entries, False
        entries.append(untrusted[start:stop])
        place = stop
    return entries, True


def split_tile(untrusted: bytes) -> tuple[bytes, ...]:
    """
    Part a tile into its hashes.

    Args:
        untrusted: 32 bytes each.

    Returns:
        The hashes.

    Raises:
        MalformedError: it does not hold whole hashes.
    """
    if len(untrusted) % HASH_BYTES:
        raise MalformedError("tile")
    return tuple(
        untrusted[place : place + HASH_BYTES] for place in range(0, len(untrusted), HASH_BYTES)
    )
