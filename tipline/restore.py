"""
A backup put back into a line's directory, beside the slot file as it is now.

What happens, in this order; each step may be done again after a crash:
1. The file is opened and unpacked into `restoring.partial`, which becomes `restoring` when all of
   it was verified. From then on nobody opens the line but this.
2. What cannot be put back is refused, and nothing was done (`restore_checks.py`): what can be told
   by its head before anything of it is written, the rest before anything takes its place.
3. A slot file is made, if the backup brings one or a new one was asked for. Rows whose keys are
   gone leave the unpacked database, and are counted. Up to here it can be called off.
4. What is in the directory stays as it is: configuration, policy, keyset, keys, log. What is
   missing there comes from the backup, unless the log that is there knows of a newer one. An
   envelope is the backup's, because the one that is there may be damaged.
5. The log's next batch will say that the line was restored, and which holds ended with it.
6. Database and envelopes take their places, and `restoring` goes.
7. The line is opened: keys that no row names are destroyed, and what is past its day goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from crypto.age.file import Identity
from crypto.secret import Secret
from retention.log.entry import EntryType, Statement, make_statement
from retention.policy import parse_periods
from tipline.backing_up import PARTIAL_RESTORING_NAME
from tipline.backup import (
    KIND_HANDOVER,
    ONION_NAME,
    SINGLE_NAMES,
    Head,
    hash_file,
)
from tipline.begun_restore import (
    Begun,
    can_be_given_up,
    find_occasion,
    give_up,
    hold_lock,
    note_begun,
    note_placing,
    read_begun,
)
from tipline.clock import BootClock, Clock
from tipline.configuration import CONFIGURATION_NAME
from tipline.day_keeper import find_clock_folder, tell_time
from tipline.errors import FileError, InstanceError
from tipline.files import (
    PRIVATE_FILE_MODE,
    blur_times,
    make_private_directory,
    save_file,
    sync_directory,
)
from tipline.instance import (
    KEYS_NAME,
    RESTORING_NAME,
    RUN_NAME,
    TOR_NAME,
    load_log_signer,
)
from tipline.keysets import KEYSET_NAME
from tipline.log_database import LOG_FILES, LOG_NAME
from tipline.log_mark import forget_mark
from tipline.log_store import LogStore
from tipline.restore_checks import (
    Checks,
    Wishes,
    check_directory,
    load_wished_configuration,
    word_wished_configuration,
)
from tipline.restored_files import (
    NO_KEYSET,
    Newer,
    place_newer,
    place_policy,
    remove_older_keyset,
)
from tipline.restored_log import end_holds
from tipline.restored_slots import RestoredSlots, read_making
from tipline.service.adopting import take_up_policy
from tipline.service.database import DATABASE_NAME, WAL_NAME, looking
from tipline.service.envelope_files import ENVELOPES_NAME, FRESH_NAME, PARTIAL_NAME
from tipline.service.restored_rows import (
    find_dead,
    list_holds,
    list_tips,
    remove_dead,
    roll_back,
)
from tipline.service.sqlite_store import SqliteStore
from tipline.slot_owner import note_owner
from tipline.slots import SLOT_FILE_NAME, open_slots
from tipline.unpacking import read_head, read_transport_key, unpack, wipe_unpacked

DEAD_NAME: Final = ".dead"  # what step 3 found: a second run finds nothing any more


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """
    What a restore did.

    Args:
        head: What the backup says of itself.
        dead: By class, how many records' keys were gone.
        kept: How many tips are there.
        newer: What was not taken from it.
    """

    head: Head
    dead: Mapping[str, int]
    kept: int
    newer: Newer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Dead:
    """Rows whose keys are gone: their ids by table, and how many by class."""

    rows: Mapping[str, Sequence[bytes]]
    counts: Mapping[str, int]


def restore(
    source: BinaryIO,
    directory: Path,
    *,
    identities: Sequence[Identity],
    wishes: Wishes,
    environment: Mapping[str, str],
    clock: Clock,
    boot_clock: BootClock,
) -> Restored:
    """
    Put a backup into place; steps 1 to 6.

    Args:
        source: The backup.
        directory: New, or an instance.
        identities: One of them opens it.
        wishes: How.
        environment: Of the process, for the slot file's root.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.

    Returns:
        What was done.

    Raises:
        CryptoError: the file does not open, or is not whole.
        InstanceError: it must not be put back; nothing was done.
        SlotError: the slot file does not hold; nothing was done.
        FileError: `file_system`: a database cannot be written; it can be gone on with.
        OSError: the disk refuses; it can be gone on with.
    """
    check_directory(directory)
    checks = Checks(directory=directory, wishes=wishes, clock=clock, boot_clock=boot_clock)
    with contextlib.ExitStack() as stack:

        def lock() -> None:
            stack.enter_context(hold_lock(directory))
            check_directory(directory)  # again: nobody changes it any more

        if (directory / RESTORING_NAME).exists():
            lock()
            transport_key = _go_on(source, checks, identities=identities)
            wishes = read_begun(directory / RESTORING_NAME).wishes
        else:
            transport_key = _begin(source, checks, identities=identities, lock=lock)
        placing = _Placing(
            directory,
            wishes,
            transport_key=transport_key,
            environment=environment,
            clock=clock,
            boot_clock=boot_clock,
        )
        try:
            return placing.run()
        except sqlite3.OperationalError as exc:
            # A full disk, above all. What was begun can be gone on with.
            raise FileError("file_system", path=str(directory), reason=str(exc)) from exc


def _begin(
    source: BinaryIO,
    checks: Checks,
    *,
    identities: Sequence[Identity],
    lock: Callable[[], object],
) -> Secret | None:
    """Steps 1 and 2."""
    directory = checks.directory
    partial = directory / PARTIAL_RESTORING_NAME

    def look(head: Head) -> None:
        lock()
        checks.check_head(head)

    unpacked = unpack(source, partial, identities=identities, on_head=look)
    with contextlib.ExitStack() as refused:
        refused.callback(wipe_unpacked, partial)
        head = checks.check_unpacked(partial)
        begun = Begun(sha256=unpacked.sha256, wishes=checks.wishes)
        note_begun(partial, begun, day=head.made_on)
        refused.pop_all()
    partial.rename(directory / RESTORING_NAME)
    sync_directory(directory)
    return unpacked.transport_key


def _go_on(source: BinaryIO, checks: Checks, *, identities: Sequence[Identity]) -> Secret | None:
    """Go on with what was begun, or give it up for what is wished now."""
    directory = checks.directory
    folder = directory / RESTORING_NAME
    head, begun, digest = read_head(folder), read_begun(folder), hash_file(source)
    source.seek(0)
    if not begun.is_same(digest, checks.wishes):
        give_up(directory)
        return _begin(source, checks, identities=identities, lock=lambda: None)
    if checks.wishes.older_log and not begun.wishes.older_log:
        begun = dataclasses.replace(begun, wishes=checks.wishes)
        note_begun(folder, begun, day=head.made_on)
    if can_be_given_up(directory):
        has_made_slots = read_making(folder) is not None
        roll_back(folder / DATABASE_NAME)
        try:
            # What it found when it was begun may be otherwise by now: a disk that was mounted, say.
            dataclasses.replace(
                checks, wishes=begun.wishes, has_made_slots=has_made_slots
            ).check_unpacked(folder)
        except InstanceError as exc:
            if exc.code == "backup_expired":
                give_up(directory)
            raise
    if head.kind == KIND_HANDOVER:
        return read_transport_key(source, directory / PARTIAL_RESTORING_NAME, identities=identities)
    return None


class _Placing:
    """Steps 3 to 6, with what they all need."""

    def __init__(
        self,
        directory: Path,
        wishes: Wishes,
        *,
        transport_key: Secret | None,
        environment: Mapping[str, str],
        clock: Clock,
        boot_clock: BootClock,
    ) -> None:
        self._transport_key = transport_key
        self._directory = directory
        self._folder = directory / RESTORING_NAME
        self._wishes = wishes
        self._environment = environment
        self._head = read_head(self._folder)
        self._configuration = load_wished_configuration(directory, self._folder, wishes)
        self._clock_folder = find_clock_folder(directory, self._configuration.slots)
        self._is_handover = self._head.kind == KIND_HANDOVER
        self._makes_slots = wishes.makes_slots(self._head)
        time = tell_time(self._clock_folder, clock=clock, boot_clock=boot_clock)
        self._today = time.today
        self._slots = RestoredSlots(
            directory, self._configuration.slots, folder=self._folder, day=self._today
        )

    def run(self) -> Restored:
        """Do all of them."""
        for name in (KEYS_NAME, TOR_NAME, RUN_NAME, ONION_NAME, ENVELOPES_NAME, PARTIAL_NAME):
            make_private_directory(self._directory / name)
        make_private_directory(self._directory / ENVELOPES_NAME / FRESH_NAME)
        if self._makes_slots and can_be_given_up(self._directory):
            self._slots.make(self._transport_key, self._environment)
        dead = self._bury()
        note_placing(self._folder, day=self._today)
        if self._makes_slots:
            self._slots.place(is_handover=self._is_handover)
        note_owner(self._directory, self._configuration.slots, day=self._today)
        is_in_place = not (self._folder / DATABASE_NAME).exists()
        tips = list_tips(self._database if is_in_place else self._folder / DATABASE_NAME)
        newer = self._place_small()
        if self._wishes.older_log:
            forget_mark(self._clock_folder)
        if not self._is_handover:
            self._tell_log()
        self._place_store()
        asyncio.run(self._take_up_policies())
        # In one step: a part of it left by a crash would be neither begun nor ended.
        self._folder.rename(self._directory / PARTIAL_RESTORING_NAME)
        sync_directory(self._directory)
        wipe_unpacked(self._directory / PARTIAL_RESTORING_NAME)
        blur_times(self._directory, day=self._today)
        return Restored(head=self._head, dead=dead, kept=len(tips or ()), newer=newer)

    @property
    def _database(self) -> Path:
        return self._directory / DATABASE_NAME

    def _bury(self) -> Mapping[str, int]:
        """Step 3. What it found is written down before it is done: it would find nothing again."""
        path = self._folder / DATABASE_NAME
        noted = self._folder / DEAD_NAME
        if not path.exists():  # it took its place already
            return self._read_dead().counts
        if not noted.exists():
            opened = open_slots(
                self._directory,
                self._configuration.slots,
                environment=self._environment,
                name=self._slots.name if self._makes_slots else SLOT_FILE_NAME,
            )
            with contextlib.closing(opened.file):
                dead, found = find_dead(path, opened.file)
            note = {
                "counts": {str(record_class): count for record_class, count in found.items()},
                "dead": {table: [one.hex() for one in ids] for table, ids in dead.items()},
            }
            save_file(noted, json.dumps(note).encode(), day=self._today)
        dead_rows = self._read_dead()
        remove_dead(path, dead_rows.rows, told_before=self._find_batch_day())
        for tip_id in dead_rows.rows["tips"]:
            (self._folder / ENVELOPES_NAME / tip_id.hex()).unlink(missing_ok=True)
        return dead_rows.counts

    def _read_dead(self) -> _Dead:
        note: dict[str, Any] = json.loads((self._folder / DEAD_NAME).read_bytes())
        rows = {table: [bytes.fromhex(one) for one in ids] for table, ids in note["dead"].items()}
        return _Dead(rows=rows, counts=note["counts"])

    def _find_batch_day(self) -> datetime.date | None:
        """Tell the last batch of the log that is there, or else of the backup's."""
        there = (self._directory / LOG_NAME).exists()
        path = (self._directory if there else self._folder) / LOG_NAME
        with looking(path) as log:
            (day,) = log.execute("SELECT max(day) FROM checkpoints").fetchone()
        return None if day is None else datetime.date.fromisoformat(day)

    def _place_small(self) -> Newer:
        """Step 4, the configuration last: without it a directory is no line."""
        for folder in (KEYS_NAME, ONION_NAME):
            if (self._folder / folder).is_dir():
                for path in sorted((self._folder / folder).iterdir()):
                    self._move(path, self._directory / folder / path.name)
        if (self._folder / LOG_NAME).exists() and not (self._directory / LOG_NAME).exists():
            # An older log's other files belong to nothing by now.
            for name in LOG_FILES:
                (self._directory / name).unlink(missing_ok=True)
            self._move(self._folder / LOG_NAME, self._directory / LOG_NAME)
        remove_older_keyset(self._directory, self._folder, root=self._configuration.root)
        if (self._folder / LOG_NAME).exists():  # the log was there, and may know of newer ones
            newer = place_newer(
                self._directory, self._folder, root=self._configuration.root, day=self._today
            )
        else:
            newer = Newer(policy=place_policy(self._directory, self._folder, day=self._today))
        for name in SINGLE_NAMES[1:]:
            if name != KEYSET_NAME or newer.keyset == NO_KEYSET:
                self._move(self._folder / name, self._directory / name)
        self._place_configuration()
        return newer

    def _place_configuration(self) -> None:
        path = self._directory / CONFIGURATION_NAME
        wished = word_wished_configuration(self._directory, self._folder, self._wishes)
        if wished is not None:
            save_file(path, wished, day=self._today)
        self._move(self._folder / CONFIGURATION_NAME, path)

    def _open_log(self) -> LogStore:
        return LogStore(
            self._directory,
            verifier=load_log_signer(self._directory).verifier(),
            today=lambda: self._today,
            mark_folder=self._clock_folder,
        )

    def _tell_log(self) -> None:
        """Step 5."""
        today = self._today
        restored = make_statement(EntryType.RESTORE, on=today, from_day=self._head.made_on)
        with contextlib.closing(self._open_log()) as log:
            if self._wishes.new_slots:
                log.queue(make_statement(EntryType.LOST_KEYS, on=today))
            log.queue(restored, occasion=find_occasion(self._folder, day=today))
            statements = _list_events(log)
            path = self._folder / DATABASE_NAME
            if path.exists():
                for ended in end_holds(statements, known=list_holds(path), on=today):
                    log.queue(ended)

    def _place_store(self) -> None:
        """Step 6."""
        for folder in (ENVELOPES_NAME, PARTIAL_NAME):
            if (self._folder / folder).is_dir():
                for path in sorted((self._folder / folder).iterdir()):
                    # In the place of one that the disk may have damaged: what is sound is the same.
                    (self._directory / folder / path.name).unlink(missing_ok=True)
                    self._move(path, self._directory / folder / path.name)
                sync_directory(self._directory / folder)
        path = self._folder / DATABASE_NAME
        if path.exists():
            # What waits in another database's WAL must not be written into this one.
            (self._directory / WAL_NAME).unlink(missing_ok=True)
            sync_directory(self._directory)
            path.rename(self._database)
            sync_directory(self._directory)

    async def _take_up_policies(self) -> None:
        """Promise again what was promised since the backup was made, as the log tells it."""
        slots = open_slots(
            self._directory, self._configuration.slots, environment=self._environment
        )
        today = self._today
        store = SqliteStore(self._directory, slots=slots.file, today=lambda: today)
        with contextlib.closing(store), contextlib.closing(self._open_log()) as log:
            for statement in _list_events(log):
                if statement.type is EntryType.POLICY and statement.about >= self._head.made_on:
                    policy = parse_periods(dict(statement.fields["periods"]))
                    await take_up_policy(store, policy, today=statement.about)

    def _move(self, path: Path, target: Path) -> None:
        """Put a file where none is; what is there stays."""
        if path.exists() and not target.exists():
            path.chmod(PRIVATE_FILE_MODE)
            blur_times(path, day=self._today)
            path.rename(target)
            sync_directory(target.parent)


def _list_events(log: LogStore) -> list[Statement]:
    """List every event that the log told, and what waits for its next batch."""
    told = log.read_told(since=datetime.date.max)  # events alone
    return [*(entry.statement for entry in told), *log.read_queue()]
