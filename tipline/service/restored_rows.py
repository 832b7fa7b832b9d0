"""
Rows of a restored database whose keys are gone: they are dead, and leave it before it is used.

Rules:
1. A row is dead if no key opens it any more: neither its day's with its own, nor a hold's with it.
   A key that is there and cannot be read is not gone: its row stays, and is named when it is used.
2. A slot may hold another record's secret by now: it opens nothing, and is left alone. No row that
   stays names it, so the next start destroys it with all others that no row names.
3. What a batch of the log told already of arrivals is not told again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from crypto.strict import parse_day
from retention.policy import RecordClass
from retention.slot_file import SlotFile
from tipline.errors import FileError
from tipline.service.database import looking
from tipline.service.due_tables import KEYED_TABLES, find_class
from tipline.service.envelope_rows import delete_sealed
from tipline.service.epochs import clear_epoch, list_epochs
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys
from tipline.service.schema import migrate

# What the slot file says of a secret that died; the other codes are of one that is there.
_GONE: Final = frozenset({"slot_free", "slot_other", "forged"})
# What SQLite says of a database that may be whole: the low byte of its code.
_FOR_THE_MOMENT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
    }
)
_PRIMARY_CODE: Final = 0xFF
_TABLES: Final = (*KEYED_TABLES, "holds")

_OPEN_HOLDS: Final = "SELECT id FROM holds WHERE gone_on IS NULL"
_OPEN_WRAPS: Final = (
    "SELECT hold, tip FROM hold_wraps JOIN holds ON holds.id = hold WHERE gone_on IS NULL"
)

Dead = Mapping[str, Sequence[bytes]]


def find_dead(path: Path, slots: SlotFile) -> tuple[Dead, Mapping[RecordClass, int]]:
    """
    Find the rows whose keys are gone. Walks through all of them.

    Args:
        path: Of the database, which nobody uses; brought to today's version.
        slots: The slot file as it is now.

    Returns:
        Ids by table, and how many there are of each class; holds have none.

    Raises:
        KeyUnavailableError: the slot file cannot be read at all.
        InstanceError: the database is newer than this program.
    """
    database = Database(path)
    keys = RecordKeys(slots)
    dead: dict[str, list[bytes]] = {}
    counts: dict[RecordClass, int] = {}
    try:
        migrate(database)
        known_holds = keys.holds()
        living_holds = known_holds & {row[0] for row in database.execute("SELECT id FROM holds")}
        wraps: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for hold, tip, wrapped in database.execute("SELECT hold, tip, wrapped FROM hold_wraps"):
            if hold in living_holds:
                wraps.setdefault(tip, []).append((hold, wrapped))
        for table in _TABLES:
            dead[table] = []
            for row in database.query(f"SELECT * FROM {table}"):  # noqa: S608  # a name of ours
                if table == "holds":
                    # A hold whose words are lost still holds.
                    gone = row["id"] not in living_holds
                else:
                    gone = _is_gone(row, keys, wraps.get(row["id"], []))
                if gone:
                    dead[table].append(row["id"])
                    if table != "holds":
                        record_class = find_class(table, row.get("size_bytes", 0))
                        counts[record_class] = counts.get(record_class, 0) + 1
        dead.update(_find_dead_phones(database, keys))
    finally:
        database.close()
    return dead, counts


def remove_dead(path: Path, dead: Dead, *, told_before: datetime.date | None) -> None:
    """
    Take dead rows out of a database, and write it anew without them. May be done again.

    Args:
        path: Of the database, which nobody uses.
        dead: As `find_dead` found them.
        told_before: The day of the log's last batch: it told of all days before. None if there is
            none.
    """
    database = Database(path)
    try:
        database.execute("PRAGMA secure_delete = ON")
        with database.atomic():
            for table, ids in dead.items():
                for record_id in ids:
                    if table == "tips":
                        delete_sealed(database, record_id)
                        database.execute("DELETE FROM hold_wraps WHERE tip = ?", [record_id])
                        database.execute("DELETE FROM handles WHERE tip = ?", [record_id])
                    elif table == "windows":
                        database.execute("DELETE FROM handles WHERE window = ?", [record_id])
                    elif table == "epochs":
                        clear_epoch(database, record_id)
                    elif table == "holds":
                        database.execute("DELETE FROM hold_wraps WHERE hold = ?", [record_id])
                    query = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608  # a name of ours
                    database.execute(query, [record_id])
            if told_before is not None:
                for name in ("arrivals", "counts"):
                    database.execute(
                        f"DELETE FROM {name} WHERE about_on < ?",  # noqa: S608  # a name of ours
                        [told_before.isoformat()],
                    )
        database.execute("PRAGMA journal_mode = DELETE")
        database.vacuum()
    finally:
        database.close()


def roll_back(path: Path) -> None:
    """
    Take back what a crash left half written. Whoever only looks at a database would not.

    Args:
        path: Of the database, which nobody uses.

    Raises:
        FileError: `file_system`: it cannot be written at the moment.
    """
    if not path.with_name(f"{path.name}-journal").exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.Error as exc:
        raise FileError("file_system", path=str(path), reason=str(exc)) from exc


def _find_dead_phones(database: Database, keys: RecordKeys) -> dict[str, list[bytes]]:
    """Find epochs without their key, and marks of messages without that of their day."""
    known_epochs, known_days = keys.epochs(), keys.days()
    return {
        "epochs": [one.id for one in list_epochs(database) if one.id not in known_epochs],
        "replays": [
            bytes(row[0])
            for row in database.execute("SELECT id, keyed_on FROM replays")
            if parse_day(row[1]) not in known_days
        ],
    }


def list_tips(path: Path) -> set[bytes] | None:
    """
    List the tips of a database that nobody uses.

    Args:
        path: Its name.

    Returns:
        Their ids; None if there is none, or it is damaged.

    Raises:
        FileError: `file_system`: it cannot be read at the moment, whole or not.
    """
    if not path.exists():
        return None
    try:
        with looking(path) as database:
            return {row[0] for row in database.execute("SELECT id FROM tips")}
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode & _PRIMARY_CODE in _FOR_THE_MOMENT:
            raise FileError("file_system", path=str(path), reason=str(exc)) from exc
        return None


def list_holds(path: Path) -> set[str]:
    """
    List the holds of a database that nobody uses.

    Args:
        path: Its name.

    Returns:
        Their ids, in hex.
    """
    with looking(path) as database:
        return {row[0].hex() for row in database.execute("SELECT id FROM holds")}


def count_lost_holds(there: Path, restored: Path) -> int:
    """
    Count the holds that would end, or keep less, if another database took a database's place.

    Args:
        there: The database that is in place; nobody uses it.
        restored: The one that would take its place; it may be older than this program's.

    Returns:
        How many. A hold that has ended already is none of them.

    Raises:
        sqlite3.Error: the database that is in place cannot be read.
    """
    kept = set()
    with contextlib.suppress(sqlite3.OperationalError):  # from before there were holds
        kept = _list_held(restored)
    return len({hold for hold, tip in _list_held(there) - kept})


def _list_held(path: Path) -> set[tuple[bytes, bytes | None]]:
    """List the holds that last, each alone and with each of its tips."""
    with looking(path) as database:
        held = {(row[0], None) for row in database.execute(_OPEN_HOLDS)}
        return held | {(row[0], row[1]) for row in database.execute(_OPEN_WRAPS)}


def _is_gone(
    row: Mapping[str, Any], keys: RecordKeys, wraps: Sequence[tuple[bytes, bytes]]
) -> bool:
    key = RecordKey(data_id=row["data_id"], slot=row["slot"], wrapped=row["wrapped"])
    try:
        keys.open(key, dies_on=parse_day(row["dies_on"]))
    except KeyUnavailableError as exc:
        if exc.args[0] not in _GONE:
            return False
    else:
        return False
    for hold_id, wrapped in wraps:
        try:
            keys.open_held(dataclasses.replace(key, wrapped=wrapped), hold_id=hold_id)
        except KeyUnavailableError as exc:
            if exc.args[0] not in _GONE:
                return False
        else:
            return False
    return True
