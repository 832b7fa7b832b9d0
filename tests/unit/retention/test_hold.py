"""Holds: two persons, a reason, an end; what the log is told and what it is not."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from typing import Any

import pytest

from crypto.errors import MalformedError
from retention.errors import HoldError
from retention.hold import (
    MAX_HOLD_DAYS,
    MAX_HOLD_TIPS,
    MAX_PERSON_CHARACTERS,
    MAX_REASON_CHARACTERS,
    Hold,
    HoldTerms,
    check_terms,
    format_hold_text,
    make_hold,
    parse_hold_words,
    state_ended,
    state_placed,
)
from retention.log.entry import Entry, EntryType, decode_entry, encode_entry

TODAY = datetime.date(2031, 3, 14)
ID = bytes(range(16))
SALT = bytes(range(32))
TIP = b"t" * 16


def ask(**changed: Any) -> HoldTerms:
    asked: dict[str, Any] = {
        "untrusted_first_person": "Ana Duarte",
        "untrusted_second_person": "Luís Prado",
        "untrusted_reason": "court order 17/2031",
        "until_on": TODAY + datetime.timedelta(days=30),
        "channel": None,
        "tips": [TIP],
        "today": TODAY,
    }
    return check_terms(**{**asked, **changed})


def place(**changed: Any) -> Hold:
    return make_hold(ask(**changed), hold_id=ID, salt=SALT, placed_on=TODAY)


def end(hold: Hold, **days: datetime.date | None) -> Hold:
    return dataclasses.replace(hold, **days)  # type: ignore[arg-type]


def text_of(hold: Hold) -> bytes:
    assert hold.words is not None
    return format_hold_text(hold, hold.words)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"untrusted_first_person": ""}, "hold_person"),
        ({"untrusted_second_person": " \n "}, "hold_person"),
        ({"untrusted_first_person": "a" * (MAX_PERSON_CHARACTERS + 1)}, "hold_person"),
        ({"untrusted_first_person": "Ana\x1b[2J"}, "hold_person"),
        ({"untrusted_second_person": "Ana Duarte"}, "hold_one_person"),
        ({"untrusted_second_person": "  ana   DUARTE "}, "hold_one_person"),
        ({"untrusted_second_person": "\uff21na Duarte"}, "hold_one_person"),
        ({"untrusted_reason": ""}, "hold_reason"),
        ({"untrusted_reason": "a" * (MAX_REASON_CHARACTERS + 1)}, "hold_reason"),
        ({"until_on": TODAY}, "hold_until_past"),
        ({"until_on": TODAY - datetime.timedelta(days=1)}, "hold_until_past"),
        ({"until_on": TODAY + datetime.timedelta(days=MAX_HOLD_DAYS + 1)}, "hold_until_far"),
        ({"tips": []}, "hold_target"),
        ({"channel": "city"}, "hold_target"),
        ({"tips": [i.to_bytes(16) for i in range(MAX_HOLD_TIPS + 1)]}, "hold_tips"),
    ],
)
def test_terms_when_one_of_them_does_not_hold_then_refused_by_its_name(
    changed: dict[str, Any], code: str
) -> None:
    """Every rule of a hold has its own refusal."""
    with pytest.raises(HoldError) as refused:
        ask(**changed)
    assert refused.value.code == code


def test_terms_when_at_their_limits_then_taken() -> None:
    """A limit is the last value that is taken."""
    terms = ask(
        untrusted_first_person="a" * MAX_PERSON_CHARACTERS,
        untrusted_reason="b" * MAX_REASON_CHARACTERS,
        until_on=TODAY + datetime.timedelta(days=MAX_HOLD_DAYS),
        tips=[i.to_bytes(16) for i in range(MAX_HOLD_TIPS)],
    )
    assert len(terms.tips) == MAX_HOLD_TIPS
    assert ask(until_on=TODAY + datetime.timedelta(days=1)).until_on > TODAY


def test_terms_when_a_tip_is_named_twice_then_it_counts_once() -> None:
    """A hold covers a set of tips."""
    assert ask(tips=[TIP, TIP]).tips == (TIP,)


def test_terms_when_written_over_several_lines_then_they_become_one() -> None:
    """What is shown on a terminal is one line."""
    terms = ask(untrusted_reason=" court\n order\t17 ")
    assert terms.reason == "court order 17"


def test_terms_when_over_a_channel_then_no_tip_is_named() -> None:
    """A channel covers what comes, too."""
    terms = ask(channel="city", tips=[])
    assert (terms.channel, terms.tips) == ("city", ())


def test_hold_when_its_day_comes_then_it_no_longer_lasts() -> None:
    """It holds up to the day before its end, or before its release."""
    hold = place()
    last = hold.until_on - datetime.timedelta(days=1)
    assert hold.lasts(TODAY)
    assert hold.lasts(last)
    assert not hold.lasts(hold.until_on)
    assert not end(hold, ended_on=last).lasts(last)


def test_hold_when_released_after_its_end_then_it_expired() -> None:
    """A release cannot move the end, neither later nor in the log."""
    hold = place()
    late = end(hold, ended_on=hold.until_on, gone_on=hold.until_on)
    assert late.ends_on == hold.until_on
    assert not late.was_released


def test_commitment_when_salt_and_text_are_known_then_anybody_can_check_it() -> None:
    """The log's commitment is the hash of salt and text, as docs/reference/log.md says."""
    hold = place()
    text = text_of(hold)
    assert hold.commitment == hashlib.sha256(SALT + text).hexdigest()
    told = json.loads(text)
    assert told["first_person"] == "Ana Duarte"
    assert told["reason"] == "court order 17/2031"
    ended = end(hold, ended_on=TODAY, gone_on=TODAY)
    assert text_of(ended) == text


def test_text_when_read_again_then_the_words_are_the_same() -> None:
    """What was sealed away can be shown to an auditor as it was."""
    for hold in (place(), place(channel="city", tips=[])):
        assert parse_hold_words(text_of(hold), salt=SALT) == hold.words


@pytest.mark.parametrize("text", [b"{}", b"x", b"[]", b'{"channel":null}'])
def test_text_when_it_is_none_of_ours_then_refused(text: bytes) -> None:
    """What is damaged is not taken for a text."""
    with pytest.raises(MalformedError):
        parse_hold_words(text, salt=SALT)


def test_hold_when_over_a_channel_then_it_covers_what_arrives_there_alone() -> None:
    """A hold over tips covers nothing that arrives; neither does one whose words are lost."""
    hold = place(channel="city", tips=[])
    assert hold.covers("city")
    assert not hold.covers("harbour")
    assert not place().covers("city")
    assert not dataclasses.replace(hold, words=None).covers("city")


@pytest.mark.parametrize(
    ("ended_on", "gone_on", "step"),
    [
        (TODAY, TODAY, "released"),
        (TODAY, TODAY + datetime.timedelta(days=2), "released"),
        (None, TODAY + datetime.timedelta(days=30), "expired"),
    ],
)
def test_statement_when_a_hold_ended_then_it_says_how_and_when_its_key_went(
    ended_on: datetime.date | None, gone_on: datetime.date, step: str
) -> None:
    """The end is told of the day on which it became true, and the promised day stays as it was."""
    hold = end(place(), ended_on=ended_on, gone_on=gone_on)
    statement = state_ended(hold)
    assert statement.fields["step"] == step
    assert statement.fields["on"] == gone_on.isoformat()
    assert statement.fields["until"] == hold.until_on.isoformat()


def test_statement_when_the_key_is_still_there_then_no_end_is_told() -> None:
    """Nothing is said to be done before it is."""
    with pytest.raises(ValueError, match="not ended"):
        state_ended(end(place(), ended_on=TODAY))


def test_entry_when_a_hold_was_placed_then_it_names_no_person_reason_tip_or_channel() -> None:
    """Everybody reads the log."""
    hold = place(channel="harbour", tips=[])
    statement = state_placed(hold)
    entry = encode_entry(Entry(day=TODAY, statement=statement))
    for private in (b"Ana", b"Lu", b"court", b"harbour"):
        assert private not in entry
    assert decode_entry(entry).statement.type is EntryType.HOLD
    assert statement.fields["step"] == "placed"
