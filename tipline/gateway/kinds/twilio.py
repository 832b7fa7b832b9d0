"""
Twilio: webhooks as forms and as JSON, an API for answers and files.

Rules:
1. A form holds no time: only its id keeps a copy from counting twice, for as long as the policy's
   `gateway_message` says. JSON events hold one, and a call of them is stale by its youngest, after
   `MAX_AGE`.
2. Once a message is durable, Twilio is asked to remove it, text and files.
3. What is signed, and how, is in `twilio_signature.py`; what is inside, in `twilio_messages.py`.

Source: Twilio, "Messages resource", "Media subresource", "Event Streams".
"""

from __future__ import annotations

import base64
import datetime
import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from crypto.errors import CryptoError, MalformedError
from crypto.secret import Secret
from tipline.errors import GatewayError
from tipline.gateway.adapter import GatewayAnswer, RawRequest, Received
from tipline.gateway.batches import take_fresh
from tipline.gateway.calling import call
from tipline.gateway.incoming import MediaReference, Medium
from tipline.gateway.kinds.twilio_messages import UNDELIVERED, Reader, is_report, is_sid
from tipline.gateway.kinds.twilio_signature import MAX_FIELDS, check_body, check_form
from tipline.gateway.provider_json import parse_provider_json, take_list, take_text
from tipline.gateway.refusals import read_twilio_status

MAX_AGE: Final = datetime.timedelta(hours=4)  # for so long Twilio repeats an event
MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
API_VERSION: Final = "2010-04-01"
SERVICE_START: Final = "MG"  # of a messaging service, which picks a number of its own
# TwiML that says nothing: our answer goes another way, and later.
ANSWER: Final = GatewayAnswer(
    body=b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>', content_type="text/xml"
)
# Where Twilio sends on whoever fetches a file; without our token, which it does not need there.
MEDIA_HOSTS: Final = (".twiliocdn.com", ".amazonaws.com")


class Twilio:
    """
    A number, or a messaging service, at Twilio.

    Args:
        name: As the operator named it.
        auth_token: Of the account: it signs what comes, and is shown to the API.
        account_sid: Of the account.
        sender: The number or the messaging service that answers come from.
        public_url: The address of the webhook, as it is written down at Twilio.
        api_url: Without a slash at its end.
    """

    medium: Final = Medium.SMS
    can_send: Final = True

    def __init__(
        self,
        name: str,
        *,
        auth_token: Secret,
        account_sid: str,
        sender: str,
        public_url: str,
        api_url: str,
    ) -> None:
        self.name: Final = name
        self._token = auth_token
        self._account_sid = account_sid
        self._sender = sender
        self._public_url = public_url
        self._api_url = api_url.removesuffix("/")

    def receive(self, request: RawRequest) -> Received:
        """
        Check a webhook and read what it holds.

        Args:
            request: Untrusted.

        Returns:
            The messages.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        if request.method != "POST":
            raise GatewayError("gateway_malformed", gateway=self.name)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        reader = Reader(gateway=self.name, account_sid=self._account_sid, now=request.received_at)
        try:
            if media_type == "application/json":
                check_body(self.name, self._token, request, public_url=self._public_url)
                return self._read_events(reader, request)
            pairs = _parse_form(request.body)
            check_form(self.name, self._token, request, public_url=self._public_url, fields=pairs)
            fields = dict(pairs)
            if is_report(fields):
                return Received(
                    answer=ANSWER, has_undelivered=fields["MessageStatus"] in UNDELIVERED
                )
            message = reader.read_form(fields)
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(messages=(message,), answer=ANSWER)

    def _read_events(self, reader: Reader, request: RawRequest) -> Received:
        events = reader.read_events(request.body)
        fresh = take_fresh(
            self.name,
            events.messages,
            now=request.received_at,
            max_age=MAX_AGE,
            max_ahead=MAX_AHEAD,
        )
        return Received(
            messages=fresh,
            is_partly_refused=events.is_partly_refused,
            has_undelivered=events.has_undelivered,
        )

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending.

        Args:
            to: A number in E.164.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        own = "MessagingServiceSid" if self._sender.startswith(SERVICE_START) else "From"
        await call(
            self.name,
            "POST",
            self._locate("Messages.json"),
            headers={**self._authorize(), "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({own: self._sender, "To": to, "Body": text}).encode("ascii"),
            read_status=read_twilio_status,
        )

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch a file, into memory.

        Args:
            reference: Its address, or the message's id and its number in the message.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        called = await call(
            self.name,
            "GET",
            await self._find(reference),
            headers=self._authorize(),
            limit_bytes=limit_bytes,
            may_go_to=self._may_go_to,
        )
        return called.body

    async def forget(self, reference: MediaReference) -> None:
        """
        Have Twilio remove a file.

        Args:
            reference: Its address, or the message's id and its number in the message.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; Twilio may still have it.
        """
        # The file's address is the file; with this end it is what Twilio knows of it.
        url = (await self._find(reference)).removesuffix(".json") + ".json"
        await call(self.name, "DELETE", url, headers=self._authorize())

    async def forget_message(self, provider_id: str) -> None:
        """
        Have Twilio remove a message, its text and its number.

        Args:
            provider_id: As `receive` gave it.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; Twilio still has it.
        """
        if not is_sid(provider_id):
            raise GatewayError("gateway_refused", gateway=self.name, status=0)  # it named none
        url = self._locate(f"Messages/{provider_id}.json")
        await call(self.name, "DELETE", url, headers=self._authorize())

    async def _find(self, reference: MediaReference) -> str:
        sid, slash, number = reference.location.partition("/")
        if not (slash and is_sid(sid) and number.isdecimal()):
            # Our token is shown to Twilio's API, whoever wrote the address.
            if not reference.location.startswith(self._locate("Messages/")):
                raise GatewayError("gateway_refused", gateway=self.name, status=0)
            return reference.location
        url = self._locate(f"Messages/{sid}/Media.json")
        told = await call(self.name, "GET", url, headers=self._authorize())
        try:
            listed = take_list(parse_provider_json(told.body), "media_list")
            found = take_text(listed[int(number)], "sid")
        except (MalformedError, IndexError):
            found = ""
        if not re.fullmatch(r"ME[0-9a-f]{32}", found):
            raise GatewayError("gateway_refused", gateway=self.name, status=told.status)
        return self._locate(f"Messages/{sid}/Media/{found}")

    def _may_go_to(self, url: str) -> bool:
        own, other = urlsplit(self._api_url), urlsplit(url)
        if (own.scheme, own.netloc) == (other.scheme, other.netloc):
            return True
        is_known = (other.hostname or "").endswith(MEDIA_HOSTS)
        return other.scheme == "https" and other.port is None and is_known

    def _locate(self, path: str) -> str:
        account = quote(self._account_sid, safe="")
        return f"{self._api_url}/{API_VERSION}/Accounts/{account}/{path}"

    def _authorize(self) -> dict[str, str]:
        word = f"{self._account_sid}:".encode() + self._token.reveal()
        return {"Authorization": f"Basic {base64.b64encode(word).decode('ascii')}"}


def _parse_form(body: bytes) -> list[tuple[str, str]]:
    fields = parse_qsl(
        body.decode("ascii"),
        keep_blank_values=True,
        strict_parsing=True,
        errors="strict",
        max_num_fields=MAX_FIELDS,
    )
    if len({name for name, _ in fields}) != len(fields):
        raise MalformedError("form")  # Twilio sends no name twice; which one would count?
    return fields
