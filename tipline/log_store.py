"""
The log on disk: `log.db`, a database of its own, in which nothing is secret.

Rules:
1. A batch and its checkpoint are one transaction: no entry without a signature over it, and no
   signature over what is not there.
2. Entries and hashes are only ever added. What was signed is compared with the tree at each start.
3. A statement waits here until its batch, each once: repeating it after a crash changes nothing.
4. Another process may read while the line is served; it sees the batches of when it came.
5. What is shown is remembered first, where no backup looks: see `tipline/log_mark.py`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from crypto.cosignature import WitnessVerifier, verify_cosignature
from crypto.errors import ForgedError, MalformedError
from crypto.note import Signer, Verifier, parse_signature
from crypto.strict import parse_day
from retention.log.batch import Death, PurgeDone
from retention.log.checkpoint import (
    Checkpoint,
    sign_checkpoint,
    split_checkpoint,
)
from retention.log.entry import (
    Entry,
    EntryType,
    Statement,
    decode_statement,
    encode_entry,
)
from retention.log.merkle import Frontier, hash_leaf
from retention.log.tiles import TILE_WIDTH, TilePath, encode_bundle, grow_tiles
from tipline.files import blur_read_times, blur_times
from tipline.log_check import check_tree, read_hashes
from tipline.log_database import (
    LOG_FILES,
    LOG_NAME,
    copy_log_database,
    open_log_database,
)
from tipline.log_deaths import insert_deaths, mark_told
from tipline.log_mark import check_mark, keep_mark
from tipline.log_reading import read_deaths, read_entries, read_told
from tipline.log_statements import insert_statement, mark_statements


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """
    How far a log has come.

    Args:
        begun_on: The day of its first batch.
        batch_on: The day of its last one.
        size: How many entries.
    """

    begun_on: datetime.date
    batch_on: datetime.date
    size: int


class LogStore:
    """
    A log.

    Args:
        directory: The instance.
        verifier: The log's key.
        today: Tells the day, for the files' times.
        mark_folder: Of the slot file: what was shown is remembered there.

    Raises:
        InstanceError: `log_damaged`: what lies there is not what was signed; `log_behind`,
            `log_other`: it is not what was shown; `instance_newer`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        verifier: Verifier,
        today: Callable[[], datetime.date],
        mark_folder: Path,
    ) -> None:
        self._directory = directory
        self._verifier = verifier
        self._today = today
        self._mark_folder = mark_folder
        path = directory / LOG_NAME
        if not path.exists():  # a lost log must not look like an empty one at the next start
            check_mark(mark_folder, Frontier.empty(), read_tile=_read_nothing, path=path)
        # Appending holds its connection while the disk syncs; answers must not wait for that.
        self._writing, self._reading = open_log_database(directory)
        self._lock = threading.Lock()
        self._reading_lock = threading.Lock()  # closing under a reader would end the process
        try:
            self._shown = self._frontier = check_tree(self._writing, verifier, path=path)
            is_kept = check_mark(
                mark_folder, self._frontier, read_tile=self._read_hashes, path=path
            )
            if not is_kept and mark_folder.is_dir():
                keep_mark(mark_folder, self._frontier, day=today())
            self._blur()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the disk, after what still reads or writes in another thread."""
        with self._reading_lock:
            self._reading.close()
        with self._lock:
            self._writing.close()
        self._blur()

    @property
    def verifier(self) -> Verifier:
        """The log's key."""
        return self._verifier

    @property
    def size(self) -> int:
        """How many entries there are to be shown."""
        return self._shown.size

    def read_state(self) -> LogState | None:
        """
        Tell how far the log has come.

        Returns:
            None as long as it has no entry.
        """
        # By their sizes, which have an index: days rise with them.
        row = self._read(
            "SELECT (SELECT day FROM checkpoints ORDER BY size LIMIT 1),"
            " (SELECT day FROM checkpoints ORDER BY size DESC LIMIT 1)"
        )[0]
        if row[0] is None:
            return None
        return LogState(begun_on=parse_day(row[0]), batch_on=parse_day(row[1]), size=self.size)

    def read_checkpoint(self) -> bytes | None:
        """
        Read the newest checkpoint with the lines of its witnesses.

        Returns:
            The note; None as long as the log has no entry.
        """
        rows = self._read(
            "SELECT size, note FROM checkpoints WHERE size <= ? ORDER BY size DESC LIMIT 1",
            [self.size],
        )
        if not rows:
            return None
        size, note = rows[0]
        lines = self._read("SELECT line FROM cosignatures WHERE size = ? ORDER BY line", [size])
        return bytes(note) + b"".join(f"{line[0]}\n".encode() for line in lines)

    def read_tile(self, path: TilePath) -> bytes | None:
        """
        Read a tile or a bundle of entries.

        Args:
            path: Which, and how much of it.

        Returns:
            Its bytes; None if the log is not that long.
        """
        start = path.number * TILE_WIDTH
        if path.level is None:
            query = "SELECT entry FROM entries WHERE number >= ? AND number < ? ORDER BY number"
            parameters = [start, start + path.width]
        else:
            query = (
                "SELECT hash FROM hashes WHERE level = ? AND number >= ? AND number < ?"
                " ORDER BY number"
            )
            parameters = [path.level, start, start + path.width]
        rows = [bytes(row[0]) for row in self._read(query, parameters)]
        if len(rows) != path.width:
            return None
        return encode_bundle(rows) if path.level is None else b"".join(rows)

    def read_entries(self) -> Iterator[Entry]:
        """
        Read every entry, from the first.

        Yields:
            The entries of whole batches, whatever is added meanwhile.
        """
        return read_entries(self._read, size=self.size)

    def read_told(self, *, since: datetime.date) -> Iterator[Entry]:
        """
        Read what the log told of late, and every event before.

        Args:
            since: The day from which on batches are read whole.

        Yields:
            The entries of whole batches, whatever is added meanwhile.
        """
        return read_told(self._read, since=since, size=self.size)

    def read_account(self) -> bytes | None:
        """
        Read what was written down beside the last batch.

        Returns:
            As `append_batch` took it; None if there was nothing.
        """
        rows = self._read("SELECT account FROM accounts")
        return bytes(rows[0][0]) if rows else None

    def copy_to(self, path: Path) -> None:
        """
        Copy the log's database, whole, while it is served.

        Args:
            path: Must not exist.

        Raises:
            sqlite3.Error: the copy cannot be made.
            OSError: the disk refuses.
        """
        copy_log_database(self._directory, path)

    def queue(self, statement: Statement, *, occasion: bytes | None = None) -> None:
        """
        Keep a statement for the next batch.

        Args:
            statement: One that was kept or logged already is not kept again; unless it tells what
                holds from now on, and something else was said since.
            occasion: Of what can happen twice on one day: which time it was.
        """
        with self._lock, self._writing.atomic():
            insert_statement(self._writing, statement, occasion=occasion)
        self._blur()

    def read_queue(self) -> list[Statement]:
        """
        List what waits for its batch.

        Returns:
            The statements, in the order in which they came.
        """
        return [
            decode_statement(bytes(row[0]))
            for row in self._read(
                "SELECT statement FROM statements WHERE told IS NULL ORDER BY place"
            )
        ]

    def find_last(self, entry_type: EntryType) -> Statement | None:
        """
        Find what was said last of something, logged or waiting.

        Args:
            entry_type: Of what.

        Returns:
            The statement, or None.
        """
        rows = self._read(
            "SELECT statement FROM statements WHERE type = ? ORDER BY place DESC LIMIT 1",
            [str(entry_type)],
        )
        return decode_statement(bytes(rows[0][0])) if rows else None

    def list_statements(self, *types: EntryType) -> list[Statement]:
        """
        List all that was said of something, logged or waiting.

        Args:
            types: Of what.

        Returns:
            The statements, in the order in which they came.
        """
        places = ", ".join("?" * len(types))
        rows = self._read(
            f"SELECT statement FROM statements WHERE type IN ({places}) ORDER BY place",  # noqa: S608
            [str(one) for one in types],
        )
        return [decode_statement(bytes(row[0])) for row in rows]

    def find_last_event_day(self) -> datetime.date | None:
        """
        Find the day that the last event of the log is dated by.

        Returns:
            As its batch dated it; None if no event was told yet.
        """
        rows = self._read("SELECT statement, told FROM statements WHERE told IS NOT NULL")
        days = [min(decode_statement(bytes(row[0])).about, parse_day(row[1])) for row in rows]
        return max(days, default=None)

    def note_purge(self, done: PurgeDone) -> None:
        """
        Keep what a purge made true, for the batches.

        Args:
            done: What it reached. Before the log has begun there is nothing to keep.
        """
        state = self.read_state()
        if state is None:
            return
        with self._lock, self._writing.atomic():
            insert_deaths(self._writing, done, since=state.begun_on)
        self._blur()

    def read_deaths(self, *, before: datetime.date) -> list[Death]:
        """
        List what is true and was not told yet.

        Args:
            before: Only of earlier days.

        Returns:
            The deaths.
        """
        return read_deaths(self._read, before=before)

    def append_batch(
        self,
        entries: Sequence[Entry],
        *,
        day: datetime.date,
        signer: Signer,
        deaths: Iterable[Death] = (),
        statements: Iterable[Statement] = (),
        account: bytes | None = None,
    ) -> bytes:
        """
        Add a batch and sign a checkpoint over it, in one transaction.

        Args:
            entries: In their order; at least one.
            day: Of the batch, later than that of the last one.
            signer: The log's key.
            deaths: Those among the entries that were kept here.
            statements: Those among the entries that were kept here.
            account: What is told beside this batch, in the place of what was told beside the last.

        Returns:
            The checkpoint.

        Raises:
            ValueError: no entry, or not a later day.
            OSError: it is appended, and cannot be shown yet: see `show`.
        """
        state = self.read_state()
        if not entries or (state is not None and day <= state.batch_on):
            raise ValueError("a batch has entries, and a later day than the one before")
        encoded = [encode_entry(entry) for entry in entries]
        leaf_hashes = [hash_leaf(entry) for entry in encoded]
        with self._lock:
            frontier = self._frontier.append(leaf_hashes)
            note = sign_checkpoint(
                Checkpoint(origin=self._verifier.name, size=frontier.size, root=frontier.root()),
                signer,
            )
            with self._writing.atomic():
                self._insert(encoded, leaf_hashes)
                self._writing.execute(
                    "INSERT INTO checkpoints (size, day, note) VALUES (?, ?, ?)",
                    [frontier.size, day.isoformat(), note],
                )
                self._writing.execute("DELETE FROM accounts")
                if account is not None:
                    self._writing.execute(
                        "INSERT INTO accounts VALUES (?, ?)", [frontier.size, account]
                    )
                mark_told(self._writing, deaths, day=day)
                mark_statements(self._writing, statements, day=day)
            self._frontier = frontier
        self._blur()
        self.show()
        return note

    def show(self) -> bool:
        """
        Show what was appended, after it was remembered.

        Returns:
            Whether there was anything.

        Raises:
            OSError: it cannot be remembered; nothing more is shown than before.
        """
        with self._lock:
            if self._shown.size == self._frontier.size:
                return False
            keep_mark(self._mark_folder, self._frontier, day=self._today())
            self._shown = self._frontier
        return True

    def add_cosignatures(
        self, untrusted: Iterable[str], *, witnesses: Sequence[WitnessVerifier]
    ) -> list[int]:
        """
        Keep witnesses' lines beside the checkpoints that they sign: all of them or none.

        Args:
            untrusted: The lines, without their newlines.
            witnesses: Whose lines are taken.

        Returns:
            The size of each one's checkpoint.

        Raises:
            MalformedError: one is not a line of one of the witnesses.
            ForgedError: one signs no checkpoint of this log.
        """
        found = [(line, *self._find_cosigned(line, witnesses)) for line in untrusted]
        with self._lock, self._writing.atomic():
            for line, key, size in found:
                # A witness signs again when it was asked again: the newest line stands for both.
                self._writing.execute(
                    "DELETE FROM cosignatures WHERE size = ? AND name = ? AND key_id = ?",
                    [size, *key],
                )
                self._writing.execute(
                    "INSERT INTO cosignatures VALUES (?, ?, ?, ?)", [size, *key, line]
                )
        self._blur()
        return [size for _, _, size in found]

    def _find_cosigned(
        self, untrusted: str, witnesses: Iterable[WitnessVerifier]
    ) -> tuple[tuple[str, bytes], int]:
        key, _ = parse_signature(untrusted)
        named = [witness for witness in witnesses if (witness.name, witness.key_id) == key]
        if not named:
            raise MalformedError("witness")
        for size, note in self._read("SELECT size, note FROM checkpoints ORDER BY size DESC"):
            text, _ = split_checkpoint(bytes(note))
            with contextlib.suppress(ForgedError):
                verify_cosignature(untrusted, text=text, verifier=named[0])
                return key, int(size)
        raise ForgedError("cosignature")

    def _read(self, query: str, parameters: Sequence[str | int] = ()) -> list[Any]:
        with self._reading_lock:
            return self._reading.execute(query, list(parameters)).fetchall()

    def _insert(self, entries: Sequence[bytes], leaf_hashes: Sequence[bytes]) -> None:
        first = self._frontier.size
        execute = self._writing.conn.executemany
        execute("INSERT INTO entries VALUES (?, ?)", enumerate(entries, start=first))
        execute(
            "INSERT INTO hashes VALUES (?, ?, ?)",
            grow_tiles(first, leaf_hashes, read_tile=self._read_hashes),
        )

    def _read_hashes(self, level: int, number: int) -> bytes:
        return read_hashes(self._writing, level, number)

    def _blur(self) -> None:
        day = self._today()
        for name in LOG_FILES:
            with contextlib.suppress(FileNotFoundError):  # the last to close takes two of them away
                blur_read_times(self._directory / name, day=day)
        blur_times(self._directory, day=day)


def _read_nothing(level: int, number: int) -> bytes:
    """Nothing is there."""
    raise ValueError("a log without entries has no hashes")
