"""The slot file: secrets put, given, destroyed, and what a crash leaves."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SLOT_BYTES, SlotKind, encode_day_label, encode_slot
from retention.slot_disk import FileDisk
from retention.slot_file import SlotFile
from retention.slot_pair import Notice
from retention.slot_root import CredentialRoot, Method, PlainRoot, SlotRoot
from retention.slot_steps import STEP_SLOTS
from tests.unit.retention.slot_disks import RefusingDisk

DAY = encode_day_label(datetime.date(2026, 11, 21))
LATER = encode_day_label(datetime.date(2026, 11, 22))
RECORD = b"r" * 16
KEY = Secret(b"day key 32 bytes long and secret")
SECRET = Secret(b"record secret of thirty-two byte")
OTHER = Secret(b"another secret of thirty-two byt")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a slot file and its mirror lie."""

    path: Path
    mirror: Path | None

    def paths(self) -> list[Path]:
        return [self.path] if self.mirror is None else [self.path, self.mirror]

    def open(self, used: Sequence[int] = (), *, root: SlotRoot | None = None) -> SlotFile:
        file = SlotFile(self.path, self.mirror, root)
        file.reconcile(used)
        return file

    def spoil(self, slot: int, data: bytes = b"x" * SLOT_BYTES) -> None:
        """Write over a slot on every disk."""
        for path in self.paths():
            spoil(path, slot, data)

    def holds(self, secret: Secret) -> bool:
        return any(secret.reveal() in path.read_bytes() for path in self.paths())


def spoil(path: Path, slot: int, data: bytes = b"x" * SLOT_BYTES) -> None:
    with path.open("r+b") as file:
        file.seek(slot * SLOT_BYTES)
        file.write(data)


@pytest.fixture(params=[False, True], ids=["alone", "mirrored"])
def line(tmp_path: Path, request: pytest.FixtureRequest) -> Line:
    """A new slot file, with and without a mirror."""
    line = Line(path=tmp_path / "slots", mirror=tmp_path / "mirror" if request.param else None)
    SlotFile.create(line.path, line.mirror)
    return line


def test_slots_when_opened_again_then_every_secret_is_there(line: Line) -> None:
    """What was put and synced outlives the program."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.put(SlotKind.DAY, DAY, KEY)
    file.sync()
    file.close()
    again = line.open([slot])

    assert again.get(slot, SlotKind.RECORD, RECORD) == SECRET
    assert list(again.find(SlotKind.DAY)) == [DAY]
    assert again.get(again.find(SlotKind.DAY)[DAY], SlotKind.DAY, DAY) == KEY
    assert again.get(0, SlotKind.DAY, DAY) == KEY
    assert again.find(SlotKind.HOLD) == {}
    assert again.method(SlotKind.DAY) is Method.OVERWRITTEN
    assert again.take_notices() == ()


def test_slots_when_one_is_asked_for_as_another_then_nothing_comes(line: Line) -> None:
    """A secret comes out only for the kind and label it was put in for."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    day = file.put(SlotKind.DAY, DAY, KEY)
    for number, kind, label, code in (
        (slot, SlotKind.RECORD, b"s" * 16, "slot_other"),
        (slot + 1, SlotKind.RECORD, RECORD, "slot_free"),
        (day, SlotKind.RECORD, DAY, "slot_free"),
        (0, SlotKind.RECORD, RECORD, "slot_free"),
        (STEP_SLOTS, SlotKind.RECORD, RECORD, "slot_free"),
        (-1, SlotKind.RECORD, RECORD, "slot_free"),
        (10**9, SlotKind.RECORD, RECORD, "slot_free"),
        (day, SlotKind.DAY, LATER, "slot_free"),
        (day, SlotKind.HOLD, DAY, "slot_free"),
        (slot, SlotKind.STEP, RECORD, "slot_free"),
    ):
        with pytest.raises(SlotError) as caught:
            file.get(number, kind, label)
        assert (caught.value.code, caught.value.facts) == (code, {"slot": number})


def test_slots_when_destroyed_then_no_file_holds_them_and_their_neighbours_live(
    line: Line,
) -> None:
    """An early death kills one record and none of its neighbours; a day's death, the day."""
    file = line.open()
    dying = file.put(SlotKind.RECORD, RECORD, SECRET)
    living = file.put(SlotKind.RECORD, b"s" * 16, OTHER)
    file.put(SlotKind.DAY, DAY, KEY)
    file.put(SlotKind.DAY, LATER, OTHER)
    file.sync()
    assert line.holds(SECRET)
    assert file.destroy([(dying, SlotKind.RECORD, RECORD), (0, SlotKind.DAY, DAY)]) == frozenset()

    assert not line.holds(SECRET)
    assert not line.holds(KEY)
    assert file.get(living, SlotKind.RECORD, b"s" * 16) == OTHER
    assert list(file.find(SlotKind.DAY)) == [LATER]
    for slot, kind, label in ((dying, SlotKind.RECORD, RECORD), (0, SlotKind.DAY, DAY)):
        with pytest.raises(SlotError, match="slot_free"):
            file.get(slot, kind, label)


def test_slots_when_destroyed_again_then_it_is_no_error(line: Line) -> None:
    """After a crash the same is asked for once more; what is gone is gone."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.put(SlotKind.DAY, DAY, KEY)
    named = [(slot, SlotKind.RECORD, RECORD), (0, SlotKind.DAY, DAY)]
    for _ in "12":
        assert file.destroy(named) == frozenset()
    file.close()

    again = line.open()
    assert again.destroy(named) == frozenset()
    assert again.destroy([]) == frozenset()


def test_slots_when_another_lives_there_then_it_is_not_touched_and_named(line: Line) -> None:
    """A slot that was taken again is never overwritten for whoever had it before."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    day = file.put(SlotKind.DAY, DAY, KEY)
    named = [
        (slot, SlotKind.RECORD, b"s" * 16),
        (slot, SlotKind.STEP, RECORD),
        (day, SlotKind.RECORD, RECORD),
        (10**9, SlotKind.RECORD, RECORD),
        (STEP_SLOTS, SlotKind.RECORD, RECORD),
    ]

    assert file.destroy(named) == {slot, day, 10**9, STEP_SLOTS}
    assert file.get(slot, SlotKind.RECORD, RECORD) == SECRET
    assert file.get(day, SlotKind.DAY, DAY) == KEY


def test_slots_when_destroyed_then_their_places_are_taken_again(line: Line) -> None:
    """The file does not grow with what came and went."""
    file = line.open()
    for _ in range(5):
        slots = [file.put(SlotKind.RECORD, RECORD, SECRET) for _ in range(500)]
        days = [bytes([number]) * 16 for number in range(100)]
        for label in days:
            file.put(SlotKind.HOLD, label, KEY)
        file.destroy((slot, SlotKind.RECORD, RECORD) for slot in slots)
        file.destroy((0, SlotKind.HOLD, label) for label in days)

    assert line.path.stat().st_size == 2 * STEP_SLOTS * SLOT_BYTES


def test_slots_when_a_row_names_none_then_they_are_destroyed_at_the_next_start(
    line: Line,
) -> None:
    """What a crash left between slot and row is found and destroyed; rows' slots live."""
    file = line.open()
    kept = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.put(SlotKind.RECORD, b"o" * 16, OTHER)
    file.put(SlotKind.RECORD, b"p" * 16, OTHER)
    file.sync()
    file.close()
    again = SlotFile(line.path, line.mirror)

    assert again.reconcile([kept, 10**9]) == 2
    assert not line.holds(OTHER)
    assert again.get(kept, SlotKind.RECORD, RECORD) == SECRET


def test_slots_when_rows_were_not_told_then_no_record_is_put(line: Line) -> None:
    """Before the rows have said what is used, no place is known to be free."""
    file = SlotFile(line.path, line.mirror)
    with pytest.raises(RuntimeError, match="reconcile"):
        file.put(SlotKind.RECORD, RECORD, SECRET)
    file.put(SlotKind.DAY, DAY, KEY)
    slot = 2 * STEP_SLOTS - 1
    assert file.destroy([(slot, SlotKind.RECORD, RECORD)]) == frozenset()
    file.reconcile([])
    with pytest.raises(RuntimeError, match="record"):
        file.put(SlotKind.STEP, RECORD, SECRET)


def test_slots_when_destroyed_before_rows_were_told_then_they_are_gone(line: Line) -> None:
    """A purge that goes on after a crash needs nothing but the slot's number."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()
    file.close()
    again = SlotFile(line.path, line.mirror)
    again.destroy([(slot, SlotKind.RECORD, RECORD)])

    assert not line.holds(SECRET)
    assert again.reconcile([]) == 0


def test_slots_when_a_key_is_there_already_then_it_is_not_put_twice(line: Line) -> None:
    """A day has one key."""
    file = line.open()
    file.put(SlotKind.DAY, DAY, KEY)
    with pytest.raises(SlotError, match="slot_exists"):
        file.put(SlotKind.DAY, DAY, OTHER)
    file.put(SlotKind.HOLD, DAY, OTHER)

    assert file.get(0, SlotKind.DAY, DAY) == KEY


def test_slots_when_a_day_is_doubled_then_it_is_named_and_nothing_opened(line: Line) -> None:
    """Two keys of one day: which one wraps its records is for a person to find out."""
    file = line.open()
    slot = file.put(SlotKind.DAY, DAY, KEY)
    file.close()
    free = slot % (STEP_SLOTS - 1) + 1
    line.spoil(free, encode_slot(PlainRoot().seal(OTHER, kind=SlotKind.DAY, label=DAY)))
    with pytest.raises(SlotError) as caught:
        line.open()

    assert caught.value.code == "slot_doubled"
    assert caught.value.facts["slot"] in (slot, free)
    assert line.holds(KEY)
    assert line.holds(OTHER)


def test_slots_when_a_day_key_cannot_be_read_then_it_is_named_and_kept(line: Line) -> None:
    """It is missing from the days, said, not taken for free, and not destroyed with another."""
    file = line.open()
    slot = file.put(SlotKind.DAY, DAY, KEY)
    file.put(SlotKind.DAY, LATER, OTHER)
    file.close()
    line.spoil(slot)
    again = line.open()

    assert again.take_notices() == (Notice(code="slot_damaged", slot=slot),)
    assert again.take_notices() == ()
    assert list(again.find(SlotKind.DAY)) == [LATER]
    again.destroy([(0, SlotKind.DAY, LATER)])
    assert b"x" * SLOT_BYTES in line.path.read_bytes()
    # The day whose key is nowhere may be the one that cannot be read.
    again.destroy([(0, SlotKind.DAY, DAY)])
    assert b"x" * SLOT_BYTES not in line.path.read_bytes()
    again.close()
    assert line.open().take_notices() == ()


def test_slots_when_nothing_is_missing_then_what_cannot_be_read_is_discarded(line: Line) -> None:
    """A put that was torn is no key anybody waits for; only the caller can know that."""
    file = line.open()
    slot = file.put(SlotKind.DAY, DAY, KEY)
    file.close()
    line.spoil(slot % (STEP_SLOTS - 1) + 1)
    again = line.open()

    assert again.discard_damaged() == 1
    assert again.discard_damaged() == 0
    assert again.get(0, SlotKind.DAY, DAY) == KEY
    again.close()
    assert line.open().take_notices() == ()


def test_slots_when_a_record_cannot_be_read_then_it_is_named_and_can_be_destroyed(
    line: Line,
) -> None:
    """A torn slot is no secret; its row still says where to overwrite."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()
    line.spoil(slot, encode_slot(PlainRoot().seal(SECRET, kind=SlotKind.RECORD, label=RECORD))[:74])
    line.spoil(slot, b"X")
    with pytest.raises(SlotError) as caught:
        file.get(slot, SlotKind.RECORD, RECORD)
    assert (caught.value.code, caught.value.facts) == ("slot_damaged", {"slot": slot})
    assert file.destroy([(slot, SlotKind.RECORD, RECORD)]) == frozenset()

    assert not line.holds(SECRET)


def test_slots_when_a_step_is_of_unknown_purpose_then_keys_and_records_in_it_are_found(
    line: Line,
) -> None:
    """A damaged first slot costs nothing that rows or labels still lead to."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()
    file.close()
    line.spoil(STEP_SLOTS)
    key = slot % STEP_SLOTS + STEP_SLOTS + 1
    line.spoil(key, encode_slot(PlainRoot().seal(KEY, kind=SlotKind.DAY, label=DAY)))
    again = line.open()

    assert Notice(code="slot_damaged", slot=STEP_SLOTS) in again.take_notices()
    assert again.get(slot, SlotKind.RECORD, RECORD) == SECRET
    assert again.get(0, SlotKind.DAY, DAY) == KEY
    assert again.put(SlotKind.RECORD, b"n" * 16, OTHER) > 2 * STEP_SLOTS
    again.destroy([(slot, SlotKind.RECORD, RECORD), (0, SlotKind.DAY, DAY)])
    assert not line.holds(SECRET)
    assert not line.holds(KEY)


def test_slots_when_sealed_under_a_root_then_the_file_holds_no_secret(tmp_path: Path) -> None:
    """With a credential the disk alone opens nothing, and another credential says so."""
    root = CredentialRoot(Secret(b"c" * 32))
    line = Line(path=tmp_path / "slots", mirror=None)
    SlotFile.create(line.path, None, root)
    file = line.open(root=root)
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()

    assert not line.holds(SECRET)
    assert file.get(slot, SlotKind.RECORD, RECORD) == SECRET
    file.close()
    other = line.open([slot], root=CredentialRoot(Secret(b"d" * 32)))
    with pytest.raises(SlotError, match="slot_root_other"):
        other.get(slot, SlotKind.RECORD, RECORD)
    other.close()
    file = line.open([slot], root=root)
    file.put(SlotKind.DAY, DAY, KEY)
    file.sync()
    file.close()
    with pytest.raises(SlotError, match="slot_root_other"):
        line.open([slot])
    file = line.open([slot], root=root)
    # A slot whose checksum holds but whose seal does not.
    sealed = dataclasses.replace(
        root.seal(SECRET, kind=SlotKind.RECORD, label=b"q" * 16), label=RECORD
    )
    line.spoil(slot, encode_slot(sealed))
    with pytest.raises(SlotError) as caught:
        file.get(slot, SlotKind.RECORD, RECORD)
    assert (caught.value.code, caught.value.facts) == ("slot_damaged", {"slot": slot})


def test_slots_when_asked_for_nonsense_then_the_caller_is_told(line: Line) -> None:
    """A short secret, or records looked for by label, are the caller's mistake."""
    file = line.open()
    with pytest.raises(ValueError, match="32 bytes"):
        file.put(SlotKind.RECORD, RECORD, Secret(b"short"))
    with pytest.raises(ValueError, match="rows"):
        file.find(SlotKind.RECORD)


def test_slots_when_a_sync_fails_then_nothing_is_served_until_opened_again(
    tmp_path: Path,
) -> None:
    """After a failed sync nobody says what is durable; what was durable before still is."""
    line = Line(path=tmp_path / "slots", mirror=None)
    SlotFile.create(line.path)
    refuse = False

    def open_disk(path: Path) -> object:
        disk = FileDisk.open(path)

        def sync() -> None:
            if refuse:
                raise OSError(errno.EIO, "no")
            disk.sync()

        return RefusingDisk(disk, sync=sync)

    file = SlotFile(line.path, open_disk=open_disk)  # type: ignore[arg-type]
    file.reconcile([])
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()
    refuse = True
    with pytest.raises(OSError, match="no"):
        file.destroy([(slot, SlotKind.RECORD, RECORD)])
    refuse = False
    for act in (
        lambda: file.put(SlotKind.RECORD, RECORD, SECRET),
        file.sync,
        lambda: file.get(slot, SlotKind.RECORD, RECORD),
        lambda: file.destroy([]),
        lambda: file.reconcile([]),
    ):
        with pytest.raises(SlotError, match="slot_file_broken"):
            act()


@pytest.mark.parametrize("kind", [SlotKind.RECORD, SlotKind.HOLD])
def test_slots_when_the_disk_is_full_then_what_is_there_still_serves(
    tmp_path: Path, kind: SlotKind
) -> None:
    """A file that cannot grow refuses the new, keeps the old, and grows when there is room."""
    line = Line(path=tmp_path / "slots", mirror=None)
    SlotFile.create(line.path)
    is_full = True

    def open_disk(path: Path) -> object:
        disk = FileDisk.open(path)

        def write(first: int, data: bytes) -> None:
            if is_full and first >= 2 * STEP_SLOTS:
                raise OSError(errno.ENOSPC, "full")
            disk.write(first, data)

        return RefusingDisk(disk, write=write)

    file = SlotFile(line.path, open_disk=open_disk)  # type: ignore[arg-type]
    file.reconcile([])
    labels = [number.to_bytes(16, "big") for number in range(600)]
    put: dict[bytes, int] = {}
    with pytest.raises(OSError, match="full"):
        put.update((label, file.put(kind, label, SECRET)) for label in labels)
    file.sync()
    assert len(put) == 511
    assert file.get(put[labels[3]], kind, labels[3]) == SECRET
    is_full = False
    file.put(kind, labels[599], SECRET)
    file.sync()
    assert line.path.stat().st_size == 3 * STEP_SLOTS * SLOT_BYTES


def test_labels_when_read_then_only_whole_copies_of_one_label_count(line: Line) -> None:
    """What is free in one copy is gone; what was not asked for or lies nowhere is not told."""
    file = line.open()
    labels = [bytes([number]) * 16 for number in range(1, 5)]
    slots = [file.put(SlotKind.RECORD, label, SECRET) for label in labels]
    day = file.put(SlotKind.DAY, DAY, KEY)
    file.sync()
    file.destroy([(slots[0], SlotKind.RECORD, labels[0])])
    spoil(line.paths()[-1], slots[1], bytes(SLOT_BYTES))  # one of two, where there are two
    found = file.read_labels([*slots[:3], day, 10**9])
    told = {slot: found[slot * 16 : slot * 16 + 16] for slot in (*slots, day)}
    nothing = bytes(16)
    assert told == {
        slots[2]: labels[2],
        **dict.fromkeys((slots[0], slots[1], slots[3], day), nothing),
    }
    file.close()


def test_labels_when_one_copy_of_a_slot_differs_then_its_neighbours_count_all_the_same(
    tmp_path: Path,
) -> None:
    """Slots are read many at a time, and judged one by one."""
    line = Line(path=tmp_path / "slots", mirror=tmp_path / "mirror")
    SlotFile.create(line.path, line.mirror)
    file = line.open()
    labels = [number.to_bytes(16, "big") for number in range(1, 601)]
    put = {file.put(SlotKind.RECORD, label, SECRET): label for label in labels}
    file.sync()
    spoiled = next(slot for slot in sorted(put) if slot + 1 in put)
    spoil(line.paths()[1], spoiled, bytes(SLOT_BYTES))
    found = file.read_labels(put)
    told = {slot: found[slot * 16 : slot * 16 + 16] for slot in put}
    assert told == {**put, spoiled: bytes(16)}
    file.close()


def test_slots_when_a_slot_is_dying_then_nobody_reads_or_repairs_it(tmp_path: Path) -> None:
    """Between the first overwritten byte and the last a slot is free already."""
    line = Line(path=tmp_path / "slots", mirror=tmp_path / "mirror")
    SlotFile.create(line.path, line.mirror)
    seen: list[str] = []
    reading: list[SlotFile] = []

    def open_disk(path: Path) -> object:
        disk = FileDisk.open(path)

        def write(first: int, data: bytes) -> None:
            disk.write(first, data)
            # A repair writes, too: it must not wait for a reader of its own.
            if reading and threading.current_thread() is threading.main_thread():
                thread = threading.Thread(target=read)
                thread.start()
                thread.join()

        return RefusingDisk(disk, write=write)

    def read() -> None:
        try:
            reading[0].get(slot, SlotKind.RECORD, RECORD)
        except SlotError as exc:
            seen.append(exc.code)

    file = SlotFile(line.path, line.mirror, open_disk=open_disk)  # type: ignore[arg-type]
    file.reconcile([])
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    file.sync()
    reading.append(file)
    file.destroy([(slot, SlotKind.RECORD, RECORD)])

    assert seen == ["slot_free"] * 4
    assert file.take_notices() == ()


def test_slots_when_many_threads_use_them_then_each_gets_its_own(line: Line) -> None:
    """Puts, reads and destructions at the same time do not meet in one slot."""
    file = line.open()
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(40):
            label = number.to_bytes(8, "big") + turn.to_bytes(8, "big")
            secret = Secret(label * 2)
            slot = file.put(SlotKind.RECORD, label, secret)
            file.sync()
            if file.get(slot, SlotKind.RECORD, label) != secret:
                wrong.append(slot)
            if turn % 2:
                file.destroy([(slot, SlotKind.RECORD, label)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert file.take_notices() == ()


def test_slots_when_something_goes_wrong_then_no_error_tells_a_secret(line: Line) -> None:
    """INV-11: no traceback, fact or repr holds a byte of a key."""
    file = line.open()
    slot = file.put(SlotKind.RECORD, RECORD, SECRET)
    told = repr(file)
    for act in (
        lambda: file.get(slot, SlotKind.RECORD, DAY),
        lambda: file.get(slot, SlotKind.DAY, DAY),
        lambda: file.put(SlotKind.DAY, DAY, KEY) and file.put(SlotKind.DAY, DAY, KEY),
    ):
        with pytest.raises(SlotError) as caught:
            act()
        told += "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts)

    for secret in (SECRET, KEY):
        assert secret.reveal().decode() not in told
        assert secret.reveal()[:8].hex() not in told
