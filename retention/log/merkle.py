"""
The Merkle tree of RFC 6962 over a list that only grows.

Rules:
    1. A leaf is hashed with 0x00 before it, an inner node with 0x01, so neither can pass for the
       other.
    2. A tree splits after the largest power of two below its size.
    3. A proof is checked against a root; it says nothing until `verify_` returns.

Source: RFC 6962 section 2.1; RFC 9162 sections 2.1.3 and 2.1.4 (proofs and how to verify them).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

from crypto.errors import ForgedError, MalformedError

HASH_BYTES: Final = 32
MAX_PROOF_HASHES: Final = 128  # a path of a tree of 2^64 leaves, twice
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
# Begun once: a day's tree has 131,071 hashes, and to begin one costs as much as the rest of it.
_LEAF: Final = hashlib.sha256(b"\x00")
_INNER_NODE: Final = hashlib.sha256(b"\x01")

# Gives the hash of the 2^level leaves that begin at number * 2^level; that subtree is complete.
ReadNode = Callable[[int, int], bytes]


def hash_leaf(entry: bytes) -> bytes:
    """
    Hash an entry.

    Args:
        entry: Its bytes.

    Returns:
        The leaf's hash.

    Source:
        RFC 6962 section 2.1.
    """
    hashed = _LEAF.copy()
    hashed.update(entry)
    return hashed.digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """
    Hash two nodes into the one above.

    Args:
        left: The hash of the earlier leaves.
        right: The hash of the later ones.

    Returns:
        The inner node's hash.

    Source:
        RFC 6962 section 2.1.
    """
    hashed = _INNER_NODE.copy()
    hashed.update(left + right)
    return hashed.digest()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """
    All that is needed of a tree to make it grow: its complete subtrees, the largest first.

    Args:
        size: How many leaves.
        hashes: One for each bit that is set in *size*.
    """

    size: int
    hashes: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> Self:
        """
        Begin a tree.

        Returns:
            The frontier of no leaves.
        """
        return cls(size=0, hashes=())

    def append(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """
        Add leaves.

        Args:
            leaf_hashes: In their order.

        Returns:
            The frontier after them.
        """
        size, hashes = self.size, list(self.hashes)
        for leaf_hash in leaf_hashes:
            node, rest = leaf_hash, size
            while rest & 1:
                node = hash_children(hashes.pop(), node)
                rest >>= 1
            hashes.append(node)
            size += 1
        return Frontier(size=size, hashes=tuple(hashes))

    def root(self) -> bytes:
        """
        Hash the whole tree.

        Returns:
            The root hash.
        """
        if not self.hashes:
            return EMPTY_ROOT
        *earlier, node = self.hashes
        for left in reversed(earlier):
            node = hash_children(left, node)
        return node


def compute_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """
    Hash a tree from its leaves.

    Args:
        leaf_hashes: In their order.

    Returns:
        The root hash.
    """
    # Level by level; the last node of an odd level goes up as it is, which splits every part after
    # the largest power of two below its size.
    level = list(leaf_hashes)
    while len(level) > 1:
        pairs = iter(level)
        above = [hash_children(left, right) for left, right in zip(pairs, pairs, strict=False)]
        level = above + level[2 * len(above) :]
    return level[0] if level else EMPTY_ROOT


def hash_range(read_node: ReadNode, begin: int, end: int) -> bytes:
    """
    Hash a part of a tree.

    Args:
        read_node: Gives complete subtrees.
        begin: The first leaf: 0, or where a subtree of the tree begins.
        end: After the last leaf; more than *begin*.

    Returns:
        The hash of the tree of these leaves.
    """
    length = end - begin
    level = length.bit_length() - 1
    if length == 1 << level:
        return read_node(level, begin >> level)
    middle = begin + (1 << level)
    return hash_children(hash_range(read_node, begin, middle), hash_range(read_node, middle, end))


def prove_inclusion(read_node: ReadNode, *, index: int, size: int) -> list[bytes]:
    """
    Prove that a leaf stands in a tree.

    Args:
        read_node: Gives complete subtrees.
        index: Of the leaf.
        size: Of the tree.

    Returns:
        The proof, from the leaf upwards.

    Raises:
        ValueError: the tree has no such leaf.

    Source:
        RFC 9162 section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(hash_range(read_node, middle, end))
            end = middle
        else:
            proof.append(hash_range(read_node, begin, middle))
            begin = middle
    return proof[::-1]


def prove_consistency(read_node: ReadNode, *, first: int, second: int) -> list[bytes]:
    """
    Prove that a tree only grew.

    Args:
        read_node: Gives complete subtrees.
        first: The size before.
        second: The size after.

    Returns:
        The proof; empty if nothing grew.

    Raises:
        ValueError: the sizes are not in order, or the first tree is empty: anything follows it.

    Source:
        RFC 9162 section 2.1.4.1.
    """
    if not 0 < first <= second:
        raise ValueError("a tree grows from at least one leaf")
    proof: list[bytes] = []
    begin, end = 0, second
    known = True  # the part in question is the whole first tree, which the verifier has
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            proof.append(hash_range(read_node, middle, end))
            end = middle
        else:
            proof.append(hash_range(read_node, begin, middle))
            begin = middle
            known = False
    if not known:
        proof.append(hash_range(read_node, begin, end))
    return proof[::-1]


def verify_inclusion(
    leaf_hash: bytes, *, index: int, size: int, untrusted_proof: Sequence[bytes], root: bytes
) -> None:
    """
    Verify that a leaf stands in a tree.

    Args:
        leaf_hash: Of the leaf.
        index: Where it is said to stand.
        size: Of the tree.
        untrusted_proof: From the leaf upwards.
        root: Of the tree.

    Raises:
        MalformedError: the tree has no such leaf, or a hash is not 32 bytes.
        ForgedError: the proof does not hold.

    Source:
        RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise MalformedError("leaf index")
    _check_hashes([leaf_hash, *untrusted_proof])
    place, last, node = index, size - 1, leaf_hash
    for sibling in untrusted_proof:
        if last == 0:
            raise ForgedError("proof too long")
        if place & 1 or place == last:
            node = hash_children(sibling, node)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            node = hash_children(node, sibling)
        place >>= 1
        last >>= 1
    if last or node != root:
        raise ForgedError("inclusion")


def verify_consistency(
    *,
    first: int,
    second: int,
    first_root: bytes,
    second_root: bytes,
    untrusted_proof: Sequence[bytes],
) -> None:
    """
    Verify that a tree only grew.

    Args:
        first: The size before. An empty tree commits to nothing: every tree is consistent with it.
        second: The size after.
        first_root: The root before.
        second_root: The root after.
        untrusted_proof: As `prove_consistency` makes it.

    Raises:
        MalformedError: the sizes are not in order, or a hash is not 32 bytes.
        ForgedError: the proof does not hold.

    Source:
        RFC 9162 section 2.1.4.2.
    """
    if not 0 <= first <= second:
        raise MalformedError("tree sizes")
    if first in {0, second}:
        # Nothing grew, or it grew from nothing, which every tree does: there is nothing to prove.
        if untrusted_proof or (first == second and first_root != second_root):
            raise ForgedError("consistency")
        return
    _check_hashes([first_root, second_root, *untrusted_proof])
    # A first tree that is a complete subtree is its own first node, and is left out of the proof.
    path = list(untrusted_proof) if first & (first - 1) else [first_root, *untrusted_proof]
    if not path:
        raise ForgedError("proof too short")
    place, last = first - 1, second - 1
    while place & 1:
        place >>= 1
        last >>= 1
    before = after = path[0]
    for node in path[1:]:
        if last == 0:
            raise ForgedError("proof too long")
        if place & 1 or place == last:
            before = hash_children(node, before)
            after = hash_children(node, after)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            after = hash_children(after, node)
        place >>= 1
        last >>= 1
    if last or before != first_root or after != second_root:
        raise ForgedError("consistency")


def _split(length: int) -> int:
    """Give the largest power of two below *length*."""
    return 1 << ((length - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PROOF_HASHES or any(len(value) != HASH_BYTES for value in hashes):
        raise MalformedError("proof")
