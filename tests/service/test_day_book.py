"""What the log will tell of a day: written down without keeping others waiting."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_purge import day, open_line
from tipline.service.day_book import TextKind
from tipline.service.day_leaves import LEAF_ROWS, part_leaves

COUNT = 1300
TEXT_DAY, NEXT_DAY = day(-1), day(0)


@pytest.fixture
def book(short_path: Path) -> Iterator[tuple[Any, list[bytes]]]:
    """A store into which many tips came on one day."""
    store = open_line(short_path)
    leaves = sorted(secrets.token_bytes(32) for _ in range(COUNT))
    with store._database.atomic():
        store._database.conn.executemany(
            "INSERT INTO arrivals VALUES (?, ?)", [(TEXT_DAY.isoformat(), leaf) for leaf in leaves]
        )
    yield store, leaves
    store.close()


def find_waiting(store: Any) -> list[tuple[str, bytes]]:
    """List the leaves that wait for a tree."""
    return [tuple(row) for row in store._database.execute("SELECT about_on, leaf FROM arrivals")]


async def write_down(store: Any, of: datetime.date = TEXT_DAY) -> Any:
    """Write a day down, as the batch of the day after does."""
    return await store.day_book.write_down(
        of, logged_on=of + datetime.timedelta(days=1), dies_on=day(90)
    )


async def read_leaves(store: Any, of: datetime.date = TEXT_DAY) -> list[bytes]:
    """Read the leaves of a day's tree from its text."""
    texts = {text.kind: text.text for text in await store.day_book.read_texts(of)}
    return part_leaves(texts[TextKind.ARRIVALS])[1]


async def read_annex(store: Any, of: datetime.date = TEXT_DAY) -> Any:
    """Read how many came and how many wait."""
    annex = json.loads(await store.read_annex(of))
    return annex["arrived"], annex["waiting"]


async def test_write_down_when_many_tips_came_then_no_call_takes_all_their_leaves(
    book: tuple[Any, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long everybody waits at the log's hour does not grow with the tips of a day."""
    store, leaves = book
    calls: list[int] = []
    call = store._writer.call

    async def count(work: Any) -> Any:
        asked: list[int] = []

        def run() -> Any:
            before = store._database.conn.total_changes
            done = work()
            read = len(done) if isinstance(done, list) else 0
            asked.append(store._database.conn.total_changes - before + read)
            return done

        done = await call(run)
        calls.extend(asked)
        return done

    monkeypatch.setattr(store._writer, "call", count)
    await write_down(store)

    assert max(calls) <= LEAF_ROWS < COUNT
    assert find_waiting(store) == []
    assert await read_leaves(store) == leaves
    assert await read_annex(store) == (COUNT, 0)


@pytest.mark.parametrize("calls", [1, 3, 6, 7, 8, 9])
async def test_write_down_when_it_crashes_then_no_leaf_is_told_twice_or_lost(
    book: tuple[Any, list[bytes]], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """After so many calls the machine stops; what comes meanwhile is told the next day."""
    store, leaves = book
    call = store._writer.call
    left = calls

    async def crash(work: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("the crash")
        return await call(work)

    with monkeypatch.context() as patch:
        patch.setattr(store._writer, "call", crash)
        with pytest.raises(OSError, match="the crash"):
            await write_down(store)
    new = bytes(32), b"\xff" * 32  # before and behind all others; one bears a day that is told
    with store._database.atomic():
        for leaf, about_on in zip(new, (TEXT_DAY, NEXT_DAY), strict=True):
            store._database.execute(
                "INSERT INTO arrivals VALUES (?, ?)", [about_on.isoformat(), leaf]
            )
    told = await write_down(store)
    assert await write_down(store) == told
    first = await read_leaves(store)
    await write_down(store, NEXT_DAY)

    assert sorted([*first, *await read_leaves(store, NEXT_DAY)]) == sorted([*leaves, *new])
    assert find_waiting(store) == []
    arrived, waiting = await read_annex(store)
    has_first = new[0] in first  # it came before the text was there
    assert (arrived, waiting) == (COUNT + has_first, 0 if calls > 6 else 2 - has_first)


async def test_write_down_when_more_came_than_a_tree_holds_then_the_rest_waits(
    book: tuple[Any, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no place, and what bears a day to come, is told once, and counted as waiting."""
    store, leaves = book
    monkeypatch.setattr("tipline.service.day_book.ARRIVALS_SIZE", COUNT - 100)
    far = secrets.token_bytes(32)
    with store._database.atomic():
        store._database.execute("INSERT INTO arrivals VALUES (?, ?)", [day(900).isoformat(), far])
    await write_down(store)

    assert await read_leaves(store) == leaves[:-100]
    assert await read_annex(store) == (COUNT - 100, 101)
    rest = sorted([*leaves[-100:], far])
    assert find_waiting(store) == [(NEXT_DAY.isoformat(), leaf) for leaf in rest]
