"""The Android app's webhooks and its API."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import NO_FILE, MediaReference
from tipline.gateway.kinds.capcom6 import Capcom6
from tipline.gateway.kinds.capcom6_events import INLINE

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


@pytest.mark.parametrize("event", ["sms:sent", "sms:failed", "system:ping"])
def test_event_when_it_is_no_message_then_it_is_acknowledged(event: str) -> None:
    """What tells of something else is answered, so that the app does not repeat it."""
    received = make().receive(ask({**SMS, "event": event}))
    assert (received.messages, received.answer.status) == ((), 200)
    assert received.has_undelivered is (event == "sms:failed")


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
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        {**SMS, "id": ""},
        {**SMS, "id": "x" * 201},
        {**SMS, "event": "sms:imported"},
    ],
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


@pytest.mark.parametrize(("end", "mark"), [("/messages", "?"), ("/messages?a=b", "&")])
async def test_answer_when_it_goes_to_a_short_code_then_the_app_is_told_not_to_check_it(
    provider: Provider, end: str, mark: str
) -> None:
    """To the app's check a short code is no number."""
    provider.answer("POST", f"{end}{mark}skipPhoneValidation=true", status=202)
    await make(f"{provider.url}{end}").send("27272", "Recibido")
    assert json.loads(provider.asked[0].body)["phoneNumbers"] == ["27272"]


async def test_file_when_it_stands_in_the_event_then_nobody_is_asked(provider: Provider) -> None:
    """It is decoded, no longer than allowed; what is no base64 is not lost either."""
    reference = MediaReference(location=f"{INLINE}AP8=", media_type="")
    phone = make(f"{provider.url}/messages")
    assert await phone.fetch(reference, limit_bytes=2) == b"\x00\xff"
    with pytest.raises(GatewayError, match="gateway_media"):
        await phone.fetch(reference, limit_bytes=1)
    odd = MediaReference(location=f"{INLINE}AP8\n=", media_type="")
    assert await phone.fetch(odd, limit_bytes=9) == b"AP8\n="
    assert provider.asked == []


@pytest.mark.parametrize("end", ["/messages", "/message", "/below/messages"])
async def test_file_when_it_is_not_in_the_event_then_the_app_is_asked(
    provider: Provider, end: str
) -> None:
    """The app's API lies where answers go, under the same user."""
    target = f"{end.rpartition('/')[0]}/inbox/42/attachments/7"
    provider.answer("GET", target, b"photo")
    reference = MediaReference(location="inbox/42/attachments/7", media_type="image/png")
    assert await make(f"{provider.url}{end}").fetch(reference, limit_bytes=5) == b"photo"
    (asked,) = provider.asked
    assert (asked.target, asked.authorization) == (target, "Basic c21zOnBhc3M=")
    with pytest.raises(GatewayError, match="gateway_media"):
        await make(f"{provider.url}{end}").fetch(reference, limit_bytes=4)


async def test_file_when_nobody_has_it_then_nobody_is_asked(provider: Provider) -> None:
    """What has no place, and what is below an address that is not the app's, is missing."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(f"{provider.url}/messages").fetch(NO_FILE, limit_bytes=1)
    reference = MediaReference(location="inbox/42/attachments/7", media_type="")
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(f"{provider.url}/send").fetch(reference, limit_bytes=9)
    elsewhere = MediaReference(location=f"{provider.url}/inbox/42/attachments/7", media_type="")
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(f"{provider.url}/messages").fetch(elsewhere, limit_bytes=9)
    assert provider.asked == []


async def test_file_when_it_is_stored_then_the_phone_is_asked_for_nothing(
    provider: Provider,
) -> None:
    """The app has no call that removes what came; that is no fault of each night."""
    await make(f"{provider.url}/messages").forget(NO_FILE)
    assert provider.asked == []
