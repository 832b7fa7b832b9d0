"""The verifier's tree against the service's: two programs, one root."""

from __future__ import annotations

import hashlib

import pytest

from retention.log.merkle import Frontier, hash_leaf
from retention.log.tiles import TilePath
from tipline.audit.errors import MalformedError
from tipline.audit.places import name_tile, split_bundle
from tipline.audit.tree import GrowingTree, fold
from tipline.audit.tree import hash_leaf as own_hash_leaf

SIZES = (0, 1, 2, 3, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537)


def test_tree_when_grown_in_any_steps_then_the_root_is_the_other_programs() -> None:
    """At each size, also after it was written down and read again, both have one root."""
    leaves = [hashlib.sha256(b"%d" % number).digest() for number in range(max(SIZES))]
    tree, frontier, size = GrowingTree(), Frontier.empty(), 0
    tiles = 0
    for following in SIZES:
        for level, number, hashes in tree.add(leaves[size:following]):
            tiles += 1
            if level == 0:
                assert list(hashes) == leaves[number * 256 : number * 256 + 256]
            else:
                start = number * 65_536
                assert hashes[7] == fold(leaves[start + 7 * 256 : start + 8 * 256])
        frontier = frontier.append(leaves[size:following])
        size = following
        assert tree.size == size
        assert tree.root() == frontier.root()
        tree = GrowingTree(tree.levels)

    assert tiles == 256 + 1
    assert own_hash_leaf(b"x") == hash_leaf(b"x")


def test_tree_when_its_levels_cannot_be_then_they_are_refused() -> None:
    """A kept file cannot bring a tree that no log has."""
    for levels in ([[bytes(32)] * 256], [[bytes(31)]], [[]] * 7):
        with pytest.raises(MalformedError):
            GrowingTree(levels)


@pytest.mark.parametrize(
    ("number", "width"), [(0, 256), (5, 1), (999, 256), (1000, 255), (1_234_067, 256)]
)
def test_tile_when_named_then_both_programs_name_it_alike(number: int, width: int) -> None:
    """The paths of C2SP tlog-tiles."""
    path = TilePath(level=0, number=number, width=width).format()
    assert name_tile(0, number, width) == path
    entries = TilePath(level=None, number=number, width=width).format()
    assert name_tile("entries", number, width) == entries


def test_bundle_when_cut_then_the_whole_entries_are_given() -> None:
    """Cut anywhere, what is before the cut is read, and the cut is noticed."""
    bundle = b"\x00\x02ab\x00\x01x\x00\x03cde"
    whole = {0: 0, 4: 1, 7: 2, len(bundle): 3}
    assert split_bundle(b"\x00\x02ab\x00\x00") == ([b"ab"], False)  # an empty one is none
    for end in range(len(bundle) + 1):
        entries, is_whole = split_bundle(bundle[:end])
        assert is_whole == (end in whole)
        if is_whole:
            assert len(entries) == whole[end]
