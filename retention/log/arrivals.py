"""
The tree over one day's arrivals: always of the same size, so that its root tells no number.

Rules:
    1. A tip's leaf is SHA-256(salt, tip id): who does not know the salt cannot tell it from noise.
    2. What is left of the 65,536 places is filled with noise, and everything is shuffled.
    3. Noise and order come from a seed of the day. With the seed the tree can be made again, to
       prove that a leaf is in it; without it nobody can tell noise from tips any more.

docs/reference/log.md, "Arrivals".
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Sequence
from typing import Final

from crypto.secret import Secret
from retention.log.entry import ARRIVALS_SIZE, SALT_BYTES
from retention.log.merkle import HASH_BYTES, compute_root, hash_leaf

TIP_ID_BYTES: Final = 16
SEED_BYTES: Final = 32
_NOISE_LABEL: Final = b"tipline/arrivals/noise/v1"
_ORDER_LABEL: Final = b"tipline/arrivals/order/v1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalsTree:
    """
    One day's tree.

    Args:
        leaves: All 65,536, tips and noise, in the tree's order.
        root: The root hash.
    """

    leaves: Sequence[bytes]
    root: bytes


def make_arrival_leaf(tip_id: bytes, *, salt: bytes) -> bytes:
    """
    Commit to an arrival.

    Args:
        tip_id: Random, 16 bytes.
        salt: Random, 32 bytes.

    Returns:
        The leaf.

    Raises:
        ValueError: one of them has another length.
    """
    if len(tip_id) != TIP_ID_BYTES or len(salt) != SALT_BYTES:
        raise ValueError("a leaf is made of a salt of 32 bytes and an id of 16")
    return hashlib.sha256(salt + tip_id).digest()


def build_arrivals(leaves: Collection[bytes], *, seed: Secret) -> ArrivalsTree:
    """
    Build a day's tree.

    Args:
        leaves: Of the tips, in any order; at most `ARRIVALS_SIZE`.
        seed: Random, 32 bytes, of this day alone.

    Returns:
        The tree; the same leaves and seed give the same one.

    Raises:
        ValueError: too many leaves, or a seed of another length.
    """
    if len(leaves) > ARRIVALS_SIZE or len(seed) != SEED_BYTES:
        raise ValueError("a day's tree has 65,536 leaves and a seed of 32 bytes")
    noise_len = (ARRIVALS_SIZE - len(leaves)) * HASH_BYTES
    noise = hashlib.shake_256(_NOISE_LABEL + seed.reveal()).digest(noise_len)
    # Sorted first: the order in which tips came must not show in where they end up.
    row = sorted(leaves)
    row += [noise[start : start + HASH_BYTES] for start in range(0, noise_len, HASH_BYTES)]
    _shuffle(row, seed=seed)
    return ArrivalsTree(leaves=row, root=compute_root(hash_leaf(leaf) for leaf in row))


def _shuffle(row: list[bytes], *, seed: Secret) -> None:
    """Order by a keyed hash of each leaf: nobody without the seed can undo it."""
    key = hashlib.blake2b(_ORDER_LABEL + seed.reveal()).digest()
    begun = hashlib.blake2b(key=key, digest_size=16)

    def rank(leaf: bytes) -> bytes:
        hashed = begun.copy()
        hashed.update(leaf)
        return hashed.digest()

    row.sort(key=rank)
