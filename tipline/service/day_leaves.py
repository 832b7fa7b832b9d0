"""
The leaves of what arrived, on their way into a day's tree.

Rules:
1. Nobody waits for a whole day's leaves: they are read, and let go, some hundred at a time.
2. They are let go after the text that has them is there. After a crash the text says which it has,
   so that none is told twice and none is lost.
3. The length of what is sealed tells no count: leaves are kept in fours of a row of lengths.

docs/reference/log.md, "Arrivals".
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Final

from sqlite_utils import Database

from crypto.secret import Secret
from retention.log.arrivals import SEED_BYTES, build_arrivals
from retention.log.batch import ONE_DAY
from retention.log.merkle import HASH_BYTES

COUNT_BYTES: Final = 4
LEAST_LEAVES: Final = 256  # room is kept for so many, then for four times as many, ...
ROOM_FACTOR: Final = 4
LEAF_ROWS: Final = 500  # read or let go in one go: some thousandths of a second
# Of the leaves that come into a day's tree. What came while a jump of the clock waited for a person
# bears a day that may never come.
LEAF_RANGES: Final = ("about_on <= :of", "about_on > :logged_on")

Leaf = tuple[str, bytes]  # its day, and itself
NO_LEAF: Final[Leaf] = ("", b"")  # before any


def list_leaves(
    database: Database,
    where: str,
    *,
    of: datetime.date,
    logged_on: datetime.date,
    after: Leaf = NO_LEAF,
    limit: int = LEAF_ROWS,
) -> list[Leaf]:
    """
    List some of the leaves that come into a day's tree.

    Args:
        database: Of today's version.
        where: One of `LEAF_RANGES`.
        of: The day.
        logged_on: The day of the batch.
        after: The last one that was listed before.
        limit: How many at most.

    Returns:
        The leaves, in their order.
    """
    rows = database.execute(
        f"SELECT about_on, leaf FROM arrivals WHERE {where}"  # noqa: S608  # a text of ours
        " AND (about_on, leaf) > (:after_on, :after_leaf) ORDER BY about_on, leaf LIMIT :limit",
        {
            "of": of.isoformat(),
            "logged_on": logged_on.isoformat(),
            "after_on": after[0],
            "after_leaf": after[1],
            "limit": limit,
        },
    ).fetchall()
    return [(str(about_on), bytes(leaf)) for about_on, leaf in rows]


def let_leaves_go(
    database: Database, told: Collection[bytes], *, of: datetime.date, logged_on: datetime.date
) -> bool:
    """
    Let some of the leaves go that a text has, and put others off to the next day's tree.

    Args:
        database: In a transaction.
        told: The leaves that the text of the day has.
        of: The day.
        logged_on: The day of the batch for which they were read.

    Returns:
        Whether there were any; then there may be more.
    """
    for where in LEAF_RANGES:
        if rows := list_leaves(database, where, of=of, logged_on=logged_on):
            database.conn.executemany(
                "DELETE FROM arrivals WHERE about_on = ? AND leaf = ?",
                [row for row in rows if row[1] in told],
            )
            # What a tree does not hold, or what came since it was read.
            next_on = (of + ONE_DAY).isoformat()
            database.conn.executemany(
                "UPDATE arrivals SET about_on = ? WHERE about_on = ? AND leaf = ?",
                [(next_on, *row) for row in rows if row[1] not in told],
            )
            return True
    return False


def join_leaves(leaves: Sequence[bytes], *, seed: Secret) -> bytes:
    """
    Write a day's leaves and seed, to be sealed.

    Args:
        leaves: Of the tips that arrived.
        seed: Of the day's tree.

    Returns:
        Seed, count, leaves, then zeros up to one of a few lengths.
    """
    room = LEAST_LEAVES
    while room < len(leaves):
        room *= ROOM_FACTOR
    text = seed.reveal() + len(leaves).to_bytes(COUNT_BYTES, "big") + b"".join(leaves)
    return text.ljust(SEED_BYTES + COUNT_BYTES + room * HASH_BYTES, b"\x00")


def part_leaves(text: bytes) -> tuple[Secret, list[bytes]]:
    """
    Read a day's leaves and seed.

    Args:
        text: As `join_leaves` wrote it.

    Returns:
        The seed and the leaves.
    """
    start = SEED_BYTES + COUNT_BYTES
    count = int.from_bytes(text[SEED_BYTES:start], "big")
    ends = range(start, start + count * HASH_BYTES, HASH_BYTES)
    return Secret(text[:SEED_BYTES]), [text[end : end + HASH_BYTES] for end in ends]


def grow_tree(text: bytes) -> tuple[bytes, frozenset[bytes]]:
    """
    Build a day's tree; 65,536 leaves take a quarter of a second.

    Args:
        text: As `join_leaves` wrote it.

    Returns:
        The root, and the leaves that the text has.
    """
    seed, leaves = part_leaves(text)
    return build_arrivals(leaves, seed=seed).root, frozenset(leaves)
