"""What the Android app tells."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.errors import MalformedError
from tipline.gateway.batches import write_all_fields
from tipline.gateway.incoming import (
    MAX_PART_CHARACTERS,
    MAX_REFERENCES,
    MAX_TEXT_CHARACTERS,
    NO_FILE,
    Incoming,
)
from tipline.gateway.kinds.capcom6_events import (
    BATCHES,
    INLINE,
    MAX_BATCH,
    NO_MESSAGE,
    READERS,
    decode_inline,
    read_event,
)

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
NUMBER = "+525512345678"
PNG = b"\x89PNG\r\n\x1a\n"
# As the app's documentation and its code have them.
SMS: dict[str, Any] = {
    "messageId": "abc123",
    "message": "Android is always a sweet treat!",
    "sender": NUMBER,
    "recipient": None,
    "phoneNumber": NUMBER,
    "simNumber": 1,
    "receivedAt": "2026-11-21T15:46:11.000+07:00",
}
DATA: dict[str, Any] = {
    **{key: value for key, value in SMS.items() if key != "message"},
    "data": "SG9sYSDDsQ==",
}
ANNOUNCED: dict[str, Any] = {
    **{key: value for key, value in SMS.items() if key != "message"},
    "transactionId": "T1234567890ABC",
    "subject": "Photo",
    "size": 125684,
    "contentClass": "IMAGE_BASIC",
}
ATTACHED: dict[str, Any] = {
    "partId": 7,
    "contentType": "image/png",
    "name": "photo.png",
    "size": len(PNG),
    "data": base64.b64encode(PNG).decode(),
}
MMS: dict[str, Any] = {
    **{key: value for key, value in SMS.items() if key != "message"},
    "messageId": "42",
    "subject": None,
    "body": "mira",
    "attachments": [ATTACHED],
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "sms:received": SMS,
    "sms:data-received": DATA,
    "mms:received": ANNOUNCED,
    "mms:downloaded": MMS,
}


def read(kind: str, payload: Any) -> tuple[Incoming, ...]:
    """Read an event."""
    event = {"id": "Ey6ECgOkVVFjz3CL48B8C", "event": kind, "payload": payload}
    return read_event(event, gateway="phone", received_at=NOW)


def test_kinds_when_listed_then_each_that_can_bring_a_message_is_read() -> None:
    """What is read alone is read in a batch, and nothing is both a message and none."""
    assert set(BATCHES.values()) == set(READERS) == set(PAYLOADS)
    assert not NO_MESSAGE & (READERS.keys() | BATCHES.keys())


def test_sms_when_it_comes_then_the_events_id_is_the_messages() -> None:
    """The app's own `messageId` comes from the text."""
    (message,) = read("sms:received", SMS)
    assert (message.provider_id, message.sender) == ("Ey6ECgOkVVFjz3CL48B8C", NUMBER)
    assert (message.medium, message.text) == (Medium.SMS, "Android is always a sweet treat!")
    assert (message.media, message.part, message.received_at) == ((), None, NOW)


@pytest.mark.parametrize(
    ("told", "sender"),
    [
        ({"sender": None, "phoneNumber": NUMBER}, NUMBER),
        ({"sender": None, "phoneNumber": None}, ""),
        ({"sender": f"{NUMBER}/TYPE=PLMN"}, NUMBER),
        ({"sender": "insert-address-token", "phoneNumber": ""}, ""),
        ({"sender": "\u02bcUNKNOWN_SENDER!\u02bc"}, ""),
        ({"sender": "EXAMPLE"}, "EXAMPLE"),
    ],
)
def test_sender_when_told_in_any_way_then_is_read_or_nobody(
    told: dict[str, str | None], sender: str
) -> None:
    """Older apps use another name; what Android writes for "nobody" is nobody's name."""
    (message,) = read("sms:received", {**SMS, **told})
    assert message.sender == sender


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("sms:received", None),
        ("sms:received", {"sender": NUMBER, "words": "new form"}),
        ("sms:received", {**SMS, "message": ["new form"]}),
        ("sms:received", {**SMS, "sender": "9" * 101}),
        ("sms:data-received", {**DATA, "data": None}),
        ("sms:data-received", {**DATA, "data": "no base64"}),
        ("mms:received", "new form"),
        ("mms:downloaded", []),
        ("mms:downloaded", {**MMS, "attachments": {"0": ATTACHED}}),
    ],
)
def test_message_when_it_is_in_another_form_then_its_fields_are_the_text(
    kind: str, payload: Any
) -> None:
    """Nothing that is acknowledged is lost, and no tip is empty."""
    (message,) = read(kind, payload)
    assert message.text == write_all_fields(payload)
    told = payload.get("sender") if isinstance(payload, dict) else None
    assert (message.sender, message.media) == (NUMBER if told == NUMBER else "", ())


def test_message_when_it_is_in_another_form_and_long_then_all_of_its_fields_are_a_file() -> None:
    """A picture that the app came to lay out otherwise is acknowledged, and not cut off."""
    payload = {**MMS, "attachments": {"0": {**ATTACHED, "data": "A" * MAX_TEXT_CHARACTERS}}}
    (message,) = read("mms:downloaded", payload)
    (reference,) = message.media
    held = decode_inline(reference.location, limit_bytes=10**6)
    assert held == write_all_fields(payload).encode()


@pytest.mark.parametrize("data", [b"Hola \xc3\xb1", b"two\r\n\tlines"])
def test_data_when_it_is_text_then_is_the_text(data: bytes) -> None:
    """A data message of words is read as words."""
    (message,) = read("sms:data-received", {**DATA, "data": base64.b64encode(data).decode()})
    assert (message.text, message.media) == (data.decode(), ())


@pytest.mark.parametrize("data", [PNG, b"a\x00b", b" \n", "\u202e".encode()])
def test_data_when_it_is_no_text_then_is_a_file(data: bytes) -> None:
    """What nobody can read as words is kept as it is."""
    (message,) = read("sms:data-received", {**DATA, "data": base64.b64encode(data).decode()})
    (reference,) = message.media
    assert message.text == ""
    assert decode_inline(reference.location, limit_bytes=100) == data


def test_data_when_there_is_none_then_it_is_missing() -> None:
    """An empty one says that something is missing."""
    (message,) = read("sms:data-received", {**DATA, "data": ""})
    assert (message.text, message.media) == ("", (NO_FILE,))


def test_announcement_when_it_comes_then_it_waits_for_the_mms() -> None:
    """Before the phone has an MMS, it is no message yet."""
    (message,) = read("mms:received", ANNOUNCED)
    assert (message.medium, message.text, message.media) == (Medium.MMS, "Photo", ())
    assert message.part is not None
    assert (message.part.reference, message.part.is_announcement) == (message.provider_id, True)
    (message,) = read("mms:received", {**ANNOUNCED, "subject": "a" * 300})
    assert message.text == "a" * MAX_PART_CHARACTERS


def test_mms_when_it_is_there_then_text_and_files_are_read() -> None:
    """The file stands in the event."""
    (message,) = read("mms:downloaded", MMS)
    assert (message.medium, message.text, message.part) == (Medium.MMS, "mira", None)
    (reference,) = message.media
    assert reference.media_type == "image/png"
    assert decode_inline(reference.location, limit_bytes=len(PNG)) == PNG


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [("Photo", "mira", "Photo\nmira"), ("mira", "mira", "mira"), ("Photo", None, "Photo")],
)
def test_mms_when_it_has_a_subject_then_it_stands_before_the_text(
    subject: str, body: str | None, text: str
) -> None:
    """Subject and text are both what somebody wrote; the same is said once."""
    (message,) = read("mms:downloaded", {**MMS, "subject": subject, "body": body})
    assert message.text == text


@pytest.mark.parametrize("subject", ["reunión", "mañana 🙂", "Ré", "plain", "Ã"])
def test_subject_when_android_kept_its_bytes_as_characters_then_is_read(subject: str) -> None:
    """It is what the announcement said; what is right already stays."""
    kept = subject.encode("utf-8").decode("latin-1")
    for told in (kept, subject):
        (message,) = read("mms:downloaded", {**MMS, "subject": told})
        assert message.text == f"{subject}\nmira"


@pytest.mark.parametrize(
    ("message_id", "attached", "location"),
    [
        ("42", {**ATTACHED, "data": None}, "inbox/42/attachments/7"),
        ("../a?b", {"partId": "8"}, "inbox/..%2Fa%3Fb/attachments/8"),
        ("..", {"partId": 7}, ""),
        ("", {"partId": 7}, ""),
        ("42", {"partId": "../7"}, ""),
        ("42", {}, ""),
        ("42", "photo", ""),
    ],
)
def test_file_when_it_is_not_in_the_event_then_the_app_is_asked_or_it_is_missing(
    message_id: str, attached: Any, location: str
) -> None:
    """What is not there is looked for under the app's own ids, or is counted."""
    (message,) = read("mms:downloaded", {**MMS, "messageId": message_id, "attachments": [attached]})
    assert [one.location for one in message.media] == [location]


@pytest.mark.parametrize("attachments", [[], None])
def test_mms_when_nothing_is_in_it_then_something_is_missing(attachments: Any) -> None:
    """Somebody sent it: an MMS without words and files has lost them."""
    (message,) = read("mms:downloaded", {**MMS, "body": None, "attachments": attachments})
    assert (message.text, message.media) == ("", (NO_FILE,))
    (message,) = read("mms:downloaded", {**MMS, "attachments": attachments})
    assert (message.text, message.media) == ("mira", ())


def test_mms_when_it_has_too_many_files_then_the_message_is_not_lost() -> None:
    """So many references are kept, and the message stays one."""
    (message,) = read("mms:downloaded", {**MMS, "attachments": [ATTACHED] * (MAX_REFERENCES + 1)})
    assert len(message.media) == MAX_REFERENCES


@pytest.mark.parametrize(
    ("kind", "field"), [("sms:received", "message"), ("mms:downloaded", "body")]
)
def test_text_when_it_is_too_long_then_all_of_it_is_a_file(kind: str, field: str) -> None:
    """An MMS may hold a book."""
    text = "ñ" * (MAX_TEXT_CHARACTERS + 1)
    (message,) = read(kind, {**PAYLOADS[kind], field: text})
    assert message.text == text[:-1]
    assert decode_inline(message.media[0].location, limit_bytes=10**6) == text.encode()


@pytest.mark.parametrize(("batch", "kind"), BATCHES.items())
def test_batch_when_it_comes_then_each_of_it_is_as_if_it_came_alone(batch: str, kind: str) -> None:
    """Number, text and files are the same; the ids differ, and are the same in a repetition."""
    payload = {"messages": [PAYLOADS[kind], {**PAYLOADS[kind], "sender": "+525500000000"}]}
    messages = read(batch, payload)
    (alone,) = read(kind, PAYLOADS[kind])
    assert [one.sender for one in messages] == [NUMBER, "+525500000000"]
    assert [one.provider_id for one in messages] == [f"{alone.provider_id}:{n}" for n in (0, 1)]
    assert {(one.text, one.media, one.medium) for one in messages} == {
        (alone.text, alone.media, alone.medium)
    }
    assert read(batch, payload) == messages


def test_batch_when_one_is_in_another_form_then_the_others_are_read() -> None:
    """One that nobody can read keeps no other from being stored."""
    odd, sound = read("sms:batch:received", {"messages": [7, SMS]})
    assert (odd.text, sound.text) == ("7", SMS["message"])
    assert read("sms:batch:received", {"messages": []}) == ()


@pytest.mark.parametrize("kind", sorted(NO_MESSAGE))
def test_event_when_it_is_no_message_then_nothing_is_read(kind: str) -> None:
    """What tells of something else is known by its name."""
    assert read(kind, SMS) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"event": "sms:imported"},  # a kind that a later version may have
        {"event": ""},
        {"event": None},
        {"id": ""},
        {"id": "x" * 201},
        {"event": "sms:batch:received", "id": "x" * 199, "payload": {"messages": [SMS]}},
        {"event": "sms:batch:received", "id": "", "payload": {"messages": [SMS]}},
        {"event": "sms:batch:received", "payload": None},
        {"event": "sms:batch:received", "payload": {"messages": {"0": SMS}}},
        {"event": "sms:batch:received", "payload": {"messages": [SMS] * (MAX_BATCH + 1)}},
    ],
)
def test_event_when_it_may_bring_what_we_cannot_read_then_it_is_refused(
    changed: dict[str, Any],
) -> None:
    """What is acknowledged is forgotten by the app: so what is not understood is not."""
    event = {"id": "1", "event": "sms:received", "payload": SMS, **changed}
    with pytest.raises(MalformedError):
        read_event(event, gateway="phone", received_at=NOW)


def test_inline_when_it_is_too_long_then_nothing_is_decoded_and_no_base64_stays_as_it_is() -> None:
    """A file is bounded before it is decoded, and after."""
    assert decode_inline(f"{INLINE}QUJD", limit_bytes=3) == b"ABC"
    assert decode_inline(f"{INLINE}QUJD", limit_bytes=2) is None
    assert decode_inline(f"{INLINE}QUJDRA==", limit_bytes=3) is None
    assert decode_inline(f"{INLINE}{'!' * 8}", limit_bytes=3) is None  # not even looked at
    assert decode_inline(f"{INLINE}é!", limit_bytes=3) == "é!".encode()
    assert decode_inline(f"{INLINE}éé!", limit_bytes=3) is None


def test_message_when_shown_then_neither_number_nor_words_nor_files_are() -> None:
    """A traceback holds nothing of it."""
    shown = repr(read("mms:downloaded", MMS))
    assert NUMBER not in shown
    assert "mira" not in shown
    assert ATTACHED["data"] not in shown
