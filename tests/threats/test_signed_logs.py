"""
Logs that say something else than they should: signed as they are, or changed without the key.

The batches, trees and checkpoints are made by the service's own code, in memory; what happens to a
real line is in test_a_year.py. Here a log is made to say what no service of ours would say.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.log.batch import list_deaths
from retention.log.entry import EntryType
from retention.slot_root import Method
from tests.audit_year import (
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
from tipline.audit.notes import LOG, Key
from tipline.audit.source import DirectorySource
from tipline.audit.verify import Trust, Verdict, verify
from tipline.service.daily_log import read_report
from tipline.service.purge_report import PurgeReport

LOG_KEY = Key.parse(KEY, type_=LOG)
FAULT_NIGHT, NIGHTS = 60, 90
Act = Callable[[SimulatedLine], object]


def judge(directory: Path, *, today: datetime.date) -> Verdict:
    """What the auditor's verifier says."""
    return verify(
        DirectorySource(directory),
        trust=Trust(log=LOG_KEY, root=ROOT.verifier().format()),
        today=today,
    )


def kinds(verdict: Verdict) -> set[str]:
    """The kinds of what was found."""
    return {str(finding.kind) for finding in verdict.findings}


def live(fault: Act | None = None) -> SimulatedLine:
    """Some months in which one thing happens."""
    line = SimulatedLine()
    line.begin()
    line.tell(
        EntryType.KEYSET,
        number=3,
        sha256=number_hash(3),
        valid_until=line.today + KEYSET_DAYS * ONE_DAY,
    )
    line.live(FAULT_NIGHT)
    if fault is not None:
        fault(line)
    line.live(NIGHTS - FAULT_NIGHT)
    return line


def change_batch(change: Callable[[list[bytes]], list[bytes]]) -> Act:
    """The operator signs a batch that says something else."""

    def act(line: SimulatedLine) -> None:
        before = len(line.entries)
        line.live(1)
        line.entries[before:] = change(line.entries[before:])

    return act


def forget_hold(line: SimulatedLine) -> None:
    """A hold has ended, and nobody says so for a week."""
    until = line.today + 3 * ONE_DAY
    line.tell(EntryType.HOLD, hold="cd" * 16, step="placed", until=until, commitment=number_hash(9))
    line.live(12)


def tighten(line: SimulatedLine) -> None:
    """Tips are kept shorter."""
    line.tell(EntryType.POLICY, periods=make_periods(sealed_tip=10), sha256=number_hash(5))


def install_old_keyset(line: SimulatedLine) -> None:
    """An old keyset is put in force again."""
    line.tell(
        EntryType.KEYSET,
        number=2,
        sha256=number_hash(2),
        valid_until=line.today + KEYSET_DAYS * ONE_DAY,
    )


def weaken(line: SimulatedLine) -> None:
    """The TPM goes."""
    line.method = Method.DESTROYED
    line.live(10)
    line.method = Method.OVERWRITTEN


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
    "nothing": (None, set()),
    "a policy that tightens": (tighten, set()),
    "a forgotten hold": (forget_hold, {"hold_open"}),
    "an old keyset": (install_old_keyset, {"keyset_rolled_back"}),
    "a TPM that destroys what has keys": (live_with_tpm, set()),
    "a weaker method": (weaken, {"weaker_method"}),
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
def test_log_when_it_is_signed_as_it_is_then_what_it_says_is_found_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    """Each contradiction has its own finding; without a witness a split view stays possible."""
    fault, expected = FAULTS[name]
    line = live(fault)
    verdict = judge(line.write(tmp_path / "log"), today=line.today)

    assert kinds(verdict) == expected
    assert verdict.is_split_view_possible


def test_checkpoint_when_forged_then_nothing_else_is_said(tmp_path: Path) -> None:
    """A checkpoint that the log did not sign says nothing, however good the entries are."""
    line = live()
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
    line = live()
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
