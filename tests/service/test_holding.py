"""Holds that are placed while other things go on."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from retention.hold import Hold, check_terms, make_hold
from tests.service.test_purge import PROMISES, TEXT, TODAY, add, day, open_line
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.sqlite_store import SqliteStore


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
        return await store.add_hold(make(tip_id), [tip_id], promises=PROMISES)
    except KeyUnavailableError:
        return 0


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
    assert await store.add_hold(make(tip.id), [tip.id], promises=PROMISES) == 1
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
