"""The log on disk."""

from __future__ import annotations

import base64
import contextlib
import datetime
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from crypto.cosignature import WitnessVerifier, format_cosigned
from crypto.errors import ForgedError, MalformedError
from crypto.note import Signer
from retention.log.batch import ONE_DAY, Death, PurgeDone
from retention.log.checkpoint import make_log_name, split_checkpoint, verify_checkpoint
from retention.log.entry import Entry, EntryType, Statement, decode_entry, make_statement
from retention.log.merkle import compute_root, hash_leaf
from retention.log.tiles import TILE_WIDTH, TilePath, decode_bundle, list_tiles
from retention.policy import RecordClass
from retention.slot_root import Method
from tests.batches import begin, go_on
from tipline.errors import InstanceError
from tipline.log_database import LOG_FILES, LOG_NAME
from tipline.log_export import export_log
from tipline.log_reading import DAILY_TYPES
from tipline.log_store import LogState, LogStore

DAY = datetime.date(2031, 3, 14)
ROOT = Signer.generate("tipline-root").verifier()
LOG = Signer.generate(make_log_name(ROOT))
EVERYTHING: dict[RecordClass | None, Method] = dict.fromkeys(
    (None, *RecordClass), Method.OVERWRITTEN
)


def open_log(directory: Path, *, key: Signer = LOG) -> LogStore:
    """Open the log of a directory."""
    return LogStore(
        directory, verifier=key.verifier(), today=lambda: DAY, mark_folder=directory / "slots"
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogStore]:
    """An empty log."""
    with contextlib.closing(open_log(tmp_path)) as store:
        yield store


def state(on: datetime.date) -> Statement:
    """Make a statement."""
    return make_statement(EntryType.BACKUP, on=on)


def append(log: LogStore, day: datetime.date, count: int = 1) -> bytes:
    """Append a batch of so many entries."""
    entries = [Entry(day=day, statement=state(day - number * ONE_DAY)) for number in range(count)]
    return log.append_batch(entries, day=day, signer=LOG)


def read_all(log: LogStore, size: int) -> list[bytes]:
    """Read every entry through the bundles."""
    entries: list[bytes] = []
    for path in list_tiles(size):
        if path.level is None:
            bundle = log.read_tile(path)
            assert bundle is not None
            entries += decode_bundle(bundle, count=path.width)
    return entries


def test_batch_when_appended_then_checkpoint_and_tiles_say_the_same(log: LogStore) -> None:
    """What is signed is the tree over what is served, at every size."""
    for number, count in enumerate((1, 254, 1, 1, 600)):
        note = append(log, DAY + number * ONE_DAY, count)
        checkpoint = verify_checkpoint(note, LOG.verifier())
        leaf_hashes = [hash_leaf(entry) for entry in read_all(log, checkpoint.size)]

        assert log.read_checkpoint() == note
        assert checkpoint.root == compute_root(leaf_hashes)
        for path in list_tiles(checkpoint.size):
            tile = log.read_tile(path)
            assert tile is not None
            if path.level == 0:
                start = path.number * TILE_WIDTH
                assert tile == b"".join(leaf_hashes[start : start + path.width])
    assert log.size == 857


def test_tile_when_the_log_is_not_that_long_then_there_is_none(log: LogStore) -> None:
    """Only what is there is given, whole."""
    append(log, DAY, 3)

    assert log.read_tile(TilePath(level=0, number=0, width=4)) is None
    assert log.read_tile(TilePath(level=1, number=0, width=1)) is None
    assert log.read_tile(TilePath(level=None, number=1, width=1)) is None
    assert len(log.read_tile(TilePath(level=0, number=0, width=2)) or b"") == 64


def test_log_when_empty_then_it_has_no_checkpoint_and_no_state(log: LogStore) -> None:
    """Nothing is signed before there is something."""
    assert log.read_checkpoint() is None
    assert log.read_state() is None
    with pytest.raises(InstanceError, match="log_empty"):
        export_log(log, Path("/nowhere"), keyset=None)


def test_log_when_opened_again_then_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """A restart changes nothing."""
    for number in range(3):
        with contextlib.closing(open_log(tmp_path)) as log:
            append(log, DAY + number * ONE_DAY, 300)
            assert log.read_state() == LogState(
                begun_on=DAY, batch_on=DAY + number * ONE_DAY, size=300 * (number + 1)
            )
    with contextlib.closing(open_log(tmp_path)) as log:
        entries = [decode_entry(entry) for entry in read_all(log, 900)]
    assert [entry.day for entry in entries[::300]] == [DAY, DAY + ONE_DAY, DAY + 2 * ONE_DAY]


def test_batch_when_empty_or_of_no_later_day_then_it_is_the_callers_mistake(
    log: LogStore,
) -> None:
    """One batch a day, and never back."""
    append(log, DAY)
    for day in (DAY, DAY - ONE_DAY):
        with pytest.raises(ValueError, match="later day"):
            append(log, day)
    with pytest.raises(ValueError, match="entries"):
        log.append_batch([], day=DAY + ONE_DAY, signer=LOG)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hashes SET hash = zeroblob(32) WHERE level = 0 AND number = 0",
        "DELETE FROM hashes WHERE level = 0 AND number = 2",
        "DELETE FROM entries WHERE number = 2",
        "INSERT INTO entries VALUES (3, x'00')",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = replace(note, '3', '4')",
        "UPDATE checkpoints SET note = x'ff'",
    ],
)
def test_log_when_changed_behind_our_back_then_it_is_not_opened(
    tmp_path: Path, change: str
) -> None:
    """A log that is not what was signed is named, not served."""
    with contextlib.closing(open_log(tmp_path)) as log:
        append(log, DAY, 3)
    with contextlib.closing(sqlite3.connect(tmp_path / LOG_NAME)) as database:
        database.execute(change)
        database.commit()
    with pytest.raises(InstanceError, match="log_damaged"):
        open_log(tmp_path)


def test_log_when_the_key_is_another_then_it_is_not_opened(tmp_path: Path) -> None:
    """Nobody goes on with a log under a key that did not sign it."""
    with contextlib.closing(open_log(tmp_path)) as log:
        append(log, DAY)
    with pytest.raises(InstanceError, match="log_damaged"):
        open_log(tmp_path, key=Signer.generate(LOG.name))


def test_log_when_newer_than_the_program_then_it_is_refused(tmp_path: Path) -> None:
    """Writing to a version that we do not know could lose what it holds."""
    open_log(tmp_path).close()
    with contextlib.closing(sqlite3.connect(tmp_path / LOG_NAME)) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(InstanceError, match="instance_newer"):
        open_log(tmp_path)


def test_queue_when_said_twice_then_it_is_kept_once(log: LogStore) -> None:
    """A repetition after a crash changes nothing, before the batch and after."""
    first, second = state(DAY), state(DAY + ONE_DAY)
    for statement in (first, second, first):
        log.queue(statement)
    assert log.read_queue() == [first, second]

    entries = [Entry(day=DAY, statement=first)]
    log.append_batch(entries, day=DAY, signer=LOG, statements=[first])
    log.queue(first)
    assert log.read_queue() == [second]
    assert log.find_last(EntryType.BACKUP) == second
    assert log.find_last(EntryType.CLOSE) is None


def test_queue_when_a_state_returns_then_it_is_said_again(log: LogStore) -> None:
    """The log ends with what holds, though the same was said before on that day."""
    one, other = (
        make_statement(EntryType.PAGE, on=DAY, build=build, sha256="00" * 32) for build in "ab"
    )
    for statement in (one, one, other, one):
        log.queue(statement)

    assert log.read_queue() == [one, other, one]


def test_queue_when_an_end_is_announced_again_then_each_step_is_kept(log: LogStore) -> None:
    """Called off and announced once more on one day: the log ends with what holds."""
    announced, cancelled = (
        make_statement(EntryType.CLOSE, on=DAY, step=step, closes_on=DAY)
        for step in ("announced", "cancelled")
    )
    said = [announced, cancelled, announced, announced, cancelled, announced]
    for statement in said:
        log.queue(statement)
    kept = [announced, cancelled, announced, cancelled, announced]
    assert log.read_queue() == kept
    # Between the reading and the batch it was called off once more.
    log.queue(cancelled)
    log.append_batch(
        [Entry(day=DAY, statement=one) for one in kept], day=DAY, signer=LOG, statements=kept
    )
    assert log.read_queue() == [cancelled]
    assert log.list_statements(EntryType.CLOSE, EntryType.BACKUP) == [*kept, cancelled]


def test_queue_when_it_happens_twice_on_a_day_then_each_occasion_is_kept_once(
    log: LogStore,
) -> None:
    """Two backups of a day are two entries, and one that is told again after a crash is one."""
    backup = state(DAY)
    for occasion in (b"one", b"two", b"one"):
        log.queue(backup, occasion=occasion)
    assert log.read_queue() == [backup, backup]
    log.append_batch(
        [Entry(day=DAY, statement=backup)] * 2, day=DAY, signer=LOG, statements=[backup] * 2
    )
    log.queue(backup, occasion=b"two")
    assert log.read_queue() == []
    log.queue(backup, occasion=b"three")
    assert log.read_queue() == [backup]


def test_purge_when_noted_then_each_day_is_told_once(log: LogStore) -> None:
    """What is true is kept until its batch, and told in one."""
    log.note_purge(PurgeDone(on=DAY, reached=EVERYTHING))
    assert log.read_deaths(before=DAY + ONE_DAY) == []

    append(log, DAY)
    for _ in range(2):
        log.note_purge(PurgeDone(on=DAY, reached=EVERYTHING))
    some: dict[RecordClass | None, Method] = {RecordClass.BACKUP: Method.OVERWRITTEN}
    log.note_purge(PurgeDone(on=DAY + ONE_DAY, reached=some))
    assert log.read_deaths(before=DAY) == []
    told = log.read_deaths(before=DAY + ONE_DAY)
    assert {(death.record_class, death.late_days) for death in told} == {
        (record_class, 0) for record_class in EVERYTHING
    }

    log.append_batch(
        [Entry(day=DAY + ONE_DAY, statement=state(DAY))],
        day=DAY + ONE_DAY,
        signer=LOG,
        deaths=told,
    )
    log.note_purge(PurgeDone(on=DAY + 2 * ONE_DAY, reached={None: Method.DESTROYED}))
    assert log.read_deaths(before=DAY + 3 * ONE_DAY) == [
        Death(of=day, record_class=record_class, method=method, late_days=late_days)
        for day, record_class, method, late_days in (
            (DAY + ONE_DAY, RecordClass.BACKUP, Method.OVERWRITTEN, 0),
            (DAY + ONE_DAY, None, Method.DESTROYED, 1),
            (DAY + 2 * ONE_DAY, None, Method.DESTROYED, 0),
        )
    ]


def cosign(text: str, *, name: str = "witness.example/1", seed: bytes = b"\x03" * 32) -> str:
    """Sign as a witness does."""
    key = SigningKey(seed)
    verifier = WitnessVerifier(name=name, public_key=bytes(key.verify_key))
    signature = key.sign(format_cosigned(text, seconds=5)).signature
    value = base64.b64encode(verifier.key_id + (5).to_bytes(8, "big") + signature).decode()
    return f"\N{EM DASH} {name} {value}"


WITNESS = WitnessVerifier(
    name="witness.example/1", public_key=bytes(SigningKey(b"\x03" * 32).verify_key)
)


def test_cosignature_when_it_holds_then_it_stands_under_its_checkpoint(log: LogStore) -> None:
    """A line is served with the checkpoint that it signs, once, also if a newer one came."""
    first = append(log, DAY)
    line = cosign(split_checkpoint(first)[0])
    for _ in range(2):
        assert log.add_cosignatures([line], witnesses=[WITNESS]) == [1]
    served = log.read_checkpoint()
    assert served == first + f"{line}\n".encode()
    assert verify_checkpoint(served, LOG.verifier()).size == 1

    second = append(log, DAY + ONE_DAY)
    assert log.add_cosignatures([line], witnesses=[WITNESS]) == [1]
    assert log.read_checkpoint() == second


def test_cosignature_when_it_is_anothers_or_of_another_log_then_it_is_refused(
    log: LogStore,
) -> None:
    """Nothing stands under a checkpoint but what its witnesses signed."""
    text = split_checkpoint(append(log, DAY))[0]
    with pytest.raises(MalformedError):
        log.add_cosignatures([cosign(text, name="witness.example/2")], witnesses=[WITNESS])
    with pytest.raises(MalformedError):
        log.add_cosignatures([cosign(text)], witnesses=[])
    with pytest.raises(ForgedError):
        log.add_cosignatures([cosign(text.replace("\n1\n", "\n2\n"))], witnesses=[WITNESS])


def test_export_when_repeated_then_it_has_what_is_served_and_leaves_full_tiles(
    log: LogStore, tmp_path: Path
) -> None:
    """The files are the served bytes; a full tile is written once."""
    output = tmp_path / "out"
    append(log, DAY, 300)
    assert export_log(log, output, keyset=None) == 300
    full = output / "tile/0/000"
    before = full.stat().st_ino
    note = append(log, DAY + ONE_DAY, 300)
    assert export_log(log, output, keyset=None) == 600

    assert full.stat().st_ino == before
    assert (output / "checkpoint").read_bytes() == note
    for path in list_tiles(600):
        assert (output / path.format()).read_bytes() == log.read_tile(path)


@pytest.mark.parametrize("name", LOG_FILES)
def test_log_when_written_then_its_files_tell_only_a_day(
    log: LogStore, tmp_path: Path, name: str
) -> None:
    """Modification times are those of the day, and nobody else reads the files."""
    append(log, DAY)
    log.queue(state(DAY))
    status = (tmp_path / name).stat()

    start = datetime.datetime.combine(DAY, datetime.time(), tzinfo=datetime.UTC)
    assert status.st_mtime == start.timestamp()
    assert status.st_mode & 0o077 == 0


def test_log_when_another_process_reads_then_it_sees_whole_batches(
    log: LogStore, tmp_path: Path
) -> None:
    """A second reader needs no permission of the first."""
    append(log, DAY, 5)
    with contextlib.closing(open_log(tmp_path)) as other:
        note = log.read_checkpoint()
        append(log, DAY + ONE_DAY, 5)
        assert (other.read_checkpoint(), other.size) == (note, 5)
    with contextlib.closing(open_log(tmp_path)) as later:
        assert later.read_checkpoint() == log.read_checkpoint() != note
        assert len(read_all(later, 10)) == 10


def test_sqlite_when_it_ignores_a_pragma_then_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build of SQLite that does not do what is asked is not trusted with a log."""
    from sqlite_utils import Database

    from tipline import log_database

    class Deaf(Database):
        def execute(self, sql: str, parameters: object = None) -> sqlite3.Cursor:
            deaf: Callable[..., sqlite3.Cursor] = super().execute
            return deaf("SELECT 'delete'" if sql.startswith("PRAGMA journal") else sql)

    monkeypatch.setattr(log_database, "Database", Deaf)
    with pytest.raises(InstanceError, match="instance_sqlite"):
        open_log(tmp_path)


def test_told_when_read_since_a_day_then_old_days_are_left_out_and_no_event(
    log: LogStore,
) -> None:
    """What is read for the account is the late batches whole, and every event of the others."""
    entries = begin(DAY)
    log.append_batch(entries, day=DAY, signer=LOG)
    for number in range(1, 41):
        day = DAY + number * ONE_DAY
        batch = go_on(day, state(day)) if number % 10 == 0 else go_on(day)
        log.append_batch(batch, day=day, signer=LOG)
        entries += batch
    since = DAY + 35 * ONE_DAY
    wanted = [
        entry for entry in entries if entry.day >= since or entry.statement.type not in DAILY_TYPES
    ]
    assert len(wanted) < len(entries)
    assert list(log.read_told(since=since)) == wanted
    assert list(log.read_told(since=DAY)) == entries


def test_account_when_a_batch_is_appended_then_it_is_of_that_batch_alone(log: LogStore) -> None:
    """What is told beside a batch goes with it: the next one replaces it, or takes it away."""
    assert log.read_account() is None
    for number, account in enumerate((b"one", b"two", None)):
        day = DAY + number * ONE_DAY
        entry = Entry(day=day, statement=state(day))
        log.append_batch([entry], day=day, signer=LOG, account=account)
        assert log.read_account() == account
