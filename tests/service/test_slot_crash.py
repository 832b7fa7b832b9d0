"""The slot file killed and cut off at every step: nothing that was promised is lost, or left."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SlotKind
from retention.slot_disk import FileDisk, SlotDisk
from retention.slot_file import SlotFile
from tests.unit.retention.slot_disks import CrashError, Machine, make_random

PATH, MIRROR = Path("/disk/slots"), Path("/other/slots")
DYING = range(6)
LIVING = range(6, 12)
LATE = range(12, 15)


def label_of(number: int) -> bytes:
    return bytes([number + 1]) * 16


def secret_of(number: int) -> Secret:
    return Secret((b"secret %02d of sixteen and more" % number).ljust(32, b"."))


@dataclasses.dataclass(slots=True)
class Rows:
    """What a database would hold: it is durable at once, and written after the slots are."""

    slots: dict[int, int] = dataclasses.field(default_factory=dict)
    begun_to_die: bool = False
    dead: bool = False


def run(file: SlotFile, rows: Rows) -> None:
    """A day of a line: what is left of it, if it was begun already."""
    file.reconcile(rows.slots.values())
    for numbers in ([*DYING, *LIVING], LATE):
        if rows.dead and numbers is not LATE:
            continue
        new = [number for number in numbers if number not in rows.slots]
        put = {
            number: file.put(SlotKind.RECORD, label_of(number), secret_of(number)) for number in new
        }
        for number in numbers:
            if label_of(number) not in file.find(SlotKind.HOLD):
                file.put(SlotKind.HOLD, label_of(number), secret_of(number))
        file.sync()
        rows.slots |= put
        if numbers is not LATE:
            rows.begun_to_die = True
            file.destroy((0, SlotKind.HOLD, label_of(number)) for number in DYING)
            file.destroy(
                (rows.slots[number], SlotKind.RECORD, label_of(number))
                for number in DYING
                if number in rows.slots
            )
            for number in DYING:
                rows.slots.pop(number, None)
            rows.dead = True


def check_living(file: SlotFile, rows: Rows) -> None:
    """Every row opens, but for those whose death has begun; none opens as another."""
    for number, slot in rows.slots.items():
        if number in DYING and rows.begun_to_die and is_gone(file, number, slot):
            continue
        assert file.get(slot, SlotKind.RECORD, label_of(number)) == secret_of(number)


def is_gone(file: SlotFile, number: int, slot: int) -> bool:
    """Say whether a record's secret is gone; only one that began to die may be."""
    try:
        file.get(slot, SlotKind.RECORD, label_of(number))
    except SlotError:
        return True
    return False


def check_end(file: SlotFile, rows: Rows, contents: list[bytes]) -> None:
    """The end is the same however often it was interrupted: the living live, the dead are gone."""
    assert set(rows.slots) == {*LIVING, *LATE}
    for number, slot in rows.slots.items():
        assert file.get(slot, SlotKind.RECORD, label_of(number)) == secret_of(number)
        assert file.get(0, SlotKind.HOLD, label_of(number)) == secret_of(number)
    for content in contents:
        for number in DYING:
            assert secret_of(number).reveal() not in content
            assert secret_of(number).reveal()[:12] not in content


@pytest.mark.parametrize("mirror", [None, MIRROR], ids=["alone", "mirrored"])
def test_slots_when_the_power_goes_at_any_step_then_the_day_ends_the_same(
    mirror: Path | None,
) -> None:
    """Each write and sync in turn; of what was not synced, any sector may be lost."""
    stop_at = 0
    while True:
        machine, rows = Machine(make_random(f"machine {stop_at}")), Rows()

        def open_file(machine: Machine = machine) -> SlotFile:
            return SlotFile(
                PATH,
                mirror,
                random=make_random("open"),
                open_disk=machine.open,
                create_disk=machine.create,
            )

        SlotFile.create(PATH, mirror, random=make_random("make"), create_disk=machine.create)
        machine.steps, machine.stop_at = 0, stop_at
        try:
            run(open_file(), rows)
        except CrashError:
            machine.lose_power()
        else:
            break
        file = open_file()
        file.reconcile(rows.slots.values())
        check_living(file, rows)
        file = open_file()
        run(file, rows)
        # Every key that is needed was found or made: what a torn put left is none of them.
        file.discard_damaged()
        check_end(file, rows, [bytes(one) for one in machine.durable.values()])
        stop_at += 1

    assert stop_at > 50


def make_killing_disk(kill_at: int) -> Callable[[Path], SlotDisk]:
    """Real files; before the n-th write or sync the process kills itself."""
    count = 0

    class KillingDisk(FileDisk):
        def step(self) -> None:
            nonlocal count
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

        def write(self, first: int, data: bytes) -> None:
            self.step()
            super().write(first, data)

        def sync(self) -> None:
            self.step()
            super().sync()

        def sync_all(self) -> None:
            self.step()
            super().sync_all()

    return KillingDisk.open


@pytest.mark.parametrize("is_mirrored", [False, True], ids=["alone", "mirrored"])
def test_slots_when_the_process_is_killed_at_any_step_then_a_destruction_ends_the_same(
    tmp_path: Path, is_mirrored: bool
) -> None:
    """SIGKILL before each write and each sync of a destruction, on real files; then again."""
    kill_at = 0
    while True:
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        path, mirror = folder / "slots", folder / "mirror" if is_mirrored else None
        SlotFile.create(path, mirror)
        rows, file = Rows(), SlotFile(path, mirror)
        file.reconcile([])
        for number in [*DYING, *LIVING, *LATE]:
            label, secret = label_of(number), secret_of(number)
            rows.slots[number] = file.put(SlotKind.RECORD, label, secret)
            file.put(SlotKind.HOLD, label, secret)
        file.sync()
        file.close()
        named = [(rows.slots[number], SlotKind.RECORD, label_of(number)) for number in DYING]
        named += [(0, SlotKind.HOLD, label_of(number)) for number in DYING]
        child = os.fork()
        if child == 0:
            try:
                killed = SlotFile(path, mirror, open_disk=make_killing_disk(kill_at))
                killed.destroy(named)
            finally:
                os._exit(7)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 7
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        again = SlotFile(path, mirror)
        again.reconcile(rows.slots.values())
        for number in [*LIVING, *LATE]:
            slot = rows.slots[number]
            assert again.get(slot, SlotKind.RECORD, label_of(number)) == secret_of(number)
        again.destroy(named)
        for number in DYING:
            del rows.slots[number]
        contents = [one.read_bytes() for one in folder.iterdir()]
        check_end(again, rows, contents)
        again.close()
        for one in folder.iterdir():
            one.unlink()
        kill_at += 1

    assert kill_at > 15
