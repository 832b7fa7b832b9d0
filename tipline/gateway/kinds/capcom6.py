"""
The Android app "SMS Gateway" (capcom6): a phone of ours posts what it receives, and sends for us.

    X-Timestamp: 1763700000
    X-Signature: hex of HMAC-SHA256(signing key, body + X-Timestamp)

Rules:
1. The signature is checked on the raw body, then the time. The app signs anew whenever it repeats,
   with the `id` of the event unchanged.
2. What the events bring: `capcom6_events.py`.
3. A file stands in its event. One that does not is asked for at the app's own API, below the
   address that the operator wrote, and nowhere else. What cannot be had is counted as missing.
4. The app has no call that removes what a phone received. The phone is the operator's own.
5. The app takes an answer before it sends it. What it could not send is a fault (`sms:failed`).
6. The app's encryption is of answers alone, and none is used: they go to our own phone.

Source: docs.sms-gate.app, "Webhooks", "Sending Messages", "Encryption"; the app's own code.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from crypto.errors import CryptoError
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.calling import call
from tipline.gateway.incoming import MediaReference, Medium
from tipline.gateway.kinds.capcom6_events import (
    FAILED,
    INBOX,
    INLINE,
    decode_inline,
    read_event,
)
from tipline.gateway.provider_json import parse_provider_json, take_object, take_text
from tipline.gateway.signatures import check_fresh, check_sha256

# An MMS of 5 MiB, more than carriers bring, as base64 with all that stands around it.
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
UNCHECKED: Final = "skipPhoneValidation=true"
SENDING: Final = ("/messages", "/message")  # the end of the address, by the app's version


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
    max_body_bytes: Final = MAX_EVENT_BYTES

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
            The messages; none if the event tells of something else.

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
            messages = read_event(event, gateway=self.name, received_at=request.received_at)
        except (CryptoError, ValueError):
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        has_undelivered = take_text(event, "event") == FAILED
        return Received(messages=messages, has_undelivered=has_undelivered)

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer to the app.

        Args:
            to: A number in E.164, or a short code.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        # A short code is no number to the app's check.
        mark = "&" if "?" in self._send_url else "?"
        url = self._send_url + ("" if to.startswith("+") else mark + UNCHECKED)
        body = format_json({"textMessage": {"text": text}, "phoneNumbers": [to]})
        headers = {"Content-Type": "application/json", **self._authorize()}
        await call(self.name, "POST", url, headers=headers, body=body)

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch a file, into memory: out of its event, or from the app.

        Args:
            reference: Of the message.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        if reference.location.startswith(INLINE):
            data = decode_inline(reference.location, limit_bytes=limit_bytes)
            if data is None:
                raise GatewayError("gateway_media", gateway=self.name, limit=limit_bytes)
            return data
        url = self._locate(reference.location)
        if url is None:
            raise GatewayError("gateway_refused", gateway=self.name, status=0)
        called = await call(
            self.name, "GET", url, headers=self._authorize(), limit_bytes=limit_bytes
        )
        return called.body

    async def forget(self, reference: MediaReference) -> None:
        """
        Do nothing: the app cannot be asked, and keeps a copy for 30 days.

        Args:
            reference: Of the message.
        """

    def _locate(self, location: str) -> str | None:
        parts = urlsplit(self._send_url)
        for end in SENDING:
            if location.startswith(INBOX) and parts.path.endswith(end):
                path = parts.path.removesuffix(end)
                return urlunsplit((parts.scheme, parts.netloc, f"{path}/{location}", "", ""))
        return None

    def _authorize(self) -> dict[str, str]:
        return {"Authorization": self._shown.reveal().decode("ascii")}
