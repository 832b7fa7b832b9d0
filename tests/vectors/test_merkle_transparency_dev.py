"""
The Merkle tree against the vectors of transparency-dev/merkle: inclusion and consistency.

Source: github.com/transparency-dev/merkle 0.0.2, proof/verify_test.go, Apache License 2.0. The file
is fetched by `script/setup test`, never committed. Its good proofs, roots and leaves are read from
it. Each way in which it then breaks them stands here under the name that it has there, and a test
compares the names, so that none is forgotten.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from crypto.errors import CryptoError
from retention.log.merkle import (
    compute_root,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from retention.log.tiles import make_node_reader

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "script"))

import merkle_vectors  # noqa: E402  # script/ is not a package

ARCHIVE: Final = ROOT / ".vectors" / merkle_vectors.NAME
WRAP: Final = (1 << 64) - 1  # Go's uint64: 0 - 1 is the largest number


def read_source() -> str:
    """Read the file of tests from the archive; without it, every test here fails."""
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if member.name.endswith("/proof/verify_test.go"):
                file = archive.extractfile(member)
                assert file is not None
                return file.read().decode()
    raise AssertionError("the archive has no proof/verify_test.go")


def find_hex(text: str) -> list[bytes]:
    """Find what Go writes as dh("...", length)."""
    return [bytes.fromhex(digits) for digits in re.findall(r'dh\("([0-9a-f]*)", \d+\)', text)]


def find_block(source: str, name: str) -> str:
    """Find the list that a variable is given."""
    found = re.search(
        rf"^\t{name}\s+= \[\][^\n]*\{{\n(.*?)^\t\}}", source, re.MULTILINE | re.DOTALL
    )
    assert found, name
    return found[1]


def find_proofs(source: str, name: str) -> list[tuple[int, int, list[bytes]]]:
    """Find the good proofs: two numbers and hashes each."""
    block = find_block(source, name)
    starts = list(re.finditer(r"^\t\t\{(\d+), (\d+), ", block, re.MULTILINE))
    ends = [start.start() for start in starts[1:]] + [len(block)]
    return [
        (int(start[1]), int(start[2]), find_hex(block[start.end() : end]))
        for start, end in zip(starts, ends, strict=True)
    ]


SOURCE: Final = read_source() if ARCHIVE.is_file() else ""
SOME_HASH: Final = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
EMPTY_TREE: Final = compute_root([])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """One claim that a leaf is in a tree."""

    name: str
    index: int
    size: int
    root: bytes
    leaf_hash: bytes
    proof: list[bytes]
    holds: bool = False

    def verify(self) -> None:
        verify_inclusion(
            self.leaf_hash,
            index=self.index,
            size=self.size,
            untrusted_proof=self.proof,
            root=self.root,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """One claim that a tree only grew."""

    name: str
    first: int
    second: int
    first_root: bytes
    second_root: bytes
    proof: list[bytes]
    holds: bool = False

    def verify(self) -> None:
        verify_consistency(
            first=self.first,
            second=self.second,
            first_root=self.first_root,
            second_root=self.second_root,
            untrusted_proof=self.proof,
        )


def flip(proof: list[bytes], place: int, bits: int) -> list[bytes]:
    """Change bits in one hash of a proof."""
    changed = bytes([proof[place][0] ^ bits]) + proof[place][1:]
    return [*proof[:place], changed, *proof[place + 1 :]]


def break_inclusion(good: Inclusion) -> Iterator[Inclusion]:
    """Break a good proof in each of the source's ways."""
    proof = good.proof
    changes: dict[str, dict[str, object]] = {
        "leafIndex - 1": {"index": (good.index - 1) & WRAP},
        "leafIndex + 1": {"index": good.index + 1},
        "leafIndex ^ 2": {"index": good.index ^ 2},
        "treeSize * 2": {"size": good.size * 2},
        "treeSize / 2": {"size": good.size // 2},
        "wrong leaf": {"leaf_hash": b"WrongLeaf"},
        "empty root": {"root": EMPTY_TREE},
        "random root": {"root": SOME_HASH},
        "trailing garbage": {"proof": [*proof, b""]},
        "trailing root": {"proof": [*proof, good.root]},
        "preceding garbage": {"proof": [b"", *proof]},
        "preceding root": {"proof": [good.root, *proof]},
    }
    for place in range(len(proof)):
        changes[f"modified proof[{place}] bit 3"] = {"proof": flip(proof, place, 8)}
    if proof:
        changes["removed component"] = {"proof": proof[:-1]}
    if len(proof) > 1:
        changes["inserted component"] = {"proof": [proof[0], SOME_HASH, *proof[1:]]}
    for name, change in changes.items():
        yield dataclasses.replace(good, name=f"{good.name}: {name}", holds=False, **change)  # type: ignore[arg-type]


def break_consistency(good: Consistency) -> Iterator[Consistency]:
    """Break a good proof in each of the source's ways."""
    proof, first, second = good.proof, good.first_root, good.second_root
    changes: dict[str, dict[str, object]] = {
        "size1 - 1": {"first": (good.first - 1) & WRAP},
        "size1 + 1": {"first": good.first + 1},
        "size1 ^ 2": {"first": good.first ^ 2},
        "size2 * 2": {"second": good.second * 2},
        "size2 / 2": {"second": good.second // 2},
        "wrong root1": {"first_root": b"WrongRoot"},
        "wrong root2": {"second_root": b"WrongRoot"},
        "swapped roots": {"first_root": second, "second_root": first},
        "empty proof": {"proof": []},
        "trailing garbage": {"proof": [*proof, b""]},
        "trailing root1": {"proof": [*proof, first]},
        "trailing root2": {"proof": [*proof, second]},
        "preceding garbage": {"proof": [b"", *proof]},
        "preceding root1": {"proof": [first, *proof]},
        "preceding root2": {"proof": [second, *proof]},
        "preceding proof[0]": {"proof": [proof[0], *proof]},
        "truncated proof": {"proof": proof[:-1]},
    }
    for place in range(len(proof)):
        changes[f"modified proof[{place}] bit 4"] = {"proof": flip(proof, place, 16)}
    for name, change in changes.items():
        yield dataclasses.replace(good, name=f"{good.name}: {name}", holds=False, **change)  # type: ignore[arg-type]


def list_inclusions() -> list[Inclusion]:
    """List all: the good ones, the broken ones, and those of trees too small for a proof."""
    if not SOURCE:
        return []
    roots = find_hex(find_block(SOURCE, "roots"))
    leaves = find_hex(find_block(SOURCE, "leaves"))
    cases: list[Inclusion] = []
    # "i = 0 is an invalid path."
    for leaf, size, proof in find_proofs(SOURCE, "inclusionProofs")[1:]:
        good = Inclusion(
            name=f"leaf {leaf} of {size}",
            index=leaf - 1,
            size=size,
            root=roots[size - 1],
            leaf_hash=hash_leaf(leaves[leaf - 1]),
            proof=proof,
            holds=True,
        )
        cases += [good, *break_inclusion(good)]
    for index, size in ((0, 0), (0, 1), (1, 0), (2, 1)):
        for leaf_hash, root in ((SOME_HASH, b""), (b"", EMPTY_TREE), (SOME_HASH, EMPTY_TREE)):
            cases.append(
                Inclusion(
                    name=f"probe {index} of {size}: {len(leaf_hash)} {len(root)}",
                    index=index,
                    size=size,
                    root=root,
                    leaf_hash=leaf_hash,
                    proof=[],
                )
            )
    single = hash_leaf(b"data")
    for root, leaf_hash in ((single, single), (single, b""), (b"", single), (b"", b"")):
        cases.append(
            Inclusion(
                name=f"single entry: {len(root)} {len(leaf_hash)}",
                index=0,
                size=1,
                root=root,
                leaf_hash=leaf_hash,
                proof=[],
                holds=root == leaf_hash == single,
            )
        )
    return cases


def list_consistencies() -> list[Consistency]:
    """List all: the good ones, the broken ones, and those of trees that need no proof."""
    if not SOURCE:
        return []
    roots = find_hex(find_block(SOURCE, "roots"))
    cases: list[Consistency] = []
    for first, second, proof in find_proofs(SOURCE, "consistencyProofs"):
        good = Consistency(
            name=f"{first} to {second}",
            first=first,
            second=second,
            first_root=roots[first - 1],
            second_root=roots[second - 1],
            proof=proof,
            holds=True,
        )
        cases.append(good)
        # "test only non-trivial proofs"
        if proof:
            cases += break_consistency(good)
    names = {
        "root1": b"don't care 1",
        "root2": b"don't care 2",
        "sha256EmptyTreeHash": EMPTY_TREE,
    }
    proofs: dict[str, list[bytes]] = {"proof1": [], "proof2": [EMPTY_TREE]}
    rows = re.findall(
        r"^\t\t\{(\d+), (\d+), (\w+), (\w+), (proof\d), (true|false)\},$", SOURCE, re.MULTILINE
    )
    for row, (first, second, first_root, second_root, proof_name, wrong) in enumerate(rows):
        cases.append(
            Consistency(
                name=f"row {row}",
                first=int(first),
                second=int(second),
                first_root=names[first_root],
                second_root=names[second_root],
                proof=proofs[proof_name],
                holds=wrong == "false",
            )
        )
    return cases


INCLUSIONS: Final = list_inclusions()
CONSISTENCIES: Final = list_consistencies()


def test_the_archive_when_the_tests_run_then_it_is_there_and_the_pinned_one() -> None:
    """Without the vectors nothing below means anything: missing is a failure."""
    assert ARCHIVE.is_file(), "script/setup test fetches it"
    assert merkle_vectors.fetch_vectors(ARCHIVE.parent) == ARCHIVE


def test_the_vectors_when_counted_then_none_is_missing() -> None:
    """As many as the source makes: 5 good proofs each, and every way of breaking them."""
    assert (len(INCLUSIONS), len(CONSISTENCIES)) == (98, 97)
    assert sum(case.holds for case in INCLUSIONS) == 6
    assert sum(case.holds for case in CONSISTENCIES) == 8


def test_the_ways_of_breaking_when_compared_with_the_source_then_they_are_the_same() -> None:
    """Each way has a name in the source; none is left out here, and none is made up."""
    said = set(re.findall(r'^\t\t\{[^\n]*, "([^"]+)"\},$', SOURCE, re.MULTILINE))
    said |= set(re.findall(r'Probe\{[^\n]*, "([^"]+)"\}\)', SOURCE))
    said |= {text.replace("%d", "0") for text in re.findall(r'Sprintf\("(modified[^"]+)"', SOURCE)}
    names = [case.name for case in INCLUSIONS] + [case.name for case in CONSISTENCIES]
    broken = [name for name in names if re.match(r"(leaf \d+ of|\d+ to) \d+: ", name)]
    here = {name.partition(": ")[2] for name in broken}

    assert said
    assert said == {re.sub(r"^modified proof\[\d\]", "modified proof[0]", name) for name in here}


@pytest.mark.parametrize("case", INCLUSIONS, ids=lambda case: case.name)
def test_inclusion_when_a_vector_is_checked_then_the_outcome_is_the_expected_one(
    case: Inclusion,
) -> None:
    """A good proof holds, and each broken one is refused."""
    if case.holds:
        case.verify()
        return
    with pytest.raises(CryptoError):
        case.verify()


@pytest.mark.parametrize("case", CONSISTENCIES, ids=lambda case: case.name)
def test_consistency_when_a_vector_is_checked_then_the_outcome_is_the_expected_one(
    case: Consistency,
) -> None:
    """A good proof holds, and each broken one is refused."""
    if case.holds:
        case.verify()
        return
    with pytest.raises(CryptoError):
        case.verify()


def test_the_trees_when_built_from_the_sources_leaves_then_roots_and_proofs_are_the_same() -> None:
    """What we make is what the source makes, not only what we accept."""
    roots = find_hex(find_block(SOURCE, "roots"))
    hashes = [hash_leaf(leaf) for leaf in find_hex(find_block(SOURCE, "leaves"))]
    read_node = make_node_reader(lambda level, number: b"".join(hashes) if level == 0 else b"")

    assert [compute_root(hashes[:size]) for size in range(1, 9)] == roots
    for leaf, size, proof in find_proofs(SOURCE, "inclusionProofs")[1:]:
        assert prove_inclusion(read_node, index=leaf - 1, size=size) == proof
    for first, second, proof in find_proofs(SOURCE, "consistencyProofs"):
        assert prove_consistency(read_node, first=first, second=second) == proof
