"""
A year of a line in minutes, with an operator who is honest, unlucky, or neither.

The batches, trees and checkpoints are made by the service's own code; the clock is the test's.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.log.batch import list_deaths
from retention.log.entry import EntryType
from retention.policy import RecordClass
from retention.slot_root import Method
from tests.audit_year import (
    BEGUN_ON,
    KEY,
    KEYSET_DAYS,
    ONE_DAY,
    ROOT,
    SimulatedLine,
    make_periods,
    number_hash,
    sign,
    write_log,
)
from tipline.audit.kept import Kept
from tipline.audit.notes import LOG, Key, verify_checkpoint
from tipline.audit.source import DirectorySource
from tipline.audit.verify import Trust, Verdict, verify
from tipline.service.daily_log import read_report
from tipline.service.purge_report import PurgeReport

LOG_KEY = Key.parse(KEY, type_=LOG)
HOLD = "ab" * 16
LONG_HOLD = "ef" * 16
FAULT_NIGHT = 180
Act = Callable[[SimulatedLine], object]


def judge(
    directory: Path, *, today: datetime.date, kept: Kept | None = None, since: bytes | None = None
) -> Verdict:
    """What the auditor's verifier says."""
    return verify(
        DirectorySource(directory),
        trust=Trust(log=LOG_KEY, root=ROOT.verifier().format()),
        today=today,
        kept=kept,
        since=None if since is None else verify_checkpoint(since, log=LOG_KEY),
    )


def kinds(verdict: Verdict) -> set[str]:
    """The kinds of what was found."""
    return {str(finding.kind) for finding in verdict.findings}


def place_hold(
    line: SimulatedLine,
    step: str = "placed",
    until: datetime.date | None = None,
    hold: str = HOLD,
) -> None:
    """Log a step of a hold."""
    last = line.today + 20 * ONE_DAY if until is None else until
    line.tell(EntryType.HOLD, hold=hold, step=step, until=last, commitment=number_hash(9))


def live_honestly(line: SimulatedLine, *, nights: int, keyset: int = 2) -> None:
    """Nights with what happens in every year: keysets, pages, backups, holds that end in time."""
    until = expires_on = None
    for night in range(1, nights + 1):
        line.today += ONE_DAY
        if night % 28 == 0:
            last = line.today + datetime.timedelta(days=KEYSET_DAYS)
            line.tell(EntryType.KEYSET, number=keyset, sha256=number_hash(keyset), valid_until=last)
            keyset += 1
        if night % 90 == 0:
            line.tell(EntryType.PAGE, build=f"0.{night}", sha256=number_hash(night))
        if night % 7 == 0:
            line.tell(EntryType.BACKUP)
        if night % 60 == 10:
            until = line.today + 20 * ONE_DAY
            place_hold(line, until=until)
        if night % 60 == 25:
            place_hold(line, "released", until)
        if night % 60 == 30:
            expires_on = line.today + 9 * ONE_DAY
            place_hold(line, until=expires_on, hold=LONG_HOLD)
        if night % 60 == 39:
            assert line.today == expires_on
            place_hold(line, "expired", expires_on, hold=LONG_HOLD)
        if night % 100 == 0:
            line.tell(
                EntryType.EPOCH, epoch=line.today - 30 * ONE_DAY, method="overwritten", late_days=0
            )
        line.night()


def live_a_year(fault: Act | None) -> SimulatedLine:
    """A year in which one thing happens."""
    line = SimulatedLine()
    line.begin()
    live_honestly(line, nights=FAULT_NIGHT)
    if fault is not None:
        fault(line)
    live_honestly(line, nights=365 - FAULT_NIGHT, keyset=100)
    return line


def change_batch(change: Callable[[list[bytes]], list[bytes]]) -> Act:
    """The operator signs a batch that says something else."""

    def act(line: SimulatedLine) -> None:
        before = len(line.entries)
        line.live(1)
        line.entries[before:] = change(line.entries[before:])

    return act


def skip_purge(line: SimulatedLine) -> None:
    """Tips are no longer purged, and the log just leaves it out."""
    line.failing.add(RecordClass.SEALED_TIP)
    line.live(30)


def keep_day_keys(line: SimulatedLine) -> None:
    """Day keys stay."""
    line.failing.add(None)
    line.live(10)


def purge_later(line: SimulatedLine) -> None:
    """The purge of a class fails for some nights, and is made up for."""
    line.failing.add(RecordClass.ATTACHMENT)
    line.live(5)
    line.failing.clear()


def lie_about_lateness(entries: list[bytes]) -> list[bytes]:
    """What was made up for is said to have been in time."""
    return [entry.replace(b'"late_days":3}', b'"late_days":0}') for entry in entries]


def purge_later_and_lie(line: SimulatedLine) -> None:
    """As above, and the log lies."""
    line.failing.add(RecordClass.ATTACHMENT)
    line.live(3)
    line.failing.clear()
    change_batch(lie_about_lateness)(line)


def turn_off(line: SimulatedLine) -> None:
    """The machine is off for six days."""
    line.sleep(6)


def extend_hold(line: SimulatedLine) -> None:
    """A hold is placed again with a later day."""
    hold = "cd" * 16
    place_hold(line, hold=hold)
    line.live(5)
    place_hold(line, until=line.today + 90 * ONE_DAY, hold=hold)
    line.live(1)
    place_hold(line, "released", line.today + 14 * ONE_DAY, hold=hold)


def forget_hold(line: SimulatedLine) -> None:
    """A hold has ended, and nobody says so for a week."""
    place_hold(line, until=line.today + 3 * ONE_DAY, hold="cd" * 16)
    line.live(12)


def loosen(line: SimulatedLine) -> None:
    """Tips are kept longer."""
    line.tell(EntryType.POLICY, periods=make_periods(sealed_tip=60), sha256=number_hash(5))


def tighten(line: SimulatedLine) -> None:
    """Tips are kept shorter."""
    line.tell(EntryType.POLICY, periods=make_periods(sealed_tip=10), sha256=number_hash(5))


def jump(line: SimulatedLine) -> None:
    """The clock jumps a year forward; a person sets it right."""
    line.tell(EntryType.CLOCK, step="held", until=line.today + 365 * ONE_DAY)
    line.live(2)


def restore(line: SimulatedLine) -> None:
    """A backup is restored, and the log says so."""
    line.tell(EntryType.RESTORE, from_day=line.today - 3 * ONE_DAY)


def lose_keys(line: SimulatedLine) -> None:
    """A slot file is lost."""
    line.tell(EntryType.LOST_KEYS)


def install_old_keyset(line: SimulatedLine) -> None:
    """An old keyset is put in force again."""
    line.tell(
        EntryType.KEYSET,
        number=2,
        sha256=number_hash(2),
        valid_until=line.today + KEYSET_DAYS * ONE_DAY,
    )


def let_keyset_expire(line: SimulatedLine) -> None:
    """The desk signs no new keyset in time."""
    line.tell(
        EntryType.KEYSET, number=50, sha256=number_hash(2), valid_until=line.today + 9 * ONE_DAY
    )


def weaken(line: SimulatedLine) -> None:
    """The TPM goes."""
    line.method = Method.DESTROYED
    line.live(10)
    line.method = Method.OVERWRITTEN


def announce_and_stay(line: SimulatedLine) -> None:
    """The end is announced, and does not come."""
    line.tell(EntryType.CLOSE, step="announced", closes_on=line.today + 30 * ONE_DAY)


def drop(marker: bytes) -> Act:
    """Leave entries out of a batch."""
    return change_batch(lambda entries: [entry for entry in entries if marker not in entry])


def live_with_tpm(line: SimulatedLine) -> None:
    """The day's key is destroyed by the TPM, single records are overwritten, each day."""

    def purge() -> None:
        # The service's own reading of a purge says which is which.
        report = read_report(
            PurgeReport(
                on=line.today,
                method=Method.DESTROYED,
                days=(),
                records=(),
                ended_holds=(),
                failures=(),
            )
        )
        line.deaths += list_deaths(report, done_until=line.done_until)
        line.done_until.update(dict.fromkeys(report.reached, line.today))

    line.purge = purge  # type: ignore[method-assign]  # the test's operator buys a TPM
    line.live(10)
    last = [entry for entry in line.entries[-16:] if b'"method"' in entry]
    assert {b'"day_key"' in entry for entry in last if b'"destroyed"' in entry} == {True}
    assert any(b'"purge"' in entry for entry in last if b'"overwritten"' in entry)


FAULTS: dict[str, tuple[Act | None, set[str]]] = {
    "an honest year": (None, set()),
    "a policy that tightens": (tighten, set()),
    "skipped purges": (skip_purge, {"overdue"}),
    "kept day keys": (keep_day_keys, {"missing_key_destruction"}),
    "a purge made up for": (purge_later, {"late"}),
    "a lie about lateness": (purge_later_and_lie, {"late", "lateness_untrue"}),
    "downtime": (turn_off, {"downtime"}),
    "an extended hold": (extend_hold, {"hold_extended"}),
    "a forgotten hold": (forget_hold, {"hold_open"}),
    "a loosened policy": (loosen, {"policy_loosened"}),
    "a clock that jumps": (jump, {"clock"}),
    "a restored backup": (restore, {"restored"}),
    "lost keys": (lose_keys, {"lost_keys"}),
    "an old keyset": (install_old_keyset, {"keyset_rolled_back"}),
    "a keyset that expires": (let_keyset_expire, {"keyset_expired"}),
    "a TPM that destroys what has keys": (live_with_tpm, set()),
    "a weaker method": (weaken, {"weaker_method"}),
    "an end that does not come": (announce_and_stay, {"not_closed"}),
    "a signed gap in arrivals": (drop(b'"arrivals"'), {"gap"}),
    "a signed gap in annexes": (drop(b'"annex"'), {"gap"}),
    "a purge left out and signed": (drop(b'"class":"mailbox"'), {"overdue"}),
    "a key left out and signed": (drop(b'"day_key"'), {"missing_key_destruction"}),
    "a whole day left out and signed": (drop(b'"of"'), {"gap", "downtime"}),
    "an entry signed twice": (
        change_batch(lambda entries: [*entries[:5], entries[4], *entries[5:]]),
        {"duplicated_entry"},
    ),
    "entries signed in another order": (
        change_batch(lambda entries: [*entries[:4], entries[5], entries[4], *entries[6:]]),
        {"reordered_entry"},
    ),
    "an entry signed malformed": (
        change_batch(
            lambda entries: [entry.replace(b'"size":65536', b'"size":1') for entry in entries]
        ),
        {"malformed_entry", "gap"},
    ),
    "a batch of the wrong day": (
        change_batch(
            lambda entries: [
                *entries,
                entries[0].replace(b'"of":"2027', b'"of":"2021'),
            ]
        ),
        {"wrong_batch"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_year_when_a_fault_is_planted_then_it_is_found_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    """Each fault has its own finding; an honest year has none, and still no witness."""
    fault, expected = FAULTS[name]
    line = live_a_year(fault)
    verdict = judge(line.write(tmp_path / "log"), today=line.today)

    assert kinds(verdict) == expected
    assert verdict.is_split_view_possible


def test_year_when_read_week_by_week_then_the_findings_are_the_same(tmp_path: Path) -> None:
    """An auditor who comes every week reads what is new alone, and finds all the same."""
    line = SimulatedLine()
    line.begin()
    kept = None
    read = 0
    for week in range(30):
        if week == 10:
            purge_later(line)
        if week == 15:
            turn_off(line)
        if week == 20:
            extend_hold(line)
        line.live(7)
        weekly = judge(line.write(tmp_path / "log"), today=line.today, kept=kept)
        kept = weekly.keep()
        assert kept is not None
        kept = dataclasses.replace(kept, replay=json.loads(json.dumps(kept.replay)))
        read += weekly.read_len
    whole = judge(tmp_path / "log", today=line.today)

    assert read == whole.read_len == len(line.entries)
    assert [(f.kind, dict(f.facts)) for f in weekly.findings] == [
        (f.kind, dict(f.facts)) for f in whole.findings
    ]
    assert kinds(whole) == {"late", "downtime", "hold_extended"}


def rewrite(line: SimulatedLine) -> list[bytes]:
    """Another history: a purge that was late is now in time, long ago."""
    return [entry.replace(b'"late_days":4}', b'"late_days":0}') for entry in line.entries]


def test_rewritten_log_when_a_checkpoint_was_kept_then_it_is_a_fork(tmp_path: Path) -> None:
    """Whoever kept a checkpoint sees that the log is another; the two checkpoints prove it."""
    line = live_a_year(purge_later)
    day = BEGUN_ON + (FAULT_NIGHT + 50) * ONE_DAY
    since = sign(line.entries[: line.sizes[day]])
    kept = judge(line.write(tmp_path / "log"), today=line.today).keep()
    other = rewrite(line)
    assert other != line.entries
    write_log(tmp_path / "log", other)

    for verdict in (
        judge(tmp_path / "log", today=line.today, since=since),
        judge(tmp_path / "log", today=line.today, kept=kept),
    ):
        assert "fork" in kinds(verdict)
        assert verdict.keep() is None
        assert verdict.before is not None
    # Without anything kept, the lie alone is seen: this is why auditors keep checkpoints.
    assert "fork" not in kinds(judge(tmp_path / "log", today=line.today))


def test_older_database_when_a_checkpoint_was_kept_then_the_log_was_rolled_back(
    tmp_path: Path,
) -> None:
    """A database from a backup has a shorter log, or goes on from there to another one."""
    line = live_a_year(None)
    kept = judge(line.write(tmp_path / "log"), today=line.today).keep()
    older = line.sizes[line.today - 5 * ONE_DAY]
    write_log(tmp_path / "log", line.entries[:older])
    rolled = judge(tmp_path / "log", today=line.today, kept=kept)
    assert kinds(rolled) == {"rolled_back", "stale"}
    assert rolled.keep() is None

    restored = SimulatedLine(
        today=line.today,
        entries=line.entries[:older],
        batch_on=line.today - 5 * ONE_DAY,
        done_until=dict.fromkeys(line.done_until, line.today - 5 * ONE_DAY),
    )
    restored.tell(EntryType.RESTORE, from_day=line.today - 5 * ONE_DAY)
    restored.live(10)
    going_on = judge(restored.write(tmp_path / "log"), today=restored.today, kept=kept)
    assert "fork" in kinds(going_on)


def test_checkpoint_when_forged_then_nothing_else_is_said(tmp_path: Path) -> None:
    """A checkpoint that the log did not sign says nothing, however good the entries are."""
    line = live_a_year(None)
    note = sign(line.entries)
    forged = note.replace(b"\n" + str(len(line.entries)).encode(), b"\n7")
    for bad, kind in (
        (forged, "forged_checkpoint"),
        (note[:-9] + b"AAAAAAA=\n", "forged_checkpoint"),
        (b"", "malformed_checkpoint"),
        (note.replace(b"tipline-log/", b"tipline-lag/"), "forged_checkpoint"),
    ):
        directory = write_log(tmp_path / "log", line.entries, checkpoint=bad)
        verdict = judge(directory, today=line.today)
        assert kinds(verdict) == {kind}
        assert verdict.keep() is None


def test_log_when_it_ends_early_then_it_is_stale(tmp_path: Path) -> None:
    """A line that is dead and still advertised is told by its silence."""
    line = live_a_year(None)
    verdict = judge(line.write(tmp_path / "log"), today=line.today + 5 * ONE_DAY)
    assert kinds(verdict) == {"stale"}
    assert judge(tmp_path / "log", today=line.today + ONE_DAY).findings == ()


MUTATIONS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "changed": (
        lambda e: [*e[:300], e[300].replace(b'"late_days":0', b'"late_days":1'), *e[301:]],
        "changed_entry",
    ),
    "dropped": (lambda e: [*e[:300], *e[301:]], "dropped_entry"),
    "dropped at a tile's end": (lambda e: [*e[:255], *e[256:]], "dropped_entry"),
    "dropped at a tile's start": (lambda e: [*e[:256], *e[257:]], "dropped_entry"),
    "doubled": (lambda e: [*e[:300], e[299], *e[300:]], "duplicated_entry"),
    "doubled at a tile's start": (lambda e: [*e[:256], e[255], *e[256:]], "duplicated_entry"),
    "exchanged": (lambda e: [*e[:300], e[301], e[300], *e[302:]], "reordered_entry"),
    "moved": (lambda e: [*e[:300], *e[301:310], e[300], *e[310:]], "reordered_entry"),
    "cut at the end": (lambda e: e[:-1], "truncated_tile"),
    "first changed": (lambda e: [e[0] + b" ", *e[1:]], "changed_entry"),
    "last changed": (lambda e: [*e[:-1], e[-1][:-1]], "changed_entry"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_entries_when_changed_without_the_key_then_the_place_and_the_kind_are_named(
    name: str, tmp_path: Path
) -> None:
    """Each mechanical change of what is served is refused with its own finding alone."""
    change, kind = MUTATIONS[name]
    line = SimulatedLine()
    line.begin()
    line.live(40)
    directory = write_log(tmp_path / "log", line.entries, bundles=change(list(line.entries)))
    verdict = judge(directory, today=line.today)

    assert kinds(verdict) == {kind}
    assert verdict.replay is None


def _cut_tile(directory: Path, name: str, length: int) -> None:
    path = directory / name
    path.write_bytes(path.read_bytes()[:length])


TILES: dict[str, tuple[Callable[[Path], Any], set[str]]] = {
    "bundle cut": (lambda d: _cut_tile(d, "tile/entries/000", 1000), {"truncated_tile"}),
    "bundle gone": (lambda d: (d / "tile/entries/001").unlink(), {"truncated_tile"}),
    "tile cut": (lambda d: _cut_tile(d, "tile/0/000", 100), {"truncated_tile"}),
    "tile gone": (lambda d: (d / "tile/0/001").unlink(), {"truncated_tile"}),
    "upper tile gone": (lambda d: (d / "tile/1/000.p/2").unlink(), {"truncated_tile"}),
    "tile changed": (
        lambda d: (d / "tile/0/001").write_bytes(bytes(256 * 32)),
        {"wrong_tile"},
    ),
    "upper tile changed": (
        lambda d: (d / "tile/1/000.p/2").write_bytes(bytes(64)),
        {"wrong_tile"},
    ),
}


@pytest.mark.parametrize("name", TILES)
def test_tiles_when_cut_or_changed_then_that_is_the_finding(name: str, tmp_path: Path) -> None:
    """A tile that is not the tree's is named, and does not make the entries false."""
    act, expected = TILES[name]
    line = SimulatedLine()
    line.begin()
    line.live(40)
    directory = line.write(tmp_path / "log")
    act(directory)

    assert kinds(judge(directory, today=line.today)) == expected


def test_entries_and_tiles_when_changed_together_then_the_signed_root_tells(
    tmp_path: Path,
) -> None:
    """Whoever makes the tiles fit the changed entries still has no signature over them."""
    line = SimulatedLine()
    line.begin()
    line.live(40)
    other = [*line.entries[:98], line.entries[98].replace(b'"late_days":0', b'"late_days":1')]
    directory = write_log(
        tmp_path / "log", [*other, *line.entries[99:]], checkpoint=sign(line.entries)
    )

    assert kinds(judge(directory, today=line.today)) == {"wrong_tree"}
