"""A gateway at WhatsApp, and what comes to it, signed."""

from __future__ import annotations

import datetime
import json
from typing import Any

from crypto.secret import Secret
from tests.metas import APP_SECRET, NUMBER_ID, sign_meta
from tipline.gateway.adapter import RawRequest
from tipline.gateway.kinds.whatsapp import WhatsApp

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
TEXT = {"type": "text", "text": {"body": "hola ñandú"}}


def make(*, api_url: str = "https://graph.facebook.com/v23.0") -> WhatsApp:
    """Make the adapter."""
    return WhatsApp(
        "whatsapp-1",
        app_secret=Secret(APP_SECRET.encode()),
        verify_token=Secret(b"verify-me"),
        access_token=Secret(b"access"),
        api_url=api_url,
        phone_number_id=NUMBER_ID,
    )


def make_message(**fields: Any) -> dict[str, Any]:
    """Make a message as Meta lays it out."""
    usual = {"from": "5215512345678", "id": "wamid.A", "timestamp": str(int(NOW.timestamp()))}
    return {**usual, **(fields or TEXT)}


def make_tree(*messages: Any, number_id: str = NUMBER_ID) -> dict[str, Any]:
    """Put messages into a webhook."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number_id},
        "messages": list(messages),
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def ask(body: bytes, signature: str | None = None, *, method: str = "POST") -> RawRequest:
    """Make a request as the listener hands it over."""
    return RawRequest(
        method=method,
        target="/whatsapp-1",
        headers={"x-hub-signature-256": sign_meta(body) if signature is None else signature},
        body=body,
        received_at=NOW,
    )


def ask_tree(tree: Any) -> RawRequest:
    """Make a signed webhook."""
    return ask(json.dumps(tree).encode())
