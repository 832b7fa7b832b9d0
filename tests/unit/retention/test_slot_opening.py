"""A slot file made, and opened with its mirror."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import NO_ROOT, SLOT_BYTES, Slot, SlotKind, encode_slot
from retention.slot_opening import make_slot_file, open_slot_file
from retention.slot_pair import Notice
from retention.slot_root import PlainRoot
from retention.slot_steps import STEP_SLOTS, Purpose, Step, Steps
from tests.unit.retention.slot_disks import CrashError, Machine, make_random

FILE, MIRROR = Path("/disk/slots"), Path("/other/slots")
SLOT = Slot(kind=SlotKind.RECORD, label=b"l" * 16, root_id=NO_ROOT, body=Secret(b"s" * 32))
PLACE = STEP_SLOTS + 5


class Files:
    """A machine with slot files, and what was said of them."""

    def __init__(self) -> None:
        self.machine = Machine(make_random("machine"))
        self.notices: list[Notice] = []

    def make(self, path: Path = FILE, mirror: Path | None = MIRROR, seed: str = "make") -> None:
        make_slot_file(
            path, mirror, PlainRoot(), random=make_random(seed), create_disk=self.machine.create
        )

    def make_if_unfinished(self, mirror: Path | None) -> None:
        try:
            self.make(mirror=mirror, seed="again")
        except SlotError as exc:
            if exc.code != "slot_file_exists":
                raise

    def open(self, path: Path = FILE, mirror: Path | None = MIRROR) -> Steps:
        self.notices.clear()
        return open_slot_file(
            path,
            mirror,
            random=make_random("open"),
            notice=self.notices.append,
            open_disk=self.machine.open,
            create_disk=self.machine.create,
        )

    def put(self, steps: Steps, slot: Slot = SLOT, place: int = PLACE) -> None:
        steps.pair.write(place, encode_slot(slot))
        steps.pair.sync()

    def spoil(self, path: Path, place: int, data: bytes = b"x" * SLOT_BYTES) -> None:
        start = place * SLOT_BYTES
        self.machine.durable[path][start : start + len(data)] = data


@pytest.fixture
def files() -> Files:
    """A machine with nothing on it."""
    return Files()


@pytest.mark.parametrize("mirror", [None, MIRROR])
def test_file_when_made_then_it_has_a_step_of_keys_and_one_of_records(
    files: Files, mirror: Path | None
) -> None:
    """A new file opens, alone or with its mirror."""
    files.make(mirror=mirror)
    steps = files.open(mirror=mirror)

    assert steps.slots_len() == 2 * STEP_SLOTS
    assert [steps.purpose(0), steps.purpose(STEP_SLOTS)] == [Purpose.KEYS, Purpose.RECORDS]
    assert list(steps.places(Purpose.KEYS)) == list(range(1, STEP_SLOTS))
    assert list(steps.places(Purpose.RECORDS)) == list(range(STEP_SLOTS + 1, 2 * STEP_SLOTS))
    assert files.notices == []


def test_file_when_something_is_there_then_none_is_made(files: Files) -> None:
    """A slot file is never made over another."""
    files.make()
    before = bytes(files.machine.durable[MIRROR])
    for path, mirror in ((FILE, None), (Path("/new"), MIRROR)):
        with pytest.raises(SlotError, match="slot_file_exists"):
            files.make(path, mirror)

    assert files.machine.durable[MIRROR] == before


@pytest.mark.parametrize("mirror", [None, MIRROR])
def test_file_when_its_making_was_cut_short_then_it_is_made_again(
    files: Files, mirror: Path | None
) -> None:
    """After a crash at any step of making, making again succeeds, or it was made already."""
    files.make(mirror=mirror)
    count = files.machine.steps
    assert count > 8
    for stop_at in range(count):
        again = Files()
        again.machine.stop_at = stop_at
        with pytest.raises(CrashError):
            again.make(mirror=mirror)
        again.machine.lose_power()
        again.make_if_unfinished(mirror)
        assert again.open(mirror=mirror).slots_len() == 2 * STEP_SLOTS


@pytest.mark.parametrize("mirror", [None, MIRROR])
def test_file_when_there_is_none_then_it_is_named_and_none_is_made(
    files: Files, mirror: Path | None
) -> None:
    """Both missing is an error: nothing begins anew by itself."""
    with pytest.raises(SlotError) as caught:
        files.open(mirror=mirror)

    assert (caught.value.code, caught.value.facts) == ("slot_file_missing", {"path": str(FILE)})
    assert files.machine.durable == {}


@pytest.mark.parametrize(("lost", "is_mirror"), [(FILE, False), (MIRROR, True)])
def test_file_when_one_is_missing_then_it_is_rebuilt_from_the_other(
    files: Files, lost: Path, is_mirror: bool
) -> None:
    """A lost device costs nothing, and somebody is told."""
    files.make()
    files.put(files.open())
    del files.machine.durable[lost]

    assert files.open().pair.read(PLACE) == SLOT
    assert files.notices == [Notice(code="slot_file_rebuilt", mirror=is_mirror)]
    assert files.machine.durable[FILE] == files.machine.durable[MIRROR]
    files.open()
    assert files.notices == []


@pytest.mark.parametrize("is_stale", [False, True])
@pytest.mark.parametrize("lost", [FILE, MIRROR])
def test_file_when_its_rebuilding_was_cut_short_then_it_is_rebuilt_again(
    files: Files, lost: Path, is_stale: bool
) -> None:
    """After a crash at any step of rebuilding, the next opening has everything."""
    files.make()
    files.open()
    stale = bytes(files.machine.durable[lost])
    files.put(files.open())
    stop_at = 0
    while True:
        files.machine.durable.pop(lost)
        if is_stale:
            files.machine.durable[lost] = bytearray(stale)
        files.machine.steps, files.machine.stop_at = 0, stop_at
        try:
            files.open()
        except CrashError:
            files.machine.lose_power()
        else:
            break
        assert files.open().pair.read(PLACE) == SLOT
        stop_at += 1

    assert stop_at > 8
    files.machine.stop_at = None
    assert files.open().pair.read(PLACE) == SLOT


def test_file_when_its_folder_is_missing_then_it_is_not_made(files: Files) -> None:
    """A device that is not mounted is not replaced by a file on another."""
    files.make(mirror=None)

    def refuse(path: Path) -> None:
        raise FileNotFoundError(path)

    files.machine.create = refuse  # type: ignore[assignment, method-assign]
    with pytest.raises(SlotError) as caught:
        files.open()
    assert caught.value.code == "slot_folder_missing"
    assert caught.value.facts == {"path": str(MIRROR.parent)}
    with pytest.raises(SlotError, match="slot_folder_missing"):
        files.make(Path("/new"), None)


@pytest.mark.parametrize(("alone", "stale"), [(FILE, MIRROR), (MIRROR, FILE)])
def test_mirror_when_one_was_used_alone_then_the_other_is_rebuilt(
    files: Files, alone: Path, stale: Path
) -> None:
    """What one missed is not taken for what was destroyed: a newer key is not lost."""
    files.make()
    files.open()
    files.put(files.open(alone, None))

    assert files.open().pair.read(PLACE) == SLOT
    assert files.notices == [Notice(code="slot_file_rebuilt", mirror=stale == MIRROR)]


@pytest.mark.parametrize("stale", [FILE, MIRROR])
def test_mirror_when_it_is_an_old_copy_then_what_died_since_stays_dead(
    files: Files, stale: Path
) -> None:
    """A copy from before a destruction does not bring a key back."""
    files.make()
    files.put(files.open())
    old = bytes(files.machine.durable[stale])
    steps = files.open()
    steps.pair.overwrite([PLACE])
    files.machine.durable[stale][:] = old

    assert files.open().pair.read(PLACE) is None
    assert files.notices == [Notice(code="slot_file_rebuilt", mirror=stale == MIRROR)]
    assert b"s" * 32 not in files.machine.durable[stale]


def test_mirror_when_both_were_used_alone_then_none_is_chosen(files: Files) -> None:
    """Each may hold what the other lost: that is for a person."""
    files.make()
    files.open(FILE, None)
    files.open(MIRROR, None)
    with pytest.raises(SlotError, match="slot_mirror_alone"):
        files.open()


def test_mirror_when_it_belongs_to_another_file_then_it_is_refused(files: Files) -> None:
    """Two files are never mixed."""
    files.make(FILE, None)
    files.make(MIRROR, None, seed="another")
    before = bytes(files.machine.durable[MIRROR])
    with pytest.raises(SlotError) as caught:
        files.open()

    assert caught.value.code == "slot_mirror_foreign"
    assert files.machine.durable[MIRROR] == before


def test_mirror_when_it_is_longer_and_stale_then_nothing_old_is_left_in_it(files: Files) -> None:
    """What a stale file has beyond the other is overwritten, too."""
    files.make()
    steps = files.open()
    steps.grow(Purpose.RECORDS)
    files.put(steps, place=2 * STEP_SLOTS + 5)
    grown = bytes(files.machine.durable[MIRROR])
    del files.machine.durable[MIRROR]
    files.machine.durable[FILE][2 * STEP_SLOTS * SLOT_BYTES :] = b""
    files.open(FILE, None)
    files.machine.durable[MIRROR] = bytearray(grown)

    assert files.open().slots_len() == 2 * STEP_SLOTS
    assert b"s" * 32 not in files.machine.durable[MIRROR]
    assert len(files.machine.durable[MIRROR]) == len(grown)


@pytest.mark.parametrize("path", [FILE, MIRROR])
def test_mirror_when_the_first_slot_of_one_is_damaged_then_it_is_repaired(
    files: Files, path: Path
) -> None:
    """The slot in which the session is written may tear: the other file has it."""
    files.make()
    files.put(files.open())
    files.spoil(path, 0)

    assert files.open().pair.read(PLACE) == SLOT
    assert files.machine.durable[FILE] == files.machine.durable[MIRROR]


def test_file_when_its_first_slot_is_damaged_then_the_others_say_whose_it_is(
    files: Files,
) -> None:
    """Without a mirror it is made anew: step 0 is of keys, and every step has the file's id."""
    files.make(mirror=None)
    files.put(files.open(mirror=None))
    files.spoil(FILE, 0)
    steps = files.open(mirror=None)

    assert steps.pair.read(PLACE) == SLOT
    assert steps.purpose(1) is Purpose.KEYS
    assert files.open(FILE, MIRROR).pair.read(PLACE) == SLOT


def test_mirror_when_both_first_slots_are_damaged_then_it_is_for_a_person(files: Files) -> None:
    """Nobody knows whether they were together: each alone still opens."""
    files.make()
    files.put(files.open())
    for path in (FILE, MIRROR):
        files.spoil(path, 0)
    with pytest.raises(SlotError, match="slot_file_unreadable"):
        files.open()

    assert files.open(FILE, None).pair.read(PLACE) == SLOT
    assert files.open().pair.read(PLACE) == SLOT


def test_mirror_when_only_a_file_with_a_damaged_first_slot_is_left_then_it_is_taken(
    files: Files,
) -> None:
    """A lost device beside a damaged slot still costs nothing."""
    files.make()
    files.put(files.open())
    files.spoil(FILE, 0)
    del files.machine.durable[MIRROR]

    assert files.open().pair.read(PLACE) == SLOT


def test_mirror_when_its_rebuilding_was_cut_short_then_it_is_of_no_use_alone(files: Files) -> None:
    """Half a copy is named, and not taken for a whole one or for none."""
    files.make()
    files.put(files.open(), place=5)
    files.spoil(MIRROR, 0, bytes(SLOT_BYTES))
    files.spoil(MIRROR, STEP_SLOTS, bytes(SLOT_BYTES))
    with pytest.raises(SlotError, match="slot_file_unreadable"):
        files.open(MIRROR, None)

    assert files.open().pair.read(5) == SLOT


def test_file_when_its_first_slot_is_gone_but_not_its_keys_then_it_is_not_taken_for_new(
    files: Files,
) -> None:
    """A file with keys in it is never unfinished, and never written over."""
    for content in (encode_slot(SLOT), b"x" * SLOT_BYTES):
        again = Files()
        again.make(mirror=None)
        again.spoil(FILE, 5, content)
        again.spoil(FILE, 0, bytes(SLOT_BYTES))
        with pytest.raises(SlotError, match="slot_file_exists"):
            again.make(mirror=None)
        assert again.open(mirror=None).pair.look(5) != ()


@pytest.mark.parametrize("size", [SLOT_BYTES, 2 * STEP_SLOTS * SLOT_BYTES])
def test_file_when_nothing_in_it_is_ours_then_it_is_unreadable(files: Files, size: int) -> None:
    """A file of something else is named and left."""
    files.machine.durable[FILE] = bytearray(b"x" * size)
    with pytest.raises(SlotError) as caught:
        files.open(mirror=None)

    assert caught.value.code == "slot_file_unreadable"
    assert files.machine.durable[FILE] == b"x" * size


def test_file_when_it_has_no_mirror_then_opening_writes_nothing(files: Files) -> None:
    """A file without a mirror has no session, so no crash can tear its first slot."""
    files.make(mirror=None)
    before = files.machine.steps
    files.open(mirror=None)

    assert files.machine.steps == before


@pytest.mark.parametrize("stop", range(16))
def test_file_when_it_grows_and_crashes_then_it_opens_and_grows_again(
    files: Files, stop: int
) -> None:
    """A step that was not finished is not there, and its place is used again."""
    files.make()
    steps = files.open()
    files.put(steps)
    files.machine.steps, files.machine.stop_at = 0, stop
    grown = 3
    try:
        steps.grow(Purpose.RECORDS)
    except CrashError:
        files.machine.lose_power()
        grown = 2
    files.machine.stop_at = None
    again = files.open()

    assert grown <= again.slots_len() // STEP_SLOTS <= 3
    assert files.notices == []
    assert again.pair.read(PLACE) == SLOT
    places = again.grow(Purpose.KEYS)
    assert again.purpose(places[0]) is Purpose.KEYS
    assert again.pair.find_not_free(places) == []
    assert files.open().slots_len() == again.slots_len()


def test_step_when_its_first_slot_is_damaged_then_it_keeps_what_it_holds(files: Files) -> None:
    """Keys are looked for there, nothing new is put there, and it is said."""
    files.make(mirror=None)
    steps = files.open(mirror=None)
    steps.grow(Purpose.RECORDS)
    files.spoil(FILE, STEP_SLOTS)
    again = files.open(mirror=None)

    assert again.purpose(PLACE) is Purpose.UNKNOWN
    assert files.notices == [Notice(code="slot_damaged", slot=STEP_SLOTS)]
    assert PLACE in again.places(Purpose.KEYS)
    assert PLACE not in again.places(Purpose.RECORDS)


@pytest.mark.parametrize("number", [0, 3])
def test_step_when_another_kind_of_slot_begins_it_then_it_is_damaged(
    files: Files, number: int
) -> None:
    """A slot of a record, or of another step, does not say what a step is for."""
    files.make(mirror=None)
    file_id = files.open(mirror=None).file_id
    foreign = Step(file_id=file_id, purpose=Purpose.KEYS, number=number).encode()
    for content in (foreign, encode_slot(dataclasses.replace(SLOT, label=file_id))):
        files.spoil(FILE, STEP_SLOTS, content)
        assert files.open(mirror=None).purpose(PLACE) is Purpose.UNKNOWN
