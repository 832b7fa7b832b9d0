"""The day's tree over arrivals."""

from __future__ import annotations

import hashlib

import pytest

from crypto.secret import Secret
from retention.log.arrivals import build_arrivals, make_arrival_leaf
from retention.log.entry import ARRIVALS_SIZE
from retention.log.merkle import compute_root, hash_leaf

SEED = Secret(b"\x05" * 32)
LEAVES = [make_arrival_leaf(bytes([number]) * 16, salt=b"\x07" * 32) for number in range(3)]


def test_leaf_when_made_then_it_is_the_pages_hash() -> None:
    """docs/reference/log.md, "Arrivals": SHA-256 of salt and id."""
    leaf = make_arrival_leaf(b"i" * 16, salt=b"s" * 32)

    assert leaf == hashlib.sha256(b"s" * 32 + b"i" * 16).digest()
    for tip_id, salt in ((b"i" * 15, b"s" * 32), (b"i" * 16, b"s" * 31)):
        with pytest.raises(ValueError, match="32 bytes"):
            make_arrival_leaf(tip_id, salt=salt)


def test_tree_when_built_then_its_size_is_always_the_same_and_the_tips_are_in_it() -> None:
    """A root says nothing of how many leaves are tips."""
    tree = build_arrivals(LEAVES, seed=SEED)
    empty = build_arrivals([], seed=SEED)

    assert len(set(tree.leaves)) == len(set(empty.leaves)) == ARRIVALS_SIZE
    assert set(LEAVES) <= set(tree.leaves)
    assert tree.root == compute_root(hash_leaf(leaf) for leaf in tree.leaves)
    assert tree.root != empty.root


def test_tree_when_built_again_then_it_is_the_same_in_whatever_order_tips_came() -> None:
    """The seed alone decides noise and order."""
    tree = build_arrivals(LEAVES, seed=SEED)

    assert build_arrivals(LEAVES[::-1], seed=SEED) == tree
    other = build_arrivals(LEAVES, seed=Secret(b"\x06" * 32))
    places = [[built.leaves.index(leaf) for leaf in LEAVES] for built in (tree, other)]
    assert places[0] != places[1]
    assert sorted(places[0]) != [0, 1, 2]


def test_tree_when_there_are_too_many_tips_or_the_seed_is_short_then_it_is_refused() -> None:
    """A tree has its size; the caller keeps the rest for the next day."""
    with pytest.raises(ValueError, match="65,536"):
        build_arrivals([b"x" * 32] * (ARRIVALS_SIZE + 1), seed=SEED)
    with pytest.raises(ValueError, match="seed"):
        build_arrivals([], seed=Secret(b"short"))
