"""
A message as each kind of gateway would bring it, made here to try the way it takes.

It is signed with the gateway's own secrets, and says a number and a text that nobody wrote.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from crypto.secret import Secret
from tipline.gateway.kinds.twilio_signature import sign_request
from tipline.gateway.kinds.webhook import INCOMING_LINE, SIGNATURE_START, make_signed
from tipline.gateway.settings import GatewaySettings, Kind
from tipline.gateway.signatures import sign_sha256

ACCOUNT: Final = "5550000001"  # at Telegram, which knows no numbers
MESSAGE_ID: Final = "SM" + "0" * 32


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialRequest:
    """
    A request as a gateway would make it.

    Args:
        target: Path and query.
        headers: All but the usual ones.
        body: Its bytes.
    """

    target: str
    headers: Mapping[str, str]
    body: bytes


Make = Callable[[GatewaySettings, Mapping[str, Secret], str, str, datetime.datetime], TrialRequest]


def make_request(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    *,
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    """
    Make a message as a gateway would bring it over the listener.

    Args:
        settings: Of a gateway that calls: not of kind gammu or operator.
        secrets: Its own.
        number: From which it would come.
        text: What it would say.
        now: When.

    Returns:
        The request.
    """
    return REQUESTS[settings.kind](settings, secrets, number, text, now)


def choose_sender(kind: Kind, number: str) -> str:
    """
    Tell from whom a message of a kind comes.

    Args:
        kind: Of the gateway.
        number: From which one would come, where there are numbers.

    Returns:
        The number, or an account.
    """
    return ACCOUNT if kind is Kind.TELEGRAM else number


def make_spooled(number: str, text: str) -> bytes:
    """
    Make a message as gammu-smsd writes it into its inbox.

    Args:
        number: From which it would come.
        text: What it would say.

    Returns:
        The file.
    """
    fields = {
        "NumberUnicode": number.encode("utf-16-be").hex().upper(),
        "Text00": text.encode("utf-16-be").hex().upper(),
        "Coding": "Unicode_No_Compression",
    }
    lines = ["[SMSBackup000]", *(f"{name} = {value}" for name, value in fields.items())]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _make_webhook(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    body = json.dumps({"id": MESSAGE_ID, "from": number, "text": text}).encode()
    timestamp = str(int(now.timestamp()))
    signed = make_signed(INCOMING_LINE, settings.name, timestamp, body)
    signature = SIGNATURE_START + sign_sha256(secrets["signing_key"], signed)
    headers = {"Tipline-Timestamp": timestamp, "Tipline-Signature": signature}
    return TrialRequest(target=f"/{settings.name}", headers=headers, body=body)


def _make_capcom6(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    payload = {"messageId": "0", "message": text, "sender": number}
    body = json.dumps({"id": MESSAGE_ID, "event": "sms:received", "payload": payload}).encode()
    timestamp = str(int(now.timestamp()))
    signature = sign_sha256(secrets["signing_key"], body + timestamp.encode())
    headers = {"X-Timestamp": timestamp, "X-Signature": signature}
    return TrialRequest(target=f"/{settings.name}", headers=headers, body=body)


def _make_kannel(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    shown = base64.b64encode(f"{settings.name}:".encode() + secrets["inbound"].reveal())
    headers = {
        "Authorization": f"Basic {shown.decode('ascii')}",
        "X-Kannel-From": number,
        "Content-Type": "text/plain; charset=utf-8",
    }
    target = f"/{settings.name}?id={MESSAGE_ID}"
    return TrialRequest(target=target, headers=headers, body=text.encode())


def _make_twilio(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    fields = {"MessageSid": MESSAGE_ID, "From": number, "Body": text}
    url = settings.options["public_url"]
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": sign_request(secrets["auth_token"], url, fields.items()),
    }
    query = urlsplit(url).query
    target = f"/{settings.name}" + (f"?{query}" if query else "")
    return TrialRequest(target=target, headers=headers, body=urlencode(fields).encode())


def _make_whatsapp(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    message = {
        "from": number.removeprefix("+"),
        "id": MESSAGE_ID,
        "timestamp": str(int(now.timestamp())),
        "type": "text",
        "text": {"body": text},
    }
    metadata = {"phone_number_id": settings.options["phone_number_id"]}
    change = {"field": "messages", "value": {"metadata": metadata, "messages": [message]}}
    tree = {"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}
    body = json.dumps(tree).encode()
    mac = hmac.new(secrets["app_secret"].reveal(), body, hashlib.sha256)
    headers = {"X-Hub-Signature-256": f"sha256={mac.hexdigest()}"}
    return TrialRequest(target=f"/{settings.name}", headers=headers, body=body)


def _make_telegram(
    settings: GatewaySettings,
    secrets: Mapping[str, Secret],
    number: str,
    text: str,
    now: datetime.datetime,
) -> TrialRequest:
    message = {
        "message_id": 1,
        "from": {"id": int(number), "is_bot": False},
        "chat": {"id": int(number), "type": "private"},
        "date": int(now.timestamp()),
        "text": text,
    }
    body = json.dumps({"update_id": 1, "message": message}).encode()
    word = secrets["secret_token"].reveal().decode("ascii")
    headers = {"X-Telegram-Bot-Api-Secret-Token": word}
    return TrialRequest(target=f"/{settings.name}", headers=headers, body=body)


REQUESTS: Final[Mapping[Kind, Make]] = {
    Kind.CAPCOM6: _make_capcom6,
    Kind.KANNEL: _make_kannel,
    Kind.WEBHOOK: _make_webhook,
    Kind.TWILIO: _make_twilio,
    Kind.WHATSAPP: _make_whatsapp,
    Kind.TELEGRAM: _make_telegram,
}
