"""What annexes show, beside their hashes."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest

from retention.policy import RecordClass
from tests.audit_year import BEGUN_ON, ONE_DAY, make_annex
from tipline.audit.annexes import Annexes, parse_annex
from tipline.audit.entries import CLASSES
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind

DAY = BEGUN_ON
NEXT = DAY + ONE_DAY


def count(**counts: int) -> dict[str, int]:
    """Counts of classes."""
    return {str(one): counts.get(str(one), 0) for one in RecordClass}


def judge(
    *annexes: bytes,
    is_held: bool = False,
    in_one_batch: bool = False,
    restored: bool = False,
    purged: tuple[str, ...] = CLASSES,
    entries: int = 2,
) -> list[Kind]:
    """What is found in annexes of days in a row whose hashes are in the log."""
    findings = Findings()
    handed = {DAY + number * ONE_DAY: annex for number, annex in enumerate(annexes)}
    held = Annexes(findings, handed)
    for number in range(entries):
        of = DAY + number * ONE_DAY
        held.take(
            of,
            hashlib.sha256(handed.get(of, b"")).hexdigest(),
            batch_on=DAY + 2 * ONE_DAY if in_one_batch else of + ONE_DAY,
            purged=purged,
            is_held=is_held,
        )
    if restored:
        held.note_restore(DAY + 2 * ONE_DAY)
    for kind, facts in held.judge():
        findings.add(kind, **facts)
    return [found.kind for found in findings.listed]


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"of": []},
        {"salt": "00"},
        {"arrived": -1},
        {"arrived": True},
        {"waiting": -1},
        {"waiting": None},
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
    assert judge(make_annex(DAY, **changed)) == [Kind.ANNEX_MALFORMED]


@pytest.mark.parametrize("untrusted", [b"", b"{", b"[]", b"nothing", b"\xff", b"{}"])
def test_annex_when_it_is_no_json_then_that_is_found(untrusted: bytes) -> None:
    """What is handed over need not be JSON at all, and its hash may be in the log all the same."""
    assert judge(untrusted) == [Kind.ANNEX_MALFORMED]
    assert judge(make_annex(DAY) + b" ") == [Kind.ANNEX_MALFORMED]


def test_annex_when_it_is_not_the_logged_one_then_that_is_found() -> None:
    """An annex whose hash the log does not have is believed in nothing else."""
    findings = Findings()
    held = Annexes(findings, {DAY: make_annex(DAY, held=count(sealed_tip=1))})
    held.take(DAY, "00" * 32, batch_on=NEXT, purged=CLASSES, is_held=False)

    assert [found.kind for found in findings.listed] == [Kind.ANNEX_MISMATCH]
    assert list(held.judge()) == []


def test_annex_when_it_contradicts_itself_or_its_day_then_that_is_found() -> None:
    """Of another day; more early than purged; more held than stored; of a day without an entry."""
    assert judge(make_annex(DAY), make_annex(NEXT)) == []
    assert judge(make_annex(NEXT)) == [Kind.ANNEX_OTHER_DAY]
    assert judge(make_annex(DAY, early=count(sealed_tip=1))) == [Kind.ANNEX_UNTRUE]
    assert judge(make_annex(DAY, held=count(sealed_tip=1))) == [Kind.ANNEX_UNTRUE]
    assert judge(make_annex(DAY), entries=0) == [Kind.ANNEX_WITHOUT_ENTRY]


def keep(class_: str, number: int, *, of: datetime.date = DAY) -> bytes:
    """An annex that tells of something past its day."""
    return make_annex(of, held=count(**{class_: number}), stored=count(**{class_: number}))


def test_annex_when_something_is_kept_without_a_hold_then_that_is_found() -> None:
    """What is past its day, not held, and not among the next annex's dead, is kept in secret."""
    kept = keep("log_text", 3)
    after = make_annex(NEXT, purged=count(log_text=2))
    whole = make_annex(NEXT, purged=count(log_text=3))

    assert judge(kept, after) == [Kind.ANNEX_HELD]
    assert judge(kept, whole) == []
    assert judge(kept) == []  # one alone cannot tell
    # The log did not say that they were gone: then it says itself that something is overdue.
    assert judge(kept, after, purged=("sealed_tip",)) == []
    # Two annexes of one batch were written in the same minute: nothing died in between.
    assert judge(kept, after, in_one_batch=True) == []
    assert judge(kept, after, restored=True) == []


def test_annex_when_a_hold_is_open_then_it_holds_tips_and_nothing_else() -> None:
    """A hold explains a tip past its day, and never a text, an answer or a partial upload."""
    tips = (keep("sealed_tip", 2), make_annex(NEXT, stored=count(sealed_tip=2)))
    texts = (keep("log_text", 2), make_annex(NEXT))

    assert judge(*tips, is_held=True) == []
    assert judge(*tips, is_held=False) == [Kind.ANNEX_HELD]
    assert judge(*texts, is_held=True) == [Kind.ANNEX_HELD]


BEFORE = make_annex(DAY, waiting=1, stored=count(sealed_tip=5, attachment=2, upload_answer=4))
# One of the seven was in no tree yet; four arrived, two more wait; three tips and an answer died.
AFTER: dict[str, Any] = {
    "arrived": 4,
    "waiting": 2,
    "purged": count(sealed_tip=2, attachment=1, upload_answer=1),
    "stored": count(sealed_tip=6, attachment=3, upload_answer=8),
}


def test_sums_when_they_add_up_then_nothing_is_found() -> None:
    """Stored, less what is in no tree yet, grows by what arrived and shrinks by what died."""
    assert judge(BEFORE, make_annex(NEXT, **AFTER)) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"arrived": 5}, 2),
        ({"waiting": 1}, 2),
        ({"purged": count(sealed_tip=1, attachment=1, upload_answer=1)}, 1),
        ({"purged": count(sealed_tip=2, attachment=1)}, 1),
        ({"stored": count(sealed_tip=7, attachment=3, upload_answer=8)}, 1),
        ({"stored": count(sealed_tip=6, attachment=2, upload_answer=8)}, 1),
        ({"stored": count(sealed_tip=6, attachment=3, upload_answer=7)}, 1),
    ],
)
def test_sums_when_a_count_is_changed_then_that_is_found(
    changed: dict[str, Any], found: int
) -> None:
    """Whoever changes one count has to change the next day's as well, and the log has its hash."""
    after = make_annex(NEXT, **{**AFTER, **changed})

    assert judge(BEFORE, after) == [Kind.ANNEX_SUM] * found
    # The annexes of one batch after downtime add up like any others.
    assert judge(BEFORE, after, in_one_batch=True) == [Kind.ANNEX_SUM] * found
    # A restored backup brings back what was there before: nothing can be added up over it.
    assert judge(BEFORE, after, restored=True) == []
    # But within the batch that tells of it, it can.
    assert judge(BEFORE, after, restored=True, in_one_batch=True) == [Kind.ANNEX_SUM] * found
