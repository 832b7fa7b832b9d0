"""
A year of a real line, and what its operator can do to it, found by the auditor's verifier.

The line is served as in earnest, with its store, slots, purge, day keeper and log
(tests/real_year.py); the clocks alone are the test's. Each fault is one small function, done to
what really lies on the disk or to the program that runs; everything after it is honest.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import errno
import itertools
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retention.log.entry import EntryType, decode_entry, encode_entry
from tests.real_year import ONE_DAY, RealLine, kinds, live_honestly, make_real_line
from tests.service.test_backup import Backups
from tipline.audit.kept import Kept
from tipline.errors import InstanceError
from tipline.log_store import LogStore
from tipline.service.daily_log import DailyLog
from tipline.service.database import DATABASE_NAME
from tipline.service.purge import Purge
from tipline.service.record_keys import RecordKeys
from tipline.service.rows import Rows
from tipline.service.sqlite_store import SqliteStore

YEAR_DAYS = 365
FAULT_DAY = 45  # tips have died by then, a hold is open, and the log has two months' keysets
Act = Callable[["Operator"], Awaitable[None]]


@dataclasses.dataclass(kw_only=True)
class Operator:
    """
    Who does something to a line, and by which means.

    Attributes:
        line: A copy of an honest line, not served.
        patch: Changes the program that runs.
        folder: For files.
        kept: What the auditor kept from the day before.
    """

    line: RealLine
    patch: pytest.MonkeyPatch
    folder: Path
    kept: Kept

    async def live(self, nights: int) -> None:
        """Be served for so many nights in which nobody comes."""
        async with self.line.served():
            await self.line.nights(nights)

    def change(self, name: str, statement: str, *values: object) -> int:
        """Change a database by hand, while the line is not served."""
        with contextlib.closing(sqlite3.connect(self.line.world.directory / name)) as database:
            changed = database.execute(statement, values).rowcount
            database.commit()
        return changed

    def restart_with(self, target: type, name: str, stand_in: Any) -> None:
        """Run another program from now on."""
        self.patch.setattr(target, name, stand_in)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder whose sockets' paths fit."""
    path = Path(tempfile.mkdtemp(prefix="yr-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def begun(folder: Path) -> RealLine:
    """A line after some honest weeks."""
    line = make_real_line(folder / "begun")
    asyncio.run(live_honestly(line, first=1, last=FAULT_DAY))
    return line


@pytest.fixture
def operator(begun: RealLine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An operator with a copy of that line, and an auditor who was there the day before."""
    place = folder / "copy"
    kept = begun.judge(folder / "log").keep()
    assert kept is not None
    line = begun.fork(place)
    yield Operator(line=line, patch=monkeypatch, folder=folder, kept=kept)
    for name in ("copy", "log", "other"):
        shutil.rmtree(folder / name, ignore_errors=True)


def test_year_when_it_was_honest_then_nothing_is_found(begun: RealLine, folder: Path) -> None:
    """A whole year of a real line keeps every promise, and every annex and text fits its log."""
    line = begun.fork(folder / "year")
    asyncio.run(live_honestly(line, first=FAULT_DAY + 1, last=YEAR_DAYS))
    verdict = line.judge(folder / "year-log")

    assert verdict.findings == ()
    assert line.failures == []
    assert verdict.replay is not None
    assert verdict.replay.annexes.compared_len >= YEAR_DAYS - 1
    assert verdict.replay.hold_texts.compared_len > 0
    arrived = sum(json.loads(annex)["arrived"] for annex in line.annexes.values())
    purged = sum(sum(json.loads(annex)["purged"].values()) for annex in line.annexes.values())
    early = sum(sum(json.loads(annex)["early"].values()) for annex in line.annexes.values())
    assert arrived > 300
    assert purged > arrived
    assert early > 50
    told = {(kind, what.partition(" ")[0]) for _, kind, what in verdict.replay.events.told}
    assert {("hold", "placed"), ("hold", "released"), ("hold", "expired"), ("backup", "")} <= told


async def turn_off(operator: Operator) -> None:
    """The machine is off from noon until the second morning."""
    operator.line.turn_off(hours=44)
    await operator.live(2)


async def turn_off_for_days(operator: Operator) -> None:
    """The machine is off for six days: no clock is believed so far, until a person looked at it."""
    operator.line.turn_off(days=6)
    async with operator.line.served():
        await operator.line.ask("clock-confirm", day=operator.line.today.isoformat())
        await operator.line.nights(2)


async def set_the_clock(operator: Operator) -> None:
    """The clock is set a year ahead, and back after two nights."""
    async with operator.line.served():
        operator.line.clock.ahead = 365 * ONE_DAY
        await operator.line.nights(2)
        operator.line.clock.ahead = datetime.timedelta()
        await operator.line.nights(2)


async def skip_purges(operator: Operator) -> None:
    """The nightly purge does nothing, and says nothing."""

    async def do_nothing(self: SqliteStore, **_: object) -> Any:
        raise InstanceError("purge_incomplete", count=0)

    operator.restart_with(SqliteStore, "purge_due", do_nothing)
    await operator.live(5)


async def bring_due(operator: Operator, *, nights: int) -> None:
    """After these honest nights a tip comes due on each of so many days."""
    async with operator.line.served():
        for _ in range(nights):
            await operator.line.pick_up([await operator.line.send()])
            await operator.line.night()


async def skip_purges_of_tips(operator: Operator) -> None:
    """The purge passes over tips, and claims that all of them are gone."""
    await bring_due(operator, nights=5)
    due = Rows.due

    def pass_over(self: Rows, table: str, **more: Any) -> Any:
        return [] if table == "tips" else due(self, table, **more)

    operator.restart_with(Rows, "due", pass_over)
    await operator.live(5)


async def keep_day_keys(operator: Operator) -> None:
    """No day's key can be destroyed any more: the disk has become read-only to it."""

    def refuse(self: RecordKeys, days: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    operator.restart_with(RecordKeys, "destroy_days", refuse)
    await operator.live(5)


async def leave_keys_out(operator: Operator) -> None:
    """Day keys are kept, and the log just leaves them out."""

    def keep(self: RecordKeys, days: object) -> None:
        pass

    append = LogStore.append_batch

    def leave_out(self: LogStore, entries: Any, **more: Any) -> bytes:
        left = [one for one in entries if one.statement.type is not EntryType.DAY_KEY]
        return append(self, left, **more)

    operator.restart_with(RecordKeys, "destroy_days", keep)
    operator.restart_with(LogStore, "append_batch", leave_out)
    await operator.live(5)


async def fail_to_bury(operator: Operator, *, nights: int) -> None:
    """The rows of tips cannot be removed for some nights."""
    await bring_due(operator, nights=nights)
    bury = Purge._bury

    def refuse(self: Purge, table: str, dying: Any) -> None:
        if table == "tips":
            raise OSError(errno.EIO, "Input/output error")
        bury(self, table, dying)

    with operator.patch.context() as patched:
        patched.setattr(Purge, "_bury", refuse)
        await operator.live(nights)


async def purge_later(operator: Operator) -> None:
    """The rows of tips cannot be removed for some nights, and then can."""
    await fail_to_bury(operator, nights=5)
    await operator.live(2)


async def purge_later_and_lie(operator: Operator) -> None:
    """As above, and the log is told that all of it was in time."""
    await fail_to_bury(operator, nights=5)
    async with operator.line.served():  # what is late is true now, and no batch has told it
        await operator.line.ask("purge")
    assert operator.change("log.db", "UPDATE deaths SET late_days = 0 WHERE told IS NULL") > 0
    await operator.live(2)


async def extend_hold(operator: Operator) -> None:
    """The last day of an open hold is moved, in the database."""
    async with operator.line.served():
        tip = await operator.line.send()
        await operator.line.place_hold(days=30, tips=[tip])
        await operator.line.night()
    until = (operator.line.today + 60 * ONE_DAY).isoformat()
    changed = "UPDATE holds SET until_on = ? WHERE ended_on IS NULL AND until_on > ?"
    today = operator.line.today.isoformat()
    assert operator.change(DATABASE_NAME, changed, until, today) > 0
    await operator.live(2)


async def hold_in_secret(operator: Operator) -> None:
    """Tips are held, and the log is told nothing of it."""
    queue = LogStore.queue

    def keep_silent(self: LogStore, statement: Any, **more: Any) -> None:
        if statement.type is not EntryType.HOLD:
            queue(self, statement, **more)

    operator.restart_with(LogStore, "queue", keep_silent)
    async with operator.line.served():
        tips = [await operator.line.send() for _ in range(2)]
        await operator.line.pick_up(tips)
        await operator.line.place_hold(days=100, tips=tips)
        await operator.line.nights(9)


async def take_a_tip_away(operator: Operator) -> None:
    """A tip is removed by hand, before its day."""
    async with operator.line.served():
        tip = bytes.fromhex(await operator.line.send())
        await operator.line.night()
    assert operator.change(DATABASE_NAME, "DELETE FROM tips WHERE id = ?", tip) == 1
    await operator.live(2)


async def hide_an_arrival(operator: Operator) -> None:
    """A tip is taken in, and its day's tree does not have it."""
    async with operator.line.served():
        await operator.line.send()
    assert operator.change(DATABASE_NAME, "DELETE FROM arrivals") == 1
    await operator.live(2)


async def put_an_older_database_back(operator: Operator) -> None:
    """The database of some days ago is put back by hand, beside today's log and slots."""
    older = operator.folder / "other"
    shutil.copy(operator.line.world.directory / DATABASE_NAME, older)
    async with operator.line.served():
        await operator.line.send()
        await operator.line.nights(3)
    older.rename(operator.line.world.directory / DATABASE_NAME)
    await operator.live(2)


async def restore_a_backup(operator: Operator) -> None:
    """A backup of some days ago is restored, by the command, after the database was lost."""
    backups = Backups(operator.line.world, operator.folder)
    async with operator.line.served():
        out = await backups.make(operator.line.site)
        await operator.line.send()
        await operator.line.nights(3)
    backups.lose_database()
    await backups.put_back(out)
    out.unlink()
    await operator.live(3)


async def loosen(operator: Operator) -> None:
    """Tips are kept longer from now on."""
    policy = operator.line.world.directory / "policy.toml"
    text = policy.read_text()
    assert text.count("picked_up = 5") == 2
    policy.write_text(text.replace("picked_up = 5", "picked_up = 10"))
    await operator.live(2)


async def let_the_keyset_expire(operator: Operator) -> None:
    """The desk signs a keyset for three days, and then no other one."""
    operator.line.world.install(operator.line.world.sign(days=3))
    await operator.live(5)


async def make_no_batches(operator: Operator) -> None:
    """The log is told everything, and shows nothing for some nights."""

    async def wait(self: DailyLog, **_: object) -> bool:
        return False

    with operator.patch.context() as patched:
        patched.setattr(DailyLog, "catch_up", wait)
        async with operator.line.world.serve():
            operator.line.clock.now += 3 * ONE_DAY
    await operator.live(2)


async def lose_a_day_key(operator: Operator) -> None:
    """The key of a day to come is overwritten, before its day."""
    async with operator.line.served():
        await operator.line.send()
        keys = operator.line.site.line.store._keys  # type: ignore[attr-defined]
        to_come = [day for day in keys.days() if day > operator.line.today]
        await asyncio.to_thread(keys.destroy_days, to_come)
    await operator.live(2)


async def forge_a_hold_text(operator: Operator) -> None:
    """Other persons are named to the auditor than those of the commitment."""
    await operator.live(1)
    assert operator.line.listed is not None
    operator.line.listed = operator.line.listed.replace(b"Luis Prado", b"Eva Castro")


async def forge_an_annex(operator: Operator) -> None:
    """The auditor is handed other counts than those of the hash."""
    await operator.live(1)
    day = max(operator.line.annexes)
    annex = operator.line.annexes[day]
    operator.line.annexes[day] = annex.replace(b'"arrived":0', b'"arrived":7')
    assert operator.line.annexes[day] != annex


async def announce_and_stay(operator: Operator) -> None:
    """The end is announced, and then forgotten."""
    closes_on = (operator.line.today + 3 * ONE_DAY).isoformat()
    async with operator.line.served():
        await operator.line.ask("close-announce", on=closes_on)
        await operator.line.night()
    (operator.line.world.directory / "closing").unlink()
    await operator.live(6)


async def do_nothing_wrong(operator: Operator) -> None:
    """A new keyset, and some honest nights."""
    operator.line.renew_keyset()
    await operator.live(3)


FAULTS: dict[str, tuple[Act, set[str]]] = {
    "nothing": (do_nothing_wrong, set()),
    "downtime": (turn_off, {"downtime"}),
    "a downtime of days": (turn_off_for_days, {"downtime", "clock"}),
    "a clock that jumps": (set_the_clock, {"clock"}),
    "skipped purges": (skip_purges, {"overdue", "missing_key_destruction"}),
    "skipped purges of tips, and a lie": (skip_purges_of_tips, {"annex_held"}),
    "day keys that stay": (keep_day_keys, {"overdue", "missing_key_destruction"}),
    "day keys that stay, and a silence": (leave_keys_out, {"missing_key_destruction"}),
    "a purge made up for": (purge_later, {"late"}),
    "a purge made up for, and a lie": (purge_later_and_lie, {"lateness_untrue"}),
    # Its text names the day, and the log committed to the text.
    "an extended hold": (extend_hold, {"hold_extended", "hold_text_mismatch"}),
    "a secret hold": (hold_in_secret, {"annex_held", "hold_text_without_entry"}),
    "a tip taken away": (take_a_tip_away, {"annex_sum"}),
    "a hidden arrival": (hide_an_arrival, {"annex_sum"}),
    "an older database": (put_an_older_database_back, {"annex_sum"}),
    "a restored backup": (restore_a_backup, {"restored"}),
    "a loosened policy": (loosen, {"policy_loosened"}),
    "a keyset that expires": (let_the_keyset_expire, {"keyset_expired"}),
    "no batches": (make_no_batches, {"downtime"}),
    "lost keys": (lose_a_day_key, {"lost_keys"}),
    "a forged text": (forge_a_hold_text, {"hold_text_mismatch"}),
    "a forged annex": (forge_an_annex, {"annex_mismatch"}),
    "an end that does not come": (announce_and_stay, {"not_closed"}),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_line_when_a_fault_is_planted_then_it_is_found_and_nothing_else(
    name: str, operator: Operator
) -> None:
    """Each fault of a real line has its own finding, and no other is found beside it."""
    act, expected = FAULTS[name]
    await act(operator)

    assert kinds(operator.line.judge(operator.folder / "log")) == expected


def rewrite(operator: Operator, old: bytes, new: bytes) -> None:
    """Write the log once more, with what it should have said, and sign it with the real key."""
    directory = operator.line.world.directory
    signer = operator.line.log_signer
    papers = {"verifier": signer.verifier(), "today": lambda: operator.line.today}
    with contextlib.closing(LogStore(directory, mark_folder=directory / "slots", **papers)) as log:
        entries = [encode_entry(entry) for entry in log.read_entries()]
    changed = [decode_entry(entry.replace(old, new)) for entry in entries]
    assert [encode_entry(entry) for entry in changed] != entries
    for path in directory.glob("log.db*"):
        path.unlink()
    (directory / "slots" / "log-mark").unlink()  # which would tell of it at the next start
    with contextlib.closing(LogStore(directory, mark_folder=directory / "slots", **papers)) as log:
        for day, batch in itertools.groupby(changed, key=lambda entry: entry.day):
            log.append_batch(list(batch), day=day, signer=signer)


async def test_log_when_it_is_rewritten_and_signed_anew_then_it_is_a_fork(
    operator: Operator,
) -> None:
    """A late purge that was in time after all is found by whoever looked before; only by them."""
    await purge_later(operator)
    late = operator.line.judge(operator.folder / "log", kept=operator.kept)
    rewrite(operator, b'"late_days":3}', b'"late_days":0}')
    other = operator.line.judge(operator.folder / "other", kept=late.keep())

    assert kinds(late) == {"late"}
    assert "fork" in kinds(other)
    assert other.keep() is None
    assert other.before is not None
    shutil.rmtree(operator.folder / "other")
    # Nobody who comes for the first time sees more than the contradiction that is left.
    assert "fork" not in kinds(operator.line.judge(operator.folder / "other"))


async def test_log_when_its_mark_tells_of_a_newer_one_then_the_line_does_not_go_on(
    operator: Operator,
) -> None:
    """An older log beside a slot file that saw a newer one is not served, and nothing is added."""
    older = operator.folder / "other"
    shutil.copytree(operator.line.world.directory, older)
    await operator.live(1)
    for path in operator.line.world.directory.glob("log.db*"):
        path.unlink()
    shutil.copy(older / "log.db", operator.line.world.directory)

    with pytest.raises(InstanceError) as refused:
        await operator.live(1)
    assert refused.value.code == "log_behind"


async def test_log_when_a_whole_older_line_goes_on_then_it_was_rolled_back_and_forks(
    operator: Operator, begun: RealLine
) -> None:
    """A copy of everything, slots too, has a shorter log; as soon as it goes on, another one."""
    await operator.live(3)
    kept = operator.line.judge(operator.folder / "log").keep()
    shutil.rmtree(operator.line.world.directory)
    shutil.rmtree(operator.folder / "log")
    operator.line = begun.fork(operator.folder / "copy")
    assert kinds(operator.line.judge(operator.folder / "log", kept=kept)) == {"rolled_back"}
    await operator.live(4)

    forked = operator.line.judge(operator.folder / "other", kept=kept)
    assert kinds(forked) == {"fork"}
    # Two lines of one key: each is whole for itself, and together they prove it.
    shutil.rmtree(operator.folder / "other")
    assert kinds(operator.line.judge(operator.folder / "other")) == set()


async def test_log_when_read_every_night_then_the_findings_are_the_same(
    operator: Operator,
) -> None:
    """An auditor who comes every night reads what is new alone, and finds all the same."""
    kept: Kept | None = operator.kept
    for act in (do_nothing_wrong, purge_later, turn_off):
        await act(operator)
        nightly = operator.line.judge(operator.folder / "log", kept=kept, papers=False)
        kept = nightly.keep()
    whole = operator.line.judge(operator.folder / "log", papers=False)

    assert nightly.read_len < whole.read_len // 3
    assert [(one.kind, dict(one.facts)) for one in nightly.findings] == [
        (one.kind, dict(one.facts)) for one in whole.findings
    ]
    assert kinds(whole) == {"late", "downtime"}
