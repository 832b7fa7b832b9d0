"""The directory that is a line: made, locked, private, migrated."""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from crypto.note import Signer
from retention.errors import PolicyError
from retention.policy import EVENTS, Event, Periods, RecordClass
from tests.stored import open_slots, open_store
from tipline.errors import ConfigurationError, InstanceError, PermissionsError
from tipline.instance import Instance, init_instance
from tipline.keysets import KeysetHistory, read_history, read_keyset
from tipline.service.database import open_database
from tipline.service.schema import STEPS, VERSION, read_version
from tipline.service.sqlite_store import SqliteStore

DAY = datetime.date(2031, 3, 14)
ROOT = Signer.generate("tipline-root")
SETTINGS: dict[str, object] = {
    "root": ROOT.verifier().format(),
    **{
        f"line.{part}.{language}": "Line"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    },
}
PERIODS = {name: dict.fromkeys(events, 5) for name, events in EVENTS.items()}


def make(directory: Path, *, periods: Periods | None = PERIODS) -> Signer:
    return init_instance(
        directory, settings=SETTINGS, periods=periods, translate=lambda text: text, today=DAY
    )


def test_init_when_done_then_only_the_owner_can_look_and_it_opens(tmp_path: Path) -> None:
    """A new instance is complete, private, and opens with what was given."""
    signer = make(tmp_path / "line")
    for path in (tmp_path / "line", *(tmp_path / "line").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    with Instance.open(tmp_path / "line") as instance:
        assert instance.signer.verifier() == signer.verifier()
        assert instance.configuration.root == ROOT.verifier()
        assert instance.policy.periods[RecordClass.SEALED_TIP] == {
            Event.ARRIVED: 5,
            Event.PICKED_UP: 5,
        }


def test_init_when_the_directory_is_not_empty_then_it_is_left_alone(tmp_path: Path) -> None:
    """Nothing that is there is written over."""
    make(tmp_path / "line")
    before = (tmp_path / "line" / "keys" / "service.key").read_bytes()
    with pytest.raises(InstanceError) as refused:
        make(tmp_path / "line")
    assert refused.value.code == "instance_exists"
    assert (tmp_path / "line" / "keys" / "service.key").read_bytes() == before


def test_init_when_a_setting_is_wrong_then_nothing_is_made(tmp_path: Path) -> None:
    """A wrong root is refused before there is a directory."""
    with pytest.raises(ConfigurationError):
        init_instance(
            tmp_path / "line",
            settings={**SETTINGS, "root": "nonsense"},
            periods=PERIODS,
            translate=lambda text: text,
            today=DAY,
        )
    assert not (tmp_path / "line").exists()


def test_init_when_no_period_is_given_then_serving_waits_for_the_operator(tmp_path: Path) -> None:
    """There is no default for how long things are kept."""
    make(tmp_path / "line", periods=None)
    with pytest.raises(PolicyError) as refused:
        Instance.open(tmp_path / "line")
    assert refused.value.code == "policy_missing_key"


def test_open_when_open_already_then_refused_until_it_is_closed(tmp_path: Path) -> None:
    """One program at a time; the end of the first lets the next one in."""
    make(tmp_path / "line")
    with Instance.open(tmp_path / "line"), pytest.raises(InstanceError) as refused:
        Instance.open(tmp_path / "line")
    assert refused.value.code == "instance_in_use"
    Instance.open(tmp_path / "line").close()


def test_open_when_it_failed_then_the_lock_is_free_again(tmp_path: Path) -> None:
    """A start that fails on a wrong file keeps nobody out."""
    make(tmp_path / "line")
    policy = tmp_path / "line" / "policy.toml"
    good = policy.read_bytes()
    policy.write_bytes(b"")
    with pytest.raises(PolicyError):
        Instance.open(tmp_path / "line")
    policy.write_bytes(good)
    Instance.open(tmp_path / "line").close()


def test_open_when_others_can_read_then_refused(tmp_path: Path) -> None:
    """A directory or a key that others can read is not used."""
    make(tmp_path / "line")
    for path in (tmp_path / "line" / "keys" / "service.key", tmp_path / "line"):
        path.chmod(path.stat().st_mode | 0o040)
        with pytest.raises(PermissionsError):
            Instance.open(tmp_path / "line")
        path.chmod(path.stat().st_mode & ~0o040)
    Instance.open(tmp_path / "line").close()


@pytest.mark.parametrize("content", [None, b"", b"PRIVATE+KEY+nonsense\n"])
def test_open_when_the_key_is_missing_or_damaged_then_said(
    tmp_path: Path, content: bytes | None
) -> None:
    """Without its key a line cannot sign bundles, so it does not start."""
    make(tmp_path / "line")
    key = tmp_path / "line" / "keys" / "service.key"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
        key.chmod(0o600)
    with pytest.raises(InstanceError) as refused:
        Instance.open(tmp_path / "line")
    assert refused.value.code == "instance_key"


def test_open_when_it_is_no_instance_then_said(tmp_path: Path) -> None:
    """Any other directory is not touched."""
    with pytest.raises(InstanceError) as refused:
        Instance.open(tmp_path)
    assert refused.value.code == "instance_missing"
    assert list(tmp_path.iterdir()) == []


def make_version_1(directory: Path, *, envelope: bytes | None) -> None:
    """Write a database as the first version of the program did."""
    (directory / "tipline.db").unlink(missing_ok=True)
    database = sqlite3.connect(directory / "tipline.db")
    database.executescript(
        """
        CREATE TABLE tips (id BLOB PRIMARY KEY NOT NULL, arrived_on TEXT NOT NULL,
            dies_on TEXT NOT NULL, size_bytes INTEGER NOT NULL, channel TEXT NOT NULL,
            sealed_by_service INTEGER NOT NULL, keyset INTEGER NOT NULL, envelope BLOB)
            WITHOUT ROWID;
        CREATE TABLE uploads (id BLOB PRIMARY KEY NOT NULL, begun_on TEXT NOT NULL,
            dies_on TEXT NOT NULL, size_bytes INTEGER NOT NULL, channel TEXT NOT NULL,
            keyset INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE answers (id BLOB PRIMARY KEY NOT NULL, arrived_on TEXT NOT NULL,
            dies_on TEXT NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = 1;
        """
    )
    if envelope is not None:
        row = (bytes(16), "2031-03-01", "2031-06-01", 65536, "city", 0, 1, envelope)
        database.execute("INSERT INTO tips VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()


def test_database_when_older_and_empty_then_migrated(tmp_path: Path) -> None:
    """A database of version 1 without tips becomes today's."""
    make_version_1(tmp_path, envelope=None)
    open_store(tmp_path, today=lambda: DAY).close()
    database = open_database(tmp_path)
    assert read_version(database) == VERSION
    database.close()


def test_database_when_its_tips_have_no_keys_then_refused_and_left_as_it_is(
    tmp_path: Path,
) -> None:
    """What was stored without a key that can die is neither taken over nor thrown away."""
    make_version_1(tmp_path, envelope=bytes(65536))
    before = dump(tmp_path)
    with pytest.raises(InstanceError) as refused:
        open_store(tmp_path, today=lambda: DAY)
    assert refused.value.code == "instance_keyless"
    assert dump(tmp_path) == before


def test_database_when_the_migration_breaks_off_then_it_is_as_before(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """A step that fails leaves the old version, whole."""
    make_version_1(tmp_path, envelope=None)
    before = dump(tmp_path)

    def fail(database: object) -> None:
        raise LookupError

    monkeypatch.setattr("tipline.service.schema.STEPS", (*STEPS, fail))
    monkeypatch.setattr("tipline.service.schema.VERSION", VERSION + 1)
    with pytest.raises(LookupError):
        open_store(tmp_path, today=lambda: DAY)
    assert dump(tmp_path) == before


def dump(directory: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(directory / "tipline.db")) as database:
        return list(database.iterdump())


def test_database_when_newer_then_refused(tmp_path: Path) -> None:
    """An older program does not write into a newer database."""
    database = sqlite3.connect(tmp_path / "tipline.db")
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(InstanceError) as refused:
        open_store(tmp_path, today=lambda: DAY)
    assert refused.value.code == "instance_newer"


def test_database_when_another_program_has_it_then_refused(tmp_path: Path) -> None:
    """The database is locked for one process, whoever else tries."""
    store = open_store(tmp_path, today=lambda: DAY)
    (tmp_path / "elsewhere").mkdir()
    slots = open_slots(tmp_path / "elsewhere")  # those of the line are locked, too
    with pytest.raises(InstanceError) as refused:
        SqliteStore(tmp_path, slots=slots, today=lambda: DAY)
    assert refused.value.code == "instance_in_use"
    store.close()


def test_history_when_there_is_none_or_it_is_damaged_then_said(tmp_path: Path) -> None:
    """Before the first keyset nothing was seen; a damaged memory is not taken for none."""
    assert read_history(tmp_path) == KeysetHistory()
    for damaged in (
        b"",
        b"{}",
        b'{"highest":1,"superseded":[]}',
        b'{"highest":-1}',
        b'{"highest":1,"superseded":{},"witnesses":["somebody"]}',
        b'{"highest":1,"superseded":{},"witnesses":7}',
    ):
        (tmp_path / "keyset-history").write_bytes(damaged)
        with pytest.raises(InstanceError) as refused:
            read_history(tmp_path)
        assert refused.value.code == "instance_history"


def test_keyset_when_there_is_none_then_said(tmp_path: Path) -> None:
    """A line without a keyset says that nobody could read."""
    with pytest.raises(InstanceError) as refused:
        read_keyset(tmp_path, root=ROOT.verifier(), minimum=1)
    assert refused.value.code == "instance_no_keyset"


def test_owner_when_it_is_another_then_refused(tmp_path: Path, monkeypatch: Any) -> None:
    """A directory of another user is not used."""
    make(tmp_path / "line")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionsError) as refused:
        Instance.open(tmp_path / "line")
    assert refused.value.code == "permissions_owner"
