"""
Rebuilding the tree from raw entries, and comparing it with every tile that is served.

Rules:
    1. The tree of the entries decides. If its root is the signed one, the entries are the log's; a
       tile that differs then is a wrong tile.
    2. If it is not, but the tree of the served hashes has the signed root, then entries were
       changed, dropped, exchanged or doubled, and the place is known.
    3. If neither has it, nobody can say more than that the log is not what was signed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tipline.audit.diagnosis import compare
from tipline.audit.findings import Findings, Kind
from tipline.audit.notes import Checkpoint
from tipline.audit.places import (
    MAX_BUNDLE_BYTES,
    MAX_TILE_BYTES,
    name_tile,
    split_bundle,
    split_tile,
)
from tipline.audit.source import Source
from tipline.audit.strict import HASH_BYTES
from tipline.audit.tree import TILE_WIDTH, GrowingTree, hash_leaf

Take = Callable[[bytes], None]
_LEAVES: Final = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """
    What came of it.

    Args:
        holds: Whether the entries are those that were signed.
        tree: Of the entries.
        parted: Of the sizes asked for, those at which the root was another.
        findings: About tiles and entries.
    """

    holds: bool
    tree: GrowingTree
    parted: tuple[int, ...]
    findings: Findings


class Rebuild:
    """
    One pass over a log.

    Args:
        source: Where it lies.
        checkpoint: What was signed.
        tree: Of the entries that are known already.
        take: Told each new entry, in order.
        expected: Roots that the tree must have had at some sizes.
        note: Told how many entries were read.
    """

    def __init__(
        self,
        source: Source,
        *,
        checkpoint: Checkpoint,
        tree: GrowingTree,
        take: Take,
        expected: Mapping[int, bytes],
        note: Callable[[int], None],
    ) -> None:
        self._source = source
        self._size = checkpoint.size
        self._root = checkpoint.root
        self._tree = tree
        self._take = take
        self._expected = dict(expected)
        self._note = note
        self._served: GrowingTree | None = None
        self._before: bytes | None = None
        self._entry_faults = Findings()
        self._tile_faults = Findings()
        self._parted: list[int] = []

    def run(self) -> Rebuilt:
        """
        Read everything that is new.

        Returns:
            Whether it holds, and what was found.

        Raises:
            UnreachableError: the log cannot be read.
        """
        start = self._tree.size
        findings = self._tile_faults
        for number in range(start // TILE_WIDTH, -(-self._size // TILE_WIDTH)):
            skip = max(start - number * TILE_WIDTH, 0)
            if not self._read_bundle(number, skip=skip):
                return Rebuilt(holds=False, tree=self._tree, parted=(), findings=self._entry_faults)
            self._note(min((number + 1) * TILE_WIDTH, self._size))
        if self._tree.root() == self._root:
            holds = True
            self._check_unfinished()
        else:
            holds, findings = False, self._entry_faults
            if self._served is None or self._served.root() != self._root:
                findings = Findings()
                findings.add(Kind.WRONG_TREE, size=self._size)
        return Rebuilt(holds=holds, tree=self._tree, parted=tuple(self._parted), findings=findings)

    def _read_bundle(self, number: int, *, skip: int) -> bool:
        first = number * TILE_WIDTH
        width = min(TILE_WIDTH, self._size - first)
        bundle = self._source.read(name_tile("entries", number, width), max_bytes=MAX_BUNDLE_BYTES)
        hashes = self._read_tile(_LEAVES, number, width)
        if bundle is None:
            self._entry_faults.add(Kind.TRUNCATED_TILE, number=first)
            return False
        entries, is_whole = split_bundle(bundle)
        if not is_whole:
            self._entry_faults.add(Kind.TRUNCATED_TILE, number=first + len(entries))
            return False
        leaves = [hash_leaf(entry) for entry in entries]
        known = self._tree.levels[_LEAVES] if skip else ()
        if hashes is not None and leaves != list(hashes):
            self._part(leaves, hashes, number=number, width=width)
        if len(leaves) != width:
            if hashes is None or self._served is None:
                self._entry_faults.add(Kind.TRUNCATED_TILE, number=first + len(leaves))
            # The entries' tree can no longer be the signed one; the served one may tell where.
            self._tree = GrowingTree()
        elif tuple(leaves[:skip]) != tuple(known):
            self._tree = GrowingTree()
        else:
            self._grow(first + skip, leaves[skip:])
            for entry in entries[skip:]:
                self._take(entry)
        if self._served is not None and hashes is not None:
            for _ in self._served.add(hashes[skip:]):
                pass
        if hashes:
            self._before = hashes[-1]
        return True

    def _read_tile(self, level: int, number: int, width: int) -> tuple[bytes, ...] | None:
        """Read a tile of hashes; what is missing or too short is written down."""
        tile = self._source.read(name_tile(level, number, width), max_bytes=MAX_TILE_BYTES)
        if tile is not None and len(tile) == width * HASH_BYTES:
            return split_tile(tile)
        self._tile_faults.add(Kind.TRUNCATED_TILE, number=number * TILE_WIDTH ** (level + 1))
        return None

    def _part(
        self, leaves: list[bytes], hashes: tuple[bytes, ...], *, number: int, width: int
    ) -> None:
        """Write down where entries and hashes part; the signed root decides which is right."""
        if self._served is None:
            self._served = GrowingTree(self._tree.levels)
        first = number * TILE_WIDTH
        self._tile_faults.add(Kind.WRONG_TILE, level=_LEAVES, number=number)
        if self._entry_faults.listed and self._entry_faults.listed[-1].kind in (
            Kind.DROPPED_ENTRY,
            Kind.DUPLICATED_ENTRY,
        ):
            return  # everything behind it has moved
        after = None
        if first + width < self._size:
            next_width = min(TILE_WIDTH, self._size - first - width)
            following = self._read_tile(_LEAVES, number + 1, next_width)
            after = following[0] if following else None
        for kind, place in compare(leaves, hashes, before=self._before, after=after):
            self._entry_faults.add(kind, number=first + place)

    def _grow(self, start: int, leaves: list[bytes]) -> None:
        """Add leaves, looking at the root wherever it is asked for."""
        for size in sorted(size for size in self._expected if start < size <= start + len(leaves)):
            part, leaves = leaves[: size - start], leaves[size - start :]
            self._check_whole(self._tree.add(part))
            start = size
            if self._tree.root() != self._expected.pop(size):
                self._parted.append(size)
        self._check_whole(self._tree.add(leaves))

    def _check_whole(self, tiles: Iterable[tuple[int, int, tuple[bytes, ...]]]) -> None:
        for level, number, hashes in tiles:
            if level != _LEAVES:
                self._check_tile(level, number, hashes)

    def _check_unfinished(self) -> None:
        for level, hashes in enumerate(self._tree.levels):
            if level != _LEAVES and hashes:
                number = self._size // TILE_WIDTH ** (level + 1)
                self._check_tile(level, number, hashes)

    def _check_tile(self, level: int, number: int, hashes: tuple[bytes, ...]) -> None:
        served = self._read_tile(level, number, len(hashes))
        if served is not None and served != hashes:
            self._tile_faults.add(Kind.WRONG_TILE, level=level, number=number)
