"""The Merkle tree. Vectors of others stand in tests/vectors."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from crypto.errors import ForgedError, MalformedError
from retention.log import merkle
from retention.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    compute_root,
    hash_children,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

SIZES = (*range(1, 34), 63, 64, 65, 200)
LEAVES = [hash_leaf(number.to_bytes(2, "big")) for number in range(max(SIZES))]


def hash_tree(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962's own definition, word for word: slow, and nothing like ours."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hash_children(hash_tree(leaves[:split]), hash_tree(leaves[split:]))


def read_node(level: int, number: int) -> bytes:
    """Give a complete subtree."""
    return hash_tree(LEAVES[number << level : (number + 1) << level])


@pytest.mark.parametrize("size", [0, *SIZES])
def test_root_when_computed_then_it_is_the_definitions(size: int) -> None:
    """The frontier's root is the recursive definition's."""
    assert compute_root(LEAVES[:size]) == hash_tree(LEAVES[:size])


@pytest.mark.parametrize("first", [0, 1, 5, 32, 33])
def test_frontier_when_it_grows_in_parts_then_it_is_that_of_the_whole(first: int) -> None:
    """How a tree was cut into batches does not show."""
    grown = Frontier.empty().append(LEAVES[:first]).append(LEAVES[first:33])

    assert grown == Frontier.empty().append(LEAVES[:33])
    assert len(grown.hashes) == grown.size.bit_count()


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_when_proved_then_it_verifies_for_this_leaf_alone(size: int) -> None:
    """A proof holds for the leaf it was made for and for no other."""
    root = hash_tree(LEAVES[:size])
    for index in range(size):
        proof = prove_inclusion(read_node, index=index, size=size)
        verify_inclusion(LEAVES[index], index=index, size=size, untrusted_proof=proof, root=root)
        with pytest.raises(ForgedError):
            verify_inclusion(
                hash_leaf(b"x"), index=index, size=size, untrusted_proof=proof, root=root
            )


@pytest.mark.parametrize("second", SIZES)
def test_consistency_when_proved_then_it_verifies_for_these_roots_alone(second: int) -> None:
    """A proof holds for the two trees it was made for and for no other."""
    for first in range(1, second + 1):
        proof = prove_consistency(read_node, first=first, second=second)
        roots = {
            "first_root": hash_tree(LEAVES[:first]),
            "second_root": hash_tree(LEAVES[:second]),
        }
        verify_consistency(first=first, second=second, untrusted_proof=proof, **roots)
        for name in roots:
            with pytest.raises(ForgedError):
                verify_consistency(
                    first=first,
                    second=second,
                    untrusted_proof=proof,
                    **{**roots, name: hash_leaf(b"x")},
                )


def test_consistency_when_the_first_tree_is_empty_then_there_is_nothing_to_prove() -> None:
    """Every tree follows the empty one; a proof of that is a forgery."""
    roots = {"first_root": EMPTY_ROOT, "second_root": LEAVES[0]}
    verify_consistency(first=0, second=1, untrusted_proof=[], **roots)

    with pytest.raises(ForgedError):
        verify_consistency(first=0, second=1, untrusted_proof=[LEAVES[0]], **roots)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_inclusion_when_the_leaf_is_not_in_the_tree_then_it_is_refused(
    index: int, size: int
) -> None:
    """There is no proof, and none is taken."""
    with pytest.raises(ValueError, match="not in the tree"):
        prove_inclusion(read_node, index=index, size=size)
    with pytest.raises(MalformedError):
        verify_inclusion(LEAVES[0], index=index, size=size, untrusted_proof=[], root=LEAVES[0])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_consistency_when_the_sizes_do_not_allow_one_then_no_proof_is_made(
    first: int, second: int
) -> None:
    """Nothing can be proved from an empty tree, or backwards."""
    with pytest.raises(ValueError, match="grows"):
        prove_consistency(read_node, first=first, second=second)


def test_consistency_when_the_tree_shrank_then_it_is_refused() -> None:
    """A log that lost entries is not consistent, whatever the proof."""
    with pytest.raises(MalformedError):
        verify_consistency(
            first=4,
            second=3,
            first_root=LEAVES[0],
            second_root=LEAVES[0],
            untrusted_proof=[],
        )


def test_proofs_when_a_hash_is_missing_or_too_much_then_they_are_refused() -> None:
    """A proof has exactly the hashes it needs."""
    root = hash_tree(LEAVES[:7])
    proof = prove_inclusion(read_node, index=2, size=7)
    for wrong in (proof[:-1], [*proof, root], []):
        with pytest.raises(ForgedError):
            verify_inclusion(LEAVES[2], index=2, size=7, untrusted_proof=wrong, root=root)
    grown = prove_consistency(read_node, first=3, second=7)
    for wrong in (grown[:-1], [*grown, root], []):
        with pytest.raises(ForgedError):
            verify_consistency(
                first=3,
                second=7,
                first_root=hash_tree(LEAVES[:3]),
                second_root=root,
                untrusted_proof=wrong,
            )


@pytest.mark.parametrize("proof", [[b""], [b"x" * 33], [b"x" * 32] * 129])
def test_proofs_when_a_hash_is_not_one_then_they_are_malformed(proof: list[bytes]) -> None:
    """A hash has 32 bytes, and a proof is bounded."""
    with pytest.raises(MalformedError):
        verify_inclusion(LEAVES[0], index=0, size=2, untrusted_proof=proof, root=LEAVES[0])
    with pytest.raises(MalformedError):
        verify_consistency(
            first=1,
            second=2,
            first_root=LEAVES[0],
            second_root=LEAVES[1],
            untrusted_proof=proof,
        )


def test_hashes_when_a_leaf_looks_like_a_node_then_they_differ() -> None:
    """The byte in front keeps a leaf from passing for an inner node."""
    left, right = LEAVES[:2]

    assert hash_leaf(left + right) != hash_children(left, right)
    assert len(hash_leaf(b"")) == merkle.HASH_BYTES
