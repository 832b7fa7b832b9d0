"""A line with something of every kind that dies, lives or is held, and what must be left of it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

from retention.hold import HoldTerms, make_hold
from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises
from retention.slot import SlotKind, encode_day_label
from retention.slot_file import SlotFile
from tipline.service.envelope_files import EnvelopeFiles
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import Arrival, PartialUpload, StoredTip

TODAY = datetime.date(2031, 6, 12)
DAYS_AHEAD = 61
SLICE = 1 << 20
SAMPLES = 6  # of each stored envelope
ZEROS = re.compile(rb"\x00{64,}")  # no needle is as long; most of a slot file is this
POLICY = Policy(
    periods={
        record_class: {
            event: 7 if event is Event.PICKED_UP else 90 for event in EVENTS[record_class]
        }
        for record_class in RecordClass
    }
)
PROMISES = Promises.of(POLICY)


def day(offset: int) -> datetime.date:
    """Count from today."""
    return TODAY + datetime.timedelta(days=offset)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """
    One tip that is put there.

    Args:
        number: Names it, and is the seed of its envelope.
        size_bytes: Text, a file of one slice, or of two.
        dies: When, counted from today.
        dead: Whether it must be gone after the purge.
    """

    number: int
    size_bytes: int
    dies: int
    dead: bool

    @property
    def id(self) -> bytes:
        """Its id."""
        return bytes([0xA0, self.number]) * 8

    @property
    def envelope(self) -> bytes:
        """What was sent."""
        return random.Random(self.number).randbytes(self.size_bytes)


TEXT, FILE, TWO = 1 << 16, 1 << 18, SLICE + (1 << 18)
TIPS = (
    Planted(number=1, size_bytes=TEXT, dies=0, dead=True),
    Planted(number=2, size_bytes=TEXT, dies=0, dead=True),
    Planted(number=3, size_bytes=FILE, dies=-3, dead=True),
    Planted(number=4, size_bytes=TWO, dies=0, dead=True),
    Planted(number=5, size_bytes=TEXT, dies=60, dead=True),  # picked up a week ago
    Planted(number=6, size_bytes=TEXT, dies=20, dead=True),  # its end is asked for
    Planted(number=7, size_bytes=FILE, dies=0, dead=False),  # held
    Planted(number=8, size_bytes=TEXT, dies=-2, dead=True),  # its hold was released
    Planted(number=9, size_bytes=TEXT, dies=20, dead=False),  # its hold was released, its day far
    Planted(number=10, size_bytes=TEXT, dies=20, dead=False),  # of the day of number 6
    Planted(number=11, size_bytes=FILE, dies=1, dead=False),
    Planted(number=12, size_bytes=TWO, dies=1, dead=False),
)
PICKED_UP, DELETED, HELD, RELEASED, RELEASED_EARLY = 5, 6, 7, 8, 9
UPLOADS = {b"\xb1" * 16: (0, True), b"\xb2" * 16: (1, False)}  # when it dies; whether it is gone
HOLD_ID, RELEASED_ID = b"\xc1" * 16, b"\xc2" * 16


def open_line(directory: Path, *, today: datetime.date = TODAY) -> SqliteStore:
    """Open the store of a line whose slot file has a mirror."""
    return SqliteStore(directory, slots=open_slots(directory), today=lambda: today)


def open_slots(directory: Path) -> SlotFile:
    """Open the slot file alone."""
    return SlotFile(directory / "slots" / "slot-file", directory / "mirror" / "slot-file")


async def make_line(
    directory: Path, *, on_stage: Callable[[str], None] = lambda stage: None
) -> None:
    """Put everything there, as it stands on the morning of today; tell when something has begun."""
    for name in ("slots", "mirror"):
        (directory / name).mkdir(mode=0o700, parents=True)
    SlotFile.create(directory / "slots" / "slot-file", directory / "mirror" / "slot-file")
    store = open_line(directory, today=day(-8))
    await store.make_day_keys(day(-8), days=DAYS_AHEAD + 8)
    for tip in TIPS:
        await _add(store, tip)
    for upload_id, (dies, _) in UPLOADS.items():
        upload = PartialUpload(
            id=upload_id,
            begun_on=day(dies - 90),
            dies_on=day(dies),
            size_bytes=4 * SLICE,
            channel="city",
            keyset=1,
        )
        data = random.Random(upload_id).randbytes(SLICE)
        await store.add_slice(upload, data, offset=0)
    on_stage("stored")
    await store.pick_up([_find(PICKED_UP).id], promises=PROMISES, today=day(-7))
    for hold_id, numbers in ((HOLD_ID, [HELD]), (RELEASED_ID, [RELEASED, RELEASED_EARLY])):
        terms = HoldTerms(
            first_person="First Person",
            second_person="Second Person",
            reason="an order of a court",
            until_on=day(90),
            channel=None,
            tips=tuple(_find(number).id for number in numbers),
        )
        hold = make_hold(terms, hold_id=hold_id, salt=bytes(32), placed_on=day(-8))
        await store.add_hold(hold, terms.tips, promises=PROMISES)
    on_stage("held")
    await store.release_hold(RELEASED_ID, today=TODAY)
    await store.delete_early([_find(DELETED).id], today=TODAY)
    store.close()
    on_stage("morning")


def _find(number: int) -> Planted:
    return next(tip for tip in TIPS if tip.number == number)


async def _add(store: SqliteStore, tip: Planted) -> None:
    arrival = Arrival(
        upload_id=bytes([0xD0, tip.number]) * 8,
        answer_dies_on=day(0 if tip.number % 2 else 5),
        tip=StoredTip(
            id=tip.id,
            arrived_on=day(tip.dies - 90),
            dies_on=day(tip.dies),
            size_bytes=tip.size_bytes,
            channel="city",
            sealed_by_service=False,
            keyset=1,
        ),
    )
    if tip.size_bytes <= SLICE:
        await store.add_whole(arrival, tip.envelope)
        return
    upload = PartialUpload(
        id=arrival.upload_id,
        begun_on=arrival.tip.arrived_on,
        dies_on=day(5),
        size_bytes=tip.size_bytes,
        channel="city",
        keyset=1,
    )
    await store.add_slice(upload, tip.envelope[:SLICE], offset=0)
    await store.complete(arrival, tip.envelope[SLICE:], offset=SLICE)


async def purge(store: SqliteStore) -> None:
    """Purge, and carry out to its end what ended."""
    report = await store.purge_due(promises=PROMISES, today=TODAY)
    if report.failures:
        raise AssertionError(report.failures)
    await store.bury_holds(report.ended_holds, promises=PROMISES)


def find_secrets(directory: Path) -> dict[str, str]:
    """Collect, before the purge, every byte string that must be nowhere after it."""
    found: dict[str, bytes] = {}
    store = open_line(directory)
    rows, files = store._rows, EnvelopeFiles(directory, today=lambda: TODAY)
    slots = store._slots
    for table, ids in (
        ("tips", [tip.id for tip in TIPS if tip.dead]),
        ("uploads", [upload_id for upload_id, (_, dead) in UPLOADS.items() if dead]),
    ):
        for record in rows.find_records(table, ids):
            name = f"{table} {record.record.id.hex()}"
            key = record.key
            assert key is not None
            found[f"{name} id"] = record.record.id
            found[f"{name} data id"] = key.data_id
            found[f"{name} wrapped"] = key.wrapped
            found[f"{name} secret"] = slots.get(key.slot, SlotKind.RECORD, key.data_id).reveal()
            sealed = rows.read_sealed(record.record.id) if table == "tips" else None
            if sealed is None and table == "tips":
                sealed = files.read(record.record.id, offset=0, length=1 << 30)
            if sealed is None:
                sealed = (directory / "partial" / record.record.id.hex()).read_bytes()
            for at in range(0, len(sealed) - 24, len(sealed) // SAMPLES):
                found[f"{name} sealed {at}"] = sealed[at : at + 24]
    for offset in range(-8, 1):
        label = encode_day_label(day(offset))
        found[f"day {offset}"] = slots.get(0, SlotKind.DAY, label).reveal()
    found["hold"] = slots.get(0, SlotKind.HOLD, RELEASED_ID).reveal()
    store.close()
    return {name: value.hex() for name, value in found.items()}


async def check_nothing_early(store: SqliteStore) -> None:
    """Everything that must live is whole, whatever happened."""
    tips = {tip.id: tip for tip in await store.tips()}
    for planted in TIPS:
        if not planted.dead:
            held = await store.read_envelope(tips[planted.id], offset=0, length=1 << 30)
            if held != planted.envelope:
                raise AssertionError(f"tip {planted.number} died early")
    alive = {upload_id for upload_id, (_, dead) in UPLOADS.items() if not dead}
    if not alive <= set(await store.partial_uploads()):
        raise AssertionError("an upload died early")


async def check_nothing_left(store: SqliteStore) -> None:
    """Exactly what must live is there."""
    assert {tip.id for tip in await store.tips()} == {tip.id for tip in TIPS if not tip.dead}
    assert set(await store.partial_uploads()) == {
        upload_id for upload_id, (_, dead) in UPLOADS.items() if not dead
    }
    answers = {
        record.id for record in await store.records() if record.record_class == "upload_answer"
    }
    assert answers == {bytes([0xD0, tip.number]) * 8 for tip in TIPS if not tip.number % 2}
    days = store._keys.days()
    assert min(days) == day(1)
    assert {day(offset) for offset in range(1, DAYS_AHEAD)} <= days
    assert [hold.id for hold, _ in await store.holds()] == [HOLD_ID]


def check_bytes(directory: Path, secrets: dict[str, str]) -> None:
    """No file holds a byte string of what died; each file that is there belongs to what lives."""
    contents = [
        ZEROS.sub(b"", path.read_bytes()) for path in directory.rglob("*") if path.is_file()
    ]
    everything = (bytes(64)).join(contents)
    for name, value in secrets.items():
        if bytes.fromhex(value) in everything:
            raise AssertionError(f"left: {name}")
    names = {path.name for path in (directory / "envelopes").rglob("*") if path.is_file()}
    assert names == {tip.id.hex() for tip in TIPS if not tip.dead and tip.size_bytes > TEXT}
    partial = {path.name for path in (directory / "partial").iterdir()}
    assert partial == {upload_id.hex() for upload_id, (_, dead) in UPLOADS.items() if not dead}
    wal = directory / "tipline.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0
    assert not list(directory.glob("etilqs_*"))
    assert not list(directory.glob("*-journal"))


def save_secrets(path: Path, secrets: dict[str, str]) -> None:
    """Keep them for the processes to come."""
    path.write_text(json.dumps(secrets))


def load_secrets(path: Path) -> dict[str, str]:
    """Read them."""
    secrets: dict[str, str] = json.loads(path.read_text())
    return secrets
