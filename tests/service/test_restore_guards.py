"""What a restore refuses, what it leaves behind, and what it does not bring back."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import CryptoError, MalformedError
from retention.errors import SlotError
from retention.log.entry import CloseStep, EntryType, encode_statement
from tests.service.test_backup import TIP_DAYS, Backups, ask
from tests.service.test_operator import hold, later, send, stored
from tipline import restore as restoring
from tipline.archive import ArchiveReader, Kept
from tipline.backing_up import remove_left_copy
from tipline.backup import KIND_BACKUP, Head, list_kept, write_backup
from tipline.begun_restore import cancel_restore
from tipline.closing import Closing, load_closing
from tipline.errors import FileError, InstanceError
from tipline.instance import load_policy
from tipline.keysets import read_keyset
from tipline.restore_checks import Checks
from tipline.service.ending import shut, state_step
from tipline.service.envelope_files import ENVELOPES_NAME
from tipline.service.schema import VERSION
from tipline.unpacking import unpack

ONE_DAY = datetime.timedelta(days=1)


@pytest.fixture
def backups(world: Any, tmp_path: Path) -> Backups:
    """Of the line of the test."""
    return Backups(world, tmp_path)


class StoppedError(Exception):
    """What a person, or a disk, does in the middle."""


@contextlib.contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, step: str) -> Iterator[None]:
    """Let a restore stop before one of its steps."""

    def stop(*args: Any, **values: Any) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(restoring._Placing, step, stop)
        with pytest.raises(StoppedError):
            yield


def open_keys(folder: Path) -> list[int]:
    """Open every key file that lies in a folder: its blocks can be read when its name is gone."""
    keys = [path for path in sorted((folder / "keys").iterdir()) if path.name.endswith(".key")]
    assert keys
    return [os.open(path, os.O_RDONLY) for path in keys]


def hold_zeros(descriptors: list[int]) -> bool:
    """Say whether the files were overwritten in place; closes them."""
    contents = []
    for descriptor in descriptors:
        contents.append(os.pread(descriptor, 1 << 16, 0))
        os.close(descriptor)
    return all(content and not any(content) for content in contents)


async def test_restore_when_the_whole_machine_is_lost_then_an_older_log_is_named(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """Nothing tells how far the log was shown since: a second history begins by a person's word."""
    async with world.serve() as site:
        out = await backups.make(site)
        shown = site.line.log.size
    later(world, 1)
    async with world.serve() as site:
        assert site.line.log.size > shown
    copied = (world.directory / "log.db").read_bytes(), site.line.log.size
    later(world, 1)
    async with world.serve() as site:
        assert site.line.log.size > copied[1]
    world.directory = short_path / "found"
    world.directory.mkdir()
    (world.directory / "log.db").write_bytes(copied[0])  # newer than the backup's, not the newest
    with pytest.raises(InstanceError, match="restore_log_unknown") as caught:
        await backups.put_back(out, new_slots=True)
    assert caught.value.facts == {"count": copied[1]}
    world.directory = short_path / "new"
    with pytest.raises(InstanceError, match="restore_log_unknown") as caught:
        await backups.put_back(out, new_slots=True)
    assert caught.value.facts == {"count": shown}
    assert {path.name for path in world.directory.iterdir()} == {"run"}
    await backups.put_back(out, new_slots=True, older_log=True)
    async with world.serve() as site:
        assert site.line.log.size >= shown


@pytest.mark.parametrize(
    ("state", "code"), [("ended", "line_ended"), ("handed", "line_handed_over")]
)
async def test_restore_when_the_line_has_ended_or_is_handed_over_then_no_key_comes_back(
    world: Any, backups: Backups, state: str, code: str
) -> None:
    """Nobody signs again under the key of a line that is over; nothing is replaced first."""
    async with world.serve() as site:
        out = await backups.make(site)
    if state == "ended":
        shut(world.directory, day=world.clock.today, environment=os.environ)
    else:
        (world.directory / "handing-over").write_text("")
    before = {path: path.stat().st_mtime_ns for path in world.directory.rglob("*")}
    with pytest.raises(InstanceError, match=code):
        await backups.put_back(out, replace=True)
    assert {path: path.stat().st_mtime_ns for path in world.directory.rglob("*")} == before
    if state == "ended":
        assert not list((world.directory / "keys").iterdir())


async def test_restore_when_the_log_says_that_all_keys_went_then_none_comes_back(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """A log of a closed line, put into a new directory, is not begun again."""
    async with world.serve() as site:
        out = await backups.make(site)
    new = short_path / "new"
    new.mkdir()
    shutil.copy(world.directory / "log.db", new)
    with contextlib.closing(sqlite3.connect(new / "log.db")) as log:
        closing = Closing(step=CloseStep.CLOSED, on=world.clock.today)
        statement = state_step(CloseStep.CLOSED, closing, on=world.clock.today)
        log.execute(
            "INSERT INTO statements (place, type, statement) VALUES (9999, 'close', ?)",
            [encode_statement(statement)],
        )
        log.commit()
    world.directory = new
    with pytest.raises(InstanceError, match="line_ended"):
        await backups.put_back(out, new_slots=True)


async def test_restore_when_refused_or_called_off_then_the_keys_it_laid_down_are_overwritten(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever way it ends, no copy of a key stays in a free block."""
    async with world.serve() as site:
        out = await backups.make(site)
    seen: list[int] = []
    real = Checks.check_unpacked

    def look(self: Checks, folder: Path) -> Any:
        seen.extend(open_keys(folder))
        return real(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(Checks, "check_unpacked", look)
        with pytest.raises(InstanceError, match="restore_database_opens"):
            await backups.put_back(out)
    assert hold_zeros(seen)
    # Called off.
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, replace=True)
    begun = open_keys(world.directory / "restoring")
    cancel_restore(world.directory)
    assert hold_zeros(begun)
    with pytest.raises(InstanceError, match="restore_none"):
        cancel_restore(world.directory)
    # Cut short while it was unpacked; the next start finds it.
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, replace=True)
    (world.directory / "restoring").rename(world.directory / "restoring.partial")
    left = open_keys(world.directory / "restoring.partial")
    remove_left_copy(world.directory)
    assert hold_zeros(left)
    # A file that is cut: what came before is overwritten, too.
    cut = backups.folder / "cut.age"
    cut.write_bytes(out.read_bytes()[:-1])
    cut_keys: list[int] = []
    finish = ArchiveReader.close

    def close(self: ArchiveReader) -> None:
        folder = world.directory / "restoring.partial"
        if (folder / "keys").is_dir() and not cut_keys:
            cut_keys.extend(open_keys(folder))
        finish(self)

    with monkeypatch.context() as patch:
        patch.setattr(ArchiveReader, "close", close)
        with cut.open("rb") as source, pytest.raises(CryptoError):
            unpack(
                source,
                world.directory / "restoring.partial",
                identities=[backups.identity],
                on_head=lambda head: None,
            )
    assert not (world.directory / "restoring.partial").exists()
    if cut_keys:
        assert hold_zeros(cut_keys)
    # What was there already, and so was not moved into place.
    whole: list[int] = []
    tell = restoring._Placing._tell_log

    def look_again(self: Any) -> None:
        whole.extend(open_keys(world.directory / "restoring"))
        tell(self)

    with monkeypatch.context() as patch:
        patch.setattr(restoring._Placing, "_tell_log", look_again)
        await backups.put_back(out, replace=True)
    assert hold_zeros(whole)


async def test_restore_when_its_head_tells_enough_then_nothing_is_written(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that the head allows comes before a byte of a key is on the disk."""
    async with world.serve() as site:
        out = await backups.make(site)

    def write(*args: Any) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("tipline.unpacking.make_private_directory", write)
        with pytest.raises(InstanceError, match="restore_slots_there"):
            await backups.put_back(out, new_slots=True)
    world.clock.now = world.clock.now.replace(year=2032)
    with monkeypatch.context() as patch:
        patch.setattr("tipline.unpacking.make_private_directory", write)
        with pytest.raises(InstanceError, match="backup_expired"):
            await backups.put_back(out, replace=True)


async def test_restore_when_the_slot_file_is_in_use_then_no_key_of_a_newer_tip_dies(
    make_world: Any, short_path: Path, tmp_path: Path
) -> None:
    """Whoever tries a backup beside the keys of a line that goes on, served or not, is refused."""
    world = make_world(slots__path=str(short_path / "slots"))
    backups = Backups(world, tmp_path)
    live, drill = world.directory, short_path / "drill"
    async with world.serve() as site:
        out = await backups.make(site)
        ids = await send(world, site, 1)
        world.directory = drill
        with pytest.raises(SlotError, match="slot_file_in_use"):
            await backups.put_back(out, slots=str(short_path / "slots"))
        assert not list(drill.glob("restoring*"))
        world.directory = live
        tip = (await site.line.store.tips())[0]
        assert await site.line.store.read_envelope(tip, offset=0, length=16) is not None
    # Nobody serves it at the moment: a line whose database is there needs its keys, and so may one
    # whose directory is not there.
    world.directory = drill
    away = short_path / "not-mounted"
    for where in (live, away):
        if where == away:
            live.rename(away)
        with pytest.raises(InstanceError, match="slots_of_another") as caught:
            await backups.put_back(out)
        assert caught.value.facts == {"path": str(short_path / "slots"), "line": str(live)}
        assert not list(drill.glob("restoring*"))
    away.rename(live)
    (live / "tipline.db").rename(tmp_path / "given-up.db")
    done = await backups.put_back(out)
    assert (done.kept, len(ids)) == (0, 1)
    assert (short_path / "slots" / "slot-file.line").read_text() == f"{drill.resolve()}\n"


async def test_restore_when_the_line_was_moved_with_its_slots_then_they_are_its_own(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """What lies in the directory that is named is no other line's."""
    async with world.serve() as site:
        ids = await send(world, site, 1)
        out = await backups.make(site)
    backups.lose_database()
    world.directory = world.directory.rename(short_path / "moved")
    assert (await backups.put_back(out)).kept == len(ids)


async def test_restore_when_the_log_knows_of_newer_ones_then_older_ones_do_not_come_back(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """Not the keyset of a reader who left, not a longer period, not a line without an end."""
    async with world.serve() as site:
        out = await backups.make(site)
        world.install(world.sign())
        await ask(site, "close-announce", on="2031-04-20")
    shorten(world.directory, 90, 30)
    later(world, 1)
    async with world.serve():
        pass  # the log is told
    note = (world.directory / "keyset").read_bytes()
    new = short_path / "new"
    new.mkdir()
    for name in ("log.db", "log.db-wal", "slots"):
        if (world.directory / name).exists():
            (world.directory / name).rename(new / name)
    world.directory = new
    done = await backups.put_back(out)
    assert (done.newer.keyset, done.newer.policy) == (2, True)
    assert not (new / "keyset").exists()
    closing = load_closing(new)
    assert closing is not None
    assert (closing.step, closing.on.isoformat()) == (CloseStep.ANNOUNCED, "2031-04-20")
    periods = load_policy(new).periods
    assert {days for one in periods.values() for days in one.values()} == {30, 2}
    world.install(note)  # the newest is taken up as it is


async def test_restore_when_nothing_is_newer_then_keyset_and_policy_come_from_the_backup(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """What the log told is what the backup has: byte for byte."""
    async with world.serve() as site:
        out = await backups.make(site)
    old, new = world.directory, short_path / "new"
    new.mkdir()
    for name in ("log.db", "slots"):
        (old / name).rename(new / name)
    world.directory = new
    done = await backups.put_back(out)
    assert (done.newer.keyset, done.newer.policy) == (0, False)
    for name in ("keyset", "policy.toml", "keyset-history"):
        assert (new / name).read_bytes() == (old / name).read_bytes()


async def test_restore_when_interrupted_then_it_goes_on_with_the_file_that_is_given(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrong file begun by mistake does not win over the right one, nor mix with it."""
    async with world.serve() as site:
        ids = await send(world, site, 1)
        older = await backups.make(site, "older.age")
        ids += await send(world, site, 1)
        newer = await backups.make(site, "newer.age")
    backups.lose_database()
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(older)
    # From the first part on that takes its place it is gone on with, whatever comes then.
    for step in ("_place_small", "_place_store", "_take_up_policies"):
        with interrupted(monkeypatch, step):
            await backups.put_back(newer)
        with pytest.raises(InstanceError, match="restore_begun"):
            await backups.put_back(older)
        with pytest.raises(InstanceError, match="restore_begun"):
            await backups.put_back(newer, replace=True)
        with pytest.raises(InstanceError, match="restore_begun"):
            cancel_restore(world.directory)
    assert (await backups.put_back(newer)).kept == 2
    async with world.serve() as site:
        assert await stored(site) == set(ids)


async def test_restore_when_called_off_on_a_new_machine_then_nothing_of_it_is_left(
    world: Any, backups: Backups, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not its keyset, not its log, not its slot file; and what is said later is all that is so."""
    async with world.serve() as site:
        older = await backups.make(site, "older.age")
        world.install(world.sign())
    later(world, 1)
    async with world.serve() as site:
        newer = await backups.make(site, "newer.age")
    world.directory = short_path / "new"
    wishes = {"new_slots": True, "older_log": True}
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(older, **wishes)
    cancel_restore(world.directory)
    left = {path.name for path in world.directory.rglob("*") if path.is_file()}
    assert left == {"lock"}
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(older, **wishes)
    await backups.put_back(newer, **wishes)
    async with world.serve() as site:
        types = [one.type for one in site.line.log.read_queue()]
        assert types.count(EntryType.LOST_KEYS) == types.count(EntryType.RESTORE) == 1
        assert read_number(world) == 2


async def test_restore_when_an_older_keyset_lies_there_then_the_newer_one_takes_its_place(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """A reader who left does not read again because an older backup was put back before."""
    async with world.serve() as site:
        older = await backups.make(site, "older.age")
        world.install(world.sign())
    later(world, 1)
    async with world.serve() as site:
        newer = await backups.make(site, "newer.age")
    world.directory = short_path / "new"
    await backups.put_back(older, new_slots=True, older_log=True)
    with pytest.raises(InstanceError, match="restore_log_shorter"):
        await backups.put_back(newer, replace=True, older_log=True)
    (world.directory / "log.db").unlink()
    await backups.put_back(newer, replace=True, older_log=True)
    assert read_number(world) == 2


async def test_restore_when_an_older_policy_lies_there_then_a_longer_period_does_not_come_back(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """The log that comes with the newer backup told a shorter one."""
    async with world.serve() as site:
        older = await backups.make(site, "older.age")
    shorten(world.directory, 90, 30)
    later(world, 1)
    async with world.serve() as site:
        newer = await backups.make(site, "newer.age")
    world.directory = short_path / "new"
    await backups.put_back(older, new_slots=True, older_log=True)
    (world.directory / "log.db").unlink()
    done = await backups.put_back(newer, replace=True, older_log=True)
    assert done.newer.policy
    periods = load_policy(world.directory).periods
    assert {days for one in periods.values() for days in one.values()} == {30, 2}


async def test_restore_when_the_database_is_in_use_for_a_moment_then_it_does_not_count_as_broken(
    world: Any, backups: Backups
) -> None:
    """What is whole is replaced by a person's word alone."""
    async with world.serve() as site:
        await send(world, site, 1)
        out = await backups.make(site)
    database = world.directory / "tipline.db"
    content = database.read_bytes()
    with contextlib.closing(sqlite3.connect(database)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileError, match="file_system"):
            await backups.put_back(out)
    assert database.read_bytes() == content
    assert not list(world.directory.glob("restoring*"))


async def test_restore_when_killed_while_it_is_unpacked_then_calling_off_wipes_what_lies_there(
    world: Any, backups: Backups, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no line yet whose next start would find it."""
    async with world.serve() as site:
        out = await backups.make(site)
    world.directory = short_path / "new"
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, new_slots=True, older_log=True)
    partial = (world.directory / "restoring").rename(world.directory / "restoring.partial")
    left = open_keys(partial)
    cancel_restore(world.directory)
    assert hold_zeros(left)
    assert not partial.exists()


async def test_restore_when_the_clock_is_behind_for_a_moment_then_what_was_begun_stays(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day that is to come is no reason to begin anew."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    now = world.clock.now
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out)
    with monkeypatch.context() as patch:
        patch.setattr(Checks, "_latest_day", lambda *_: (now - ONE_DAY).date())
        with pytest.raises(InstanceError, match="backup_ahead"):
            await backups.put_back(out)
    assert (world.directory / "restoring").is_dir()
    assert (await backups.put_back(out)).kept == 0


@pytest.mark.parametrize(
    "stop_at", ["restored_slots.overwrite_file", "begun_restore.sync_directory"]
)
async def test_restore_when_killed_while_it_is_called_off_then_it_is_there_or_gone(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch, stop_at: str
) -> None:
    """No part of what was begun is ever gone on with."""
    async with world.serve() as site:
        await send(world, site, 1)
        out = await backups.make(site)
    backups.lose_database()
    shutil.rmtree(world.directory / "slots")
    wishes = {"new_slots": True, "older_log": True}

    def stop(*args: Any) -> None:
        raise StoppedError

    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, **wishes)
    with monkeypatch.context() as patch:
        patch.setattr(f"tipline.{stop_at}", stop)
        with pytest.raises(StoppedError):
            cancel_restore(world.directory)
    remove_left_copy(world.directory)
    assert (await backups.put_back(out, **wishes)).kept == 0
    assert not list(world.directory.glob("restoring*"))


async def test_restore_when_the_database_has_a_wal_then_a_refusal_changes_nothing(
    world: Any, backups: Backups
) -> None:
    """What a crash left in it is the store's to deal with: it overwrites what it takes away."""
    async with world.serve() as site:
        out = await backups.make(site)
        await send(world, site, 1)
        kept = {
            name: (world.directory / name).read_bytes() for name in ("tipline.db", "tipline.db-wal")
        }
    assert kept["tipline.db-wal"]
    for name, content in kept.items():
        (world.directory / name).write_bytes(content)
    with pytest.raises(InstanceError, match="restore_database_opens"):
        await backups.put_back(out)
    assert kept == {name: (world.directory / name).read_bytes() for name in kept}
    assert not (world.directory / "tipline.db-shm").exists()


@pytest.mark.parametrize(
    "words",
    [
        "slots.path = 'slots'\nslots.mirror = ''\nslots.root = 'none'\nslots.volatile = false",
        "slots = {path = 'slots', mirror = '', root = 'none', volatile = false}",
    ],
    ids=["dotted keys", "one line"],
)
async def test_restore_when_the_path_cannot_be_written_then_it_is_refused_before_anything(
    world: Any, backups: Backups, tmp_path: Path, words: str
) -> None:
    """What a person wrote in another way is not rewritten, and nothing was done by then."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    path = world.directory / "tipline.toml"
    before, _, after = path.read_text().partition("[slots]")
    _, _, rest = after.partition("\n[")
    path.write_text(f"{words}\n{before}" + (f"[{rest}" if rest else ""))
    content = path.read_text()
    (world.directory / "slots").rename(tmp_path / "moved")
    with pytest.raises(InstanceError, match="restore_configuration"):
        await backups.put_back(out, slots=str(tmp_path / "moved"))
    assert path.read_text() == content
    assert not list(world.directory.glob("restoring*"))


async def test_restore_when_gone_on_with_too_late_then_the_backup_has_expired(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The period of the class `backup` counts for what was begun, too."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out)
    world.clock.now = world.clock.now.replace(year=2032)
    with pytest.raises(InstanceError, match="backup_expired"):
        await backups.put_back(out)
    assert not (world.directory / "restoring").exists()


async def test_restore_when_it_would_end_a_hold_then_no_option_does(
    world: Any, backups: Backups
) -> None:
    """What a court asked for is lost by the word of two persons, not by one word of a command."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        later(world, TIP_DAYS - 1)
        before = await backups.make(site)
        until = (world.clock.today + datetime.timedelta(days=20)).isoformat()
        placed = await hold(site, tips=[ids[0]], until=until)
        out = await backups.make(site, "with-the-hold.age")
        later(world, 2)
        await ask(site, "purge")
        assert await stored(site) == {ids[0]}
    for replace in (False, True):
        with pytest.raises(InstanceError, match="restore_holds") as caught:
            await backups.put_back(before, replace=replace)
        assert caught.value.facts["count"] == 1
    await backups.put_back(out, replace=True)
    async with world.serve() as site:
        assert await stored(site) == {ids[0]}
        await ask(site, "hold-release", hold=placed["hold"])
        assert await stored(site) == set()
    await backups.put_back(before, replace=True)
    async with world.serve() as site:
        assert await stored(site) == set()


async def test_restore_when_a_clock_that_jumped_waits_then_an_expired_backup_is_refused(
    world: Any, backups: Backups
) -> None:
    """After days without power nobody has said yet which day it is; a backup that is over is."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    world.clock.now += datetime.timedelta(days=200)
    world.clock.boot = lambda: ("another-boot", datetime.timedelta(hours=1))
    with pytest.raises(InstanceError, match="backup_expired"):
        await backups.put_back(out)
    assert not (world.directory / "tipline.db").exists()


async def test_restore_when_the_backup_was_dated_by_a_wrong_clock_then_it_is_named(
    world: Any, backups: Backups
) -> None:
    """It would be taken for so much longer than its period, and the log would tell a wrong day."""
    async with world.serve() as site:
        good = await backups.make(site)
        world.clock.now += datetime.timedelta(days=9)
        out = await backups.make(site, "ahead.age")
        made_on = world.clock.today
    backups.lose_database()
    shutil.rmtree(world.directory / "slots")
    world.clock.now -= datetime.timedelta(days=9)
    with pytest.raises(InstanceError, match="backup_ahead") as caught:
        await backups.put_back(out, new_slots=True)
    assert caught.value.facts == {
        "made_on": made_on.isoformat(),
        "today": world.clock.today.isoformat(),
    }
    assert not (world.directory / "tipline.db").exists()
    await backups.put_back(good, new_slots=True, older_log=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tipline.toml", None),
        ("policy.toml", None),
        ("keys/service.key", None),
        ("keys/log.key", None),
        ("log.db", None),
        ("tipline.db", None),
        ("log.db", b"rubbish" * 999),
        ("tipline.db", b"rubbish" * 999),
    ],
)
async def test_restore_when_a_sealed_backup_is_not_whole_then_it_is_refused_and_nothing_is_left(
    name: str, content: bytes | None, world: Any, backups: Backups, short_path: Path
) -> None:
    """Sealed well, and made by another program: named before anything takes its place."""
    async with world.serve():
        pass
    head = Head(
        kind=KIND_BACKUP,
        made_on=world.clock.today,
        dies_on=world.clock.today + datetime.timedelta(days=9),
        root=world.root.verifier().format(),
        schema=VERSION,
    )
    (world.directory / ENVELOPES_NAME / "fresh").rmdir()
    files = [
        Kept(name=kept.name, content=content or b"") if kept.name == name else kept
        for kept in list_kept(world.directory, world.directory, head=head)
        if kept.name != name or content is not None
    ]
    out = backups.folder / "part.age"
    write_backup(out, files, recipients=[backups.identity.recipient()], before_named=lambda: None)
    world.directory = short_path / "new"
    with pytest.raises(MalformedError):
        await backups.put_back(out, new_slots=True, older_log=True)
    assert {path.name for path in world.directory.iterdir()} == {"run"}


async def test_restore_when_a_shorter_promise_waits_for_its_batch_then_it_holds(
    world: Any, backups: Backups
) -> None:
    """A policy that was in force for an hour shortened what was stored, and that stays."""
    async with world.serve() as site:
        await send(world, site, 1)
        out = await backups.make(site)
    shorten(world.directory, 90, 30)
    async with world.serve() as site:
        (tip,) = await site.line.store.tips()
        dies_on = tip.dies_on
    shorten(world.directory, 30, 90)
    async with world.serve() as site:
        assert [one.dies_on for one in await site.line.store.tips()] == [dies_on]
    backups.lose_database()
    await backups.put_back(out)
    async with world.serve() as site:
        assert [one.dies_on for one in await site.line.store.tips()] == [dies_on]


async def test_restore_when_an_envelope_was_damaged_then_the_backups_takes_its_place(
    world: Any, backups: Backups
) -> None:
    """A broken disk is what a restore is for."""
    async with world.serve() as site:
        assert (await site.upload(world.seal(files=(os.urandom(1 << 20),))))[0] == 200
        out = await backups.make(site)
    backups.lose_database()
    envelopes = world.directory / ENVELOPES_NAME
    (fresh,) = (path for path in envelopes.rglob("*") if path.is_file())
    content = fresh.read_bytes()
    fresh.write_bytes(content[:1000])
    # By night it moves; a crash may leave both names.
    shutil.copy(fresh, envelopes / fresh.name)
    await backups.put_back(out)
    assert [path for path in envelopes.rglob("*") if path.is_file()] == [envelopes / fresh.name]
    assert (envelopes / fresh.name).read_bytes() == content
    async with world.serve() as site:
        (tip,) = await site.line.store.tips()
        assert await site.line.store.read_envelope(tip, offset=0, length=16) is not None


async def test_restore_when_the_directory_is_somebodys_then_it_stays_as_it_is(
    world: Any, backups: Backups, tmp_path: Path
) -> None:
    """A name typed wrong locks nobody out and strews nothing."""
    async with world.serve() as site:
        out = await backups.make(site)
    garbage = tmp_path / "garbage.age"
    garbage.write_bytes(b"no backup")
    photos, empty = tmp_path / "photos", tmp_path / "empty"
    for folder in (photos, empty):
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
    (photos / "harbour.jpg").write_bytes(b"")
    for folder, file, error in (
        (photos, out, InstanceError),
        (photos / "harbour.jpg", out, InstanceError),
        (empty, garbage, CryptoError),
        (tmp_path / "new", garbage, CryptoError),
    ):
        world.directory = folder
        with pytest.raises(error):
            await backups.put_back(file, new_slots=True)
    assert not (tmp_path / "new").exists()
    assert [list(one.iterdir()) for one in (photos, empty)] == [[photos / "harbour.jpg"], []]
    assert [stat.S_IMODE(one.stat().st_mode) for one in (photos, empty)] == [0o755, 0o755]


async def test_restore_when_the_disk_is_full_then_it_is_named_and_can_be_gone_on_with(
    world: Any, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own error about room is told as the system's is."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()

    def refuse(*args: Any, **values: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "remove_dead", refuse)
        with pytest.raises(FileError) as caught:
            await backups.put_back(out)
    assert caught.value.facts["reason"] == "database or disk is full"
    assert (await backups.put_back(out)).kept == 0


def read_number(world: Any) -> int:
    """Read which keyset is in force."""
    return read_keyset(world.directory, root=world.root.verifier(), minimum=1).keyset.number


def shorten(directory: Path, days: int, other_days: int) -> None:
    """Change the line's policy."""
    path = directory / "policy.toml"
    path.write_text(path.read_text().replace(f"= {days} ", f"= {other_days} "))
