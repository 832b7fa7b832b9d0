"""The group commit when something fails that is not one call's own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from sqlite_utils import Database

from tipline.service.writer import GroupWriter


async def test_group_when_sqlite_ends_its_transaction_then_nothing_of_it_commits() -> None:
    """A full disk rolls everything back: what ran after it must not commit by itself (INV-05)."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    database = Database(connection)
    database.execute("CREATE TABLE rows (id INTEGER)")
    synced: list[bool] = []
    writer = GroupWriter(
        database,
        before_commit=lambda: synced.append(True),
        after_commit=lambda: None,
        on_fault=lambda fault: None,
    )
    go_on = threading.Event()

    def fill() -> None:
        database.execute("ROLLBACK")  # as SQLite does when the disk is full
        raise sqlite3.OperationalError("database or disk is full")

    waiting = asyncio.create_task(writer.call_alone(lambda: go_on.wait(10)))
    await asyncio.sleep(0)
    calls = [
        asyncio.create_task(writer.call(lambda: database.execute("INSERT INTO rows VALUES (1)"))),
        asyncio.create_task(writer.call(fill)),
        asyncio.create_task(writer.call(lambda: database.execute("INSERT INTO rows VALUES (2)"))),
    ]
    await asyncio.sleep(0)
    go_on.set()
    await waiting
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, sqlite3.OperationalError) for result in results)
    assert str(results[0]) == "database or disk is full"
    assert synced == []
    rows = await writer.call(lambda: database.execute("SELECT id FROM rows").fetchall())
    assert rows == []
    writer.close()
    connection.close()


async def test_group_when_its_end_fails_in_an_unforeseen_way_then_all_are_told_and_it_goes_on() -> (
    None
):
    """No fault ends the thread: whoever called would wait for ever."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    faults: list[Exception] = [ValueError("unforeseen")]

    def fail_once() -> None:
        if faults:
            raise faults.pop()

    writer = GroupWriter(
        Database(connection),
        before_commit=fail_once,
        after_commit=lambda: None,
        on_fault=lambda fault: None,
    )
    with pytest.raises(ValueError, match="unforeseen"):
        await asyncio.wait_for(writer.call(lambda: 1), 10)
    assert await asyncio.wait_for(writer.call(lambda: 2), 10) == 2
    writer.close()
    connection.close()


async def test_group_when_one_call_ends_an_iterator_then_the_others_are_answered() -> None:
    """An error that no future takes keeps nobody waiting who came behind it."""
    database = Database(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))
    writer = GroupWriter(
        database,
        before_commit=lambda: None,
        after_commit=lambda: None,
        on_fault=lambda fault: None,
    )
    go_on = threading.Event()
    waiting = asyncio.create_task(writer.call_alone(lambda: go_on.wait(10)))
    await asyncio.sleep(0)
    ended = asyncio.create_task(writer.call(lambda: next(iter(()))))
    behind = asyncio.create_task(writer.call(lambda: "done"))
    await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(10):
        assert await behind == "done"
    with pytest.raises(RuntimeError, match="StopIteration"):
        await ended
    await waiting
    writer.close()


def test_writer_when_the_loop_of_a_caller_has_ended_then_it_writes_on() -> None:
    """Whoever asked went with its loop; what others ask later is answered."""
    database = Database(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))
    writer = GroupWriter(
        database,
        before_commit=lambda: None,
        after_commit=lambda: None,
        on_fault=lambda fault: None,
    )
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait(10)

    async def go_away() -> None:
        asking = asyncio.create_task(writer.call(wait))
        await asyncio.to_thread(begun.wait, 10)
        asking.cancel()

    asyncio.run(go_away())
    go_on.set()

    async def ask() -> str:
        async with asyncio.timeout(10):
            return await writer.call(lambda: "done")

    assert asyncio.run(ask()) == "done"
    writer.close()
