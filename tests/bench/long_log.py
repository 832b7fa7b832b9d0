"""A long log made quickly: what an auditor's verifier is measured with."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crypto.note import Signer
from retention.log.batch import ONE_DAY
from retention.log.checkpoint import Checkpoint, sign_checkpoint
from retention.log.entry import (
    ARRIVALS_SIZE,
    Entry,
    EntryType,
    Statement,
    encode_entry,
    make_statement,
)
from retention.log.merkle import Frontier, hash_leaf
from retention.log.tiles import TILE_WIDTH, TilePath, encode_bundle, grow_tiles, list_tiles
from retention.policy import EVENTS, RecordClass

DAY_ENTRIES: Final = 3 + len(RecordClass)


def list_entries(count: int, *, log: Signer, root: str, begun_on: datetime.date) -> Iterator[bytes]:
    """
    Write the entries of a good log: an origin, a policy, then one batch a day.

    Args:
        count: At least so many; the last day is written out.
        log: The log's key.
        root: The desk root's verifier key.
        begun_on: The day of the first batch.

    Yields:
        Each entry.
    """
    for statement in (
        make_statement(EntryType.ORIGIN, on=begun_on, root=root, log=log.verifier().format()),
        make_statement(
            EntryType.POLICY,
            on=begun_on,
            periods={
                str(record_class): {str(event): 90 for event in events}
                for record_class, events in EVENTS.items()
            },
            sha256="00" * 32,
        ),
    ):
        yield _encode(begun_on, statement)
    of = begun_on
    for _ in range(-(-(count - 2) // DAY_ENTRIES)):
        day = of + ONE_DAY
        # Written out: making and checking each statement would take most of the time.
        start = f'"day":"{day}","of":"{of}"'
        noise = hashlib.sha256(start.encode()).hexdigest()
        yield (
            f'{{"v":1,"type":"arrivals",{start},"root":"{noise}","size":{ARRIVALS_SIZE}}}'.encode()
        )
        yield f'{{"v":1,"type":"day_key",{start},"method":"overwritten","late_days":0}}'.encode()
        for record_class in RecordClass:
            yield (
                f'{{"v":1,"type":"purge",{start},"class":"{record_class}",'
                '"method":"overwritten","late_days":0}'
            ).encode()
        yield f'{{"v":1,"type":"annex",{start},"sha256":"{noise}"}}'.encode()
        of = day


def write_long_log(
    directory: Path, count: int, *, log: Signer, root: str, begun_on: datetime.date
) -> Checkpoint:
    """
    Write a good log in the layout in which it is served.

    Args:
        directory: Of the files; made.
        count: At least so many entries.
        log: The log's key.
        root: The desk root's verifier key.
        begun_on: The day of the first batch.

    Returns:
        The last checkpoint; its note is written as `checkpoint`.
    """
    entries = list(list_entries(count, log=log, root=root, begun_on=begun_on))
    leaf_hashes = [hash_leaf(entry) for entry in entries]
    levels: dict[int, list[bytes]] = {}

    def read_tile(level: int, number: int) -> bytes:
        start = number * TILE_WIDTH
        return b"".join(levels.get(level, [])[start : start + TILE_WIDTH])

    for level, _number, node in grow_tiles(0, leaf_hashes, read_tile=read_tile):
        levels.setdefault(level, []).append(node)
    for path in list_tiles(len(entries)):
        place = directory / path.format()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_cut(path, entries=entries, levels=levels))
    checkpoint = Checkpoint(
        origin=log.name,
        size=len(entries),
        root=Frontier.empty().append(leaf_hashes).root(),
    )
    (directory / "checkpoint").write_bytes(sign_checkpoint(checkpoint, log))
    return checkpoint


def _cut(path: TilePath, *, entries: list[bytes], levels: dict[int, list[bytes]]) -> bytes:
    start = path.number * TILE_WIDTH
    if path.level is None:
        return encode_bundle(entries[start : start + path.width])
    return b"".join(levels[path.level][start : start + path.width])


def _encode(day: datetime.date, statement: Statement) -> bytes:
    return encode_entry(Entry(day=day, statement=statement))
