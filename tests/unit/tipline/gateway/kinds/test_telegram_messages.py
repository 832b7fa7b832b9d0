"""What a message of Telegram's tells: words and files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tipline.gateway.incoming import MAX_REFERENCES, MAX_TEXT_CHARACTERS, MediaReference
from tipline.gateway.kinds.telegram_messages import list_files, read_words

AROUND = {
    "message_id": 7,
    "from": {"id": 1, "first_name": "Ana"},
    "chat": {"id": 1, "type": "private", "first_name": "Ana"},
    "date": 1,
}
BEFORE = {**AROUND, "text": "what was said before"}
PLACE = {"latitude": "19.43", "longitude": "-99.13", "horizontal_accuracy": "5.0"}


def refer(*locations: str, media_type: str = "application/octet-stream") -> list[MediaReference]:
    """Refer to files of one type."""
    return [MediaReference(location=one, media_type=media_type) for one in locations]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "hola"}, "hola"),
        ({"text": "half \ud83d"}, "half \ufffd"),
        ({"caption": "look", "photo": [{"file_id": "F"}]}, "look"),
        ({"photo": [{"file_id": "F"}]}, ""),
        ({"location": PLACE}, "19.43, -99.13"),
        ({"text": "here", "location": {**PLACE, "live_period": 60}}, "here\n19.43, -99.13"),
        (
            {
                "location": PLACE,
                "venue": {"location": PLACE, "title": "Pier", "address": "3", "foursquare_id": "x"},
            },
            "19.43, -99.13\nPier\n3",
        ),
        ({"venue": {"location": PLACE, "title": "Pier"}}, "19.43, -99.13\nPier"),
        ({"contact": {"first_name": "A", "phone_number": "+52"}}, "A +52"),
        ({"sticker": {"file_id": "F", "emoji": "🙂", "set_name": "Faces"}}, "🙂"),
        (
            {"contact": {"first_name": "A", "vcard": "BEGIN:VCARD", "user_id": 9}},
            'A\nBEGIN:VCARD\n{"contact": {"user_id": 9}}',
        ),
        ({"dice": {"emoji": "🎲", "value": 3}}, '{"dice": {"emoji": "🎲", "value": 3}}'),
        ({"of_the_future": "x"}, '{"of_the_future": "x"}'),
        ({"text": "seen", "of_the_future": {}}, 'seen\n{"of_the_future": {}}'),
        ({"contact": {}}, '{"contact": {}}'),
        ({"caption": "", "location": "nowhere"}, '{"caption": "", "location": "nowhere"}'),
        ({}, "{}"),
    ],
)
def test_message_when_it_tells_something_then_it_stands_in_the_words(
    fields: dict[str, Any], words: str
) -> None:
    """A text, a place, a contact, and what nobody knows yet: each is told."""
    assert read_words({**AROUND, **fields}) == words


@pytest.mark.parametrize("kind", ["entities", "caption_entities"])
def test_words_when_an_address_stands_behind_them_then_it_is_told(kind: str) -> None:
    """A link shows a word and leads elsewhere; bold letters lead nowhere."""
    entities = [
        {"type": "bold", "offset": 0, "length": 4},
        {"type": "text_link", "offset": 0, "length": 4, "url": "https://example.org/ledger"},
        {"type": "text_link", "offset": 5, "length": 4, "url": "https://example.org/ledger"},
        {"type": "text_mention", "offset": 5, "length": 3, "user": {"id": 99, "first_name": "B"}},
    ]
    assert read_words({**AROUND, "text": "this one", kind: entities}) == (
        "this one\nhttps://example.org/ledger\ntg://user?id=99"
    )


def test_words_when_they_were_forwarded_then_it_says_of_whom() -> None:
    """Somebody else's words are no words of whoever sends them on."""
    origin = {"type": "hidden_user", "sender_user_name": "Beto", "date": 1}
    first, rest = read_words({**AROUND, "text": "pay me", "forward_origin": origin}).split("\n")
    assert (first, json.loads(rest)) == ("pay me", {"forward_origin": origin})


def test_words_when_they_answer_a_message_then_only_what_is_new_is_told() -> None:
    """What is quoted of this chat came before; what is quoted of another chat did not."""
    quoted = {"text": "before", "position": 0}
    answer = {**AROUND, "text": "yes", "reply_to_message": BEFORE, "quote": quoted}
    assert read_words(answer) == "yes"
    elsewhere = {"origin": {"type": "channel", "chat": {"title": "News"}, "message_id": 3}}
    words = read_words({**AROUND, "text": "yes", "external_reply": elsewhere, "quote": quoted})
    assert json.loads(words.split("\n")[1]) == {"external_reply": elsewhere, "quote": quoted}


def test_words_when_they_order_then_nothing_is_added() -> None:
    """STOP is an order whatever Telegram writes beside it."""
    origin = {"type": "hidden_user", "sender_user_name": "Beto", "date": 1}
    assert read_words({**AROUND, "text": "/stop", "forward_origin": origin}) == "/stop"


def test_words_when_a_message_stands_within_then_nobodys_name_is_told() -> None:
    """Who wrote to whom stands around the message within, and is not told either."""
    assert read_words({**AROUND, "pinned_message": BEFORE}) == (
        '{"pinned_message": {"text": "what was said before"}}'
    )


def test_words_when_they_are_longer_than_a_tip_then_it_shows() -> None:
    """What is cut ends with a mark."""
    words = read_words({**AROUND, "text": "é", "of_the_future": "x" * MAX_TEXT_CHARACTERS})
    assert (len(words), words[-1]) == (MAX_TEXT_CHARACTERS, "…")


def test_rich_message_when_it_comes_then_all_its_words_stand_in_lines() -> None:
    """Headings, lists, tables, hidden details and captions are read; how they look is not."""
    blocks = [
        {"type": "heading", "text": "Ledger", "size": 1},
        {"type": "paragraph", "text": ["see ", {"type": "bold", "text": "this"}, "."]},
        {"type": "paragraph", "text": {"type": "url", "text": "it", "url": "https://example.org"}},
        {
            "type": "list",
            "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": "a"}]}],
        },
        {"type": "table", "cells": [[{"text": "x"}, {"text": "y"}], [{"text": "z"}]]},
        {
            "type": "details",
            "summary": "more",
            "blocks": [{"type": "blockquote", "blocks": [{"type": "paragraph", "text": "b"}]}],
        },
        {"type": "mathematical_expression", "expression": "a+b"},
        {"type": "photo", "photo": [{"file_id": "F"}], "caption": {"text": "c", "credit": "d"}},
        {"type": "map", "location": {"latitude": "19.4", "longitude": "-99.1"}, "zoom": 3},
        {"type": "voice_note", "voice_note": {"file_id": "V", "mime_type": "audio/ogg"}},
        {"type": "divider"},
    ]
    message = {**AROUND, "rich_message": {"blocks": blocks, "is_rtl": False}}
    assert read_words(message).split("\n") == [
        *("Ledger", "see this.", "it https://example.org", "1.", "a", "x\ty", "z", "more", "b"),
        *("a+b", "c d", "19.4 -99.1"),
    ]
    photo, voice = list_files(message)
    assert (photo.location, photo.media_type) == ("F", "image/jpeg")
    assert (voice.location, voice.media_type) == ("V", "audio/ogg")


def test_photo_when_it_comes_in_several_sizes_then_the_largest_counts() -> None:
    """The same photo three times is one photo, in whatever order; without sizes, the last."""
    photo = [{"file_id": str(side), "width": side, "height": side} for side in (90, 1280, 320)]
    assert list_files({"photo": photo}) == tuple(refer("1280", media_type="image/jpeg"))
    named = [{"file_id": name} for name in ("small", "large")]
    assert list_files({"photo": named}) == tuple(refer("large", media_type="image/jpeg"))
    assert list_files({"new_chat_photo": named}) == tuple(refer("large", media_type="image/jpeg"))
    assert list_files({"photo": [{}]}) == ()


@pytest.mark.parametrize(
    ("kind", "usual"),
    [
        ("document", "application/octet-stream"),
        ("audio", "audio/mpeg"),
        ("voice", "audio/ogg"),
        ("video", "video/mp4"),
        ("video_note", "video/mp4"),
        ("animation", "video/mp4"),
        ("sticker", "image/webp"),
        ("of_the_future", "application/octet-stream"),
    ],
)
def test_file_when_it_comes_then_is_referred_to_once(kind: str, usual: str) -> None:
    """Every kind of file is referred to, without its small pictures; an animation once."""
    file = {"file_id": "F", "thumbnail": {"file_id": "T"}, "cover": [{"file_id": "C"}]}
    fields: dict[str, Any] = {kind: {**file, "mime_type": "x/y"}}
    if kind == "animation":
        fields["document"] = {"file_id": "G"}
    assert list_files(fields) == tuple(refer("F", media_type="x/y"))
    assert list_files({kind: file}) == tuple(refer("F", media_type=usual))
    assert read_words({**AROUND, **fields}) == ""


def test_live_photo_when_it_comes_then_picture_and_film_are_referred_to() -> None:
    """The picture stands in two places, and is one."""
    sizes = [{"file_id": "P", "file_unique_id": "p"}]
    again = [{"file_id": "Q", "file_unique_id": "p"}]
    film = {"file_id": "F", "file_unique_id": "f", "photo": again}
    assert list_files({"photo": sizes, "live_photo": film}) == (
        *refer("P", media_type="image/jpeg"),
        *refer("F", media_type="video/mp4"),
    )


def test_files_when_they_stand_within_then_they_are_referred_to() -> None:
    """What is paid for, asked in a poll, or quoted of another chat has files, too."""
    fields = {
        "paid_media": {
            "star_count": 1,
            "paid_media": [{"type": "video", "video": {"file_id": "A"}}],
        },
        "poll": {"question": "?", "media": {"photo": [{"file_id": "B"}]}, "options": []},
        "external_reply": {"voice": {"file_id": "C"}},
        "reply_to_message": {**BEFORE, "voice": {"file_id": "D"}},
        "pinned_message": {**BEFORE, "voice": {"file_id": "E"}},
    }
    assert [one.location for one in list_files(fields)] == ["A", "B", "C"]
    assert json.loads(read_words({**AROUND, **fields})) == {
        "paid_media": {"star_count": 1, "paid_media": [{"type": "video"}]},
        "poll": {"question": "?", "options": []},
        "pinned_message": {"text": "what was said before"},
    }


def test_files_when_there_are_more_than_any_message_has_then_only_so_many_count() -> None:
    """A message is bounded in its files, too."""
    many = [{"file_id": str(number)} for number in range(MAX_REFERENCES + 1)]
    assert len(list_files({"of_the_future": many})) == MAX_REFERENCES
