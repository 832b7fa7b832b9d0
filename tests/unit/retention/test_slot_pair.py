"""The slot file and its mirror, as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import FREE_SLOT, NO_ROOT, SLOT_BYTES, Slot, SlotKind, encode_slot
from retention.slot_disk import FileDisk
from retention.slot_pair import BATCH_SLOTS, Notice, SlotPair, State
from tests.unit.retention.slot_disks import RefusingDisk, make_random

SLOT = Slot(kind=SlotKind.RECORD, label=b"l" * 16, root_id=NO_ROOT, body=Secret(b"s" * 32))
OTHER = Slot(kind=SlotKind.RECORD, label=b"o" * 16, root_id=NO_ROOT, body=Secret(b"t" * 32))
DAMAGED = b"x" * SLOT_BYTES
SLOTS = 40


class Both:
    """Two files, and what is said of them."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / "slots", folder / "mirror"]
        for path in self.paths:
            path.write_bytes(bytes(SLOTS * SLOT_BYTES))
            path.chmod(0o600)
        self.disks = [FileDisk.open(path) for path in self.paths]
        self.notices: list[Notice] = []
        self.pair = SlotPair(self.disks, random=make_random("pair"), notice=self.notices.append)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """Two files of free slots."""
    both = Both(tmp_path)
    yield both
    both.pair.close()


def test_pair_when_written_then_both_have_it(both: Both) -> None:
    """A slot is written to the file and to its mirror."""
    both.pair.write(3, encode_slot(SLOT))
    both.pair.sync()

    assert both.pair.read(3) == SLOT
    assert both.paths[0].read_bytes() == both.paths[1].read_bytes()


@pytest.mark.parametrize("free", [0, 1])
@pytest.mark.parametrize("other", [encode_slot(SLOT), DAMAGED])
def test_pair_when_free_in_either_then_free_in_both(both: Both, free: int, other: bytes) -> None:
    """A destruction that was cut short is not undone by the copy that is left."""
    both.disks[1 - free].write(3, other)

    assert both.pair.read(3) is None
    assert both.disks[free].read(3) == FREE_SLOT
    assert both.notices == []


@pytest.mark.parametrize("damaged", [0, 1])
def test_pair_when_one_is_damaged_then_it_is_repaired_and_said(both: Both, damaged: int) -> None:
    """The copy that holds repairs the other, on the disk, and somebody is told."""
    both.pair.write(3, encode_slot(SLOT))
    both.disks[damaged].write(3, DAMAGED)

    assert both.pair.read(3) == SLOT
    assert both.disks[damaged].read_back(3) == encode_slot(SLOT)
    assert both.notices == [Notice(code="slot_repaired", slot=3, mirror=damaged == 1)]


def test_pair_when_both_are_damaged_then_it_is_named_and_left(both: Both) -> None:
    """What cannot be read is not touched: nothing is wrongly gone."""
    both.pair.write(3, DAMAGED)
    with pytest.raises(SlotError) as caught:
        both.pair.read(3)

    assert (caught.value.code, caught.value.facts) == ("slot_damaged", {"slot": 3})
    assert both.disks[0].read(3) == DAMAGED


def test_pair_when_the_two_disagree_then_it_is_named(both: Both) -> None:
    """Two sound copies of different slots are not chosen between."""
    both.disks[0].write(3, encode_slot(SLOT))
    both.disks[1].write(3, encode_slot(OTHER))
    with pytest.raises(SlotError, match="slot_differs"):
        both.pair.read(3)


def test_pair_when_looked_at_then_nothing_is_changed(both: Both) -> None:
    """Looking repairs nothing."""
    both.disks[0].write(3, encode_slot(SLOT))
    both.disks[1].write(3, DAMAGED)

    assert both.pair.look(3) == (SLOT, State.DAMAGED)
    assert both.pair.look(4) == (State.FREE, State.FREE)
    assert both.disks[1].read(3) == DAMAGED


def test_pair_when_many_are_read_then_each_comes_with_its_number(both: Both) -> None:
    """Pieces are cut into slots at the right places, also across a gap."""
    for number in (2, 3, 9):
        both.disks[0].write(number, encode_slot(SLOT))
    both.disks[1].write(9, encode_slot(OTHER))
    found = dict(both.pair.read_pieces([2, 3, 4, 9]))

    assert list(found) == [2, 3, 4, 9]
    assert found[3] == [encode_slot(SLOT), FREE_SLOT]
    assert found[4] == [FREE_SLOT, FREE_SLOT]
    assert found[9] == [encode_slot(SLOT), encode_slot(OTHER)]
    assert dict(both.pair.read_pieces([])) == {}


def test_pair_when_searched_for_what_is_not_free_then_either_disk_counts(both: Both) -> None:
    """A single byte on one of the disks is found; what was not asked for is not."""
    both.disks[1].write(5, bytes(SLOT_BYTES - 1) + b"\1")
    both.disks[0].write(7, DAMAGED)
    both.disks[0].write(8, DAMAGED)

    assert both.pair.find_not_free([4, 5, 6, 7]) == [5, 7]


def test_overwrite_when_done_then_nothing_is_left_on_both(both: Both) -> None:
    """What was named is zeros on both disks, what lies beside it stays."""
    for number in range(SLOTS):
        both.pair.write(number, encode_slot(SLOT))
    both.pair.sync()
    both.pair.expect([3, 4, 30])
    both.pair.overwrite([3, 4, 30])

    for disk in both.disks:
        gone = [number for number in range(SLOTS) if disk.read_back(number) == FREE_SLOT]
        assert gone == [3, 4, 30]


def test_overwrite_when_watched_then_random_comes_first_and_each_round_is_synced(
    tmp_path: Path,
) -> None:
    """Random bytes reach the disk before zeros do, and both before anybody reads back."""
    both = Both(tmp_path)
    steps: list[str] = []

    def write(first: int, data: bytes) -> None:
        steps.append("zeros" if data == bytes(len(data)) else "random")
        both.disks[0].write(first, data)

    def sync() -> None:
        steps.append("sync")
        both.disks[0].sync()

    def read_back(first: int, count: int = 1) -> bytes:
        steps.append("read back")
        return both.disks[0].read_back(first, count)

    disk = RefusingDisk(both.disks[0], write=write, sync=sync, read_back=read_back)
    SlotPair([disk], random=make_random("x"), notice=both.notices.append).overwrite([1, 2, 9])  # type: ignore[list-item]

    assert steps == ["random"] * 2 + ["sync"] + ["zeros"] * 2 + ["sync"] + ["read back"] * 2
    both.pair.close()


@pytest.mark.parametrize("bad", [0, 1])
def test_overwrite_when_a_disk_keeps_something_then_it_is_an_error(
    tmp_path: Path, bad: int
) -> None:
    """A disk that says yes and keeps the old bytes is found by reading back."""
    both = Both(tmp_path)
    disks = [
        RefusingDisk(disk, read_back=lambda first, count=1: DAMAGED * count)
        if index == bad
        else disk
        for index, disk in enumerate(both.disks)
    ]
    pair = SlotPair(disks, random=make_random("x"), notice=both.notices.append)  # type: ignore[arg-type]
    with pytest.raises(SlotError) as caught:
        pair.overwrite([1, 2])

    assert (caught.value.code, caught.value.facts) == ("slot_not_destroyed", {"count": 2})
    both.pair.close()


def test_overwrite_when_there_are_many_then_it_goes_in_batches(tmp_path: Path) -> None:
    """Between two syncs lies a bounded number of slots, so an arrival never waits long."""
    path = tmp_path / "slots"
    path.write_bytes(b"x" * (2 * BATCH_SLOTS + 5) * SLOT_BYTES)
    path.chmod(0o600)
    disk = FileDisk.open(path)
    syncs = 0

    def sync() -> None:
        nonlocal syncs
        syncs += 1
        disk.sync()

    refusing = RefusingDisk(disk, sync=sync)
    pair = SlotPair([refusing], random=make_random("x"), notice=print)  # type: ignore[list-item]
    pair.overwrite(range(2 * BATCH_SLOTS))
    assert syncs == 4
    pair.overwrite(range(2 * BATCH_SLOTS, 2 * BATCH_SLOTS + 5))
    assert syncs == 6
    disk.close()

    assert path.read_bytes() == bytes((2 * BATCH_SLOTS + 5) * SLOT_BYTES)


def test_sync_when_it_failed_then_nothing_more_is_served(tmp_path: Path) -> None:
    """After a failed sync the kernel may say yes to a second: that yes is not asked for."""
    both = Both(tmp_path)

    def refuse() -> None:
        raise OSError(5, "no")

    disk = RefusingDisk(both.disks[0], sync=refuse)
    pair = SlotPair([disk], random=make_random("x"), notice=both.notices.append)  # type: ignore[list-item]
    pair.check_sound()
    with pytest.raises(OSError, match="no"):
        pair.sync()
    with pytest.raises(SlotError, match="slot_file_broken"):
        pair.check_sound()
    both.pair.close()
