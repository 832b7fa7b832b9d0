"""What is inside a message of WhatsApp's."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from crypto.came_by import Medium
from tests.whatsapps import NOW, TEXT, ask_tree, make, make_message, make_tree
from tipline.gateway.incoming import NO_FILE, MediaReference
from tipline.gateway.kinds.whatsapp_messages import MAX_AGE


def test_text_when_signed_then_is_read() -> None:
    """A text becomes one message, of a number with its plus."""
    (message,) = make().receive(ask_tree(make_tree(make_message()))).messages

    assert (message.sender, message.text) == ("+5215512345678", "hola ñandú")
    assert (message.provider_id, message.medium, message.media) == (
        "wamid.A",
        Medium.WHATSAPP,
        (),
    )


@pytest.mark.parametrize(
    ("written_at", "hours"),
    [
        (NOW, 24),
        (NOW - datetime.timedelta(hours=23), 1),
        (NOW - datetime.timedelta(days=3), -48),  # Meta brought it late
        (NOW - datetime.timedelta(days=3000), 24 - 7 * 24),
        (NOW + datetime.timedelta(minutes=4), 24),  # its clock is ahead
    ],
)
def test_text_when_written_then_it_can_be_answered_for_a_day_from_then_on(
    written_at: datetime.datetime, hours: int
) -> None:
    """Meta counts from when somebody wrote, whenever it brings it to us."""
    fields = {"timestamp": str(int(written_at.timestamp()))}
    young = make_message(id="wamid.B")
    tree = make_tree(make_message(**TEXT, **fields), young)
    message, _ = make().receive(ask_tree(tree)).messages
    assert message.answer_until == NOW + datetime.timedelta(hours=hours)


@pytest.mark.parametrize("timestamp", ["", "x", "253402300799", "-62135596800", "9" * 30])
def test_time_when_it_cannot_be_then_it_is_answered_for_no_longer_than_a_day(
    timestamp: str,
) -> None:
    """What stands in a time field never makes a day that cannot be written."""
    tree = make_tree(make_message(**TEXT, timestamp=timestamp), make_message(id="wamid.B"))
    message, _ = make().receive(ask_tree(tree)).messages
    assert message.answer_until is not None
    assert abs(message.answer_until - NOW) <= MAX_AGE


def test_message_when_its_number_is_kept_from_us_then_is_of_an_account() -> None:
    """Who has a name instead of a number writes under an id of Meta's; the words stay words."""
    fields = {"from_user_id": "MX.13491208655302741918", "from_parent_user_id": "MX.ENT.1", **TEXT}
    named = {name: value for name, value in make_message(**fields).items() if name != "from"}
    with_both = make_message(**fields, id="wamid.B")
    messages = make().receive(ask_tree(make_tree(named, with_both))).messages
    assert [(one.sender, one.text) for one in messages] == [
        ("MX.13491208655302741918", "hola ñandú"),
        ("+5215512345678", "hola ñandú"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "image", "errors": [{"code": 131052, "title": "Media download error"}]},
        {"type": "image", "image": {"mime_type": "image/jpeg", "caption": "look"}},
        {"type": "video", "video": {"id": "x" * 501, "caption": "look"}},
        {"type": "text", "text": {}},
        {"type": "text"},
    ],
)
def test_message_when_neither_words_nor_file_can_be_found_then_its_fields_are_the_text(
    fields: dict[str, Any],
) -> None:
    """Somebody wrote, and the tip says what is known of it."""
    sent = make_message(**fields)
    (message,) = make().receive(ask_tree(make_tree(sent))).messages
    assert json.loads(message.text) == sent
    assert message.media == (() if fields["type"] == "text" else (NO_FILE,))


def test_file_when_it_is_inside_something_else_then_is_referred_to() -> None:
    """A picture whose caption was mended is inside the edit; one of a new kind wherever it is."""
    image = {"id": "123", "mime_type": "image/jpeg", "caption": "new"}
    inner = {"type": "image", "image": image, "context": {"id": "wamid.0"}}
    edit = {"type": "edit", "edit": {"original_message_id": "wamid.0", "message": inner}}
    new = {"type": "album", "album": [image, {**image, "id": "124"}]}
    first, second = (
        make()
        .receive(ask_tree(make_tree(make_message(**edit), make_message(**new, id="wamid.B"))))
        .messages
    )
    assert [one.location for one in first.media] == ["123"]
    assert [one.location for one in second.media] == ["123", "124"]
    assert '"caption": "new"' in first.text


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
def test_file_when_it_came_then_is_referred_to(kind: str) -> None:
    """A file is told by its id, and its caption is the text."""
    fields = {"type": kind, kind: {"id": "123", "mime_type": "image/jpeg", "caption": "look"}}
    (message,) = make().receive(ask_tree(make_tree(make_message(**fields)))).messages
    assert message.text == "look"
    assert message.media == (MediaReference(location="123", media_type="image/jpeg"),)


def test_message_when_of_a_kind_that_we_do_not_know_then_its_fields_are_the_text() -> None:
    """A place is not lost, and its fraction neither; nor is what comes to be tomorrow."""
    place = {"type": "location", "location": {"latitude": 19.4326, "longitude": -99.1332}}
    broken = {"type": "new", "new": {"x": "\ud800"}}
    messages = (
        make()
        .receive(ask_tree(make_tree(make_message(**place), make_message(**broken, id="wamid.B"))))
        .messages
    )
    assert '"19.4326"' in messages[0].text
    assert "wamid" not in messages[0].text
    messages[1].text.encode()


@pytest.mark.parametrize(
    ("odd", "provider_id", "sender"),
    [
        (7, None, ""),
        (make_message(**TEXT, id=""), None, "+5215512345678"),
        (make_message(**TEXT, id="x" * 201), None, "+5215512345678"),
        (make_message(**{**TEXT, "from": ""}), "wamid.A", ""),
        (make_message(**{**TEXT, "from": "5" * 200}), "wamid.A", ""),
        (make_message(**TEXT, timestamp="now"), "wamid.A", "+5215512345678"),
        (make_message(**TEXT, timestamp="9" * 19), "wamid.A", "+5215512345678"),
        ({"user_id": "MX.13491208655302741918", **TEXT}, None, ""),
    ],
)
def test_message_when_it_lacks_something_then_its_fields_are_kept_and_the_others_too(
    odd: Any, provider_id: str | None, sender: str
) -> None:
    """One message in another form is sealed as it came, and blocks none that came with it."""
    tree = make_tree(make_message(**TEXT, id="wamid.0"), odd, make_message(**TEXT, id="wamid.9"))
    first, kept, last = make().receive(ask_tree(tree)).messages
    assert (first.text, last.text) == ("hola ñandú", "hola ñandú")
    assert kept.sender == sender
    assert kept.text == json.dumps(odd, ensure_ascii=False)
    if provider_id is None:
        assert kept.provider_id.startswith("odd-")
    else:
        assert kept.provider_id == provider_id
    (again,) = make().receive(ask_tree(make_tree(odd))).messages
    assert again == kept


@pytest.mark.parametrize("length", [65_536, 65_537, 200_000])
def test_message_when_it_is_longer_than_a_text_then_none_of_it_is_lost(length: int) -> None:
    """A contact's card can hold a picture: what is too long for one message makes several."""
    card = {"type": "contacts", "contacts": [{"vcard": "x" * length}]}
    words = {"type": "text", "text": {"body": "ñ" * length}}
    image = {"type": "album", "image": {"id": "1", "mime_type": "image/jpeg"}, "text": "x" * length}
    for fields in (card, words, image):
        tree = make_tree(make_message(**fields), make_message(**TEXT, id="wamid.B"))
        *pieces, last = make().receive(ask_tree(tree)).messages
        told = "".join(piece.text for piece in pieces)
        assert told == (words["text"]["body"] if fields is words else json.dumps(fields))
        assert last.text == "hola ñandú"
        assert pieces[0].provider_id == "wamid.A"
        assert len({piece.provider_id for piece in pieces}) == len(pieces)
        assert sum(len(piece.media) for piece in pieces) == (fields is image)
        assert make().receive(ask_tree(tree)).messages == (*pieces, last)
