"""A backup while a line is served, and what a restore brings back: nothing that died."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
import os
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest

from crypto.age.file import open_
from crypto.age.hybrid import HybridIdentity
from retention.log.entry import EntryType
from retention.promise import Promises
from tests.service.test_operator import hold, later, send, stored
from tipline.archive import Kept
from tipline.backing_up import hold_copy, remove_left_copy
from tipline.backup import KIND_BACKUP, Head, list_kept, write_backup
from tipline.errors import InstanceError
from tipline.laid_copy import COPY_NAME, has_left_copy
from tipline.restore import Restored, restore
from tipline.restore_checks import Wishes
from tipline.served_line import ask_service
from tipline.service.daily_log import read_report
from tipline.service.envelope_files import ENVELOPES_NAME

TIP_DAYS = 90  # of the line in conftest.py


async def ask(site: Any, name: str, **values: Any) -> dict[str, Any]:
    """Ask the running line."""
    return await ask_service(site.line.addresses.operator_socket, name, values)


class Backups:
    """Makes backups of a line and puts them back."""

    def __init__(self, world: Any, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.identity = HybridIdentity.generate()

    async def make(self, site: Any, name: str = "backup.age") -> Path:
        """Back the running line up, as the command does."""
        out = self.folder / name
        loop = asyncio.get_running_loop()

        def end() -> None:
            asyncio.run_coroutine_threadsafe(ask(site, "backup-end"), loop).result()

        with hold_copy(self.world.directory) as copy:
            begun = await ask(site, "backup-begin")
            head = Head(
                kind=KIND_BACKUP,
                made_on=datetime.date.fromisoformat(begun["made_on"]),
                dies_on=datetime.date.fromisoformat(begun["dies_on"]),
                root=self.world.root.verifier().format(),
                schema=begun["schema"],
            )
            files = list(list_kept(self.world.directory, copy, head=head))
            await asyncio.to_thread(
                write_backup,
                out,
                files,
                recipients=[self.identity.recipient()],
                before_named=end,
            )
        return out

    async def put_back(self, out: Path, **wishes: Any) -> Restored:
        """Put a backup back into the line's directory."""
        return await asyncio.to_thread(self._put_back, out, wishes)

    def _put_back(self, out: Path, wishes: dict[str, Any]) -> Restored:
        with out.open("rb") as source:
            return restore(
                source,
                self.world.directory,
                identities=[self.identity],
                wishes=Wishes(**wishes),
                environment=os.environ,
                clock=self.world.clock,
                boot_clock=self.world.clock.boot,
            )

    def lose_database(self) -> None:
        """What a broken disk does."""
        for name in ("tipline.db", "tipline.db-wal"):
            (self.world.directory / name).unlink(missing_ok=True)


@pytest.fixture
def backups(world: Any, tmp_path: Path) -> Backups:
    """Of the line of the test."""
    return Backups(world, tmp_path)


async def test_restore_when_nothing_died_then_every_tip_opens(world: Any, backups: Backups) -> None:
    """Texts and files come back, with their days; the log will say it."""
    async with world.serve() as site:
        texts = await send(world, site, 3)
        assert (await site.upload(world.seal(files=(os.urandom(1 << 20),))))[0] == 200
        file = site.tips[-1].id.hex()
        out = await backups.make(site)
        before = {tip.id: tip for tip in await site.line.store.tips()}
    backups.lose_database()
    shutil.rmtree(world.directory / "envelopes")
    done = await backups.put_back(out)
    assert (done.kept, dict(done.dead)) == (4, {})
    async with world.serve() as site:
        assert await stored(site) == {*texts, file}
        assert {tip.id: tip for tip in await site.line.store.tips()} == before
        statements = [statement.type for statement in site.line.log.read_queue()]
        assert statements == [EntryType.BACKUP, EntryType.RESTORE]


@pytest.mark.parametrize("death", ["purge", "early", "release"])
async def test_restore_when_something_died_since_then_it_stays_dead_and_neighbours_open(
    world: Any, backups: Backups, death: str
) -> None:
    """A backup from before a purge, an early end or the release of a hold: the dead stay dead."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        if death == "release":
            placed = await hold(site, tips=[ids[0]], until="2032-01-01")
        if death != "early":
            # The neighbour comes a day later; both have the same hour of death but for that.
            later(world, 1)
            ids += await send(world, site, 2)
        out = await backups.make(site)
        if death == "early":
            await ask(site, "purge-early", tips=[ids[0]])
            dead = {ids[0]}
        elif death == "purge":
            later(world, TIP_DAYS - 1)
            await ask(site, "purge")
            dead = set(ids[:2])
        else:
            later(world, TIP_DAYS - 1)
            await ask(site, "purge")
            assert ids[0] in await stored(site)  # held
            await ask(site, "hold-release", hold=placed["hold"])
            dead = set(ids[:2])
        assert await stored(site) == set(ids) - dead
    backups.lose_database()
    done = await backups.put_back(out)
    assert done.dead == {"sealed_tip": len(dead)}
    async with world.serve() as site:
        assert await stored(site) == set(ids) - dead


async def test_restore_when_tips_came_since_then_their_keys_die_and_reused_slots_open_nothing(
    world: Any, backups: Backups
) -> None:
    """
    What came after the backup is lost with the database, so its keys are destroyed as those that no
    row names; a slot that a dead record had and another has by now gives nothing to the old row.
    """
    async with world.serve() as site:
        ids = await send(world, site, 3)
        out = await backups.make(site)
        await ask(site, "purge-early", tips=[ids[0]])
        newer = await send(world, site, 3)
    # The dead one's row is made to name a slot that a newer record took.
    with contextlib.closing(connect(world.directory / "tipline.db")) as database:
        taken, data_id = database.execute(
            "SELECT slot, data_id FROM tips WHERE id = ?", [bytes.fromhex(newer[0])]
        ).fetchone()
    out = plant_slot(backups, out, tip=bytes.fromhex(ids[0]), slot=taken)
    with pytest.raises(InstanceError, match="restore_database_opens") as caught:
        await backups.put_back(out)
    assert caught.value.facts["count"] == 3
    assert not (world.directory / "restoring").exists()
    done = await backups.put_back(out, replace=True)
    assert done.dead == {"sealed_tip": 1}
    async with world.serve() as site:
        assert await stored(site) == set(ids[1:])
    assert slot_is_free(world.directory, taken, data_id)


async def test_backup_when_tips_arrive_meanwhile_then_all_before_it_are_in_it(
    world: Any, backups: Backups
) -> None:
    """Arrivals go on while it is made, and nothing that was acknowledged before is missing."""
    async with world.serve() as site:
        before = await send(world, site, 30)
        sending = asyncio.create_task(send(world, site, 30))
        out = await backups.make(site)
        during = await sending
        assert not (world.directory / COPY_NAME).exists()
    backups.lose_database()
    await backups.put_back(out)
    async with world.serve() as site:
        there = await stored(site)
        assert set(before) <= there <= {*before, *during}


async def test_restore_when_the_backup_expired_then_it_is_refused_and_nothing_is_done(
    world: Any, backups: Backups
) -> None:
    """By the class `backup` of the policy."""
    async with world.serve() as site:
        out = await backups.make(site)
        later(world, 91)
    backups.lose_database()
    world.clock.now += datetime.timedelta(days=1)
    with pytest.raises(InstanceError, match="backup_expired"):
        await backups.put_back(out)
    assert not (world.directory / "tipline.db").exists()


async def test_restore_when_the_log_was_changed_or_is_shorter_then_it_is_named(
    world: Any, backups: Backups
) -> None:
    """A log that does not begin with the backup's is not gone on with."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    path = world.directory / "log.db"
    for change, code in (
        ("UPDATE entries SET entry = x'00' WHERE number = 1", "restore_log_forked"),
        ("DELETE FROM entries WHERE number > 0", "restore_log_shorter"),
    ):
        with contextlib.closing(connect(path)) as database:
            database.execute(change)
            database.commit()
        with pytest.raises(InstanceError, match=code):
            await backups.put_back(out)


async def test_restore_when_the_log_is_lost_then_an_older_one_is_taken_on_demand_alone(
    world: Any, backups: Backups
) -> None:
    """More of it was shown than the backup has: going on from there makes a second history."""
    async with world.serve() as site:
        out = await backups.make(site)
        size = site.line.log.size
    later(world, 1)
    async with world.serve() as site:
        known = site.line.log.size
    assert known > size
    backups.lose_database()
    for path in world.directory.glob("log.db*"):
        path.unlink()
    with pytest.raises(InstanceError, match="restore_log_older") as caught:
        await backups.put_back(out)
    assert caught.value.facts == {"count": size, "known": known}
    assert not (world.directory / "restoring").exists()
    await backups.put_back(out, older_log=True)
    async with world.serve() as site:
        assert site.line.log.size > size


async def test_restore_when_the_slot_file_is_lost_then_only_a_new_one_is_begun_on_demand(
    world: Any, backups: Backups
) -> None:
    """Everything stored is dead then; the log says that keys were lost."""
    async with world.serve() as site:
        await send(world, site, 2)
        out = await backups.make(site)
    backups.lose_database()
    shutil.rmtree(world.directory / "slots")
    with pytest.raises(InstanceError, match="restore_slots_missing"):
        await backups.put_back(out)
    with pytest.raises(InstanceError, match="restore_log_unknown"):
        await backups.put_back(out, new_slots=True)
    done = await backups.put_back(out, new_slots=True, older_log=True)
    assert (done.kept, done.dead["sealed_tip"]) == (0, 2)
    async with world.serve() as site:
        assert EntryType.LOST_KEYS in [one.type for one in site.line.log.read_queue()]
        await send(world, site, 1)
        assert len(await stored(site)) == 1


async def test_restore_when_the_directory_is_new_then_the_slots_are_found_where_they_moved(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """`--slots` is written into the configuration that comes from the backup."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        out = await backups.make(site)
    backups.lose_database()
    moved = short_path / "slots"
    (world.directory / "slots").rename(moved)
    world.directory = short_path / "new"
    done = await backups.put_back(out, slots=str(moved))
    assert done.kept == 2
    async with world.serve() as site:
        assert await stored(site) == set(ids)


def test_copy_when_a_crash_left_one_then_the_next_start_removes_it_but_not_a_living_one(
    world: Any,
) -> None:
    """The command that made it holds a lock as long as it lives."""
    copy = world.directory / COPY_NAME
    with hold_copy(world.directory):
        copy.mkdir()
        remove_left_copy(world.directory)
        assert copy.is_dir()
        with pytest.raises(InstanceError, match="backup_running"), hold_copy(world.directory):
            pass
    copy.mkdir()
    remove_left_copy(world.directory)
    assert not copy.exists()


def connect(path: Path) -> sqlite3.Connection:
    """Open a database that nobody uses."""
    return sqlite3.connect(path)


def plant_slot(backups: Backups, out: Path, *, tip: bytes, slot: int) -> Path:
    """Make a backup in which a tip's row names another slot."""
    folder = backups.folder / "opened"
    folder.mkdir()
    names: list[str] = []
    opened = io.BytesIO()
    with out.open("rb") as source:
        open_(source, opened, identities=[backups.identity])
    opened.seek(0)
    with tarfile.open(fileobj=opened) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            names.append(member.name)
            path = folder / member.name.replace("/", "_")
            path.write_bytes(content.read())
    with contextlib.closing(connect(folder / "tipline.db")) as database:
        database.execute("UPDATE tips SET slot = ? WHERE id = ?", [slot, tip])
        database.commit()
        database.execute("PRAGMA journal_mode = DELETE")
    planted = backups.folder / "planted.age"
    files = [Kept(name=name, path=folder / name.replace("/", "_")) for name in names]
    write_backup(
        planted, files, recipients=[backups.identity.recipient()], before_named=lambda: None
    )
    return planted


def slot_is_free(directory: Path, slot: int, data_id: bytes) -> bool:
    """Look into the slot file itself."""
    content = (directory / "slots" / "slot-file").read_bytes()
    return not any(content[slot * 4096 : (slot + 1) * 4096]) and data_id not in content


async def test_purge_when_a_killed_backup_left_a_copy_then_it_goes_with_what_dies(
    world: Any, backups: Backups
) -> None:
    """A copy that no command wants does not outlive the purge; one that is wanted stays."""
    copy = world.directory / COPY_NAME
    async with world.serve() as site:
        assert (await site.upload(world.seal(files=(os.urandom(1 << 20),))))[0] == 200
        tip_id = site.tips[-1].id
        with hold_copy(world.directory):
            await ask(site, "backup-begin")
            later(world, TIP_DAYS)
            await ask(site, "purge")
            assert (copy / ENVELOPES_NAME / tip_id.hex()).exists()  # the command lives
            assert not has_left_copy(world.directory)
            left = shutil.copytree(copy, copy.with_name("left"))
        left.rename(copy)  # the command was killed
        assert has_left_copy(world.directory)
        later(world, 1)
        report = await ask(site, "purge")
        assert report["failures"] == []
        assert not copy.exists()
        assert not has_left_copy(world.directory)
    rest = [path for path in world.directory.rglob("*") if path.is_file()]
    assert not [path for path in rest if tip_id.hex() in path.name]
    assert not [path for path in rest if tip_id in path.read_bytes()]


async def test_purge_when_a_left_copy_cannot_be_removed_then_nothing_is_said_to_be_gone(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dies stands in the copy, too: as long as it is there, the log says nothing."""

    def refuse(directory: Path) -> None:
        raise OSError("the disk refuses")

    async with world.serve() as site:
        monkeypatch.setattr("tipline.service.sqlite_store.remove_unwanted_copy", refuse)
        report = await site.line.store.purge_due(
            promises=Promises.of(site.instance.policy), today=world.clock.today
        )
    assert [failure.code for failure in report.failures] == ["files"]
    assert read_report(report).reached == {}


async def test_log_when_two_backups_and_two_restores_come_on_a_day_then_each_is_told(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None hides behind another; a restore that crashed and was gone on with is one."""
    async with world.serve() as site:
        outs = [await backups.make(site, name) for name in ("one.age", "two.age")]
    for number in range(2):
        backups.lose_database()
        if number:
            with monkeypatch.context() as patch:

                def crash(placing: Any) -> None:
                    raise OSError("the crash")

                patch.setattr("tipline.restore._Placing._place_store", crash)
                with pytest.raises(OSError, match="the crash"):
                    await backups.put_back(outs[1])
        await backups.put_back(outs[1])
    later(world, 1)
    async with world.serve() as site:
        await site.line.daily.catch_up(hour=0, now_hour=1)
        told = [entry.statement.type for entry in site.line.log.read_told(since=world.clock.today)]
        types = [one for one in told if one in (EntryType.BACKUP, EntryType.RESTORE)]
    assert types == [EntryType.BACKUP] * 2 + [EntryType.RESTORE] * 2
