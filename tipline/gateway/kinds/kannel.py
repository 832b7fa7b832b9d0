"""
Kannel (bearerbox and smsbox), which speaks SMPP with a carrier: smsbox calls us, and we call it.

    post-url = "http://NAME:SECRET@127.0.0.1:PORT/NAME?id=%I"
    send-sender = true

Rules:
1. smsbox signs nothing. It shows a secret that it alone holds, over loopback; it never leaves the
   machine. There is no time to check: the id keeps a copy from counting twice.
2. The text comes in what the header names: after a first message in UTF-8 a second may come in
   UTF-16. What is not text in it is replaced, and the rest stays.
3. smsbox repeats what was not answered (`http-request-retry`, `http-queue-delay`) with the same id.
   What the carrier repeats has another, and is known by its number and words (`recent.py`).

Limitations: bearerbox has acknowledged a message to the carrier before we have it; what it holds in
memory is lost when it ends. Its logs name senders and texts: `log-level = 4`, and no access log.

Source: Kannel 1.4.5, User's Guide, chapter 6 (`sms-service`, `sendsms`).
"""

from __future__ import annotations

import base64
import dataclasses
import re
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from crypto.errors import CryptoError
from crypto.secret import Secret
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.alphabet import Alphabet, measure_text
from tipline.gateway.calling import call
from tipline.gateway.incoming import Incoming, MediaReference, Medium, Part
from tipline.gateway.recent import RecentMessages
from tipline.gateway.signatures import check_same
from tipline.gateway.smsbackup import read_part

CODINGS: Final = {Alphabet.GSM7: "0", Alphabet.UCS2: "2"}  # of X-Kannel-Coding
UTF_16: Final = {"utf-16be": "utf-16-be", "utf-16": "utf-16-be", "ucs-2": "utf-16-be"}
CHARSETS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252", "iso-8859-15"})

_ADDRESS = re.compile(r"[+0-9A-Za-z]{2,30}")


class Kannel:
    """
    A carrier, by Kannel.

    Args:
        name: As the operator named it; smsbox shows it as its user.
        inbound: The secret that smsbox shows.
        send_url: Of smsbox's sendsms.
        user: Of sendsms.
        password: Of sendsms.
        sender: The number or name that answers come from; empty for Kannel's own choice.
    """

    medium: Final = Medium.SMS
    can_send: Final = True

    def __init__(
        self,
        name: str,
        *,
        inbound: Secret,
        send_url: str,
        user: Secret,
        password: Secret,
        sender: str,
    ) -> None:
        self.name: Final = name
        shown = f"{name}:".encode() + inbound.reveal()
        self._shown = Secret(b"Basic " + base64.b64encode(shown))
        self._send_url = send_url
        self._user = user
        self._password = password
        self._sender = sender
        self._recent = RecentMessages()

    def receive(self, request: RawRequest) -> Received:
        """
        Check who calls, and read the message.

        Args:
            request: Untrusted.

        Returns:
            The message.

        Raises:
            GatewayError: `gateway_signature` or `gateway_malformed`.
        """
        check_same(self.name, self._shown, untrusted=request.headers.get("authorization", ""))
        try:
            message = self._read(request)
        except (CryptoError, ValueError):
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(messages=(message,))

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer to smsbox.

        Args:
            to: A number in E.164, or a short code.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        if not _ADDRESS.fullmatch(to):
            raise GatewayError("gateway_refused", gateway=self.name, status=0)
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": self._user.reveal().decode("ascii"),
            "X-Kannel-Password": self._password.reveal().decode("ascii"),
            "X-Kannel-To": to,
            "X-Kannel-Coding": CODINGS[measure_text(text).alphabet],
        }
        if self._sender:
            headers["X-Kannel-From"] = self._sender
        # By headers, not by the address: an address stands in logs.
        await call(self.name, "POST", self._send_url, headers=headers, body=text.encode())

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Refuse: SMPP carries no files.

        Args:
            reference: Of the message.
            limit_bytes: Not used.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    async def forget(self, reference: MediaReference) -> None:
        """
        Refuse: SMPP carries no files.

        Args:
            reference: Of the message.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    def _read(self, request: RawRequest) -> Incoming:
        ids = [value for name, value in parse_qsl(urlsplit(request.target).query) if name == "id"]
        if request.method != "POST" or len(ids) != 1:
            raise ValueError("request")
        message = Incoming(
            gateway=self.name,
            medium=Medium.SMS,
            provider_id=ids[0],
            sender=request.headers.get("x-kannel-from", ""),
            text=decode_body(request.body, request.headers.get("content-type", "")),
            received_at=request.received_at,
            part=_read_part(request.headers.get("x-kannel-udh", "")),
        )
        if message.part is not None:
            return message  # a copy is known where parts are joined
        known_id = self._recent.find_id(ids[0], sender=message.sender, text=message.text)
        return dataclasses.replace(message, provider_id=known_id)


def decode_body(untrusted: bytes, untrusted_type: str) -> str:
    """
    Read a text in what its header names.

    Args:
        untrusted: The body.
        untrusted_type: Its media type, with its charset.

    Returns:
        The text; it may hold half a character, where a message was cut. Empty if it is no text.
    """
    header = Message()
    header["content-type"] = untrusted_type
    if header.get_content_maintype() != "text":
        return ""
    charset = str(header.get_content_charset("utf-8"))
    if charset in UTF_16:
        units = untrusted[: len(untrusted) // 2 * 2]
        text = units.decode(UTF_16[charset], "surrogatepass").removeprefix("\ufeff")
        return text + "\ufffd" * (len(untrusted) % 2)  # half a unit is none
    return untrusted.decode(charset if charset in CHARSETS else "utf-8", "replace")


def _read_part(untrusted_header: str) -> Part | None:
    return read_part(unquote_to_bytes(untrusted_header).hex())
