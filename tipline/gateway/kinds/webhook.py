"""
The generic webhook: JSON, signed by whoever holds the gateway's key. Documented for everybody.

    POST /NAME
    Tipline-Timestamp: 1763700000
    Tipline-Signature: v1=HEX
    {"id": "a1", "from": "+525512345678", "text": "..."}

    HEX = HMAC-SHA256(signing key, "tipline-webhook/v1\\n" NAME "\\n" TIMESTAMP "\\n" body)

Rules:
1. `id`, `from` and `text` are required; `medium`, `part` and `media` may be there, nothing else.
2. The same `id` is the same message: it may be sent again until the answer is 200.
3. Answers go the same way back, signed with the same key under another first line.

docs/how-to/phones.md.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from typing import Any, Final

from crypto.errors import CryptoError, MalformedError
from crypto.fields import Fields, parse_positive, parse_string
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.clock import Clock
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.calling import call
from tipline.gateway.incoming import (
    MAX_MEDIA,
    MAX_PROVIDER_ID_CHARACTERS,
    MAX_SENDER_CHARACTERS,
    Incoming,
    MediaReference,
    Medium,
    Part,
)
from tipline.gateway.provider_json import parse_provider_json
from tipline.gateway.signatures import check_fresh, check_sha256, sign_sha256

INCOMING_LINE: Final = "tipline-webhook/v1"
OUTGOING_LINE: Final = "tipline-webhook-answer/v1"
SIGNATURE_START: Final = "v1="
MAX_REFERENCE_CHARACTERS: Final = 100
MAX_LOCATION_CHARACTERS: Final = 2000
ID_BYTES: Final = 16


class Webhook:
    """
    A gateway that speaks our own format.

    Args:
        name: As the operator named it.
        signing_key: Shared with the other side.
        send_url: Where answers go; empty if there are none.
        clock: Tells the time of what is sent.
    """

    medium: Final = Medium.SMS

    def __init__(self, name: str, *, signing_key: Secret, send_url: str, clock: Clock) -> None:
        self.name: Final = name
        self._key = signing_key
        self.can_send: Final = bool(send_url)
        self._send_url = send_url
        self._clock = clock

    def receive(self, request: RawRequest) -> Received:
        """
        Check a request and read the one message in it.

        Args:
            request: Untrusted.

        Returns:
            The message.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        timestamp = request.headers.get("tipline-timestamp", "")
        signature = request.headers.get("tipline-signature", "")
        check_sha256(
            self.name,
            self._key,
            make_signed(INCOMING_LINE, self.name, timestamp, request.body),
            untrusted_signature=signature.removeprefix(SIGNATURE_START),
        )
        check_fresh(self.name, timestamp, now=request.received_at)
        if request.method != "POST":
            raise GatewayError("gateway_malformed", gateway=self.name)
        try:
            # Not our strict reader: half a character, where a message was cut, is no reason to lose
            # the rest of it.
            fields = Fields(parse_provider_json(request.body), "message")
            message = _read_message(fields, self.name, request.received_at)
            fields.close()
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(messages=(message,))

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending.

        Args:
            to: A number in E.164, or what stood in `from`.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_no_answers`, `gateway_unreachable` or `gateway_refused`.
        """
        if not self._send_url:
            raise GatewayError("gateway_no_answers", gateway=self.name)
        body = format_json({"id": secrets.token_hex(ID_BYTES), "to": to, "text": text})
        timestamp = str(int(self._clock().timestamp()))
        signed = make_signed(OUTGOING_LINE, self.name, timestamp, body)
        await call(
            self.name,
            "POST",
            self._send_url,
            headers={
                "Content-Type": "application/json",
                "Tipline-Timestamp": timestamp,
                "Tipline-Signature": SIGNATURE_START + sign_sha256(self._key, signed),
            },
            body=body,
        )

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch what belongs to a message, into memory.

        Args:
            reference: A URL, which the other side signed.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        called = await call(
            self.name, "GET", reference.location, headers={}, limit_bytes=limit_bytes
        )
        return called.body

    async def forget(self, reference: MediaReference) -> None:
        """
        Have the other side remove its copy: a `DELETE` of the same URL.

        Args:
            reference: A URL, which the other side signed.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; it may still have it.
        """
        await call(self.name, "DELETE", reference.location, headers={})


def make_signed(line: str, name: str, timestamp: str, body: bytes) -> bytes:
    """
    Lay out what is signed.

    Args:
        line: `INCOMING_LINE` or `OUTGOING_LINE`.
        name: Of the gateway.
        timestamp: Seconds since 1970, as they stand in the header.
        body: As it is sent.

    Returns:
        The bytes.
    """
    return f"{line}\n{name}\n{timestamp}\n".encode("utf-8", "surrogateescape") + body


def _read_message(fields: Fields, gateway: str, received_at: datetime.datetime) -> Incoming:
    return Incoming(
        gateway=gateway,
        medium=fields.take_if_there("medium", _parse_medium) or Medium.SMS,
        provider_id=fields.take("id", bounded(1, MAX_PROVIDER_ID_CHARACTERS)),
        sender=fields.take("from", bounded(0, MAX_SENDER_CHARACTERS)),
        text=fields.take("text", parse_string),
        received_at=received_at,
        part=fields.take_if_there("part", _parse_part),
        media=fields.take_if_there("media", _parse_media) or (),
    )


def bounded(low: int, high: int) -> Callable[[object, str], str]:
    """
    Make a reader of a string of a bounded length.

    Args:
        low: The fewest characters.
        high: The most.

    Returns:
        The reader, for `Fields.take`.
    """

    def parse(untrusted: object, name: str) -> str:
        text = parse_string(untrusted, name)
        if not low <= len(text) <= high:
            raise MalformedError(name)
        return text

    return parse


def _parse_medium(untrusted: object, name: str) -> Medium:
    medium = Medium(parse_string(untrusted, name))
    if medium not in (Medium.SMS, Medium.MMS):
        raise MalformedError(name)
    return medium


def _parse_part(untrusted: object, name: str) -> Part:
    fields = Fields(untrusted, name)
    part = Part(
        reference=fields.take("reference", bounded(1, MAX_REFERENCE_CHARACTERS)),
        number=fields.take("number", parse_positive),
        of=fields.take("of", parse_positive),
    )
    fields.close()
    return part


def _parse_media(untrusted: object, name: str) -> tuple[MediaReference, ...]:
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= MAX_MEDIA:
        raise MalformedError(name)
    return tuple(_parse_reference(item, name) for item in untrusted)


def _parse_reference(untrusted: Any, name: str) -> MediaReference:
    fields = Fields(untrusted, name)
    reference = MediaReference(
        location=fields.take("url", bounded(1, MAX_LOCATION_CHARACTERS)),
        media_type=fields.take("type", bounded(0, MAX_REFERENCE_CHARACTERS)),
    )
    fields.close()
    return reference
