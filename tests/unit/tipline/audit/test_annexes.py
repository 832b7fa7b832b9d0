"""What annexes show, beside their hashes."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest

from retention.policy import RecordClass
from tests.audit_year import BEGUN_ON, ONE_DAY, make_annex
from tipline.audit.annexes import Annexes, parse_annex
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind

DAY = BEGUN_ON


def count(**counts: int) -> dict[str, int]:
    """Counts of classes."""
    return {str(one): counts.get(str(one), 0) for one in RecordClass}


def judge(
    annexes: dict[datetime.date, bytes], *, is_held: bool = False, entries: int = 2
) -> list[tuple[Kind, str]]:
    """What is found in annexes whose hashes are in the log."""
    findings = Findings()
    held = Annexes(findings, annexes)
    for number in range(entries):
        of = DAY + number * ONE_DAY
        digest = hashlib.sha256(annexes.get(of, b"")).hexdigest()
        held.take(of, digest, is_held=is_held)
    for kind, facts in held.judge():
        findings.add(kind, **facts)
    return [(found.kind, str(found.facts.get("what"))) for found in findings.listed]


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"of": []},
        {"salt": "00"},
        {"arrived": -1},
        {"arrived": True},
        {"held": {}},
        {"held": None},
        {"stored": count() | {"other": 1}},
        {"purged": count() | {"mailbox": 1.0}},
        {"more": 1},
    ],
)
def test_annex_when_not_in_its_format_then_it_is_refused(changed: dict[str, Any]) -> None:
    """The log's hash over something that is no annex does not make it one."""
    assert parse_annex(make_annex(DAY)).of == DAY
    with pytest.raises(MalformedError):
        parse_annex(make_annex(DAY, **changed))
    assert judge({DAY: make_annex(DAY, **changed)}) == [(Kind.ANNEX_UNTRUE, "format")]
    assert judge({DAY: make_annex(DAY) + b" "}) == [(Kind.ANNEX_UNTRUE, "format")]


def test_annex_when_it_contradicts_itself_or_its_day_then_that_is_found() -> None:
    """Of another day; more early than purged; more held than stored; of a day without an entry."""
    assert judge({DAY: make_annex(DAY), DAY + ONE_DAY: make_annex(DAY + ONE_DAY)}) == []
    assert judge({DAY: make_annex(DAY - ONE_DAY)}) == [(Kind.ANNEX_UNTRUE, "of")]
    assert judge({DAY: make_annex(DAY, early=count(sealed_tip=1))}) == [
        (Kind.ANNEX_UNTRUE, "early")
    ]
    assert judge({DAY: make_annex(DAY, held=count(sealed_tip=1))}) == [(Kind.ANNEX_UNTRUE, "held")]
    assert judge({DAY: make_annex(DAY)}, entries=0) == [(Kind.ANNEX_UNTRUE, "entry")]


def test_annex_when_something_is_kept_without_a_hold_then_that_is_found() -> None:
    """What is past its day, not held, and not among the next day's dead, is kept in secret."""
    kept = make_annex(DAY, held=count(sealed_tip=3), stored=count(sealed_tip=3))
    after = make_annex(DAY + ONE_DAY, purged=count(sealed_tip=2))
    whole = make_annex(DAY + ONE_DAY, purged=count(sealed_tip=3))

    assert judge({DAY: kept, DAY + ONE_DAY: after}) == [(Kind.ANNEX_UNTRUE, "held")]
    assert judge({DAY: kept, DAY + ONE_DAY: whole}) == []
    assert judge({DAY: kept, DAY + ONE_DAY: after}, is_held=True) == []
    assert judge({DAY: kept}) == []  # one alone cannot tell
