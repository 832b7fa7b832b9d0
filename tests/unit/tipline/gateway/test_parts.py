"""Long messages come in parts."""

from __future__ import annotations

import datetime
import itertools
from typing import Any, NoReturn

import pytest

from tipline.gateway import parts
from tipline.gateway.incoming import NO_FILE, Incoming, MediaReference, Medium, Part
from tipline.gateway.parts import (
    WAIT,
    Joining,
    Piece,
    Whole,
    mend_text,
)
from tipline.gateway.turns import CrowdedError, TooManyError

NOW = datetime.datetime(2031, 3, 14, 15, 9, 26, tzinfo=datetime.UTC)
SENDER = "+525512345678"


def make_piece(number: int, of: int, text: str, *, sender: str = SENDER, **more: Any) -> Piece:
    """Make a part that is stored."""
    reference = more.pop("reference", "7")
    incoming = Incoming(
        gateway="modem",
        medium=Medium.SMS,
        provider_id=more.pop("provider_id", f"id{number}"),
        sender=sender,
        text=text,
        received_at=more.pop("received_at", NOW),
        part=Part(reference=reference, number=number, of=of),
        **more,
    )
    return Piece(
        id=bytes([number]), incoming=incoming, sender=sender, channel="city", language="es"
    )


def make_room(joining: Joining, sender: str, *, number: int = 9) -> list[str]:
    """Make room for a part of a message of its own; give the texts that go for it."""
    incoming = make_piece(number, 9, "new", sender=sender, reference="new").incoming
    return [whole.incoming.text for whole in joining.make_room(incoming, sender=sender)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_parts_when_they_come_in_any_order_then_the_text_is_whole(order: tuple[int, ...]) -> None:
    """Whatever their order, the last part completes the message, and none before."""
    joining, texts = Joining(), {1: "one ", 2: "two ", 3: "three"}
    found = [joining.add(make_piece(number, 3, texts[number])) for number in order]
    assert found[:2] == [[], []]
    (whole,) = found[2]
    assert (whole.incoming.text, whole.missing) == ("one two three", ())
    assert whole.incoming.part is None
    assert len(whole.pieces) == 3


def test_parts_when_references_senders_or_lengths_differ_then_they_stay_apart() -> None:
    """Parts of two messages are not mixed."""
    joining = Joining()
    assert joining.add(make_piece(1, 2, "a")) == []
    assert joining.add(make_piece(2, 2, "b", reference="8")) == []
    assert joining.add(make_piece(2, 2, "c", sender="7373")) == []
    assert joining.add(make_piece(2, 3, "d")) == []
    assert len(joining.add(make_piece(2, 2, "e"))) == 1


def test_parts_when_a_reference_comes_round_then_the_old_message_goes_as_it_is() -> None:
    """A part that is there with another text begins a new message."""
    joining = Joining()
    joining.add(make_piece(1, 3, "old"))
    assert joining.has(make_piece(1, 3, "old").incoming, sender=SENDER)
    assert not joining.has(make_piece(1, 3, "new").incoming, sender=SENDER)
    (old,) = joining.add(make_piece(1, 3, "new"))
    assert (old.incoming.text, old.missing) == ("old[…]", (2, 3))
    joining.add(make_piece(2, 3, "er"))
    (new,) = joining.add(make_piece(3, 3, "!"))
    assert new.incoming.text == "newer!"


def test_parts_when_they_wait_too_long_then_they_go_with_marks_for_the_rest() -> None:
    """What is not complete in time is handed out once, and says what is missing."""
    joining = Joining()
    joining.add(make_piece(2, 5, "two"))
    joining.add(make_piece(3, 5, "three", received_at=NOW + datetime.timedelta(minutes=9)))
    assert list(joining.take_overdue(NOW + WAIT - datetime.timedelta(seconds=1))) == []
    (whole,) = joining.take_overdue(NOW + WAIT)
    assert (whole.incoming.text, whole.missing) == ("[…]twothree[…]", (1, 4, 5))
    assert whole.incoming.received_at == NOW
    assert list(joining.take_overdue(NOW + 2 * WAIT)) == []


def test_parts_when_they_could_not_be_stored_then_they_wait_again() -> None:
    """What is put back is handed out again, as it was, and counted once."""
    joining = Joining()
    joining.add(make_piece(1, 2, "a"))
    (whole,) = joining.add(make_piece(2, 2, "b"))
    for _ in range(3):
        joining.put_back(whole)
        assert joining.has(make_piece(1, 2, "a").incoming, sender=SENDER)
        assert not joining.has(make_piece(1, 2, "c").incoming, sender=SENDER)
        assert joining._of_sender == {SENDER: 2}
        assert list(joining.take_overdue(NOW)) == [whole]
    assert not joining._of_sender
    assert not joining._senders_with


def test_parts_when_an_older_message_could_not_be_stored_then_it_mixes_with_no_other() -> None:
    """The reference came round: what was put back overwrites no part, and is joined to none."""
    joining = Joining()
    joining.add(make_piece(1, 2, "old 1"))
    (old,) = joining.add(make_piece(1, 2, "new 1"))
    joining.put_back(old)
    (new,) = joining.add(make_piece(2, 2, "new 2"))
    assert (old.incoming.text, new.incoming.text) == ("old 1[…]", "new 1new 2")
    assert list(joining.take_overdue(NOW)) == [old]
    assert not joining._of_sender
    assert not joining._senders_with


def test_parts_when_a_sender_ends_its_conversation_beside_overdue_ones_then_its_own_stay_out() -> (
    None
):
    """STOP while another's overdue message is stored: what was to follow it is let go as well."""
    joining = Joining()
    for sender in ("7373", SENDER):
        joining.add(make_piece(1, 2, "one ", sender=sender))
        (unstored,) = joining.add(make_piece(2, 2, "whole", sender=sender))
        joining.put_back(unstored)
    joining.add(make_piece(1, 2, "a"))
    joining.add(make_piece(1, 2, "last", sender="7373"))
    overdue = joining.take_overdue(NOW + WAIT)
    assert next(overdue).pieces[0].sender == "7373"
    assert len(joining.forget(SENDER, is_theirs=lambda _: True)) == 3
    assert [whole.incoming.text for whole in overdue] == ["last[…]"]
    assert not joining._of_sender
    assert not joining._senders_with


def test_parts_when_a_sender_ends_its_conversation_then_its_parts_are_let_go() -> None:
    """STOP takes what waits of this sender, and of nobody else."""
    joining = Joining()
    joining.add(make_piece(1, 2, "a"))
    joining.add(make_piece(1, 2, "b", sender="7373"))
    (unstored,) = joining.add(make_piece(1, 2, "c"))
    joining.put_back(unstored)
    assert joining.forget(SENDER, is_theirs=lambda _: False) == ()
    assert len(joining.forget(SENDER, is_theirs=lambda _: True)) == 2
    assert len(list(joining.take_overdue(NOW + WAIT))) == 1
    assert not joining._of_sender
    assert not joining._senders_with


def test_parts_when_too_many_wait_then_no_more_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in memory is bounded, for one sender and for all."""
    monkeypatch.setattr(parts, "MAX_PIECES", 3)
    joining = Joining()
    joining.add(make_piece(1, 9, "a"))
    one = make_piece(2, 9, "b")
    assert joining.make_room(one.incoming, sender=SENDER, limit=2) == []
    joining.add(one)
    with pytest.raises(TooManyError):
        joining.make_room(make_piece(3, 9, "c").incoming, sender=SENDER, limit=2)
    list(joining.take_overdue(NOW + WAIT))
    assert joining.make_room(make_piece(3, 9, "c").incoming, sender=SENDER, limit=2) == []


def test_parts_when_one_sender_takes_all_places_then_its_oldest_message_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever fills the places loses its own first, and nobody else is told to come back."""
    monkeypatch.setattr(parts, "MAX_PIECES", 5)
    joining = Joining()
    for number in range(5):
        at = NOW + datetime.timedelta(seconds=(number - 2) ** 2)
        joining.add(make_piece(1, 9, f"{number}", reference=f"{number}", received_at=at))
    assert make_room(joining, "7373") == ["2[…]"]
    joining.add(make_piece(1, 9, "honest", sender="7373"))
    assert joining._of_sender == {SENDER: 4, "7373": 1}
    assert len(make_room(joining, "7373")) == 1
    joining.add(make_piece(2, 9, "honest", sender="7373"))
    # Three and two: nobody has many more. Whoever has other messages gives up its own.
    assert make_room(joining, SENDER) == ["0[…]"]


def test_parts_when_ten_thousand_senders_wait_with_one_each_then_a_long_message_gets_in() -> None:
    """A flood from as many numbers as there are places keeps no part of an honest message out."""
    joining = Joining()
    for number in range(parts.MAX_PIECES):
        sender = f"+52155{number:08}"
        # What a sender says of the time makes it no younger.
        at = NOW - datetime.timedelta(seconds=number)
        flood = make_piece(1, 2, f"{number}", sender=sender, received_at=at)
        assert joining.make_room(flood.incoming, sender=sender) == []
        joining.add(flood)
    pushed, wholes = [], []
    for number in range(1, 256):
        part = make_piece(number, 255, f"{number} ", reference="long")
        pushed += joining.make_room(part.incoming, sender=SENDER)
        wholes += joining.add(part)
    assert [whole.incoming.text for whole in pushed] == [f"{number}[…]" for number in range(254)]
    assert [whole.missing for whole in wholes] == [()]


def test_parts_when_a_message_waits_longest_itself_then_its_next_part_does_not_push_it_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A part makes room by another message than its own; if there is none, it comes back."""
    monkeypatch.setattr(parts, "MAX_PIECES", 2)
    joining = Joining()
    joining.add(make_piece(1, 9, "long", reference="new"))
    joining.add(make_piece(1, 9, "flood", sender="7373"))
    assert make_room(joining, SENDER, number=2) == ["flood[…]"]
    joining.add(make_piece(2, 9, "er", reference="new"))
    with pytest.raises(CrowdedError):
        make_room(joining, SENDER, number=3)


def test_parts_when_the_newcomer_has_other_messages_then_an_older_one_of_its_own_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who begins message after message pushes out its own, even if another's waits longer."""
    monkeypatch.setattr(parts, "MAX_PIECES", 2)
    joining = Joining()
    joining.add(make_piece(1, 9, "honest", sender="7373"))
    joining.add(make_piece(1, 9, "flood"))
    assert make_room(joining, SENDER) == ["flood[…]"]
    assert make_room(joining, "+525587654321") == []


def test_parts_when_nothing_of_the_greatest_can_be_stored_then_no_more_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be stored counts, and makes no room."""
    monkeypatch.setattr(parts, "MAX_PIECES", 2)
    joining = Joining()
    joining.add(make_piece(1, 3, "a"))
    joining.add(make_piece(2, 3, "b"))
    (whole,) = joining.take_overdue(NOW + WAIT)
    joining.put_back(whole)
    with pytest.raises(CrowdedError):
        make_room(joining, "7373")


def test_part_when_it_completes_a_message_then_it_needs_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last part gives back the places of the others, so it is never told to come back."""
    monkeypatch.setattr(parts, "MAX_PIECES", 2)
    joining = Joining()
    joining.add(make_piece(1, 2, "a"))
    joining.add(make_piece(1, 2, "b", sender="7373"))
    last = make_piece(2, 2, "c")
    assert joining.make_room(last.incoming, sender=SENDER, limit=1) == []
    # The same number again begins another message, and completes none.
    again = make_piece(1, 2, "other")
    with pytest.raises(TooManyError):
        joining.make_room(again.incoming, sender=SENDER, limit=1)
    (whole,) = joining.add(last)
    assert whole.incoming.text == "ac"


@pytest.mark.parametrize(
    ("untrusted", "mended"),
    [
        ("", ""),
        ("ñandú \N{GRINNING FACE}", "ñandú \N{GRINNING FACE}"),
        ("a\ud83d\ude00b", "a\N{GRINNING FACE}b"),
        ("a\ud83d", "a\ufffd"),
        ("\ude00a", "\ufffda"),
        ("\ud83d\ud83d\ude00", "\ufffd\N{GRINNING FACE}"),
    ],
)
def test_text_when_characters_are_cut_then_they_are_mended_or_replaced(
    untrusted: str, mended: str
) -> None:
    """Halves that belong together are put together; a half alone is shown as unreadable."""
    assert mend_text(untrusted) == mended
    mended.encode()


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (1, 1), (1, 256)])
def test_part_when_there_is_no_such_part_then_it_is_refused(number: int, of: int) -> None:
    """A part has a place among at least two and at most 255."""
    with pytest.raises(ValueError, match="part"):
        Part(reference="r", number=number, of=of)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "x" * 65_537},
        {"sender": "1" * 101},
        {"provider_id": ""},
        {"provider_id": "1" * 201},
        {"media": (MediaReference(location="x", media_type=""),) * 101},
        {"text": "x" * 251, "part": Part(reference="r", number=1, of=2)},
        {
            "part": Part(reference="r", number=1, of=2),
            "media": (MediaReference(location="x", media_type=""),),
        },
    ],
)
def test_message_when_it_is_longer_than_any_then_it_is_refused(changed: dict[str, Any]) -> None:
    """Every field of a message is bounded; a part has no file, which would be lost at a restart."""
    least: dict[str, Any] = {
        "gateway": "modem",
        "medium": Medium.SMS,
        "provider_id": "1",
        "sender": "1",
        "text": "",
        "received_at": NOW,
    }
    with pytest.raises(ValueError, match="message"):
        Incoming(**{**least, **changed})


def test_message_when_it_is_shown_then_nothing_of_it_is() -> None:
    """No `repr` tells who wrote, what, or under which id."""
    piece = make_piece(1, 2, "the harbour", provider_id="SM123")
    for shown in (repr(piece), repr(Joining().add(piece)), repr(piece.incoming)):
        assert not any(word in shown for word in ("harbour", SENDER, "SM123"))


def announce(number: int, *, sender: str = SENDER, **more: Any) -> Piece:
    """Make what tells of an MMS before it came."""
    incoming = Incoming(
        gateway=more.get("gateway", "phone"),
        medium=Medium.MMS,
        provider_id=f"id{number}",
        sender=sender,
        text=more.get("text", "Photo"),
        received_at=more.get("received_at", NOW),
        part=Part(reference=f"id{number}", number=1, of=2, is_announcement=True),
    )
    return Piece(
        id=bytes([number]), incoming=incoming, sender=sender, channel="city", language="es"
    )


def bring(
    medium: Medium = Medium.MMS, *, gateway: str = "phone", text: str = "Photo\nmira"
) -> Incoming:
    """Make a message that came whole."""
    return Incoming(
        gateway=gateway,
        medium=medium,
        provider_id="whole",
        sender=SENDER,
        text=text,
        received_at=NOW,
    )


def test_announcement_when_its_mms_comes_then_goes_with_it() -> None:
    """Of one sender the oldest goes first, one for each message."""
    joining = Joining()
    for number in (1, 2):
        assert joining.add(announce(number)) == []
    for number in (1, 2):
        with joining.replace_announcement(bring(), sender=SENDER) as pieces:
            assert [piece.id for piece in pieces] == [bytes([number])]
    with joining.replace_announcement(bring(), sender=SENDER) as pieces:
        assert pieces == ()
    assert list(joining.take_overdue(NOW + WAIT)) == []
    assert joining.make_room(announce(3).incoming, sender=SENDER, limit=1) == []


@pytest.mark.parametrize(
    ("incoming", "waiting"),
    [
        (bring(Medium.SMS), announce(1)),
        (bring(), announce(1, sender="+525500000000")),
        (bring(), announce(1, gateway="other")),
        (bring(gateway="modem"), make_piece(1, 2, "a")),  # a part, and no announcement
        (bring(text="mira"), announce(1)),  # of another one
    ],
)
def test_announcement_when_another_message_comes_then_waits_on(
    incoming: Incoming, waiting: Piece
) -> None:
    """A text, somebody else's MMS, another gateway's, and one of other words are not it."""
    joining = Joining()
    joining.add(waiting)
    with joining.replace_announcement(incoming, sender=SENDER) as pieces:
        assert pieces == ()
    (whole,) = joining.take_overdue(NOW + WAIT)
    assert whole.pieces == (waiting,)


@pytest.mark.parametrize(
    ("text", "gone"),
    [("El muelle\nmira", 3), ("el\n muelle  nueve", 4), ("mira", 1), ("El  muelle", 3)],
)
def test_announcement_when_several_wait_then_the_one_that_told_these_words_goes(
    text: str, gone: int
) -> None:
    """Else one that told none; no words that were acknowledged go with another message."""
    joining = Joining()
    for number, told in enumerate(("", "Photo", "El muelle", "el muelle\tnueve", ""), start=1):
        joining.add(announce(number, text=told))
    with joining.replace_announcement(bring(text=text), sender=SENDER) as pieces:
        assert [piece.id for piece in pieces] == [bytes([gone])]
    left = [whole.pieces[0].id for whole in joining.take_overdue(NOW + WAIT)]
    assert left == [bytes([number]) for number in range(1, 6) if number != gone]


def test_announcement_when_its_mms_never_comes_then_a_file_is_missing() -> None:
    """What was told is a message then, with nothing added to its subject."""
    joining = Joining()
    joining.add(announce(1))
    assert list(joining.take_overdue(NOW + WAIT - datetime.timedelta(seconds=1))) == []
    (whole,) = joining.take_overdue(NOW + WAIT)
    assert (whole.incoming.text, whole.incoming.part, whole.missing) == ("Photo", None, ())
    assert whole.incoming.media == (NO_FILE,)


def test_announcement_when_its_mms_cannot_be_stored_then_waits_on() -> None:
    """It waits in its old place, and counts as before."""
    joining = Joining()
    for number in (1, 2):
        joining.add(announce(number))
    with (
        pytest.raises(CrowdedError),
        joining.replace_announcement(bring(), sender=SENDER) as pieces,
    ):
        raise CrowdedError
    with joining.replace_announcement(bring(), sender=SENDER) as again:
        assert again == pieces
    with pytest.raises(TooManyError):
        joining.make_room(announce(3).incoming, sender=SENDER, limit=1)


def test_announcement_when_told_again_while_its_mms_is_stored_then_both_rows_are_known() -> None:
    """If storing fails then, neither row is forgotten."""
    joining = Joining()
    joining.add(announce(1))

    def tell_again() -> NoReturn:
        joining.add(announce(1))
        raise CrowdedError

    with pytest.raises(CrowdedError), joining.replace_announcement(bring(), sender=SENDER):
        tell_again()
    first, second = joining.take_overdue(NOW + WAIT)
    assert first.incoming == second.incoming


def hand_out(joining: Joining, sender: str) -> Whole:
    """Hand out a message of two parts."""
    joining.add(make_piece(1, 2, "one ", sender=sender))
    (whole,) = joining.add(make_piece(2, 2, "two", sender=sender))
    return whole


@pytest.mark.parametrize("is_back", [False, True])
def test_message_when_its_sender_ended_it_while_it_was_stored_then_it_is_not_begun_again(
    *, is_back: bool
) -> None:
    """What is under way is remembered, and nobody else's; then nothing of it stays in mind."""
    joining = Joining()
    theirs, other = hand_out(joining, SENDER), hand_out(joining, "+525587654321")
    assert joining.forget(SENDER, is_theirs=lambda _: False) == ()
    assert not joining.has_ended(theirs)
    assert joining.forget(SENDER, is_theirs=lambda _: True) == ()
    assert (joining.has_ended(theirs), joining.has_ended(other)) == (True, False)
    if is_back:
        joining.put_back(theirs)
        (again,) = joining.take_overdue(NOW)
        assert joining.has_ended(again)
    joining.settle(theirs)
    joining.settle(other)
    assert not joining.has_ended(theirs)
    assert (joining._under_way, joining._ended) == ([], [])


def test_message_when_its_sender_ended_it_while_it_waited_then_it_is_let_go() -> None:
    """What waits, and what could not be stored before, goes at once, and is not remembered."""
    joining = Joining()
    joining.put_back(hand_out(joining, SENDER))
    joining.add(make_piece(1, 2, "half", sender=SENDER))
    assert len(joining.forget(SENDER, is_theirs=lambda _: True)) == 3
    assert (joining._under_way, joining._ended, joining._unstored) == ([], [], [])
