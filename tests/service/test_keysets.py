"""Which keyset may be put in force."""

from __future__ import annotations

from typing import Any

import pytest

from crypto.errors import KeysetError
from retention.log.batch import ONE_DAY
from retention.log.entry import EntryType
from retention.policy import Event, RecordClass
from tests.service.conftest import PERIODS
from tipline.errors import FileError, InstanceError
from tipline.keysets import KEYSET_NAME, KeysetWatch, read_history


def sign_first(world: Any, *, days: int) -> bytes:
    """Sign a keyset numbered 1, whatever was signed before."""
    note: bytes = world.sign(root=world.root, days=days)
    return note


def test_install_when_another_of_the_same_number_is_installed_then_refused(world: Any) -> None:
    """Vaults that saw the first would refuse every bundle; the very same may be installed again."""
    world.install(world.note)
    first = world.note
    with pytest.raises(KeysetError) as refused:
        world.install(sign_first(world, days=30))
    assert (refused.value.code, refused.value.facts) == ("keyset_forked", {"number": 1})
    assert (world.directory / KEYSET_NAME).read_bytes() == first


@pytest.mark.parametrize("left", [None, b"half a keys"])
def test_install_when_a_crash_left_none_then_the_number_is_taken(world: Any, left: Any) -> None:
    """A number that is remembered and that nobody was shown can still be put in force."""
    path = world.directory / KEYSET_NAME
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    note = sign_first(world, days=30)
    world.install(note)
    assert path.read_bytes() == note


def test_install_when_a_crash_left_the_one_before_then_the_number_is_taken(world: Any) -> None:
    """After a crash between history and keyset the new one can be installed again."""
    path = world.directory / KEYSET_NAME
    first = path.read_bytes()
    second = world.sign()
    world.install(second)
    path.write_bytes(first)
    world.install(second)
    assert path.read_bytes() == second


def watch(world: Any) -> KeysetWatch:
    """Watch the line's keyset."""
    return KeysetWatch(world.directory, root=world.root.verifier(), minimum=1)


async def test_keyset_when_its_period_after_its_end_is_over_then_it_goes_and_its_number_stays(
    world: Any,
) -> None:
    """What the log says of the class is true: on its day, and not before, the file is gone."""
    path = world.directory / KEYSET_NAME
    days = PERIODS[RecordClass.KEYSET][Event.EXPIRED]
    world.clock.now += (world.keyset.valid_until - world.clock.today) + (days - 1) * ONE_DAY
    async with world.serve():
        pass
    assert path.exists()
    world.clock.now += ONE_DAY
    async with world.serve():
        pass
    assert not path.exists()
    assert read_history(world.directory).highest == 1
    with pytest.raises(InstanceError, match="instance_no_keyset"):
        watch(world).read()


async def test_keyset_when_it_cannot_be_overwritten_then_the_log_does_not_say_that_it_is_gone(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge of the class is told when it is true."""

    def refuse(*_: Any, **__: Any) -> None:
        raise FileError("file_not_overwritten", path="keyset")

    async with world.serve():
        pass
    days = PERIODS[RecordClass.KEYSET][Event.EXPIRED]
    world.clock.now += (world.keyset.valid_until - world.clock.today) + days * ONE_DAY
    due_on = world.clock.today
    monkeypatch.setattr("tipline.keysets.overwrite_file", refuse)
    async with world.serve():
        pass
    world.clock.now += ONE_DAY
    async with world.serve() as site:
        told = {
            entry.statement.fields["class"]
            for entry in site.line.log.read_entries()
            if entry.statement.type is EntryType.PURGE and entry.statement.about >= due_on
        }
    assert told == {str(one) for one in RecordClass} - {"keyset"}


def test_keyset_when_another_was_installed_since_then_that_one_stays(world: Any) -> None:
    """Only what was read is removed."""
    old = watch(world).read()
    second = world.sign()
    world.install(second)
    watch(world).end(old, day=world.clock.today)
    assert watch(world).read().note == second
