"""
Kill a restore before one step after the other, give the same command again, and look.

Run by the test with the counting library loaded, as `purge_driver.py`.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from crypto.age.hybrid import HybridIdentity
from crypto.note import Signer
from crypto.secret import Secret
from retention.policy import EVENTS, RecordClass
from retention.slot_file import SlotFile
from tests.crash.purge_driver import fork
from tests.crash.purged_line import PROMISES, TIPS, TODAY, _add
from tests.crash.stepping import arm, counted
from tipline.backing_up import hold_copy, remove_left_copy
from tipline.backup import KIND_BACKUP, Head, list_kept, write_backup
from tipline.instance import RESTORING_NAME, init_instance
from tipline.log_database import copy_log_database, open_log_database
from tipline.restore import restore
from tipline.restore_checks import Wishes
from tipline.service.schema import VERSION
from tipline.service.sqlite_store import SqliteStore

DEAD = 10  # let go after the backup; number 6 has the same day
KEPT = (6, 9, 11, 12, DEAD)


def open_store(directory: Path) -> SqliteStore:
    """Open the line's store alone."""
    return SqliteStore(
        directory, slots=SlotFile(directory / "slots" / "slot-file"), today=lambda: TODAY
    )


async def make(folder: Path) -> None:
    """Make a line, a backup of it, let one tip go, and lose the database."""
    directory = folder / "line"
    root = Signer.generate("tipline-root").verifier().format()
    texts = {
        f"line.{part}.{language}": "Harbour line"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    init_instance(
        directory,
        settings={"root": root, **texts},
        periods={one: dict.fromkeys(EVENTS[one], 7) for one in RecordClass},
        translate=lambda text: text,
        today=TODAY,
    )
    identity = HybridIdentity.generate()
    (folder / "identity").write_bytes(identity.format().reveal())
    for database in open_log_database(directory):
        database.close()
    store = open_store(directory)
    await store.make_day_keys(TODAY, days=62)
    for tip in TIPS:
        if tip.number in KEPT:
            await _add(store, tip)
    with hold_copy(directory) as copy:
        copy.mkdir()
        await store.copy_to(copy)
        copy_log_database(directory, copy / "log.db")
        head = Head(
            kind=KIND_BACKUP,
            made_on=TODAY,
            dies_on=TODAY + datetime.timedelta(days=7),
            root=root,
            schema=VERSION,
        )
        write_backup(
            folder / "backup.age",
            list(list_kept(directory, copy, head=head)),
            recipients=[identity.recipient()],
            before_named=lambda: None,
        )
    dead = next(tip for tip in TIPS if tip.number == DEAD)
    await store.delete_early([dead.id], today=TODAY)
    await store.purge_due(promises=PROMISES, today=TODAY)
    store.close()
    (directory / "tipline.db").unlink()
    shutil.rmtree(directory / "envelopes")
    (directory / "keyset-history").unlink(missing_ok=True)


def put_back(folder: Path, directory: Path) -> None:
    """Restore, as the command does."""
    with (folder / "backup.age").open("rb") as source:
        restore(
            source,
            directory,
            identities=[HybridIdentity.parse(Secret((folder / "identity").read_bytes()))],
            wishes=Wishes(),
            environment=os.environ,
            clock=lambda: datetime.datetime.combine(TODAY, datetime.time(3), datetime.UTC),
            boot_clock=lambda: ("b007", datetime.timedelta(hours=1)),
        )


def count_in_thread(folder: Path, directory: Path, kill_at: int) -> int:
    """Restore with its steps counted."""
    arm(kill_at)
    put_back(folder, directory)
    steps = counted()
    arm(-1)
    return steps


async def run_counted(folder: Path, directory: Path, kill_at: int) -> int:
    """Outside the loop: a restore has one of its own."""
    return await asyncio.to_thread(count_in_thread, folder, directory, kill_at)


async def run_again(folder: Path, directory: Path) -> int:
    """After the kill: the same command ends as if nothing had been."""
    # Else it had ended: a line that opens is not restored once more.
    if (directory / RESTORING_NAME).exists() or not (directory / "tipline.db").exists():
        await asyncio.to_thread(put_back, folder, directory)
    remove_left_copy(directory)  # as every start does
    store = open_store(directory)
    tips = {tip.id: tip for tip in await store.tips()}
    for planted in TIPS:
        tip = tips.get(planted.id)
        if planted.number in KEPT and planted.number != DEAD:
            assert tip is not None, planted.number
            found = await store.read_envelope(tip, offset=0, length=1 << 30)
            assert found == planted.envelope, planted.number
        else:
            assert tip is None, planted.number
    store.close()
    check_no_rest(directory)
    return 0


def check_no_rest(directory: Path) -> None:
    """Nothing of the restore is left."""
    left = {path.name for path in directory.iterdir()} & {"restoring", "restoring.partial"}
    assert not left, left


def main() -> None:
    """Kill at each of the steps asked for; print what happened as JSON."""
    folder, every = Path(sys.argv[1]), int(sys.argv[2])
    assert fork(lambda: _give(make(folder))) == 0
    tell = folder / "steps"
    directory = folder / "counted"
    shutil.copytree(folder / "line", directory)
    assert fork(lambda: run_counted(folder, directory, 0), tell) == 0
    assert fork(lambda: run_again(folder, directory)) == 0
    steps, killed, wrong = int(tell.read_text()), 0, []
    for kill_at in range(1, steps + 1, every):
        one = folder / f"line{kill_at}"
        shutil.copytree(folder / "line", one)
        status = fork(lambda one=one, at=kill_at: run_counted(folder, one, at))  # type: ignore[misc]
        killed += status == -signal.SIGKILL
        if status == 1 or fork(lambda one=one: run_again(folder, one)) != 0:  # type: ignore[misc]
            wrong.append(kill_at)
        shutil.rmtree(one)
    print(json.dumps({"steps": steps, "killed": killed, "wrong": wrong}))


async def _give(work: object) -> int:
    await work  # type: ignore[misc]
    return 0


if __name__ == "__main__":
    main()
