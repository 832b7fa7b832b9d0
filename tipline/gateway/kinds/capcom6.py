"""
The Android app "SMS Gateway" (capcom6): a phone of ours posts what it receives, and sends for us.

    X-Timestamp: 1763700000
    X-Signature: hex of HMAC-SHA256(signing key, body + X-Timestamp)

Rules:
1. The signature is checked on the raw body, then the time. The app signs anew whenever it repeats,
   with the `id` of the event unchanged; `messageId` comes from the text and is not unique.
2. Events that are no message (sent, delivered, ping) are acknowledged.
3. Of an MMS the app tells who sent it and its subject, and gives no file: it is counted as missing.
4. A field that we do not know is passed over: the app grows.

Source: docs.sms-gate.app, "Webhooks", "MMS Support", "Sending Messages"; the app's own code signs.
"""

from __future__ import annotations

import base64
import datetime
from typing import Any, Final

from crypto.errors import CryptoError
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.calling import call
from tipline.gateway.incoming import Incoming, MediaReference, Medium
from tipline.gateway.provider_json import parse_provider_json, take_object, take_text
from tipline.gateway.signatures import check_fresh, check_sha256

SMS_EVENTS: Final = frozenset({"sms:received", "sms:data-received"})
MMS_EVENTS: Final = frozenset({"mms:received"})
NO_FILE: Final = MediaReference(location="", media_type="")  # the app keeps it for itself


class Capcom6:
    """
    A phone with the app.

    Args:
        name: As the operator named it.
        signing_key: As it is set in the app.
        send_url: The app's `/messages`, on the phone or on the server it is used with.
        user: Of that server.
        password: Of that server.
    """

    medium: Final = Medium.SMS
    can_send: Final = True

    def __init__(
        self, name: str, *, signing_key: Secret, send_url: str, user: Secret, password: Secret
    ) -> None:
        self.name: Final = name
        self._key = signing_key
        self._send_url = send_url
        shown = user.reveal() + b":" + password.reveal()
        self._shown = Secret(b"Basic " + base64.b64encode(shown))

    def receive(self, request: RawRequest) -> Received:
        """
        Check an event, and read the message in it.

        Args:
            request: Untrusted.

        Returns:
            The message; none if the event is another one.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        timestamp = request.headers.get("x-timestamp", "")
        check_sha256(
            self.name,
            self._key,
            request.body + timestamp.encode("utf-8", "surrogateescape"),
            untrusted_signature=request.headers.get("x-signature", ""),
        )
        check_fresh(self.name, timestamp, now=request.received_at)
        if request.method != "POST":
            raise GatewayError("gateway_malformed", gateway=self.name)
        try:
            event = take_object(parse_provider_json(request.body))
            messages = self._read(event, request.received_at)
        except (CryptoError, ValueError):
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(messages=messages)

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer to the app.

        Args:
            to: A number in E.164.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        body = format_json({"textMessage": {"text": text}, "phoneNumbers": [to]})
        headers = {
            "Content-Type": "application/json",
            "Authorization": self._shown.reveal().decode("ascii"),
        }
        await call(self.name, "POST", self._send_url, headers=headers, body=body)

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Refuse: the app gives no files.

        Args:
            reference: Of the message.
            limit_bytes: Not used.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    async def forget(self, reference: MediaReference) -> None:
        """
        Refuse: the app gives no files.

        Args:
            reference: Of the message.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    def _read(self, event: dict[str, Any], received_at: datetime.datetime) -> tuple[Incoming, ...]:
        kind = take_text(event, "event")
        if not kind:
            raise ValueError("event")
        if kind not in SMS_EVENTS | MMS_EVENTS:
            return ()
        payload = take_object(event, "payload")
        is_mms = kind in MMS_EVENTS
        message = Incoming(
            gateway=self.name,
            medium=Medium.MMS if is_mms else Medium.SMS,
            provider_id=take_text(event, "id"),
            # Its name changed: older versions of the app say `phoneNumber`.
            sender=take_text(payload, "sender") or take_text(payload, "phoneNumber"),
            text=take_text(payload, "subject" if is_mms else "message"),
            received_at=received_at,
            media=(NO_FILE,) if is_mms else (),
        )
        return (message,)
