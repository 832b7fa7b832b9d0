"""Tiles, their paths, and bundles of entries."""

from __future__ import annotations

import pytest

from crypto.errors import MalformedError
from retention.log.merkle import Frontier, compute_root, hash_leaf, hash_range
from retention.log.tiles import (
    MAX_LEVEL,
    TILE_WIDTH,
    TilePath,
    decode_bundle,
    encode_bundle,
    grow_tiles,
    hash_tile,
    list_tiles,
    make_node_reader,
    parse_tile_path,
    read_frontier,
)

COUNT = 70_000
LEAVES = [hash_leaf(number.to_bytes(4, "big")) for number in range(COUNT)]


def grow(cuts: list[int], leaves: list[bytes]) -> dict[int, list[bytes]]:
    """Let tiles grow in batches of the given lengths."""
    levels: dict[int, list[bytes]] = {}

    def read_tile(level: int, number: int) -> bytes:
        row = levels.get(level, [])
        return b"".join(row[number * TILE_WIDTH : (number + 1) * TILE_WIDTH])

    first = 0
    for cut in cuts:
        for level, number, node in grow_tiles(
            first, leaves[first : first + cut], read_tile=read_tile
        ):
            assert number == len(levels.setdefault(level, []))
            levels[level].append(node)
        first += cut
    return levels


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tile/0/x001/x234/067", TilePath(level=0, number=1234067, width=256)),
        ("tile/5/000.p/1", TilePath(level=5, number=0, width=1)),
        ("tile/entries/x001/000.p/255", TilePath(level=None, number=1000, width=255)),
        ("tile/entries/999", TilePath(level=None, number=999, width=256)),
    ],
)
def test_path_when_written_then_it_reads_as_the_same(text: str, path: TilePath) -> None:
    """A path has one spelling, the specification's."""
    assert path.format() == text
    assert parse_tile_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tile/0/67",
        "tile/0/1234067",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/00/000",
        "tile/6/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/entries/000.p/0",
        "tile/entries/000.p/256",
        "tile/entries/000.p/07",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/" + "x999/" * 9 + "999",
        "checkpoint",
    ],
)
def test_path_when_spelled_otherwise_then_there_is_no_such_tile(text: str) -> None:
    """Another spelling is another path: none that exists."""
    with pytest.raises(MalformedError):
        parse_tile_path(text)


def test_list_when_the_log_has_70000_entries_then_the_tiles_are_the_specifications() -> None:
    """Source: C2SP tlog-tiles.md, "Partial Tiles", its example of 70,000 entries."""
    tiles = list(list_tiles(70_000))
    wide = [path for path in tiles if path.width == TILE_WIDTH]
    narrow = {(path.level, path.width) for path in tiles if path.width < TILE_WIDTH}

    assert sum(path.level == 0 for path in wide) == 273
    assert sum(path.level == 1 for path in wide) == 1
    assert narrow == {(0, 112), (1, 17), (2, 1), (None, 112)}


def test_list_when_the_log_has_256_entries_then_the_next_level_begins() -> None:
    """Source: C2SP tlog-tiles.md: 256 entries make a full tile and a partial one above."""
    paths = [path.format() for path in list_tiles(256)]

    assert paths == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]


def test_growth_when_cut_into_batches_then_the_tiles_are_the_same() -> None:
    """A tile never changes, however the entries came; its hashes are those of the tree."""
    levels = grow([1, 5, 250, 300, 512, 3000, 65_932], LEAVES)

    assert levels == grow([COUNT], LEAVES)
    assert [len(levels[level]) for level in sorted(levels)] == [70_000, 273, 1]
    assert levels[1][3] == compute_root(LEAVES[768:1024])
    assert levels[2][0] == compute_root(LEAVES[:65_536])


def test_growth_when_the_highest_level_is_full_then_nothing_stands_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The levels end where a checkpoint's size ends."""
    monkeypatch.setattr("retention.log.tiles.MAX_LEVEL", 1)

    assert sorted(grow([65_536 + 256], LEAVES)) == [0, 1]
    assert MAX_LEVEL == 5


def test_nodes_when_read_from_tiles_then_any_range_hashes_as_the_tree() -> None:
    """Every complete subtree can be had from the tiles alone."""
    levels = grow([COUNT], LEAVES)

    def read_tile(level: int, number: int) -> bytes:
        row = levels.get(level, [])
        return b"".join(row[number * TILE_WIDTH : (number + 1) * TILE_WIDTH])

    read_node = make_node_reader(read_tile)
    assert hash_range(read_node, 0, COUNT) == compute_root(LEAVES)
    assert hash_range(read_node, 512, 519) == compute_root(LEAVES[512:519])
    assert read_frontier(COUNT, read_tile=read_tile) == Frontier.empty().append(LEAVES)
    assert read_frontier(0, read_tile=read_tile) == Frontier.empty()
    with pytest.raises(ValueError, match="too short"):
        read_frontier(COUNT + 64, read_tile=read_tile)


def test_tile_when_it_has_one_hash_then_that_is_its_root() -> None:
    """Nothing is hashed over a single one."""
    assert hash_tile(LEAVES[0]) == LEAVES[0]


def test_bundle_when_written_then_it_reads_as_the_same() -> None:
    """Entries survive their bundle, empty and longest ones too."""
    entries = [b"", b"a", b"x" * 65_535]

    assert encode_bundle(entries[:2]) == b"\x00\x00\x00\x01a"
    assert decode_bundle(encode_bundle(entries), count=3) == entries


@pytest.mark.parametrize(
    ("bundle", "count"),
    [
        (b"\x00\x01a", 2),
        (b"\x00\x01a\x00\x01b", 1),
        (b"\x00\x02a", 1),
        (b"\x00\x01a\x00", 2),
        (b"\x00\x01a\x00", 1),
        (b"", 1),
    ],
)
def test_bundle_when_cut_or_longer_then_it_is_refused(bundle: bytes, count: int) -> None:
    """A bundle has exactly its entries."""
    with pytest.raises(MalformedError):
        decode_bundle(bundle, count=count)
