"""
Where entries and the hashes served beside them part, and in which way.

Which of the two is right, the signed root decides later: see verify.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from tipline.audit.findings import Kind


def compare(
    leaves: Sequence[bytes], hashes: Sequence[bytes], *, before: bytes | None, after: bytes | None
) -> list[tuple[Kind, int]]:
    """
    Compare a bundle's entries with the tile over them.

    Args:
        leaves: Hashes of the entries served.
        hashes: As the tile says.
        before: The tile's hash before these, if there is one.
        after: The tile's hash after these, if there is one.

    Returns:
        What is wrong, with its place; after a dropped or doubled entry nothing more is said, since
        everything behind it has moved.
    """
    found: list[tuple[Kind, int]] = []
    place = 0
    while place < len(hashes):
        if place >= len(leaves):
            found.append((Kind.TRUNCATED_TILE, place))
            return found
        leaf = leaves[place]
        if leaf == hashes[place]:
            place += 1
            continue
        rest = hashes[place + 1 :]
        following = rest[0] if rest else after
        preceding = hashes[place - 1] if place else before
        if leaf == preceding:
            return [*found, (Kind.DUPLICATED_ENTRY, place)]
        if leaf in rest and hashes[place] in leaves[place + 1 :]:
            found.append((Kind.REORDERED_ENTRY, place))
            # Both ends of an exchange are one fault.
            other = place + 1 + rest.index(leaf)
            is_exchange = other < len(leaves) and leaves[other] == hashes[place]
            if not is_exchange:
                return found
            leaves = [*leaves[:other], hashes[other], *leaves[other + 1 :]]
        elif leaf == following:
            return [*found, (Kind.DROPPED_ENTRY, place)]
        else:
            found.append((Kind.CHANGED_ENTRY, place))
        place += 1
    if len(leaves) > len(hashes):
        doubled = bool(hashes) and leaves[len(hashes)] == hashes[-1]
        found.append((Kind.DUPLICATED_ENTRY if doubled else Kind.CHANGED_ENTRY, len(hashes)))
    return found
