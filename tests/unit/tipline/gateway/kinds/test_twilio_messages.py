"""What is inside Twilio's forms and events."""

from __future__ import annotations

import datetime
import json

import pytest

from tests.twilios import (
    ACCOUNT,
    FORM,
    NOW,
    PUBLIC,
    SID,
    TOKEN,
    ask,
    ask_form,
    ask_json,
    make,
    make_event,
)
from tipline.errors import GatewayError
from tipline.gateway.adapter import Received
from tipline.gateway.incoming import MAX_REFERENCES
from tipline.gateway.kinds.twilio import MAX_AGE
from tipline.gateway.kinds.twilio_messages import INBOUND_EVENT
from tipline.gateway.kinds.twilio_signature import sign_request


@pytest.mark.parametrize(
    "change",
    [
        {"MessageSid": "SM1"},
        {"MessageSid": "CA" + "1" * 32},
        {"From": "whatsapp:+525512345678"},
        {"From": "messenger:12345"},
        {"From": "x" * 200},
        {"AccountSid": "AC" + "9" * 32},
        {"NumMedia": "-1"},
        {"NumMedia": "x"},
        {"NumMedia": str(MAX_REFERENCES + 1)},
        {"NumMedia": "1", "MediaUrl0": ""},
    ],
)
def test_form_when_a_field_is_of_another_form_then_is_refused(change: dict[str, str]) -> None:
    """What is signed is not therefore believed: WhatsApp over Twilio was accepted by nobody."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_form({**FORM, **change}))
    assert caught.value.code == "gateway_malformed"


@pytest.mark.parametrize(
    "body",
    [b"", b"Body", b"%zz", b"Body=%ff", "Body=ñ".encode(), b"A=1&A=2", b"a=1&" * 300, b"{}", b"\0"],
)
def test_form_when_it_is_none_then_is_refused(body: bytes) -> None:
    """Broken forms are refused, whatever was signed."""
    with pytest.raises(GatewayError):
        make().receive(ask(body, sign_request(TOKEN, PUBLIC, ())))


def test_request_when_not_a_post_then_is_refused() -> None:
    """Twilio is told to use POST: what stands in an address ends up in logs."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(b"", sign_request(TOKEN, PUBLIC, ()), method="GET"))
    assert caught.value.code == "gateway_malformed"


def test_json_when_signed_then_its_events_are_read() -> None:
    """Events of incoming messages count, others do not."""
    received = make().receive(
        ask_json([make_event(), {"type": "com.twilio.messaging.message.sent", "data": {}}])
    )
    (message,) = received.messages
    assert (message.sender, message.text, message.provider_id) == ("+525512345678", "text", SID)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "com.twilio.conversations.message.added", "data": {"body": "text"}},
        {"type": "com.twilio.messaging.inbound-message.received.v2", "data": {}},
        7,
    ],
)
def test_json_when_an_event_is_not_known_then_it_is_not_agreed_to(other: object) -> None:
    """What may hold a message is refused, or told beside others: Twilio may have no other."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask_json([other]))
    received = make().receive(ask_json([make_event(), other]))
    assert (len(received.messages), received.is_partly_refused) == (1, True)


def test_report_when_it_comes_then_is_no_message_and_tells_what_did_not_arrive() -> None:
    """A status of an answer is agreed to, as a form and as an event."""
    form = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": "+15005550006", "To": "+52155"}
    cases = (("delivered", False), ("undelivered", True), ("failed", True))
    for status, has_undelivered in cases:
        reports = (
            make().receive(ask_form({**form, "MessageStatus": status})),
            make().receive(ask_json([{"type": f"com.twilio.messaging.message.{status}"}])),
        )
        assert [one.messages for one in reports] == [(), ()]
        assert [one.has_undelivered for one in reports] == [has_undelivered] * 2
    test_event = {"type": "com.twilio.eventstreams.test-event", "data": {"TestId": "1"}}
    assert make().receive(ask_json([test_event])) == Received()


def test_form_when_a_file_is_counted_and_not_named_then_it_is_one() -> None:
    """A file without an address is looked up; what cannot be found is missing in the tip."""
    (message,) = make().receive(ask_form({**FORM, "NumMedia": "2", "MediaUrl1": "x"})).messages
    assert [one.location for one in message.media] == [f"{SID}/0", "x"]


def test_message_when_it_says_something_without_words_then_its_fields_are_the_text() -> None:
    """A place is not lost because it is no text; what stands beside every message is no text."""
    beside = {"FromCity": "X", "ToZip": "1", "NumSegments": "1", "OptOutType": "HELP", "Body": ""}
    beside |= {"ErrorCode": "11200", "ErrorUrl": PUBLIC}  # of a second try
    place = {"Latitude": "19.4", "Longitude": "-99.1", "Label": ""}
    (empty,) = make().receive(ask_form({**FORM, **beside})).messages
    (told,) = make().receive(ask_form({**FORM, **beside, **place})).messages
    assert empty.text == ""
    assert json.loads(told.text) == {"Latitude": "19.4", "Longitude": "-99.1"}
    (event,) = make().receive(ask_json([make_event(body="", latitude=19)])).messages
    assert json.loads(event.text) == {"latitude": 19}


def test_message_when_its_number_was_withheld_then_it_is_kept() -> None:
    """Nobody is its sender, and nothing of it is lost."""
    (form,) = make().receive(ask_form({**FORM, "From": ""})).messages
    (event,) = make().receive(ask_json([make_event(**{"from": None})])).messages
    assert (form.sender, form.text) == ("", "Núñez + co")
    assert (event.sender, event.text) == ("", "text")


def test_json_when_an_event_waited_then_it_is_taken_with_a_younger_one() -> None:
    """Twilio signed both at once: after an outage nothing is lost that it still brings."""
    old = make_event(timestamp=(NOW - 2 * MAX_AGE).isoformat(), body="old")
    taken = make().receive(ask_json([old, make_event()])).messages
    assert [message.text for message in taken] == ["old", "text"]


@pytest.mark.parametrize(
    ("odd", "provider_id"),
    [
        (make_event(messageSid=1), None),
        (make_event(numMedia="many"), SID),
        (make_event(numMedia=101), SID),
        (make_event(**{"from": "5" * 200}), SID),
        ({"type": INBOUND_EVENT}, None),
        ({**FORM, "MessageSid": "SM1"}, None),
    ],
)
def test_json_when_an_event_lacks_something_then_its_fields_are_kept_and_the_others_too(
    odd: dict[str, object], provider_id: str | None
) -> None:
    """One event in another form is sealed as it came, and blocks none that came with it."""
    first, kept, last = make().receive(ask_json([make_event(), odd, make_event()])).messages
    assert (first.text, last.text) == ("text", "text")
    assert kept.text == json.dumps(odd, ensure_ascii=False)
    if provider_id is None:
        assert kept.provider_id.startswith("odd-")
    else:
        assert kept.provider_id == provider_id
    (again,) = make().receive(ask_json([odd])).messages
    assert again == kept


def test_json_when_an_event_is_longer_than_a_text_then_none_of_it_is_lost() -> None:
    """What is too long for one message makes several; a form that long is refused."""
    odd = make_event(body="x" * 200_000)
    *pieces, last = make().receive(ask_json([odd, make_event()])).messages
    assert "".join(piece.text for piece in pieces) == json.dumps(odd)
    assert (pieces[0].provider_id, last.text) == (SID, "text")
    assert len({piece.provider_id for piece in pieces}) == len(pieces) == 4
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask_form({**FORM, "Body": "", "Address": "x" * 65_537}))


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-11-21T12:00:00", None])
def test_json_when_an_event_has_no_time_then_it_is_read(timestamp: object) -> None:
    """Its id alone keeps a copy from counting twice, as with a form."""
    (message,) = make().receive(ask_json([make_event(timestamp=timestamp)])).messages
    assert message.text == "text"


@pytest.mark.parametrize(
    "other",
    [
        make_event(**{"from": "whatsapp:+525512345678"}),
        {**FORM, "From": "messenger:1"},
        {**FORM, "AccountSid": "AC" + "9" * 32},
    ],
)
def test_json_when_an_event_is_of_another_company_then_only_the_others_are_taken(
    other: dict[str, object],
) -> None:
    """What nobody accepted here is left out, and that is told."""
    received = make().receive(ask_json([make_event(), other]))
    assert [message.text for message in received.messages] == ["text"]
    assert received.is_partly_refused
    assert not make().receive(ask_json([make_event()])).is_partly_refused
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask_json([other]))


def test_json_when_it_has_the_names_of_a_form_then_is_read_like_one() -> None:
    """A service that forwards forms as JSON is understood, too."""
    (message,) = make().receive(ask_json(FORM)).messages
    assert message.text == "Núñez + co"


@pytest.mark.parametrize("age", [MAX_AGE + datetime.timedelta(1), -datetime.timedelta(hours=1)])
def test_json_when_an_event_is_old_or_ahead_then_is_stale(age: datetime.timedelta) -> None:
    """What Twilio no longer repeats is nobody's any more."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_json([make_event(timestamp=(NOW - age).isoformat())]))
    assert caught.value.code == "gateway_stale"


@pytest.mark.parametrize(
    "value",
    [
        [],
        [make_event()] * 101,
    ],
)
def test_json_when_of_another_form_then_is_refused(value: object) -> None:
    """Signed JSON is not therefore believed."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_json(value))
    assert caught.value.code == "gateway_malformed"
