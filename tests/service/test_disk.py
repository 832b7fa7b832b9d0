"""What the instance directory tells: contents, rights, names, orders and times."""

from __future__ import annotations

import asyncio
import datetime
import re
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from retention.plan import Move, Record
from retention.policy import EVENTS, Policy, RecordClass
from retention.promise import Promises
from retention.slot_root import Method
from tipline.errors import GatewayError, InstanceError
from tipline.files import NEVER_SECONDS
from tipline.log_database import LOG_FILES
from tipline.service.database import open_database, set_pragma
from tipline.service.nightly import purge_due, run_nightly
from tipline.service.purge_report import PurgeReport
from tipline.service.silence import Faults

USER_AGENT = "canary-agent/9.1"
PROMISES = Promises.of(
    Policy(periods={name: dict.fromkeys(events, 90) for name, events in EVENTS.items()})
)
# Named by what they are; everything else must have a random name.
OWN_NAMES = {
    "clock",
    "log-mark",
    "desk.sock",
    "envelopes",
    "fresh",
    "keys",
    "keyset",
    "keyset-history",
    "slot-file.line",
    "lock",
    "partial",
    "policy.toml",
    "run",
    "log.db",
    "log.db-shm",
    "log.db-wal",
    "log.key",
    "operator.sock",
    "service.key",
    "slot-file",
    "slots",
    "source.sock",
    "tipline.db",
    "tipline.db-wal",
    "tipline.toml",
    "tor",
}


def day_start(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC).timestamp()


def walk(directory: Path) -> Iterator[Path]:
    yield directory
    yield from directory.rglob("*")


async def use(world: Any, site: Any) -> None:
    """Send a text, a file of each kind, and a part of another."""
    site.source.headers["User-Agent"] = USER_AGENT
    await site.upload(world.seal())
    await site.upload(world.seal(files=(secrets.token_bytes(100_000),)))
    await site.upload(world.seal(files=(secrets.token_bytes(2_000_000),)))
    envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
    upload_id = secrets.token_hex(16)
    await site.put(upload_id, size_bytes=len(envelope))
    await site.patch(upload_id, envelope[: 1 << 20], offset=0)
    await site.fetch_bundle()


# Touched when the service starts, before anything can arrive.
STARTING_NAMES = {"lock", "log.key", "policy.toml", "service.key", "tipline.toml"}


def check_times(directory: Path, day: datetime.date) -> None:
    for path in walk(directory):
        status = path.lstat()
        if path.name == "slot-file":
            # It tells no time at all.
            assert (status.st_mtime, status.st_atime) == (0, 0)
            continue
        assert status.st_mtime == day_start(day) or path.name == "lock", path
        # Walking a directory reads it, which the kernel notes; the files' times are ours.
        known = path.is_dir() or path.name in STARTING_NAMES
        # A day that never comes, so that a connection, or who reads the log, does not set it.
        is_read = path.is_socket() or path.name in LOG_FILES
        expected = NEVER_SECONDS if is_read else day_start(day)
        assert known or status.st_atime == expected, path


async def test_times_when_tips_arrived_then_they_tell_the_day_alone(world: Any) -> None:
    """While the line runs and after it stopped, every modification time is the day's start."""
    async with world.serve() as site:
        await use(world, site)
        check_times(world.directory, world.clock.today)
    check_times(world.directory, world.clock.today)


async def test_files_when_tips_arrived_then_no_word_of_a_request_is_there(world: Any) -> None:
    """Neither user agent, address, upload headers nor an exact time is in any file."""
    async with world.serve() as site:
        await use(world, site)
        contents = {path: path.read_bytes() for path in walk(world.directory) if path.is_file()}
    for path, content in contents.items():
        for word in (USER_AGENT, "127.0.0.1", "line.invalid", "sha256 ", "15:09", "User-Agent"):
            assert word.encode() not in content, path


async def test_tables_when_tips_arrived_then_ids_order_them_and_days_are_all(world: Any) -> None:
    """Rows lie in the order of random ids; no number rises, and no time is finer than a day."""
    async with world.serve() as site:
        for number in range(12):
            await site.upload(world.seal(str(number)))
        arrived = [tip.id for tip in site.tips]
    assert arrived != sorted(arrived)
    database = sqlite3.connect(world.directory / "tipline.db")
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    tables = [name for (name,) in database.execute(query)]
    for table in (name for name in tables if not name.startswith("sqlite_")):
        if table != "envelopes":  # its numbers are ours: below
            with pytest.raises(sqlite3.OperationalError, match="rowid"):
                database.execute(f"SELECT rowid FROM {table}")
        columns = {row[1]: row[2] for row in database.execute(f"PRAGMA table_info({table})")}
        for row in database.execute(f"SELECT * FROM {table}"):
            for name, value in zip(columns, row, strict=True):
                if name.endswith("_on") and value is not None:
                    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)
    stored = [row[0] for row in database.execute("SELECT id FROM tips")]
    assert stored == sorted(stored)
    rows = dict(database.execute("SELECT id, envelope FROM tips"))
    numbers = [rows[tip_id] for tip_id in arrived]
    assert {number >> 40 for number in numbers} == {world.clock.now.date().toordinal()}
    assert numbers != sorted(numbers)
    database.close()


async def test_ids_when_compared_then_a_tip_has_nothing_of_its_upload(world: Any) -> None:
    """The id that a client chose and the id of its tip stand in no row and no name together."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
        await site.put(upload_id, size_bytes=len(envelope))
        for offset in range(0, len(envelope), 1 << 20):
            await site.patch(upload_id, envelope[offset : offset + (1 << 20)], offset=offset)
        (tip,) = site.tips
    assert tip.id.hex() != upload_id
    assert not [path for path in walk(world.directory) if upload_id in path.name]


async def test_rights_when_used_then_only_the_owner_has_any(world: Any) -> None:
    """No file, socket or directory of the instance can be read or written by others."""
    async with world.serve() as site:
        await use(world, site)
        for path in walk(world.directory):
            assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
        for name in ("source.sock", "desk.sock"):
            socket = world.directory / "run" / name
            assert stat.S_IMODE(socket.stat().st_mode) == 0o600


async def test_names_when_used_then_each_is_known_or_random(world: Any) -> None:
    """No file name carries a number, a date or an order."""
    async with world.serve() as site:
        await use(world, site)
        names = {path.name for path in world.directory.rglob("*")}
    assert [name for name in names - OWN_NAMES if not re.fullmatch(r"[0-9a-f]{32}", name)] == []


async def test_rewrite_when_night_comes_then_inodes_and_the_wal_are_new(world: Any) -> None:
    """The nightly rewrite gives every fresh envelope another inode and empties the WAL."""
    async with world.serve() as site:
        await use(world, site)
        fresh = list((world.directory / "envelopes" / "fresh").iterdir())
        inodes = {path.name: path.stat().st_ino for path in fresh}
        content = {path.name: path.read_bytes() for path in fresh}
        assert len(inodes) == 2
        bundle = await site.fetch_bundle()
        await site.line.store.rewrite()
        check_times(world.directory, world.clock.today)
        assert list((world.directory / "envelopes" / "fresh").iterdir()) == []
        for name, inode in inodes.items():
            path = world.directory / "envelopes" / name
            assert path.stat().st_ino != inode
            assert path.read_bytes() == content[name]
        assert (world.directory / "tipline.db-wal").stat().st_size == 0
        assert await site.fetch_bundle() == bundle


async def test_pages_when_night_comes_then_they_lie_in_the_order_of_random_numbers(
    world: Any,
) -> None:
    """Before the night the database's pages tell the order of arrival; after it, they do not."""
    path = world.directory / "tipline.db"
    async with world.serve() as site:
        for number in range(8):
            await site.upload(world.seal(str(number)))
        store = site.line.store
        query = "SELECT sealed FROM envelopes ORDER BY number"
        by_number = await store._writer.call(
            lambda: [row[0][40_000:40_016] for row in store._database.execute(query)]
        )
        by_arrival = [
            (await store._writer.call(lambda tip=tip: store._rows.read_sealed(tip.id)))[
                40_000:40_016
            ]
            for tip in site.tips
        ]
        await store.rewrite()
        content = path.read_bytes()
    by_number = [content.index(piece) for piece in by_number]
    by_arrival = [content.index(piece) for piece in by_arrival]
    assert by_number == sorted(by_number)
    assert by_arrival != sorted(by_arrival)


def test_database_when_opened_then_every_pragma_is_asked_for_and_checked(
    short_path: Path, monkeypatch: Any
) -> None:
    """Builds of SQLite differ in their defaults and ignore pragmas without a word."""
    asked: dict[str, str | int] = {}
    monkeypatch.setattr(
        "tipline.service.database.set_pragma",
        lambda database, pragma, *, wanted: asked.update({pragma: wanted}),
    )
    open_database(short_path).close()
    assert asked == {
        "locking_mode = EXCLUSIVE": "exclusive",
        "journal_mode = WAL": "wal",
        "secure_delete = ON": 1,
        "wal_autocheckpoint = 0": 0,
    }
    monkeypatch.undo()
    database = open_database(short_path)
    with pytest.raises(InstanceError) as refused:
        set_pragma(database, "secure_delete = OFF", wanted=1)
    assert refused.value.code == "instance_sqlite"
    assert database.execute("PRAGMA synchronous").fetchone()[0] == 2
    database.close()


class NoIntake:
    """An intake that only notes what it is told to forget."""

    def __init__(self) -> None:
        self.forgotten: list[bytes] = []

    def forget(self, upload_id: bytes) -> None:
        self.forgotten.append(upload_id)


async def test_purge_when_a_tips_day_comes_then_nothing_of_it_stays(world: Any) -> None:
    """On its day a tip is gone from rows, files, database pages and WAL; younger ones stay."""
    old_text, old_file = world.seal(), world.seal(files=(secrets.token_bytes(900_000),))
    intake: Any = NoIntake()
    async with world.serve() as site:
        await site.upload(old_text)
        await site.upload(old_file)
        dies_on = site.tips[0].dies_on
        world.clock.now += datetime.timedelta(days=1)
        young = world.seal("younger")
        await site.upload(young)
        store = site.line.store
        rows = store._rows
        sealed = await store._writer.call(
            lambda: [rows.read_sealed(tip.id) for tip in (site.tips[0], site.tips[2])]
        )
        name = site.tips[1].id.hex()
        pieces = [
            sealed[0][30_000:30_064],
            (world.directory / "envelopes" / "fresh" / name).read_bytes()[500_000:500_064],
            site.tips[0].id,
            site.tips[1].id,
        ]
        everything = read_everything(world.directory)
        assert all(piece in everything for piece in pieces[:1] + pieces[2:3])
        assert old_text[30_000:30_064] not in everything  # under a key of its own
        day_before = dies_on - datetime.timedelta(days=1)
        await purge_due(store, intake=intake, promises=PROMISES, today=day_before)
        assert len(await store.tips()) == 3
        report = await purge_due(store, intake=intake, promises=PROMISES, today=dies_on)
        assert report.count == 2
        everything = read_everything(world.directory)
        assert not [piece for piece in pieces if piece in everything]
        assert sealed[1][30_000:30_064] in everything
        assert [tip.id for tip in await store.tips()] == [site.tips[2].id]
        assert await store.read_envelope(site.tips[2], offset=0, length=1 << 16) == young


def read_everything(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in walk(directory) if path.is_file())


async def test_purge_when_an_upload_was_never_completed_then_it_goes_and_is_forgotten(
    world: Any,
) -> None:
    """A partial upload dies by its own period, on disk and in memory."""
    envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        await site.put(upload_id, size_bytes=len(envelope))
        await site.patch(upload_id, envelope[: 1 << 20], offset=0)
    world.clock.now += datetime.timedelta(days=2)
    async with world.serve() as site:
        assert (await site.ask(upload_id))[0] == 404
    assert list((world.directory / "partial").iterdir()) == []


async def test_purge_when_one_record_fails_then_the_others_go_and_it_is_said(
    world: Any, monkeypatch: Any
) -> None:
    """A record that cannot be removed does not keep the others, and is not passed over."""
    today = datetime.date(2031, 6, 13)
    told: list[PurgeReport] = []

    async def tell(report: PurgeReport) -> None:
        told.append(report)

    async with world.serve() as site:
        for text in ("one", "two", "three"):
            await site.upload(world.seal(text))
        store = site.line.store
        victim = site.tips[1].id
        delete = store._rows.delete

        def fail_once(table: str, ids: list[bytes]) -> set[bytes]:
            if victim in ids:
                raise sqlite3.OperationalError("database or disk is full")
            return delete(table, ids)

        monkeypatch.setattr(store._rows, "delete", fail_once)
        intake: Any = NoIntake()
        with pytest.raises(InstanceError) as failed:
            await purge_due(store, intake=intake, promises=PROMISES, today=today, on_purged=tell)
        assert (failed.value.code, failed.value.facts) == ("purge_incomplete", {"count": 1})
        (failure,) = told[0].failures
        assert (failure.record_class, failure.due_on) == (
            RecordClass.SEALED_TIP,
            datetime.date(2031, 6, 12),
        )
        assert [tip.id for tip in await store.tips()] == [victim]
        assert await store.read_envelope(site.tips[1], offset=0, length=16) is None
        monkeypatch.undo()
        report = await purge_due(store, intake=intake, promises=PROMISES, today=today)
        (dead,) = report.records
        assert (dead.count, dead.late_days) == (1, 1)
        assert await store.tips() == []


async def test_records_when_listed_then_every_class_has_its_day(world: Any) -> None:
    """Everything that is stored has a class and a day on which it dies."""
    async with world.serve() as site:
        await use(world, site)
        records = await site.line.store.records()
    tips = {RecordClass.SEALED_TIP, RecordClass.ATTACHMENT}
    assert {record.record_class for record in records} == {
        *tips,
        RecordClass.PARTIAL_UPLOAD,
        RecordClass.UPLOAD_ANSWER,
    }
    assert (
        sorted(record.dies_on for record in records if record.record_class not in tips)
        == [datetime.date(2031, 3, 16)] * 4
    )


@pytest.mark.parametrize(
    ("started_at", "looked_at", "runs"),
    [
        ((14, 2), [(14, 2), (14, 3), (14, 4)], 1),
        ((14, 3), [(14, 3), (14, 23), (15, 2)], 1),
        ((14, 15), [(14, 15), (15, 3)], 2),
        ((14, 15), [(15, 2), (15, 3), (15, 3), (16, 2), (16, 5)], 2),
        ((14, 15), [(18, 9), (18, 10)], 1),
    ],
)
async def test_nightly_when_the_clock_is_looked_at_then_it_runs_once_a_night(
    started_at: tuple[int, int], looked_at: list[tuple[int, int]], runs: int
) -> None:
    """The nightly run happens once after its hour, also after a night that was missed."""
    store: Any = CountingStore()
    times = [datetime.datetime(2031, 3, day, hour, tzinfo=datetime.UTC) for day, hour in looked_at]
    now = datetime.datetime(2031, 3, *started_at, tzinfo=datetime.UTC)

    async def sleep(seconds: float) -> None:
        nonlocal now
        if not times:
            raise asyncio.CancelledError
        now = times.pop(0)

    with pytest.raises(asyncio.CancelledError):
        await run_nightly(
            store=store,
            intake=NoIntake(),  # type: ignore[arg-type]
            promises=PROMISES,
            clock=lambda: now,
            hour=3,
            faults=Faults(),
            report=lambda what: None,
            sleep=sleep,
        )
    assert store.rewritten == runs


class CountingStore:
    """A store that is empty and counts its rewrites."""

    def __init__(self) -> None:
        self.rewritten = 0

    async def records_after(self, day: datetime.date) -> list[Record]:
        return []

    async def move(self, moves: Sequence[Move]) -> None:
        assert not moves

    async def make_day_keys(self, first: datetime.date, *, days: int) -> None:
        assert days == 90

    async def purge_due(self, **settings: Any) -> PurgeReport:
        return PurgeReport(
            on=settings["today"],
            method=Method.OVERWRITTEN,
            days=(),
            records=(),
            ended_holds=(),
            failures=(),
        )

    async def rewrite(self) -> None:
        self.rewritten += 1


async def test_nightly_when_something_failed_then_the_operator_is_told_without_words() -> None:
    """What the night could not do and where our code failed is reported, with no message."""
    told: list[Any] = []
    faults = Faults()
    try:
        int(USER_AGENT)
    except ValueError as exc:
        faults.add(exc)
    faults.add(GatewayError("gateway_stale", gateway="hook"))
    store: Any = CountingStore()

    async def fail() -> None:
        raise InstanceError("instance_checkpoint")

    store.rewrite = fail
    times = [14, 15]

    async def sleep(seconds: float) -> None:
        if len(times) == 1:
            raise asyncio.CancelledError
        times.pop(0)

    with pytest.raises(asyncio.CancelledError):
        await run_nightly(
            store=store,
            intake=NoIntake(),  # type: ignore[arg-type]
            promises=PROMISES,
            clock=lambda: datetime.datetime(2031, 3, times[0], 5, tzinfo=datetime.UTC),
            hour=3,
            faults=faults,
            report=told.append,
            sleep=sleep,
        )
    assert told[0].code == "instance_checkpoint"
    # What a person can mend comes in words, too.
    assert (told[1].code, dict(told[1].facts)) == ("gateway_stale", {"gateway": "hook"})
    assert [place.partition(":")[0] for place in told[2]] == [
        "GatewayError ?",
        "ValueError test_disk.py",
    ]


async def test_rewrite_when_the_disk_is_full_for_one_then_it_stops_no_other(
    world: Any, monkeypatch: Any
) -> None:
    """A copy that fails leaves nothing behind, stops no other, and is made up for."""
    async with world.serve() as site:
        for _ in range(3):
            envelope = world.seal(files=(secrets.token_bytes(100_000),))
            assert await site.upload(envelope) == (200, {"state": "arrived"})
        kept = world.directory / "envelopes"
        fresh = kept / "fresh"
        copy, failed = shutil.copyfileobj, []

        def fail_once(source: Any, destination: Any, length: int) -> None:
            if not failed:
                failed.append(source.name)
                destination.write(b"part")
                raise OSError(28, "No space left on device")
            copy(source, destination, length)

        monkeypatch.setattr(shutil, "copyfileobj", fail_once)
        with pytest.raises(OSError, match="No space left"):
            await site.line.store.rewrite()
        assert len(list(fresh.iterdir())) == 1
        assert len([path for path in kept.iterdir() if path.is_file()]) == 2
        await site.line.store.rewrite()
        assert list(fresh.iterdir()) == []
        assert len([path for path in kept.iterdir() if path.is_file()]) == 3


async def test_nightly_when_something_unforeseen_fails_then_it_is_told_and_goes_on() -> None:
    """No error of any kind ends the nightly run unseen: a line that never purges must not serve."""
    told: list[Any] = []
    store: Any = CountingStore()
    runs: list[datetime.date] = []

    async def fail(first: datetime.date, *, days: int) -> None:
        runs.append(first)
        raise ValueError("anything")

    store.make_day_keys = fail
    times = [14, 15, 16]

    async def sleep(seconds: float) -> None:
        if len(times) == 1:
            raise asyncio.CancelledError
        times.pop(0)

    with pytest.raises(asyncio.CancelledError):
        await run_nightly(
            store=store,
            intake=NoIntake(),  # type: ignore[arg-type]
            promises=PROMISES,
            clock=lambda: datetime.datetime(2031, 3, times[0], 5, tzinfo=datetime.UTC),
            hour=3,
            faults=Faults(),
            report=told.append,
            sleep=sleep,
        )
    assert [error.code for error in told] == ["purge_incomplete"] * 2
    assert len(runs) == 2
