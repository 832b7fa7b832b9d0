"""A number at WhatsApp, and what Meta sends there, as its reference lays it out."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.service.phones import install_gateways, make_gateway

APP_SECRET = "app-secret"
VERIFY_TOKEN = "verify-that-it-is-us"
ACCESS_TOKEN = "access"
NUMBER_ID = "106540352242922"
OUR_NUMBER = "15550783881"
WA_ID = "5215512345678"
USER_ID = "MX.13491208655302741918"
NAME = "Ana de la Lancha"
FILE = {"mime_type": "image/jpeg", "sha256": "", "url": "https://lookaside.fbsbx.com/x"}

# What a message names that answers one of ours.
TO_OURS = {"from": OUR_NUMBER, "id": "wamid.0"}


def make_choice(kind: str, **fields: str) -> dict[str, Any]:
    """Make what is sent by a touch: a button, an entry of a list, or a form."""
    return {"type": "interactive", "interactive": {"type": kind, kind: fields}}


# One message of every type, by the reference's names: what stands under `type`, and its fields.
MESSAGES: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "Núñez vendió los permisos"}},
    "answer": {
        "type": "text",
        "text": {"body": "sí"},
        "context": TO_OURS,
    },
    "forwarded": {"type": "text", "text": {"body": "mira"}, "context": {"forwarded": True}},
    "advertisement": {
        "type": "text",
        "text": {"body": "hola"},
        "referral": {
            "source_url": "https://fb.me/1",
            "source_type": "ad",
            "source_id": "1",
            "headline": "h",
            "body": "b",
            "media_type": "image",
            "image_url": "https://example.org/x",
        },
    },
    "image": {"type": "image", "image": {**FILE, "id": "1001", "caption": "el recibo"}},
    "audio": {"type": "audio", "audio": {**FILE, "id": "1002", "voice": True}},
    "video": {"type": "video", "video": {**FILE, "id": "1003", "caption": "el muelle"}},
    "document": {
        "type": "document",
        "document": {**FILE, "id": "1004", "caption": "acta", "filename": "acta.pdf"},
    },
    "sticker": {"type": "sticker", "sticker": {**FILE, "id": "1005", "animated": False}},
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.0", "emoji": "👍"}},
    "location": {
        "type": "location",
        "location": {"latitude": 19.4326, "longitude": -99.1332, "name": "Muelle", "address": "9"},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [
            {
                "name": {"formatted_name": "Luis Prado", "first_name": "Luis"},
                "phones": [{"phone": "+52 55 8765 4321", "wa_id": "525587654321", "type": "CELL"}],
            }
        ],
    },
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "7",
            "text": "dos",
            "product_items": [
                {
                    "product_retailer_id": "p",
                    "quantity": 2,
                    "item_price": 9.5,
                    "currency": "MXN",
                }
            ],
        },
    },
    "button": {
        "type": "button",
        "button": {"payload": "yes", "text": "Sí"},
        "context": TO_OURS,
    },
    "interactive": {**make_choice("button_reply", id="b1", title="Más"), "context": TO_OURS},
    "list": {
        **make_choice("list_reply", id="l1", title="Uno", description="el primero"),
        "context": TO_OURS,
    },
    "form": make_choice("nfm_reply", name="flow", body="Sent", response_json='{"who":"Núñez"}'),
    "request_welcome": {"type": "request_welcome"},
    "unsupported": {
        "type": "unsupported",
        "unsupported": {"type": "poll_creation"},
        "errors": [
            {
                "code": 131051,
                "title": "Message type unknown",
                "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."},
            }
        ],
    },
    "edit": {
        "type": "edit",
        "edit": {
            "original_message_id": "wamid.0",
            "message": {"type": "text", "text": {"body": "Núñez, no Muñoz"}},
        },
    },
    "edited picture": {
        "type": "edit",
        "edit": {
            "original_message_id": "wamid.0",
            "message": {"type": "image", "image": {**FILE, "id": "1006", "caption": "mejor"}},
        },
    },
    "revoke": {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}},
    "system": {
        "type": "system",
        "system": {
            "type": "user_changed_number",
            "body": "Ana changed from 5215512345678 to 525511112222",
            "wa_id": "525511112222",
            "user_id": USER_ID,
        },
    },
}


def install_whatsapp(directory: Path, api_url: str, **keys: Any) -> None:
    """Give a line a number at WhatsApp."""
    gateway = make_gateway(
        "whatsapp",
        **{"accept_company": True, "api_url": api_url, "phone_number_id": NUMBER_ID, **keys},
    )
    secrets = {
        "app_secret": APP_SECRET,
        "verify_token": VERIFY_TOKEN,
        "access_token": ACCESS_TOKEN,
    }
    install_gateways(directory, secrets={"wa": secrets}, wa=gateway)


def lay_out(*messages: dict[str, Any], number: str | None = WA_ID, **value: Any) -> bytes:
    """Lay out a webhook; of somebody who keeps the number back, if there is none."""
    profile = {"profile": {"name": NAME, **({} if number else {"username": "@ana"})}}
    contact = {**profile, "user_id": USER_ID, **({"wa_id": number} if number else {})}
    sent_by = {"from_user_id": USER_ID, **({"from": number} if number else {})}
    laid_out = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": OUR_NUMBER, "phone_number_id": NUMBER_ID},
        "contacts": [contact],
        **({"messages": [{**sent_by, **message} for message in messages]} if messages else {}),
        **value,
    }
    change = {"value": laid_out, "field": "messages"}
    entry = {"id": "102290129340398", "changes": [change]}
    tree = {"object": "whatsapp_business_account", "entry": [entry]}
    return json.dumps(tree, ensure_ascii=False).encode()


def sign_meta(body: bytes, *, key: str = APP_SECRET) -> str:
    """Sign a body as Meta does."""
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
