"""
What the Android app "SMS Gateway" posts and answers: with all fields of its own classes, signed by
openssl.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import subprocess
from typing import Any

from android_sms_gateway import domain
from android_sms_gateway.enums import ProcessState

from tests.providers import Provider
from tests.service.phones import install_gateways, make_gateway
from tipline.demonstration.photo import label_photo, make_photo

KEY = "signing-key-of-the-app"
NUMBER = "+525512345678"
OTHER = "+525587654321"
TEXT = "Soborno en el muelle, lo vio la señora del puesto nueve"
PHOTO = make_photo(width_pixels=64)
LABELLED = label_photo(PHOTO)


def make_payload(kind: str, **changed: Any) -> dict[str, Any]:
    """Make a payload with all fields of the app's class for it."""
    common = {
        "messageId": secrets.token_hex(4),
        "sender": NUMBER,
        "recipient": OTHER,
        "simNumber": 1,
        "phoneNumber": NUMBER,
        "receivedAt": "2031-03-14T09:09:26.000-06:00",
    }
    own: dict[str, dict[str, Any]] = {
        "sms:received": {"message": TEXT},
        "sms:data-received": {"data": base64.b64encode(TEXT.encode()).decode()},
        "mms:received": {
            "transactionId": "T1234567890ABC",
            "subject": TEXT,
            "size": 125684,
            "contentClass": "IMAGE_BASIC",
        },
        "mms:downloaded": {
            "messageId": "42",
            "body": TEXT,
            "subject": None,
            "attachments": [make_attachment(LABELLED)],
        },
    }
    return {**common, **own[kind], **changed}


def make_attachment(content: bytes | None, *, part: int = 7) -> dict[str, Any]:
    """Make an attachment as the app's class has it."""
    data = None if content is None else base64.b64encode(content).decode()
    size = 0 if content is None else len(content)
    return {
        "partId": part,
        "contentType": "image/jpeg",
        "name": "IMG_20310314.jpg",
        "size": size,
        "data": data,
    }


def make_event(kind: str, payload: Any, *, event_id: str | None = None) -> dict[str, Any]:
    """Make an event as the app's class has it."""
    return {
        "id": event_id or secrets.token_urlsafe(16),
        "webhookId": "LreFUt-Z3sSq0JufY9uWB",
        "event": kind,
        "deviceId": "ffffffffceb0b1db0000018e937c815b",
        "payload": payload,
    }


def sign_by_openssl(body: bytes, timestamp: str, *, key: str = KEY) -> str:
    """Sign a body as the app does, by a program of somebody else's."""
    said = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", key],
        input=body + timestamp.encode(),
        capture_output=True,
        check=True,
    )
    return said.stdout.decode().rpartition("= ")[2].strip()


async def post(caller: Any, event: dict[str, Any] | bytes, **changed: Any) -> int:
    """Post an event as the app does; tell the status."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    timestamp = str(int(caller.clock().timestamp()))
    signature = changed.get("signature") or sign_by_openssl(body, timestamp)
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "me.capcom.smsgateway/1.77.1",
        "X-Timestamp": timestamp,
        "X-Signature": signature,
    }
    body = changed.get("body", body)
    async with caller.session.post("/phone", data=io.BytesIO(body), headers=headers) as response:
        await response.read()
        return int(response.status)


def install_phone(world: Any, phone: Provider, **keys: Any) -> None:
    """Give a line a phone with the app."""
    gateway = make_gateway("capcom6", **{"send_url": f"{phone.url}/messages", **keys})
    shown = {"signing_key": KEY, "user": "sms", "password": "pass"}
    install_gateways(world.directory, secrets={"phone": shown}, phone=gateway)


def make_state(to: str) -> bytes:
    """Make what the app says when it took an answer, as the official client reads it."""
    state = domain.MessageState(
        id="PyDmBQZZXYmyxMwED8Fzy",
        state=ProcessState.Pending,
        recipients=[domain.RecipientState(phone_number=to, state=ProcessState.Pending, error=None)],
        is_hashed=False,
        is_encrypted=False,
        device_id="ffffffffceb0b1db0000018e937c815b",
        states={"Pending": "2031-03-14T09:09:26.000-06:00"},
    )
    written = {
        "id": state.id,
        "deviceId": state.device_id,
        "state": state.state.value,
        "isHashed": state.is_hashed,
        "isEncrypted": state.is_encrypted,
        "recipients": [{"phoneNumber": to, "state": "Pending", "error": None}],
        "states": state.states,
    }
    assert domain.MessageState.from_dict(written) == state
    return json.dumps(written).encode()
