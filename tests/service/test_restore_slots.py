"""Restores and slot files: what is made, what is never touched, and whose it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from retention import slot_opening
from retention.log.entry import EntryType
from retention.log.merkle import Frontier, hash_leaf
from tests.service.test_backup import Backups
from tests.service.test_operator import later, send, stored
from tests.service.test_restore_guards import StoppedError, interrupted
from tipline.begun_restore import cancel_restore
from tipline.errors import InstanceError
from tipline.handover import write_handover
from tipline.instance import Instance
from tipline.log_mark import keep_mark, read_mark
from tipline.restore import restore
from tipline.restore_checks import Wishes
from tipline.restored_slots import RestoredSlots

ANEW = {"new_slots": True, "older_log": True}
SLOT_BYTES, KEY_PLACE, KINDS = 4096, slice(42, 74), (b"\x01", b"\x02")


@pytest.fixture
def keys(short_path: Path) -> Path:
    """A disk of its own for slots: mounted, which a test may undo."""
    folder = short_path / "keys"
    folder.mkdir()
    return folder


@pytest.fixture
def world(make_world: Callable[..., Any], keys: Path) -> Any:
    """A line with its slots there."""
    return make_world(slots__path=str(keys / "line"))


@pytest.fixture
def backups(world: Any, tmp_path: Path) -> Backups:
    """Of the line of the test."""
    return Backups(world, tmp_path)


@pytest.fixture
def take_over(world: Any, tmp_path: Path) -> Callable[..., Any]:
    """Write a handover of the line; what is given puts it into a directory."""
    identity, out = HybridIdentity.generate(), tmp_path / "out.age"

    def go(there: Path, **wishes: Any) -> Any:
        if not out.exists():
            with Instance.open(world.directory) as instance:
                write_handover(
                    instance,
                    out,
                    recipients=[identity.recipient()],
                    today=world.clock.today,
                    environment=os.environ,
                )
        with out.open("rb") as source:
            return restore(
                source,
                there,
                identities=[identity],
                wishes=Wishes(**wishes),
                environment=os.environ,
                clock=world.clock,
                boot_clock=world.clock.boot,
            )

    return go


@contextlib.contextmanager
def unmounted(keys: Path) -> Iterator[None]:
    """Take a disk away for a while: what is written there meanwhile is hidden afterwards."""
    away = keys.with_name("away")
    keys.rename(away)
    keys.mkdir()
    yield
    shutil.rmtree(keys)
    away.rename(keys)


def list_secrets(path: Path) -> list[bytes]:
    """List the secrets that lie in a slot file which nothing seals."""
    content = path.read_bytes()
    slots = [content[at : at + SLOT_BYTES] for at in range(0, len(content), SLOT_BYTES)]
    return [slot[KEY_PLACE] for slot in slots if slot[9:10] in KINDS]


@pytest.mark.parametrize("way", ["called off", "another way", "gone on with"])
async def test_restore_when_the_slots_were_only_not_mounted_then_they_stay_as_they_are(
    world: Any, backups: Backups, keys: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Taken for lost, they come back: no way on destroys a key, and none is called lost."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        out = await backups.make(site)
    later(world, 1)
    async with world.serve():
        pass  # more of the log is shown
    backups.lose_database()
    slots, mark = (keys / "line" / "slot-file").read_bytes(), read_mark(keys / "line")
    with unmounted(keys), interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, **ANEW)
    if way == "called off":
        cancel_restore(world.directory)
    elif way == "gone on with":
        with pytest.raises(InstanceError, match="restore_slots_there"):
            await backups.put_back(out, **ANEW)
    assert (keys / "line" / "slot-file").read_bytes() == slots
    assert read_mark(keys / "line") == mark
    await backups.put_back(out)
    async with world.serve() as site:
        assert await stored(site) == set(ids)
        assert site.line.log.find_last(EntryType.LOST_KEYS) is None


async def test_restore_when_called_off_beside_one_that_was_finished_then_that_one_goes_on(
    world: Any, backups: Backups, keys: Path, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two directories, one place for slots: only what a restore made itself is overwritten."""
    async with world.serve() as site:
        out = await backups.make(site)
    shutil.rmtree(world.directory)
    shutil.rmtree(keys / "line")
    one, two = short_path / "one", short_path / "two"
    world.directory = one
    with monkeypatch.context() as patch:
        patch.setattr(RestoredSlots, "make", stop)
        with pytest.raises(StoppedError):
            await backups.put_back(out, **ANEW)
    world.directory = two
    await backups.put_back(out, **ANEW)
    async with world.serve() as site:
        ids = await send(world, site, 1)
        cancel_restore(one)
        assert await stored(site) == set(ids)
        tip = (await site.line.store.tips())[0]
        assert await site.line.store.read_envelope(tip, offset=0, length=16) is not None


async def test_restore_when_another_left_a_slot_file_unfinished_then_it_is_named(
    world: Any, backups: Backups, keys: Path, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be all that is left of a line that is handed over."""
    async with world.serve() as site:
        out = await backups.make(site)
    shutil.rmtree(world.directory)
    shutil.rmtree(keys / "line")
    world.directory = short_path / "one"
    with interrupted(monkeypatch, "_bury"):
        await backups.put_back(out, **ANEW)
    world.directory = short_path / "two"
    with pytest.raises(InstanceError, match="restore_slots_left"):
        await backups.put_back(out, **ANEW)
    cancel_restore(short_path / "one")
    assert not list((keys / "line").iterdir())
    assert (await backups.put_back(out, **ANEW)).kept == 0


@pytest.mark.parametrize("state", ["not mounted", "no owner noted", "a copy is served"])
async def test_slots_when_another_line_may_need_them_then_nobody_else_uses_them(
    world: Any, backups: Backups, keys: Path, short_path: Path, state: str
) -> None:
    """A line takes every key that its rows do not name for one that nothing needs."""
    async with world.serve() as site:
        await send(world, site, 1)
        out = await backups.make(site)
        if state == "a copy is served":
            shutil.copytree(
                world.directory, short_path / "copy", ignore=shutil.ignore_patterns("run")
            )
        newer = await send(world, site, 1)
    live = world.directory
    slots = (keys / "line" / "slot-file").read_bytes()
    if state == "not mounted":
        live.rename(short_path / "data")
        live.mkdir()  # where it is mounted
        world.directory = short_path / "drill"
        with pytest.raises(InstanceError, match="slots_of_another"):
            await backups.put_back(out)
        live.rmdir()
        (short_path / "data").rename(live)
    elif state == "no owner noted":
        (keys / "line" / "slot-file.line").unlink()
        (keys / "line").rename(live / "slots")
        world.directory = short_path / "drill"
        with pytest.raises(InstanceError, match="slots_of_another"):
            await backups.put_back(out, slots=str(live / "slots"))
        (live / "slots").rename(keys / "line")
    else:
        world.directory = short_path / "copy"
        with pytest.raises(InstanceError, match="slots_of_another"):
            async with world.serve():
                pass
    assert (keys / "line" / "slot-file").read_bytes() == slots
    world.directory = live
    async with world.serve() as site:
        assert set(newer) < await stored(site)


async def test_handover_when_called_off_while_its_slots_are_away_then_that_is_said(
    world: Any,
    keys: Path,
    short_path: Path,
    take_over: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ "Nothing of it is left" is said when nothing is."""
    async with world.serve() as site:
        await send(world, site, 1)
    secrets = list_secrets(keys / "line" / "slot-file")
    there, other = short_path / "there", short_path / "other"
    with interrupted(monkeypatch, "_bury"):
        await asyncio.to_thread(take_over, there, slots=str(other))
    made = (other / "slot-file.restoring").read_bytes()
    assert all(secret in made for secret in secrets)
    other.rename(short_path / "away")
    with pytest.raises(InstanceError, match="restore_slots_away"):
        cancel_restore(there)
    (short_path / "away").rename(other)
    cancel_restore(there)
    assert not list(other.iterdir())
    await asyncio.to_thread(take_over, there, slots=str(other))


async def test_handover_when_its_slots_are_lost_with_memory_then_it_goes_on_without(
    make_world: Callable[..., Any],
    short_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A power cut where slots are volatile is the death that was asked for."""
    memory = short_path / "memory"
    world = make_world(slots__path=str(memory), slots__volatile=True)
    async with world.serve() as site:
        await send(world, site, 1)
    identity, out = HybridIdentity.generate(), tmp_path / "out.age"
    with Instance.open(world.directory) as instance:
        write_handover(
            instance,
            out,
            recipients=[identity.recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
    shutil.rmtree(memory)
    world.directory = short_path / "there"

    def go_on() -> Any:
        with out.open("rb") as source:
            return restore(
                source,
                world.directory,
                identities=[identity],
                wishes=Wishes(),
                environment=os.environ,
                clock=world.clock,
                boot_clock=world.clock.boot,
            )

    for step in ("_bury", "_place_small"):
        with interrupted(monkeypatch, step):
            await asyncio.to_thread(go_on)
        shutil.rmtree(memory)
    await asyncio.to_thread(go_on)
    async with world.serve() as site:
        assert await stored(site) == set()


async def test_handover_when_an_earlier_line_left_its_mark_there_then_its_own_counts(
    world: Any, short_path: Path, take_over: Callable[..., Any]
) -> None:
    """The clock and the mark of a line come with its slots."""
    async with world.serve() as site:
        ids = await send(world, site, 1)
    other = short_path / "other"
    other.mkdir(mode=0o700)
    keep_mark(other, Frontier.empty().append([hash_leaf(b"another")]), day=world.clock.today)
    await asyncio.to_thread(take_over, short_path / "there", slots=str(other))
    world.directory = short_path / "there"
    async with world.serve() as site:
        assert await stored(site) == set(ids)


async def test_restore_when_killed_while_it_makes_slots_then_the_same_command_goes_on(
    world: Any, backups: Backups, short_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a slot file is made anew."""
    async with world.serve() as site:
        out = await backups.make(site)
    shutil.rmtree(keys / "line")
    world.directory = short_path / "new"
    write_step, steps = slot_opening.write_step, []

    def write(*args: Any) -> None:
        steps.append(args)
        if len(steps) == 2:
            raise StoppedError
        write_step(*args)

    with monkeypatch.context() as patch:
        patch.setattr(slot_opening, "write_step", write)
        with pytest.raises(StoppedError):
            await backups.put_back(out, **ANEW)
    assert (await backups.put_back(out, **ANEW)).kept == 0


async def test_restore_when_the_log_turns_out_to_be_another_then_a_person_can_say_so(
    world: Any, backups: Backups, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From no state on there is no way: `--older-log` can be said at any time."""
    async with world.serve() as site:
        out = await backups.make(site)
    later(world, 1)
    async with world.serve() as site:
        shown = site.line.log.size
    backups.lose_database()
    with interrupted(monkeypatch, "_place_small"):
        await backups.put_back(out)
    with sqlite3.connect(world.directory / "log.db") as log:
        log.execute("UPDATE hashes SET hash = zeroblob(32) WHERE level = 0 AND number = 1")
    log.close()
    with pytest.raises(InstanceError, match="log_damaged"):
        await backups.put_back(out)
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (world.directory / name).unlink(missing_ok=True)
    with pytest.raises(InstanceError, match="log_behind"):
        await backups.put_back(out)
    await backups.put_back(out, older_log=True)
    async with world.serve() as site:
        assert site.line.log.size < shown + 20
        assert site.line.log.find_last(EntryType.RESTORE) is not None


async def test_restore_when_a_key_in_the_directory_is_damaged_then_it_is_refused_before_anything(
    world: Any, backups: Backups
) -> None:
    """What would fail later fails while nothing was done."""
    async with world.serve() as site:
        out = await backups.make(site)
    backups.lose_database()
    (world.directory / "keys" / "log.key").write_bytes(b"")
    with pytest.raises(InstanceError, match="instance_key"):
        await backups.put_back(out)
    assert not list(world.directory.glob("restoring*"))
    (world.directory / "keys" / "log.key").unlink()
    assert (await backups.put_back(out)).kept == 0


def stop(*args: Any) -> None:
    """What a person, or a disk, does in the middle."""
    raise StoppedError
