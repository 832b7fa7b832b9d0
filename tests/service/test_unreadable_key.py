"""A record whose key cannot be read: it keeps nothing else from dying on its day."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from retention.hold import check_terms, make_hold
from retention.policy import EVENTS, Event, Policy
from tests.service.test_purge import PROMISES, TEXT, TODAY, add, day
from tests.stored import open_store
from tipline.service.adopting import take_up_policy
from tipline.service.nightly import catch_up
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import StoredTip

SHORTER = Policy(
    periods={
        record_class: {event: 7 if event is Event.PICKED_UP else 30 for event in events}
        for record_class, events in EVENTS.items()
    }
)


class NobodyUploads:
    """An intake that knows of no upload."""

    def forget(self, upload_id: bytes) -> None:
        """There is nothing to forget."""


@pytest.fixture
def faults() -> list[Exception]:
    """What the store named."""
    return []


@pytest.fixture
def store(short_path: Path, faults: list[Exception]) -> Any:
    """A store that names what it passed over."""
    opened = open_store(short_path, today=lambda: TODAY, on_fault=faults.append)
    yield opened
    opened.close()


async def lose_key(store: SqliteStore, tip: StoredTip) -> None:
    """Take a record's own secret away behind its row."""
    found = await store._writer.call(lambda: store._rows.find_key("tips", tip.id))
    assert found is not None
    store._keys.destroy([found[0]])


async def find_days(store: SqliteStore) -> dict[bytes, int]:
    """Tell in how many days each tip dies."""
    return {tip.id: (tip.dies_on - TODAY).days for tip in await store.tips()}


async def night(store: SqliteStore) -> list[Any]:
    """Purge as every night, and give what the operator is told."""
    told: list[Any] = []
    await catch_up(
        store=store,
        intake=NobodyUploads(),  # type: ignore[arg-type]
        promises=PROMISES,
        today=TODAY,
        report=told.append,
    )
    return told


async def test_policy_when_a_key_cannot_be_read_then_it_is_taken_up_for_all_and_that_is_named(
    store: SqliteStore, faults: list[Exception]
) -> None:
    """INV-14: a shorter policy reaches every record, also the one that opens for nobody."""
    await store.adopt(PROMISES.policy, on=day(-200))
    bad, _ = await add(store, dies=80)
    good, envelope = await add(store, dies=80)
    await lose_key(store, bad)
    promises = await take_up_policy(store, SHORTER, today=TODAY)
    assert promises.policy == SHORTER
    assert await find_days(store) == {bad.id: 20, good.id: 20}
    assert [type(fault) for fault in faults] == [KeyUnavailableError]
    (moved,) = [tip for tip in await store.tips() if tip.id == good.id]
    assert await store.read_envelope(moved, offset=0, length=TEXT) == envelope
    report = await store.purge_due(promises=promises, today=day(20))
    assert (report.failures, await store.tips()) == ((), [])


async def test_night_when_a_tip_that_is_dated_ahead_cannot_be_read_then_what_is_due_goes(
    store: SqliteStore, faults: list[Exception]
) -> None:
    """It is dated back without its key, named, and the purge goes on."""
    due, _ = await add(store, dies=0)
    ahead, _ = await add(store, dies=260, arrived=170)
    await lose_key(store, ahead)
    assert await night(store) == []
    assert await find_days(store) == {ahead.id: 90}
    assert due.id not in await find_days(store)
    assert [type(fault) for fault in faults] == [KeyUnavailableError]


async def test_night_when_nothing_can_be_dated_back_then_it_is_said_and_what_is_due_goes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a clock that was ahead dated waits; what is due does not."""
    await add(store, dies=0)

    async def refuse(day: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store, "records_after", refuse)
    assert [error.code for error in await night(store)] == ["purge_incomplete"]
    assert await find_days(store) == {}


async def test_pick_up_when_one_of_the_tips_cannot_be_read_then_the_others_are_noted(
    store: SqliteStore,
) -> None:
    """The desk's acknowledgement counts for every tip that it names."""
    bad, _ = await add(store, dies=80)
    good, envelope = await add(store, dies=80)
    await lose_key(store, bad)
    assert await store.pick_up([bad.id, good.id], promises=PROMISES, today=TODAY) == 2
    assert await find_days(store) == {bad.id: 7, good.id: 7}
    (moved,) = [tip for tip in await store.tips() if tip.id == good.id]
    assert await store.read_envelope(moved, offset=0, length=TEXT) == envelope


async def test_move_when_the_days_key_is_gone_but_a_hold_opens_it_then_it_is_wrapped_anew(
    store: SqliteStore, faults: list[Exception]
) -> None:
    """What a hold still opens is not passed over."""
    tip, envelope = await add(store, dies=80)
    terms = check_terms(
        untrusted_first_person="Ana Duarte",
        untrusted_second_person="Luís Prado",
        untrusted_reason="court order 17",
        until_on=day(30),
        channel=None,
        tips=[tip.id],
        today=TODAY,
    )
    hold = make_hold(terms, hold_id=secrets.token_bytes(16), salt=bytes(32), placed_on=TODAY)
    await store.add_hold(hold, [tip.id], promises=PROMISES)
    store._keys.destroy_days([day(80)])
    await store.pick_up([tip.id], promises=PROMISES, today=TODAY)
    found = await store._writer.call(lambda: store._rows.find_key("tips", tip.id))
    assert found is not None
    store._keys.open(found[0], dies_on=day(7))
    assert faults == []
    (moved,) = await store.tips()
    assert await store.read_envelope(moved, offset=0, length=TEXT) == envelope
