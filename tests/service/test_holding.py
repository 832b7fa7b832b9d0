"""Holds that are placed while other things go on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from retention.hold import Hold, check_terms, make_hold
from tests.service.test_purge import PROMISES, TEXT, TODAY, add, day, open_line
from tests.stored import open_store
from tipline.service.placing import PART_TIPS
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import Placed


def make(*tips: bytes, channel: str | None = None) -> Hold:
    """Make a hold that lasts for 30 days."""
    terms = check_terms(
        untrusted_first_person="First Person",
        untrusted_second_person="Second Person",
        untrusted_reason="an order",
        until_on=day(30),
        channel=channel,
        tips=tips,
        today=TODAY,
    )
    return make_hold(terms, hold_id=secrets.token_bytes(16), salt=bytes(32), placed_on=TODAY)


async def place_after(turns: int, store: SqliteStore, tip_id: bytes) -> int:
    """Let others have so many turns, then place a hold; tell how many tips it holds."""
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        placed = await store.add_hold(make(tip_id), [tip_id], promises=PROMISES)
    except KeyUnavailableError:
        return 0
    return placed.held


async def test_purge_when_a_hold_is_placed_while_it_waits_then_the_tip_stays(
    short_path: Path,
) -> None:
    """A hold that was answered before anything died holds, however long ago the purge was asked."""
    store = open_line(short_path)
    tip, envelope = await add(store, dies=0)
    await store._purging.acquire()  # as the nightly rewriting does, for minutes
    purging = asyncio.create_task(store.purge_due(promises=PROMISES, today=TODAY))
    await asyncio.sleep(0)
    await store.remembers(b"nobody")  # whatever the purge asked of the database is answered
    assert await store.add_hold(make(tip.id), [tip.id], promises=PROMISES) == Placed(
        held=1, passed_over=0
    )
    store._purging.release()
    report = await purging
    assert (report.failures, report.records) == ((), ())
    assert await store.read_envelope(tip, offset=0, length=TEXT) == envelope
    store.close()


async def test_purge_when_a_hold_is_placed_at_the_same_moment_then_its_answer_is_true(
    short_path: Path,
) -> None:
    """A hold is answered for what stays, or it is refused: never for what the purge takes."""
    for turns in range(12):
        directory = short_path / str(turns)
        directory.mkdir(mode=0o700)
        store = open_line(directory)
        tip, _ = await add(store, dies=0)

        purging = store.purge_due(promises=PROMISES, today=TODAY)
        _, held = await asyncio.gather(purging, place_after(turns, store, tip.id))
        assert len(await store.find_tips([tip.id])) == held
        store.close()


async def test_hold_when_placed_over_a_channel_of_many_then_nobody_waits_for_all_of_it(
    short_path: Path, monkeypatch: Any
) -> None:
    """A hold goes in small parts: others are answered in between, and what arrives is held, too."""
    store = open_line(short_path)
    for _ in range(PART_TIPS * 3):
        await add(store, dies=20)
    sizes: list[int] = []
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    add_wraps = store._holdings.add_wraps
    arrived: list[bytes] = []

    def note(hold_id: bytes, wraps: Mapping[bytes, bytes]) -> None:
        sizes.append(len(wraps))
        loop.call_soon_threadsafe(begun.set)
        add_wraps(hold_id, wraps)

    monkeypatch.setattr(store._holdings, "add_wraps", note)
    placing = asyncio.create_task(store.add_hold(make(channel="city"), (), promises=PROMISES))
    await asyncio.wait_for(begun.wait(), 10)
    assert not placing.done()
    tip, _ = await add(store, dies=20)  # answered before the hold is
    arrived.append(tip.id)
    assert not placing.done()
    assert await placing == Placed(held=PART_TIPS * 3 + 1, passed_over=0)
    assert max(sizes) <= PART_TIPS
    assert all(record.held_by for record in await store.find_tips(arrived))
    store.close()


async def test_hold_when_a_tip_of_its_channel_cannot_be_opened_then_the_others_are_held(
    short_path: Path,
) -> None:
    """One damaged tip does not keep the others from being held; one that was named is refused."""
    faults: list[Exception] = []
    store = open_store(short_path, today=lambda: TODAY, on_fault=faults.append)
    lost, _ = await add(store, dies=20)
    kept, _ = await add(store, dies=20)
    found = await store._writer.call(lambda: store._rows.find_key("tips", lost.id))
    assert found is not None
    store._keys.destroy([found[0]])
    assert await store.add_hold(make(channel="city"), (), promises=PROMISES) == Placed(
        held=1, passed_over=1
    )
    assert len(faults) == 1
    with pytest.raises(KeyUnavailableError):
        await store.add_hold(make(kept.id, lost.id), [kept.id, lost.id], promises=PROMISES)
    assert len(await store.holds()) == 1
    (record,) = await store.find_tips([kept.id])
    assert len(record.held_by) == 1  # nothing is left of the hold that was refused
    store.close()


async def test_hold_when_its_placing_was_cut_short_then_nothing_is_held_by_it(
    short_path: Path,
) -> None:
    """What lies under a hold that has no row holds nothing after the next start."""
    store = open_line(short_path)
    tip, _ = await add(store, dies=0)
    hold = make(channel="city")
    store._keys.make_hold(hold.id)
    await store._writer.call(lambda: store._holdings.add_wraps(hold.id, {tip.id: bytes(72)}))
    store.close()
    store = open_line(short_path)
    (record,) = await store.find_tips([tip.id])
    assert record.held_by == frozenset()
    assert (await store.purge_due(promises=PROMISES, today=TODAY)).count == 1
    store.close()
