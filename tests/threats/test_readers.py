"""Corrupt, coerced and removed investigators: T-05, T-06, T-07."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from crypto.envelope import HEADER_LEN, check_envelope_head
from crypto.errors import KeysetError, NoMatchError
from crypto.keyset import choose_recipients


def test_corrupt_investigator_when_left_out_then_the_tip_stays_shut_for_that_key(
    desk: Any, read_with: Any
) -> None:
    """A reader whom the source left out cannot open the tip; the others can."""
    envelope = desk.seal(desk.note, leave_out=["bea"])

    assert b"seen at the harbour" in read_with(envelope, desk.readers["ana"])
    assert b"seen at the harbour" in read_with(envelope, desk.readers["caio"])
    with pytest.raises(NoMatchError):
        read_with(envelope, desk.readers["bea"])


def test_corrupt_investigator_when_comparing_envelopes_then_leaving_out_does_not_show(
    desk: Any,
) -> None:
    """INV-02: with and without a reader left out, an envelope has one size and one shape."""
    whole = desk.seal(desk.note)
    without = desk.seal(desk.note, leave_out=["bea", "caio"])

    assert len(whole) == len(without)
    for envelope in (whole, without):
        check_envelope_head(envelope[:HEADER_LEN], size_bytes=len(envelope))
        lines = envelope[: HEADER_LEN - 1].split(b"\n")
        assert [len(line) for line in lines] == [21, *[18 + 1494, 43] * 8, 47]


def test_corrupt_investigator_when_reading_the_order_then_a_place_says_nothing(
    desk: Any, today: datetime.date
) -> None:
    """A reader's key is found in every place: the eight are shuffled anew for each tip."""
    keyset = desk.verify(desk.note)
    places = set()
    for _ in range(200):
        recipients = choose_recipients(keyset, channel="city", today=today)
        texts = [recipient.format() for recipient in recipients]
        places.add(texts.index(desk.readers["ana"].recipient().format()))

    assert places == set(range(8))


def test_removed_investigator_when_the_next_keyset_is_signed_then_new_tips_stay_shut(
    desk: Any, read_with: Any
) -> None:
    """Who is no longer named cannot open what is sealed from then on, but still what was before."""
    before = desk.seal(desk.note)
    after = desk.seal(desk.sign(["ana", "caio"], after=desk.note))

    assert b"seen at the harbour" in read_with(before, desk.readers["bea"])
    with pytest.raises(NoMatchError):
        read_with(after, desk.readers["bea"])


def test_removed_investigator_when_the_old_keyset_is_served_again_then_it_is_refused(
    desk: Any,
) -> None:
    """INV-07: who has seen the newer keyset never goes back to one that named a removed reader."""
    newer = desk.verify(desk.sign(["ana", "caio"], after=desk.note))

    with pytest.raises(KeysetError) as caught:
        desk.verify(desk.note, seen=newer.number)
    assert caught.value.code == "keyset_old"


def test_removed_investigator_when_nobody_renews_then_the_keyset_ends_within_31_days(
    desk: Any, today: datetime.date
) -> None:
    """INV-08: an old keyset that a server keeps serving runs out by itself."""
    desk.verify(desk.note, today=today + datetime.timedelta(days=30))

    with pytest.raises(KeysetError) as caught:
        desk.verify(desk.note, today=today + datetime.timedelta(days=31))
    assert caught.value.code == "keyset_expired"
