"""A gateway at Twilio, and what comes to it, signed."""

from __future__ import annotations

import datetime
import hashlib
import json
from urllib.parse import urlencode

from crypto.secret import Secret
from tipline.gateway.adapter import RawRequest
from tipline.gateway.kinds.twilio import Twilio
from tipline.gateway.kinds.twilio_messages import INBOUND_EVENT
from tipline.gateway.kinds.twilio_signature import sign_request

TOKEN = Secret(b"12345")
ACCOUNT = "AC" + "0" * 32
SID = "SM" + "1" * 32
PUBLIC = "https://line.example/gateway/twilio-1"
NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
FORM = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": "+525512345678", "Body": "Núñez + co"}


def make(*, public_url: str = PUBLIC, api_url: str = "https://api.twilio.com") -> Twilio:
    """Make the adapter."""
    return Twilio(
        "twilio-1",
        auth_token=TOKEN,
        account_sid=ACCOUNT,
        sender="+15005550006",
        public_url=public_url,
        api_url=api_url,
    )


def ask(
    body: bytes,
    signature: str,
    *,
    media_type: str = "application/x-www-form-urlencoded",
    target: str = "/twilio-1",
    method: str = "POST",
    host: str = "internal:8080",
) -> RawRequest:
    """Make a request as the listener hands it over."""
    return RawRequest(
        method=method,
        target=target,
        headers={"content-type": media_type, "x-twilio-signature": signature, "host": host},
        body=body,
        received_at=NOW,
    )


def ask_form(fields: dict[str, str], *, url: str = PUBLIC) -> RawRequest:
    """Make a form, signed."""
    signature = sign_request(TOKEN, url, fields.items())
    return ask(urlencode(fields).encode(), signature)


def ask_json(value: object) -> RawRequest:
    """Make a JSON webhook, signed."""
    body = json.dumps(value).encode()
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    return ask(
        body,
        sign_request(TOKEN, f"{PUBLIC}?{query}", ()),
        media_type="application/json",
        target=f"/twilio-1?{query}",
    )


def make_event(**data: object) -> dict[str, object]:
    """Make an event of an incoming message."""
    usual = {
        "messageSid": SID,
        "from": "+525512345678",
        "body": "text",
        "numMedia": 0,
        "timestamp": NOW.isoformat(),
    }
    return {"specversion": "1.0", "type": INBOUND_EVENT, "data": {**usual, **data}}
