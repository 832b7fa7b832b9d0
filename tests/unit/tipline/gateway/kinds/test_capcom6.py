"""The Android app's webhooks and its API."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider, serve_provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.kinds.capcom6 import NO_FILE, Capcom6

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
TIMESTAMP = str(int(NOW.timestamp()))
# As the app's documentation shows them.
SMS = {
    "deviceId": "ffffffffceb0b1db0000018e937c815b",
    "event": "sms:received",
    "id": "Ey6ECgOkVVFjz3CL48B8C",
    "payload": {
        "messageId": "abc123",
        "message": "Android is always a sweet treat!",
        "sender": "6505551212",
        "recipient": None,
        "simNumber": 1,
        "receivedAt": "2026-11-21T15:46:11.000+07:00",
    },
    "webhookId": "unique-id",
}
MMS = {
    **SMS,
    "event": "mms:received",
    "payload": {"sender": "+12345678910", "subject": "Photo", "size": 125684},
}


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """The other side."""
    async with serve_provider() as provider:
        yield provider


def make(send_url: str = "http://127.0.0.1:1/messages") -> Capcom6:
    """Make the adapter."""
    return Capcom6(
        "phone",
        signing_key=Secret(b"s1gn"),
        send_url=send_url,
        user=Secret(b"sms"),
        password=Secret(b"pass"),
    )


def ask(event: Any, **changed: Any) -> RawRequest:
    """Make a request as the app signs it."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    timestamp = changed.get("timestamp", TIMESTAMP)
    signature = hmac.new(b"s1gn", body + timestamp.encode(), hashlib.sha256).hexdigest()
    return RawRequest(
        method=changed.get("method", "POST"),
        target="/phone",
        headers={"x-timestamp": timestamp, "x-signature": changed.get("signature", signature)},
        body=body,
        received_at=NOW,
    )


def test_sms_when_it_comes_then_it_is_read() -> None:
    """The event's id is the message's: the app's own `messageId` comes from the text."""
    (message,) = make().receive(ask(SMS)).messages
    assert (message.provider_id, message.sender, message.medium) == (
        "Ey6ECgOkVVFjz3CL48B8C",
        "6505551212",
        Medium.SMS,
    )
    assert message.text == "Android is always a sweet treat!"


def test_sms_when_an_older_app_sends_it_then_its_sender_is_read() -> None:
    """Older versions say `phoneNumber`."""
    event = {**SMS, "payload": {"message": "a", "phoneNumber": "+525512345678"}}
    (message,) = make().receive(ask(event)).messages
    assert message.sender == "+525512345678"


def test_mms_when_it_comes_then_its_file_is_known_to_be_missing() -> None:
    """The app gives no file, so one is counted."""
    (message,) = make().receive(ask(MMS)).messages
    assert (message.medium, message.text, message.media) == (Medium.MMS, "Photo", (NO_FILE,))


@pytest.mark.parametrize("event", ["sms:sent", "sms:delivered", "system:ping", "future:event"])
def test_event_when_it_is_no_message_then_it_is_acknowledged(event: str) -> None:
    """What tells of something else is answered, so that the app does not repeat it."""
    received = make().receive(ask({**SMS, "event": event}))
    assert received.messages == ()
    assert received.answer.status == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"signature": ""}, "gateway_signature"),
        ({"signature": "00" * 32}, "gateway_signature"),
        ({"timestamp": str(int(TIMESTAMP) - 301)}, "gateway_stale"),
        ({"timestamp": str(int(TIMESTAMP) + 301)}, "gateway_stale"),
        ({"timestamp": "soon"}, "gateway_stale"),
        ({"method": "GET"}, "gateway_malformed"),
    ],
)
def test_request_when_one_thing_is_wrong_then_it_is_refused(
    changed: dict[str, str], code: str
) -> None:
    """Signature, then time, then form."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(SMS, **changed))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", {**SMS, "id": ""}, {**SMS, "id": "x" * 201}]
)
def test_body_when_it_is_no_event_then_it_is_refused(body: Any) -> None:
    """What is signed and no event is refused."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask(body))


async def test_answer_when_it_is_sent_then_the_app_is_asked_as_it_wants(
    provider: Provider,
) -> None:
    """Number, text and the user's password go where the operator wrote."""
    provider.answer("POST", "/messages", status=202)
    await make(f"{provider.url}/messages").send("+525512345678", "Recibido, ñ")
    (asked,) = provider.asked
    assert json.loads(asked.body) == {
        "textMessage": {"text": "Recibido, ñ"},
        "phoneNumbers": ["+525512345678"],
    }
    assert asked.authorization == "Basic c21zOnBhc3M="


async def test_file_when_it_is_asked_for_then_there_is_none() -> None:
    """The app gives no files, and removes none."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make().fetch(NO_FILE, limit_bytes=1)
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make().forget(NO_FILE)
