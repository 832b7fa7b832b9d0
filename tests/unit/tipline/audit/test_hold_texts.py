"""The texts of holds, against what the log committed to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from crypto.strict import format_json
from tests.audit_year import BEGUN_ON, ONE_DAY
from tipline.audit.entries import Entry, parse_entry
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.hold_texts import Handed, HoldTexts, parse_listed

HOLD = "ab" * 16
SALT = b"\x07" * 32
UNTIL = BEGUN_ON + 30 * ONE_DAY
LAST_ON = BEGUN_ON + 5 * ONE_DAY


def make_text(**changed: Any) -> Handed:
    """A hold's text."""
    fields = {
        "v": 1,
        "hold": HOLD,
        "placed_on": BEGUN_ON.isoformat(),
        "until_on": UNTIL.isoformat(),
        "channel": None,
        "first_person": "Ana",
        "second_person": "Bea",
        "reason": "court order 7",
    }
    return Handed(salt=SALT, text=format_json({**fields, **changed}))


def make_entry(handed: Handed, **changed: Any) -> Entry:
    """The log's entry of a hold with this text."""
    fields = {
        "v": 1,
        "type": "hold",
        "day": (BEGUN_ON + ONE_DAY).isoformat(),
        "on": BEGUN_ON.isoformat(),
        "hold": HOLD,
        "step": "placed",
        "until": UNTIL.isoformat(),
        "commitment": handed.commitment,
    }
    return parse_entry(format_json({**fields, **changed}))


CLOCK = parse_entry(
    format_json(
        {
            "v": 1,
            "type": "clock",
            "day": BEGUN_ON.isoformat(),
            "on": BEGUN_ON.isoformat(),
            "step": "held",
            "until": UNTIL.isoformat(),
        }
    )
)


def judge(
    handed: Handed | None, *entries: Entry, open_holds: tuple[str, ...] = ()
) -> list[tuple[Kind, Any]]:
    """What is found in a text that was handed over."""
    findings = Findings()
    texts = HoldTexts(findings, None if handed is None else [handed])
    for entry in entries:
        texts.take(entry)
    for kind, facts in texts.judge(open_holds=open_holds, last_on=LAST_ON):
        findings.add(kind, **facts)
    return [(found.kind, found.facts.get("what")) for found in findings.listed]


def test_text_when_it_is_the_committed_one_then_nothing_is_found() -> None:
    """Salt and text hash to the commitment, and fit what the log says in the open."""
    text = make_text()

    assert judge(text, make_entry(text), open_holds=(HOLD,)) == []
    assert text.commitment == hashlib.sha256(SALT + text.text).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [{"first_person": "Eva"}, {"second_person": "Eva"}, {"reason": "none"}, {"channel": "city"}],
)
def test_text_when_it_was_changed_then_its_commitment_tells(changed: dict[str, Any]) -> None:
    """Nobody can name other persons, or another reason, after the hold was logged."""
    assert judge(make_text(**changed), make_entry(make_text())) == [(Kind.HOLD_TEXT_MISMATCH, None)]
    salted = Handed(salt=b"\x08" * 32, text=make_text().text)
    assert judge(salted, make_entry(make_text())) == [(Kind.HOLD_TEXT_MISMATCH, None)]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"placed_on": (BEGUN_ON - ONE_DAY).isoformat()}, "placed_on"),
        ({"until_on": (UNTIL + ONE_DAY).isoformat()}, "until_on"),
        ({"second_person": "ANA"}, "persons"),
        ({"second_person": " Ana "}, "persons"),
        ({"first_person": ""}, "persons"),
        ({"reason": " "}, "reason"),
    ],
)
def test_text_when_it_contradicts_the_log_or_itself_then_that_is_found(
    changed: dict[str, Any], what: str
) -> None:
    """A commitment over an untrue text does not make it true; one person is not two."""
    text = make_text(**changed)

    assert judge(text, make_entry(text)) == [(Kind.HOLD_TEXT_UNTRUE, what)]


def test_text_when_the_clock_jumped_then_its_first_day_is_not_compared() -> None:
    """An event by a clock that was ahead is dated by the nearest day that keeps their order."""
    text = make_text(placed_on=(BEGUN_ON + ONE_DAY).isoformat())

    assert judge(text, CLOCK, make_entry(text)) == []
    assert judge(text, make_entry(text)) == [(Kind.HOLD_TEXT_UNTRUE, "placed_on")]


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"hold": 1},
        {"channel": 1},
        {"reason": None},
        {"placed_on": "today"},
        {"until_on": None},
        {"more": 1},
    ],
)
def test_text_when_it_is_not_in_its_format_then_that_is_found(changed: dict[str, Any]) -> None:
    """What is no hold's text is named by its place, and nothing else is said of it."""
    assert judge(make_text(**changed)) == [(Kind.HOLD_TEXT_MALFORMED, None)]
    spaced = Handed(salt=SALT, text=make_text().text + b" ")
    assert judge(spaced) == [(Kind.HOLD_TEXT_MALFORMED, None)]


def test_text_when_the_log_has_no_such_hold_then_that_is_found() -> None:
    """A hold that the log was never told of holds in secret; one of today waits for its batch."""
    assert judge(make_text()) == [(Kind.HOLD_TEXT_WITHOUT_ENTRY, None)]
    assert judge(make_text(placed_on=LAST_ON.isoformat())) == []
    released = make_entry(make_text(), step="released")
    assert judge(make_text(), released) == [(Kind.HOLD_TEXT_WITHOUT_ENTRY, None)]


def test_hold_when_it_is_open_and_has_no_text_then_that_is_found() -> None:
    """Whoever hands over texts hands over that of every open hold; nobody asked, nothing said."""
    text = make_text()
    other = make_text(hold="cd" * 16)

    assert judge(other, make_entry(other, hold="cd" * 16), open_holds=(HOLD,)) == [
        (Kind.HOLD_TEXT_MISSING, None)
    ]
    assert judge(None, make_entry(text), open_holds=(HOLD,)) == []


def list_holds(*holds: Any, ended: tuple[Any, ...] = ()) -> bytes:
    """What `tipline hold list DIR --json` writes."""
    return json.dumps({"today": "2031-03-14", "holds": holds, "ended": ended}).encode()


def test_list_when_read_then_texts_of_open_and_ended_holds_are_found() -> None:
    """A hold whose words are lost is listed without a text."""
    text = make_text()
    words = {"salt": SALT.hex(), "text": text.text.decode(), "reason": "not read"}
    listed = list_holds({"words": words}, {"words": None}, ended=(words,))

    assert parse_listed(listed) == (text, text)


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        list_holds({}),
        list_holds(7),
        list_holds({"words": {"salt": "00", "text": ""}}),
        list_holds({"words": {"salt": "00" * 32, "text": 7}}),
        list_holds({"words": {"salt": "00" * 32, "text": "\ud800"}}),
    ],
)
def test_list_when_it_is_something_else_then_it_is_refused(untrusted: bytes) -> None:
    """A list that cannot be read is the auditor's matter, and no finding."""
    with pytest.raises(MalformedError):
        parse_listed(untrusted)
