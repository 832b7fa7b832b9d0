"""The purge of a store: what it claims, what it refuses to claim, and what it costs."""

from __future__ import annotations

import datetime
import errno
import secrets
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from retention.plan import Reason, Waiting
from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises
from retention.slot import SLOT_BYTES, SlotKind, encode_day_label
from retention.slot_root import Method
from tests.stored import SLOT_FILE_NAME, open_store
from tipline.service.adopting import date_back
from tipline.service.due_tables import DUE_TABLES
from tipline.service.nightly import run_purge
from tipline.service.purge import BATCH_ROWS
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import Arrival, StoredTip

TODAY = datetime.date(2031, 6, 12)
TEXT, FILE = 1 << 16, 1 << 18
PROMISES = Promises.of(
    Policy(
        periods={
            record_class: {event: 7 if event is Event.PICKED_UP else 90 for event in events}
            for record_class, events in EVENTS.items()
        }
    )
)


def day(offset: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=offset)


def open_line(directory: Path) -> SqliteStore:
    return open_store(directory, today=lambda: TODAY)


async def add(
    store: SqliteStore, *, dies: int, size_bytes: int = TEXT, arrived: int | None = None
) -> tuple[StoredTip, bytes]:
    """Store a tip that dies so many days from today."""
    envelope = secrets.token_bytes(size_bytes)
    tip = StoredTip(
        id=secrets.token_bytes(16),
        arrived_on=day(dies - 90 if arrived is None else arrived),
        dies_on=day(dies),
        size_bytes=size_bytes,
        channel="city",
        sealed_by_service=False,
        keyset=1,
    )
    arrival = Arrival(upload_id=secrets.token_bytes(16), answer_dies_on=day(dies + 30), tip=tip)
    await store.add_whole(arrival, envelope)
    return tip, envelope


async def test_report_when_records_went_late_then_class_day_and_lateness_are_told(
    short_path: Path,
) -> None:
    """Each class and day is told with its lateness, and each day's key with its own."""
    store = open_line(short_path)
    await add(store, dies=0)
    await add(store, dies=-2)
    await add(store, dies=-2)
    await add(store, dies=-2, size_bytes=FILE)
    alive, envelope = await add(store, dies=1)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert report.failures == ()
    assert {
        (dead.record_class, dead.due_on, dead.late_days, dead.count) for dead in report.records
    } == {
        (RecordClass.SEALED_TIP, day(0), 0, 1),
        (RecordClass.SEALED_TIP, day(-2), 2, 2),
        (RecordClass.ATTACHMENT, day(-2), 2, 1),
    }
    assert [(dead.day, dead.late_days, dead.method) for dead in report.days] == [
        (day(-2), 2, Method.OVERWRITTEN),
        (day(0), 0, Method.OVERWRITTEN),
    ]
    assert await store.read_envelope(alive, offset=0, length=TEXT) == envelope
    again = await store.purge_due(promises=PROMISES, today=TODAY)
    assert (again.days, again.records, again.failures) == ((), (), ())
    store.close()


async def test_purge_when_keys_cannot_be_destroyed_then_nothing_goes_and_nothing_is_claimed(
    short_path: Path, monkeypatch: Any
) -> None:
    """A disk that refuses the overwriting stops everything else: rows stay, to be tried again."""
    store = open_line(short_path)
    tip, _ = await add(store, dies=0)

    def refuse(days: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store._keys, "destroy_days", refuse)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert [failure.code for failure in report.failures] == ["keys"]
    assert (report.days, report.records) == ((), ())
    assert [stored.id for stored in await store.tips()] == [tip.id]
    monkeypatch.undo()
    report = await store.purge_due(promises=PROMISES, today=day(1))
    assert [(dead.count, dead.late_days) for dead in report.records] == [(1, 1)]
    store.close()


@pytest.mark.parametrize(
    ("place", "name", "error"),
    [
        ("_keys", "destroy", KeyUnavailableError("slot_not_destroyed")),
        ("_files", "remove", OSError(30, "Read-only file system")),
        ("_rows", "delete", sqlite3.OperationalError("database or disk is full")),
    ],
)
async def test_purge_when_a_step_fails_then_its_class_and_day_are_named(
    short_path: Path, monkeypatch: Any, place: str, name: str, error: Exception
) -> None:
    """Whatever fails names class and day, claims nothing, and is made up for by the next run."""
    store = open_line(short_path)
    await add(store, dies=-1, size_bytes=FILE)

    def refuse(*arguments: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(getattr(store, place), name, refuse)
        report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert [(one.record_class, one.due_on, one.error) for one in report.failures] == [
        (RecordClass.ATTACHMENT, day(-1), error)
    ]
    assert report.records == ()
    assert (await store.purge_due(promises=PROMISES, today=TODAY)).count == 1
    assert await store.records() == [] or all(
        record.record_class is RecordClass.UPLOAD_ANSWER for record in await store.records()
    )
    store.close()


async def test_look_when_something_is_left_then_it_is_said(
    short_path: Path, monkeypatch: Any
) -> None:
    """What the looking finds in pages or beside the database is a failure, not a detail."""
    store = open_line(short_path)
    tip, _ = await add(store, dies=0)
    read = store._checkpoints.read_page
    monkeypatch.setattr(store._checkpoints, "read_page", lambda number: read(number)[:-16] + tip.id)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert {failure.code for failure in report.failures} == {"remnant"}
    monkeypatch.undo()
    (short_path / "etilqs_left").touch()
    await add(store, dies=0)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert [(failure.code, failure.count) for failure in report.failures] == [("remnant", 1)]
    store.close()


async def test_due_when_asked_for_then_an_index_finds_it(short_path: Path) -> None:
    """Work grows with what dies: no plan of SQLite walks through a table."""
    store = open_line(short_path)
    asked: list[str] = []
    store._database.conn.set_trace_callback(asked.append)
    await store.due_records(today=TODAY, waiting=Waiting(since=day(300), today=day(365)))
    store._database.conn.set_trace_callback(None)
    queries = [query for query in asked if "ORDER BY dies_on" in query]
    assert len(queries) == len(DUE_TABLES)
    for table, query in zip(DUE_TABLES, queries, strict=True):
        (plan, *rest) = store._database.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert plan[-1].startswith(f"SEARCH {table} USING INDEX {table}_dies_on (")
        assert rest == []
    store.close()


async def test_purge_when_there_is_more_than_a_batch_then_all_of_it_goes(
    short_path: Path,
) -> None:
    """Batches follow each other until nothing is due; what is held in between is passed over."""
    store = open_line(short_path)
    for number in range(BATCH_ROWS * 2 + 3):
        await add(store, dies=-(number % 3))
    alive, _ = await add(store, dies=2)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert (report.count, report.failures) == (BATCH_ROWS * 2 + 3, ())
    assert [tip.id for tip in await store.tips()] == [alive.id]
    store.close()


async def test_purge_when_a_jump_of_the_clock_waits_then_each_counts_by_its_own_clock(
    short_path: Path,
) -> None:
    """What was dated before the jump waits; what the jumped clock dated dies by that clock."""
    store = open_line(short_path)
    before, _ = await add(store, dies=40)
    after, _ = await add(store, dies=400, arrived=310)
    waiting = Waiting(since=day(300), today=day(399))
    assert (await store.purge_due(promises=PROMISES, today=TODAY, waiting=waiting)).count == 0
    waiting = Waiting(since=day(300), today=day(400))
    assert (await store.purge_due(promises=PROMISES, today=TODAY, waiting=waiting)).count == 1
    assert [tip.id for tip in await store.tips()] == [before.id]
    assert after.id not in {tip.id for tip in await store.tips()}
    store.close()


async def test_pick_up_when_said_twice_then_the_first_day_counts_and_the_tip_still_opens(
    short_path: Path,
) -> None:
    """A pick-up brings the last day nearer, once, and the data key under that day's key."""
    store = open_line(short_path)
    tip, envelope = await add(store, dies=80)
    other, _ = await add(store, dies=80)
    assert await store.pick_up([tip.id], promises=PROMISES, today=TODAY) == 1
    assert await store.pick_up([tip.id], promises=PROMISES, today=day(3)) == 0
    stored = {one.id: one for one in await store.tips()}
    assert (stored[tip.id].picked_up_on, stored[tip.id].dies_on) == (TODAY, day(7))
    assert (stored[other.id].picked_up_on, stored[other.id].dies_on) == (None, day(80))
    assert await store.read_envelope(stored[tip.id], offset=0, length=TEXT) == envelope
    report = await store.purge_due(promises=PROMISES, today=day(7))
    assert {Reason.PICKED_UP: 1} in [dict(dead.reasons) for dead in report.records]
    assert [one.id for one in await store.tips()] == [other.id]
    store.close()


async def test_tip_when_its_key_is_lost_then_it_opens_for_nobody_and_the_next_purge_takes_it(
    short_path: Path,
) -> None:
    """A lost secret is neither an error for the others nor kept for ever."""
    faults: list[Exception] = []
    store = open_store(short_path, today=lambda: TODAY, on_fault=faults.append)
    lost, _ = await add(store, dies=50)
    kept, envelope = await add(store, dies=50)
    found = await store._writer.call(lambda: store._rows.find_key("tips", lost.id))
    assert found is not None
    store._keys.destroy([found[0]])
    assert await store.read_envelope(lost, offset=0, length=TEXT) is None
    assert len(faults) == 1
    assert await store.losses.end_all(today=TODAY) == 1
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert [dict(dead.reasons) for dead in report.records] == [{Reason.KEY_LOST: 1}]
    assert await store.read_envelope(kept, offset=0, length=TEXT) == envelope
    store.close()


async def test_arrival_when_its_slot_is_not_durable_then_no_row_names_it(
    short_path: Path, monkeypatch: Any
) -> None:
    """INV-05: the slots are synced before the row commits, and a failing sync commits nothing."""
    store = open_line(short_path)
    order: list[str] = []
    sync = store._slots.sync
    store._database.conn.set_trace_callback(
        lambda sql: order.append(sql) if sql.startswith(("INSERT INTO tips", "COMMIT")) else None
    )

    def note() -> None:
        order.append("sync")
        sync()

    monkeypatch.setattr(store._slots, "sync", note)
    await add(store, dies=9)
    assert [step[:16] for step in order] == ["INSERT INTO tips", "sync", "COMMIT"]

    def refuse() -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr(store._slots, "sync", refuse)
    with pytest.raises(OSError, match="I/O error"):
        await add(store, dies=9)
    monkeypatch.undo()
    store._database.conn.set_trace_callback(None)
    assert len(await store.tips()) == 1
    store.close()


async def test_purge_when_a_days_key_cannot_be_read_then_its_bytes_go_all_the_same(
    short_path: Path, monkeypatch: Any
) -> None:
    """A key in a slot with one wrong bit lies whole on the disk: nothing is said before it went."""
    store = open_line(short_path)
    await store.make_day_keys(TODAY, days=3)
    number = store._slots.find(SlotKind.DAY)[encode_day_label(TODAY)]
    store.close()
    path = short_path / "slots" / SLOT_FILE_NAME
    place = slice(number * SLOT_BYTES, (number + 1) * SLOT_BYTES)
    sound = path.read_bytes()[place]
    with path.open("r+b") as file:
        file.seek(place.stop - 1)
        file.write(bytes([sound[-1] ^ 1]))
    store = open_line(short_path)

    def refuse() -> None:
        raise KeyUnavailableError("slot_not_destroyed")

    with monkeypatch.context() as patch:
        patch.setattr(store._slots, "discard_damaged", refuse)
        report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert [failure.code for failure in report.failures] == ["keys"]
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert report.failures == ()
    assert path.read_bytes()[place] == bytes(SLOT_BYTES)
    assert store._keys.days() == {day(1), day(2)}
    store.close()


async def test_method_when_a_tip_dies_before_its_day_then_it_is_that_of_its_own_secret(
    short_path: Path, monkeypatch: Any
) -> None:
    """Beside a TPM only what dies with its day's key is called destroyed."""
    store = open_line(short_path)
    monkeypatch.setattr(
        store._keys,
        "method",
        lambda kind: Method.OVERWRITTEN if kind is SlotKind.RECORD else Method.DESTROYED,
    )
    await add(store, dies=-1, size_bytes=FILE)
    await add(store, dies=-30)  # its upload's answer is due, too
    early, _ = await add(store, dies=50)
    fetched, _ = await add(store, dies=50, size_bytes=FILE)
    await store.pick_up([fetched.id], promises=PROMISES, today=day(-7))
    await store.delete_early([early.id], today=TODAY)
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    assert {(dead.record_class, dead.due_on, dead.method) for dead in report.records} == {
        (RecordClass.ATTACHMENT, day(-1), Method.DESTROYED),
        (RecordClass.SEALED_TIP, day(-30), Method.DESTROYED),
        (RecordClass.SEALED_TIP, day(0), Method.OVERWRITTEN),
        (RecordClass.ATTACHMENT, day(0), Method.OVERWRITTEN),
        (RecordClass.UPLOAD_ANSWER, day(0), Method.OVERWRITTEN),
    }
    store.close()


async def test_date_back_when_a_tip_was_picked_up_by_a_clock_ahead_then_it_goes_as_promised(
    short_path: Path,
) -> None:
    """A pick-up that a wrong clock dated counts as of today once the clock is right."""
    store = open_line(short_path)
    tip, _ = await add(store, dies=89)
    await store.pick_up([tip.id], promises=PROMISES, today=day(365))
    assert await date_back(store, promises=PROMISES, today=TODAY) == 1
    (record,) = await store.find_tips([tip.id])
    assert (record.events[Event.PICKED_UP], record.dies_on) == (TODAY, day(7))
    store.close()


async def test_purge_when_no_key_can_be_made_ahead_then_what_is_due_goes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk so full that the slot file cannot grow keeps nothing alive, and is told."""
    store = open_line(tmp_path)
    await add(store, dies=0)
    living, _ = await add(store, dies=1)

    def refuse(first: datetime.date, last: datetime.date) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store._keys, "make_days", refuse)
    with pytest.raises(OSError, match="No space left"):
        await run_purge(store, forget=lambda upload_id: None, promises=PROMISES, today=TODAY)

    assert await store.tips() == [living]
    store.close()
