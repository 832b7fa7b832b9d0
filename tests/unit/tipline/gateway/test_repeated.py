"""Parts that come again after their message was stored."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.unit.tipline.gateway.test_parts import NOW, make_piece
from tipline.gateway import repeated
from tipline.gateway.arrival import OVERDUE_SECONDS
from tipline.gateway.parts import WAIT, Piece, Whole
from tipline.gateway.repeated import REMEMBERED, StoredParts


def make_whole(*pieces: Piece) -> Whole:
    """Make a message of parts."""
    return Whole(incoming=pieces[0].incoming, pieces=pieces, missing=())


def make_stored() -> StoredParts:
    """Remember a message of two parts."""
    stored = StoredParts()
    stored.note(make_whole(make_piece(1, 2, "one "), make_piece(2, 2, "\ud83d")), now=NOW)
    return stored


def has(stored: StoredParts, *pieces: Piece, later: datetime.timedelta = WAIT) -> bool:
    """Tell whether all of it is known."""
    return stored.has(make_whole(*pieces), now=NOW + later)


def test_parts_when_they_come_again_under_other_ids_then_they_are_known() -> None:
    """One of them, or all; half a character, too."""
    stored = make_stored()
    assert has(stored, make_piece(1, 2, "one ", provider_id="new"))
    assert has(stored, make_piece(2, 2, "\ud83d", provider_id="new"))
    assert has(stored, make_piece(1, 2, "one "), make_piece(2, 2, "\ud83d"))


@pytest.mark.parametrize(
    "piece",
    [
        make_piece(1, 2, "other"),
        make_piece(2, 2, "one "),
        make_piece(1, 3, "one "),
        make_piece(1, 2, "one ", reference="8"),
        make_piece(1, 2, "one ", sender="7373"),
    ],
)
def test_parts_when_anything_of_one_is_new_then_all_of_it_is_kept(piece: Piece) -> None:
    """A second message loses no word, whatever of it was there before."""
    stored = make_stored()
    assert not has(stored, piece)
    assert not has(stored, make_piece(1, 2, "one "), piece)
    assert not has(StoredParts(), make_piece(1, 2, "one "))


def test_message_when_it_is_of_no_parts_then_it_is_never_known() -> None:
    """Who writes the same twice may mean it."""
    stored = make_stored()
    whole = Whole(incoming=make_piece(1, 2, "one ").incoming, pieces=(), missing=())
    stored.note(whole, now=NOW)
    assert not stored.has(whole, now=NOW)


def test_parts_when_their_time_is_over_then_they_are_forgotten() -> None:
    """What came within the time for waiting is known until it has waited as long."""
    stored, piece = make_stored(), make_piece(1, 2, "one ")
    assert has(stored, piece, later=2 * WAIT + datetime.timedelta(seconds=OVERDUE_SECONDS))
    assert has(stored, piece, later=REMEMBERED)
    assert not has(stored, piece, later=REMEMBERED + datetime.timedelta(seconds=1))
    assert not has(stored, piece, later=WAIT)
    assert stored._marks == {}


def test_parts_when_their_message_is_being_stored_then_they_are_known_until_it_is_given_back() -> (
    None
):
    """Who repeats meanwhile makes no second message; what could not be stored is tried again."""
    stored, one, two = StoredParts(), make_piece(1, 2, "one "), make_piece(2, 2, "two")
    whole = make_whole(one, two)
    assert stored.claim(whole, now=NOW)
    assert not stored.claim(make_whole(one, two), now=NOW)
    assert not stored.claim(make_whole(two), now=NOW)
    stored.release(whole)
    assert not stored._claimed
    assert stored.claim(whole, now=NOW)
    stored.note(whole, now=NOW)
    stored.release(whole)
    assert not stored.claim(whole, now=NOW)


def test_parts_when_two_messages_share_one_then_it_is_known_while_either_is_being_stored() -> None:
    """Giving back one claim takes nothing from another, nor from what was stored before."""
    stored, one = make_stored(), make_piece(1, 2, "one ")
    new, newer = make_whole(one, make_piece(2, 2, "a")), make_whole(make_piece(2, 2, "a"))
    shared = make_whole(make_piece(2, 2, "a"), make_piece(2, 3, "b"))
    assert stored.claim(new, now=NOW)
    assert stored.claim(shared, now=NOW)
    stored.release(new)
    assert has(stored, one)
    assert stored.has(newer, now=NOW)
    stored.release(shared)
    assert has(stored, one)
    assert not stored.has(newer, now=NOW)


def test_parts_when_there_are_too_many_then_the_oldest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded; what came again lately is no old one."""
    monkeypatch.setattr(repeated, "MAX_REMEMBERED", 2)
    stored = make_stored()
    stored.note(make_whole(make_piece(1, 2, "one ")), now=NOW)
    stored.note(make_whole(make_piece(1, 2, "new")), now=NOW)
    assert not has(stored, make_piece(2, 2, "\ud83d"))
    assert has(stored, make_piece(1, 2, "one "), make_piece(1, 2, "new"))


def test_mark_when_it_is_looked_at_then_it_says_nothing() -> None:
    """Of two runs the same part has two marks: it is under a key."""

    def list_marks() -> list[Any]:
        return list(make_stored()._marks)

    assert len(list_marks()[0]) == 16
    assert not set(list_marks()) & set(list_marks())
