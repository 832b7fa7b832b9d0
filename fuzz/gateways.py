"""
Feeds broken messages to gateways: `python -m fuzz.gateways [--seconds N] [--seed N] [DIR]`.

Valid requests of every kind, and a modem's files, are damaged: bytes changed, parts cut out,
doubled or brought in from another, words of JSON exchanged. Each is signed anew, so that what lies
behind the signature is reached. Whatever comes must hold `check`: it is refused as malformed or
stale, or every message in it can be kept, joined and sealed.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from crypto.came_by import CameBy
from crypto.errors import CryptoError
from crypto.secret import Secret
from crypto.tip import Tip, format_tip
from fuzz.running import run_cases, run_program
from tipline.errors import GatewayError
from tipline.gateway.adapter import Adapter, RawRequest
from tipline.gateway.incoming import Incoming, Medium
from tipline.gateway.kinds.capcom6 import Capcom6
from tipline.gateway.kinds.capcom6_events import BATCHES, INLINE, READERS, decode_inline
from tipline.gateway.kinds.kannel import Kannel
from tipline.gateway.kinds.telegram import Telegram
from tipline.gateway.kinds.twilio import Twilio
from tipline.gateway.kinds.twilio_messages import INBOUND_EVENT
from tipline.gateway.kinds.twilio_signature import sign_request
from tipline.gateway.kinds.webhook import INCOMING_LINE, Webhook, make_signed
from tipline.gateway.kinds.whatsapp import WhatsApp
from tipline.gateway.media import MAX_FILE_BYTES
from tipline.gateway.part_rows import decode_piece, encode_piece
from tipline.gateway.parts import mend_text
from tipline.gateway.sealing import NO_TEXT, format_time
from tipline.gateway.settings import GatewaySettings, Kind
from tipline.gateway.signatures import sign_sha256
from tipline.gateway.smsbackup import parse_backup
from tipline.gateway.writers import read_sender

NOW: Final = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
KEY: Final = Secret(b"k3y")
TIMESTAMP: Final = str(int(NOW.timestamp()))
URL: Final = "https://line.invalid/g"
SETTINGS: Final = GatewaySettings(
    name="g",
    kind=Kind.WEBHOOK,
    channel="city",
    language="es",
    country="MX",
    notice=True,
    accept_company=False,
    options={},
)
WORDS: Final = (
    *(b"null", b"true", b"0", b"-1", b"1.5", b"1e999", b"[]", b"{}", b'""', b'"\\ud83d"', b"NaN"),
    *(b'"\\u0000"', b'"from"', b'"\xff"', b"\\", b'"' + b"9" * 400 + b'"', b"[" * 30, b"%ff%00"),
)
ADAPTERS: Final[Mapping[str, Adapter]] = {
    "webhook": Webhook("g", signing_key=KEY, send_url="", clock=lambda: NOW),
    "capcom6": Capcom6("g", signing_key=KEY, send_url=URL, user=KEY, password=KEY),
    "kannel": Kannel("g", inbound=KEY, send_url=URL, user=KEY, password=KEY, sender=""),
    "twilio form": (
        twilio := Twilio(
            "g", auth_token=KEY, account_sid="AC1", sender="7", public_url=URL, api_url=URL
        )
    ),
    "twilio json": twilio,
    "whatsapp": WhatsApp(
        "g",
        app_secret=KEY,
        verify_token=KEY,
        access_token=KEY,
        api_url=URL,
        phone_number_id="106540352242922",
    ),
    "telegram": Telegram("g", secret_token=KEY, bot_token=KEY, api_url=URL),
}


def make_request(kind: str, body: bytes) -> RawRequest:
    """
    Make a request as its gateway signs it.

    Args:
        kind: One of `ADAPTERS`.
        body: Damaged.

    Returns:
        The request.
    """
    target, headers = "/g", dict[str, str]()
    match kind:
        case "webhook":
            signature = sign_sha256(KEY, make_signed(INCOMING_LINE, "g", TIMESTAMP, body))
            headers = {"tipline-timestamp": TIMESTAMP, "tipline-signature": f"v1={signature}"}
        case "capcom6":
            signature = sign_sha256(KEY, body + TIMESTAMP.encode())
            headers = {"x-timestamp": TIMESTAMP, "x-signature": signature}
        case "kannel":
            # Its headers stand in the first lines of the seed, so that they are damaged, too.
            head, _, body = body.partition(b"\n\n")
            lines = [line.partition(": ") for line in head.decode("latin-1").split("\n")]
            headers = {name.lower(): value for name, _, value in lines}
            target = headers.pop("target", "/g?id=1")
            headers["authorization"] = "Basic " + base64.b64encode(b"g:k3y").decode()
        case "twilio form":
            fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
            headers = {
                "content-type": "application/x-www-form-urlencoded",
                "x-twilio-signature": sign_request(KEY, URL, fields),
            }
        case "twilio json":
            target = f"/g?bodySHA256={hashlib.sha256(body).hexdigest()}"
            signed = URL + target.removeprefix("/g")
            headers = {
                "content-type": "application/json",
                "x-twilio-signature": sign_request(KEY, signed, ()),
            }
        case "whatsapp":
            digest = hmac.new(b"k3y", body, hashlib.sha256).hexdigest()
            headers = {"x-hub-signature-256": f"sha256={digest}"}
        case _:
            headers = {"x-telegram-bot-api-secret-token": "k3y"}
    return RawRequest(method="POST", target=target, headers=headers, body=body, received_at=NOW)


def check(case: bytes) -> bool:
    """
    Hold what holds for any request: it is refused as it should be, or all of it can be kept.

    Args:
        case: The kind, a newline, the body.

    Returns:
        Whether a message was taken.

    Raises:
        AssertionError: what was taken cannot be kept, or an error says more than a code.
    """
    kind, _, body = case.partition(b"\n")
    if kind == b"gammu":
        return _check_backup(body)
    name = kind.decode()
    try:
        received = ADAPTERS[name].receive(make_request(name, body))
    except GatewayError as exc:
        if exc.code not in ("gateway_malformed", "gateway_stale", "gateway_signature"):
            raise AssertionError("another error") from exc
        if dict(exc.facts) != {"gateway": "g"}:
            raise AssertionError("an error says more") from exc
        return False
    for message in received.messages:
        check_message(message)
    return bool(received.messages)


def check_message(message: Incoming) -> None:
    """
    Hold that a message can be kept, joined and sealed.

    Args:
        message: As an adapter read it.

    Raises:
        AssertionError: a part does not read back.
    """
    sender = read_sender(message, SETTINGS)
    for reference in message.media:
        if reference.location.startswith(INLINE):
            decode_inline(reference.location, limit_bytes=MAX_FILE_BYTES)
    if message.part is not None:
        written = encode_piece(message, sender=message.sender, channel="city", language="es")
        piece = decode_piece(b"", written)
        if piece.incoming.text != message.text or piece.incoming.part != message.part:
            raise AssertionError("a part does not read back")
    came_by = CameBy(
        name=message.gateway,
        medium=message.medium,
        received_at=format_time(message.received_at),
        continues=False,
        sender=(mend_text(message.sender) or None) if sender is None else sender.address,
    )
    format_tip(Tip(text=mend_text(message.text) or NO_TEXT, sealing="gateway", gateway=came_by))


def _check_backup(body: bytes) -> bool:
    try:
        sections = parse_backup(body)
    except CryptoError:
        return False
    for section in sections:
        check_message(
            Incoming(
                gateway="g",
                medium=Medium.SMS,
                provider_id="1",
                sender=section.sender,
                text=section.text,
                received_at=NOW,
                part=section.part,
            )
        )
    return True


def read_seeds(folder: Path | None) -> list[bytes]:
    """
    Make valid requests of every kind.

    Args:
        folder: Of more, each in the form of `check`; None for none.

    Returns:
        The kind, a newline, the body, for each.
    """
    seeds = [f"{kind}\n".encode() + body for kind, body in make_bodies()]
    if folder is not None:
        seeds += [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return seeds


def make_bodies() -> Iterator[tuple[str, bytes]]:
    """
    Make a valid body of every kind.

    Yields:
        The kind and the body.
    """
    message: dict[str, Any] = {"id": "a1", "from": "+525512345678", "text": "hola ñ \U0001f600"}
    part = {"reference": "r", "number": 1, "of": 2}
    media = [{"url": "https://x.invalid/1", "type": "image/jpeg"}]
    for value in (
        message,
        {**message, "part": part, "text": "\ud83d"},
        {**message, "media": media},
    ):
        yield "webhook", json.dumps(value).encode()
    attachments = [{"partId": 7, "data": "aG9sYQ=="}, {"partId": 8, "data": None}]
    payload = {
        "message": "hola",
        "data": "aG9sYQ==",
        "sender": "7373",
        "simNumber": None,
        "messageId": "42",
        "subject": "foto",
        "body": "mira",
        "attachments": attachments,
    }
    for kind in READERS:
        yield "capcom6", json.dumps({"event": kind, "id": "E1", "payload": payload}).encode()
    for kind in BATCHES:
        batch = {"event": kind, "id": "E1", "payload": {"messages": [payload, payload]}}
        yield "capcom6", json.dumps(batch).encode()
    head = "target: /g?id=1\nx-kannel-from: +525512345678\nx-kannel-udh: %05%00%03M%02%01\n"
    yield "kannel", head.encode() + b"content-type: text/plain; charset=UTF-8\n\nhola"
    wide = "hola ñ \U0001f600".encode("utf-16-be")
    yield "kannel", head.encode() + b"content-type: text/plain; charset=UTF-16BE\n\n" + wide
    form = {"MessageSid": "SM" + "0" * 32, "From": "+525512345678", "Body": "hola", "NumMedia": "1"}
    media_url = (
        f"https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/{form['MessageSid']}/Media/ME1"
    )
    yield (
        "twilio form",
        urlencode(
            {**form, "AccountSid": "AC1", "MediaUrl0": media_url, "MediaContentType0": "image/jpeg"}
        ).encode(),
    )
    data = {
        "messageSid": "SM" + "0" * 32,
        "from": "1234",
        "body": "a",
        "timestamp": NOW.isoformat(),
    }
    yield "twilio json", json.dumps({"type": INBOUND_EVENT, "data": data}).encode()
    whatsapp = {
        "from": "5215512345678",
        "id": "wamid.A",
        "timestamp": TIMESTAMP,
        "type": "text",
        "text": {"body": "hola"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "106540352242922"},
        "messages": [whatsapp],
    }
    changes = [{"field": "messages", "value": value}]
    tree = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    yield "whatsapp", json.dumps(tree).encode()
    update: dict[str, Any] = {
        "update_id": 1,
        "message": {
            "message_id": 7,
            "from": {"id": 5, "is_bot": False},
            "chat": {"id": 5, "type": "private"},
            "date": int(TIMESTAMP),
            "text": "hola",
        },
    }
    yield "telegram", json.dumps(update).encode()
    file = {"file_id": "F", "file_unique_id": "f", "mime_type": "audio/ogg"}
    photo = [{"file_id": "P", "width": 90, "height": 60}]
    cells = [[{"text": "x"}, {"text": {"type": "url", "text": "y", "url": URL}}]]
    items = [{"label": "1.", "blocks": [{"type": "table", "cells": cells}]}]
    rich: dict[str, Any] = {
        **update["message"],
        "edit_date": int(TIMESTAMP),
        "entities": [{"type": "text_link", "offset": 0, "length": 1, "url": URL}],
        "rich_message": {
            "blocks": [
                {"type": "heading", "text": ["a", {"type": "bold", "text": "b"}]},
                {"type": "list", "items": items},
                {"type": "photo", "photo": photo, "caption": {"text": "c", "credit": "d"}},
                {"type": "voice_note", "voice_note": file},
            ]
        },
        "forward_origin": {"type": "hidden_user", "sender_user_name": "B", "date": 1},
        "contact": {"first_name": "B", "phone_number": "+52", "user_id": 9},
        "venue": {"location": {"latitude": 1.5, "longitude": -2.5}, "title": "t", "address": "a"},
        "pinned_message": update["message"],
        "animation": file,
    }
    yield "telegram", json.dumps({"update_id": 2, "edited_message": rich}).encode()
    lines = (
        *("; Gammu", "", "[SMSBackup000]", "NumberUnicode = 00370033", "UDH = 050003290201"),
        *("Text00 = 0068006FD83D", "Text01 = DE00", "Coding = Unicode_No_Compression", "", ""),
    )
    yield "gammu", "\n".join(lines).encode()


def damage(case: bytes, other: bytes, chance: random.Random) -> bytes:
    """
    Damage a request in one to four ways; its kind stays.

    Args:
        case: The kind, a newline, the body.
        other: Another, from which parts may come.
        chance: Decides.

    Returns:
        What became of it.
    """
    kind, _, body = case.partition(b"\n")
    changed = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(changed) + 1)
        end = min(len(changed), start + chance.choice((1, 2, 4, 8, 32)))
        match chance.randrange(6):
            case 0 if start < len(changed):
                changed[start] = chance.randrange(256)
            case 1:
                del changed[start:end]
            case 2:
                changed[start:start] = changed[start:end] * chance.choice((1, 2, 300))
            case 3:
                place = chance.randrange(len(other))
                changed[start:start] = other[place : place + 32]
            case 4:
                _exchange_value(changed, chance)
            case _:
                changed[start:end] = chance.choice(WORDS)
    return kind + b"\n" + bytes(changed)


def _exchange_value(changed: bytearray, chance: random.Random) -> None:
    """Put a word in the place of a value: what is well formed gets further."""
    places = [at for at, byte in enumerate(changed) if byte in b":="]
    if places:
        start = chance.choice(places) + 1
        ends = [at for at in range(start, len(changed)) if changed[at] in b",}&\n"]
        changed[start : ends[0] if ends else len(changed)] = chance.choice(WORDS)


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Damage and check until time or number is used up.

    Args:
        seeds: Valid requests.
        seed: Of the chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and of how many a message was taken.
    """
    chance = random.Random(seed)

    def make_cases() -> Iterator[bytes]:
        yield from seeds
        while True:
            yield damage(chance.choice(seeds), chance.choice(seeds), chance)

    return run_cases(make_cases(), check, seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.gateways", run, read_seeds, taken="taken")
