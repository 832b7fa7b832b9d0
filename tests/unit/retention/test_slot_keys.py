"""Keys found by their label, under a root that is replaced: against a TPM in software."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SLOT_BYTES, SlotKind
from retention.slot_file import SlotFile
from retention.slot_pair import Notice
from retention.slot_root import Method
from retention.tpm_root import TpmRoot, run_tool
from tests.unit.retention.slot_disks import CrashError, Machine, make_random
from tests.unit.retention.swtpm import Swtpm, run_swtpm

PATH, MIRROR = Path("/disk/slots"), Path("/other/slots")
LABELS = [bytes([number]) * 16 for number in range(5)]
SECRETS = [Secret(bytes([number]) * 32) for number in range(5)]
RECORD = b"r" * 16


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swtpm]:
    """One TPM for all tests of this module."""
    with run_swtpm(tmp_path_factory.mktemp("tpm")) as running:
        yield running


@dataclasses.dataclass(slots=True, kw_only=True)
class Line:
    """A machine with a slot file under a TPM."""

    machine: Machine
    tpm: Swtpm
    record: int = 0

    def tool(self, arguments: Sequence[str], data: bytes) -> bytes:
        """A change of the TPM is a step at which the power may go, like a write."""
        if arguments[0] in ("tpm2_nvdefine", "tpm2_nvwrite", "tpm2_nvundefine"):
            self.machine.step()
        return run_tool(arguments, data)

    def root(self) -> TpmRoot:
        return TpmRoot(tcti=self.tpm.tcti, run=self.tool)

    def create(self, seed: str) -> None:
        SlotFile.create(
            PATH,
            MIRROR,
            self.root(),
            random=make_random(seed),
            create_disk=self.machine.create,
        )

    def open(self) -> SlotFile:
        file = SlotFile(
            PATH,
            MIRROR,
            self.root(),
            random=make_random("open"),
            open_disk=self.machine.open,
            create_disk=self.machine.create,
        )
        file.reconcile([self.record])
        return file

    def blocks(self) -> set[bytes]:
        """Every block that ever could be found on one of the disks."""
        return {
            bytes(file[start : start + SLOT_BYTES])
            for file in self.machine.durable.values()
            for start in range(0, len(file), SLOT_BYTES)
        }


COUNT = iter(range(10**6))


@pytest.fixture
def line(tpm: Swtpm) -> Line:
    """A slot file with five holds and a record."""
    line = Line(machine=Machine(make_random("machine")), tpm=tpm)
    line.create(f"file {next(COUNT)}")
    file = line.open()
    for label, secret in zip(LABELS, SECRETS, strict=True):
        file.put(SlotKind.HOLD, label, secret)
    line.record = file.put(SlotKind.RECORD, RECORD, SECRETS[0])
    file.sync()
    return line


def check(file: SlotFile, living: set[int], line: Line) -> None:
    """Exactly these live, with their own secrets; so does the record."""
    assert set(file.find(SlotKind.HOLD)) == {LABELS[number] for number in living}
    for number in living:
        assert file.get(0, SlotKind.HOLD, LABELS[number]) == SECRETS[number]
    assert file.get(line.record, SlotKind.RECORD, RECORD) == SECRETS[0]


def test_keys_when_one_dies_then_the_others_live_under_a_new_root(line: Line) -> None:
    """A death replaces the root; the living are found under their labels, now and later."""
    file = line.open()
    before = dict(file.find(SlotKind.HOLD))
    file.destroy([(0, SlotKind.HOLD, LABELS[2])])

    check(file, {0, 1, 3, 4}, line)
    assert set(file.find(SlotKind.HOLD).values()).isdisjoint(before.values())
    check(line.open(), {0, 1, 3, 4}, line)
    assert file.method(SlotKind.HOLD) is Method.DESTROYED


def test_keys_when_one_died_then_every_old_block_is_of_no_use(line: Line) -> None:
    """A copy of the whole file from before opens nothing any more: that is what destroyed means."""
    copies = {path: bytes(file) for path, file in line.machine.durable.items()}
    file = line.open()
    file.destroy([(0, SlotKind.HOLD, LABELS[2])])
    for path, copy in copies.items():
        line.machine.durable[path][:] = copy

    # Its root is spent: the whole old file is overwritten when it is opened.
    again = line.open()
    assert again.find(SlotKind.HOLD) == {}
    with pytest.raises(SlotError, match="slot_free"):
        again.get(0, SlotKind.HOLD, LABELS[2])
    assert again.get(line.record, SlotKind.RECORD, RECORD) == SECRETS[0]


def test_keys_when_a_record_dies_early_then_the_root_stays(line: Line) -> None:
    """A record's death costs no new root, and is called what it is."""
    file = line.open()
    before = dict(file.find(SlotKind.HOLD))
    file.destroy([(line.record, SlotKind.RECORD, RECORD)])

    assert file.find(SlotKind.HOLD) == before
    assert file.method(SlotKind.RECORD) is Method.OVERWRITTEN


def test_keys_when_the_power_goes_at_any_step_then_the_living_live_and_the_dead_die(
    tpm: Swtpm,
) -> None:
    """Each write, sync and change of the TPM in turn: nothing lost, nothing left when repeated."""
    stop_at = 0
    while True:
        line = Line(machine=Machine(make_random(f"machine {stop_at}")), tpm=tpm)
        line.create(f"file {next(COUNT)}")
        file = line.open()
        for label, secret in zip(LABELS, SECRETS, strict=True):
            file.put(SlotKind.HOLD, label, secret)
        line.record = file.put(SlotKind.RECORD, RECORD, SECRETS[0])
        file.sync()
        line.machine.steps, line.machine.stop_at = 0, stop_at
        try:
            file.destroy([(0, SlotKind.HOLD, LABELS[2])])
        except CrashError:
            line.machine.lose_power()
        else:
            break
        again = line.open()
        for number in (0, 1, 3, 4):
            assert again.get(0, SlotKind.HOLD, LABELS[number]) == SECRETS[number]
        again.destroy([(0, SlotKind.HOLD, LABELS[2])])
        check(again, {0, 1, 3, 4}, line)
        last = line.open()
        check(last, {0, 1, 3, 4}, line)
        # A copy that the power cut tore: everything is there, so it is none of what is needed.
        last.discard_damaged()
        check(line.open(), {0, 1, 3, 4}, line)
        used = 4 + 1 + 2  # keys, the record, the first slots of two steps
        assert len(line.blocks()) == used + 1  # and zeros
        stop_at += 1

    assert stop_at > 20


def test_keys_when_the_power_goes_while_a_start_repairs_then_the_next_start_does(
    tpm: Swtpm,
) -> None:
    """A replacement that is finished at the start may be cut short there, too."""
    stop_at = 0
    while True:
        line = Line(machine=Machine(make_random(f"machine {stop_at}")), tpm=tpm)
        line.create(f"file {next(COUNT)}")
        file = line.open()
        for number in (0, 1):
            file.put(SlotKind.HOLD, LABELS[number], SECRETS[number])
        line.record = file.put(SlotKind.RECORD, RECORD, SECRETS[0])
        file.sync()
        # Two roots, and the key sealed under both.
        line.machine.steps, line.machine.stop_at = 0, 6
        with pytest.raises(CrashError):
            file.destroy([(0, SlotKind.HOLD, LABELS[1])])
        line.machine.lose_power()
        line.machine.stop_at = stop_at
        try:
            line.open()
        except CrashError:
            line.machine.lose_power()
        else:
            break
        check(line.open(), {0, 1}, line)
        stop_at += 1

    assert stop_at > 4


def test_keys_when_one_cannot_be_read_then_the_others_do_not_wait_for_it(line: Line) -> None:
    """A damaged key is named and set aside; the death goes on."""
    file = line.open()
    slot = file.find(SlotKind.HOLD)[LABELS[1]]
    for disk in line.machine.durable.values():
        disk[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES] = b"x" * SLOT_BYTES
    gone = file.find(SlotKind.HOLD)[LABELS[3]]
    line.machine.durable[MIRROR][gone * SLOT_BYTES : (gone + 1) * SLOT_BYTES] = bytes(SLOT_BYTES)
    file.destroy([(0, SlotKind.HOLD, LABELS[2])])

    assert file.take_notices() == (Notice(code="slot_damaged", slot=slot),)
    assert LABELS[1] not in file.find(SlotKind.HOLD)
    assert file.get(0, SlotKind.HOLD, LABELS[0]) == SECRETS[0]
    with pytest.raises(SlotError, match="slot_free"):
        file.get(0, SlotKind.HOLD, LABELS[3])


def test_keys_when_the_tpm_fails_halfway_then_the_next_death_goes_on(line: Line) -> None:
    """A TPM that refuses is an error; nothing is lost, and trying again is enough."""
    refuse = True

    def tool(arguments: Sequence[str], data: bytes) -> bytes:
        if refuse and arguments[0] == "tpm2_nvundefine":
            raise SlotError("slot_tpm", program=arguments[0])
        return run_tool(arguments, data)

    file = SlotFile(
        PATH,
        MIRROR,
        TpmRoot(tcti=line.tpm.tcti, run=tool),
        open_disk=line.machine.open,
        create_disk=line.machine.create,
    )
    file.reconcile([line.record])
    with pytest.raises(SlotError, match="slot_tpm"):
        file.destroy([(0, SlotKind.HOLD, LABELS[2])])
    refuse = False
    file.destroy([(0, SlotKind.HOLD, LABELS[2])])

    check(file, {0, 1, 3, 4}, line)
    check(line.open(), {0, 1, 3, 4}, line)
