"""
Twilio: webhooks as forms and as JSON, an API for answers and files.

Rules:
1. A form is signed with its address: HMAC-SHA1, under the account's token, of the address and of
   all names and values, sorted. A JSON body is signed by its SHA-256 in the address.
2. The address is the public one that the operator wrote down, and the query of the request; what
   the request says of its own host is not asked. Twilio signs some addresses with their port and
   some without: both are tried.
3. A form holds no time: only its id keeps a copy from counting twice, for as long as the policy's
   `gateway_message` says. JSON events hold one, and a call of them is stale by its youngest, after
   `MAX_AGE`. An event that lacks something is not lost: its fields are the text.
4. What comes to this gateway is SMS and MMS. A message of another company's (WhatsApp, Messenger),
   which Twilio can bring, too, is refused: nobody accepted that company here. Beside others it
   is left out, and told as a fault.
5. Once a message is durable, Twilio is asked to remove it, text and files.

Source: Twilio, "Webhooks security" (with the vector of `tests/unit/tipline/gateway`), "Messages
resource", "Media subresource", "Event Streams: inbound message received".
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from crypto.errors import CryptoError, MalformedError
from crypto.secret import Secret
from tipline.errors import GatewayError
from tipline.gateway.adapter import GatewayAnswer, RawRequest, Received
from tipline.gateway.batches import Dated, make_odd_id, take_fresh, write_fields
from tipline.gateway.calling import call
from tipline.gateway.incoming import (
    MAX_MEDIA,
    MAX_SENDER_CHARACTERS,
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.provider_json import parse_provider_json, take_list, take_object, take_text

MAX_FIELDS: Final = 200  # of a form; one with ten files has about sixty
MAX_EVENTS: Final = 100
MAX_AGE: Final = datetime.timedelta(hours=4)  # for so long Twilio repeats an event
MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
MAX_LOCATION_CHARACTERS: Final = 2000
API_VERSION: Final = "2010-04-01"
INBOUND_EVENT: Final = "com.twilio.messaging.inbound-message.received"
SERVICE_START: Final = "MG"  # of a messaging service, which picks a number of its own
# TwiML that says nothing: our answer goes another way, and later.
ANSWER: Final = GatewayAnswer(
    body=b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>', content_type="text/xml"
)
PORTS: Final = {"http": 80, "https": 443}
# Where Twilio sends on whoever fetches a file; without our token, which it does not need there.
MEDIA_HOSTS: Final = (".twiliocdn.com", ".amazonaws.com")

_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")


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
        query = urlsplit(request.target).query
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media_type == "application/json":
                self._check(request, query, fields=(), body_hash=_find_hash(query))
                return self._read_events(request)
            fields = _parse_form(request.body)
            self._check(request, query, fields=fields, body_hash=None)
            message = self._read_form(dict(fields), now=request.received_at)
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(messages=(message,), answer=ANSWER)

    def _check(
        self,
        request: RawRequest,
        query: str,
        *,
        fields: Iterable[tuple[str, str]],
        body_hash: str | None,
    ) -> None:
        untrusted = request.headers.get("x-twilio-signature", "").encode("utf-8", "surrogateescape")
        is_signed = False
        for url in _list_spellings(self._public_url, query):
            expected = sign_request(self._token, url, fields).encode("ascii")
            is_signed |= hmac.compare_digest(expected, untrusted)
        if body_hash is not None:
            found = hashlib.sha256(request.body).hexdigest()
            is_signed &= hmac.compare_digest(found, body_hash)
        if not is_signed:
            raise GatewayError("gateway_signature", gateway=self.name)

    def _read_form(self, fields: dict[str, str], *, now: datetime.datetime) -> Incoming:
        if not self._is_ours(fields, sender=fields.get("From", "")):
            raise MalformedError("from")
        count = fields.get("NumMedia", "0")
        if not count.isdecimal() or not int(count) <= MAX_MEDIA:
            raise MalformedError("media")
        media = [
            MediaReference(
                location=_bound(fields[f"MediaUrl{number}"]),
                media_type=fields.get(f"MediaContentType{number}", ""),
            )
            for number in range(int(count))
            if f"MediaUrl{number}" in fields
        ]
        return self._make(
            sid=fields.get("MessageSid", ""),
            sender=fields.get("From", ""),
            text=fields.get("Body", ""),
            media=media,
            now=now,
        )

    def _read_events(self, request: RawRequest) -> Received:
        tree = parse_provider_json(request.body)
        events = tree if isinstance(tree, list) else [tree]
        if not 1 <= len(events) <= MAX_EVENTS:
            raise MalformedError("events")
        messages = [event for event in events if _is_message(event)]
        ours = [
            event
            for event in messages
            if self._is_ours(take_object(event), sender=_find_sender(event))
        ]
        if messages and not ours:
            raise MalformedError("from")
        fresh = take_fresh(
            self.name,
            [self._read_event(event, now=request.received_at) for event in ours],
            now=request.received_at,
            max_age=MAX_AGE,
            max_ahead=MAX_AHEAD,
        )
        return Received(messages=fresh, is_partly_refused=len(ours) < len(messages))

    def _is_ours(self, fields: Mapping[str, Any], *, sender: str) -> bool:
        # "whatsapp:+52...", "messenger:...": the way led over another company.
        return (
            fields.get("AccountSid", self._account_sid) == self._account_sid and ":" not in sender
        )

    def _read_event(self, event: Any, *, now: datetime.datetime) -> Dated:
        data, written_at = take_object(event, "data"), None
        try:
            if take_text(event, "type") == INBOUND_EVENT:
                written_at = _read_time(take_text(data, "timestamp"))
                incoming = self._read_data(data, now=now)
            else:
                # The names of a form, in JSON.
                incoming = self._read_form(
                    {name: take_text(event, name) for name in event}, now=now
                )
        except (CryptoError, ValueError):
            incoming = self._make_odd(event, now=now)
        return Dated(incoming=incoming, written_at=written_at)

    def _read_data(self, data: dict[str, Any], *, now: datetime.datetime) -> Incoming:
        sid, count = take_text(data, "messageSid"), take_text(data, "numMedia") or "0"
        if not count.isdecimal() or not int(count) <= MAX_MEDIA:
            raise MalformedError("media")
        return self._make(
            sid=sid,
            sender=take_text(data, "from"),
            text=take_text(data, "body"),
            # An event says how many there are, and not where.
            media=[
                MediaReference(location=f"{sid}/{number}", media_type="")
                for number in range(int(count))
            ],
            now=now,
        )

    def _make_odd(self, event: Any, *, now: datetime.datetime) -> Incoming:
        sid = take_text(take_object(event, "data"), "messageSid") or take_text(event, "MessageSid")
        sender = _find_sender(event)
        return Incoming(
            gateway=self.name,
            medium=Medium.SMS,
            provider_id=sid if _SID.fullmatch(sid) else make_odd_id(event),
            sender=sender if len(sender) <= MAX_SENDER_CHARACTERS else "",
            text=write_fields(event),
            received_at=now,
        )

    def _make(
        self,
        *,
        sid: str,
        sender: str,
        text: str,
        media: list[MediaReference],
        now: datetime.datetime,
    ) -> Incoming:
        if not _SID.fullmatch(sid):
            raise MalformedError("sid")
        # Empty, if the number was withheld.
        if len(sender) > MAX_SENDER_CHARACTERS:
            raise MalformedError("from")
        return Incoming(
            gateway=self.name,
            medium=Medium.MMS if media else Medium.SMS,
            provider_id=sid,
            sender=sender,
            text=text,
            received_at=now,
            media=tuple(media),
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
        await call(self.name, "DELETE", await self._find(reference), headers=self._authorize())

    async def forget_message(self, provider_id: str) -> None:
        """
        Have Twilio remove a message, its text and its number.

        Args:
            provider_id: As `receive` gave it.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; Twilio still has it.
        """
        if not _SID.fullmatch(provider_id):
            raise GatewayError("gateway_refused", gateway=self.name, status=0)  # it named none
        url = self._locate(f"Messages/{provider_id}.json")
        await call(self.name, "DELETE", url, headers=self._authorize())

    async def _find(self, reference: MediaReference) -> str:
        sid, slash, number = reference.location.partition("/")
        if not (slash and _SID.fullmatch(sid) and number.isdecimal()):
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


def sign_request(token: Secret, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """
    Sign a request as Twilio does.

    Args:
        token: Of the account.
        url: All of it, as Twilio calls it.
        fields: Of a form; none for another body.

    Returns:
        Base64.

    Source:
        Twilio, "Webhooks security": the parameters sorted by name, each value once.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.reveal(), signed.encode("utf-8", "surrogateescape"), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode("ascii")


def _list_spellings(public_url: str, query: str) -> Iterator[str]:
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    ports = {f":{parts.port or PORTS[parts.scheme]}", ""}
    for port in sorted(ports):
        yield urlunsplit((parts.scheme, f"{host}{port}", parts.path, query or parts.query, ""))


def _find_hash(query: str) -> str:
    for name, value in parse_qsl(query, max_num_fields=MAX_FIELDS):
        if name == "bodySHA256" and _HASH.fullmatch(value):
            return value
    return ""


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


def _is_message(event: Any) -> bool:
    return take_text(event, "type") == INBOUND_EVENT or "MessageSid" in take_object(event)


def _find_sender(event: Any) -> str:
    return take_text(take_object(event, "data"), "from") or take_text(event, "From")


def _read_time(untrusted: str) -> datetime.datetime | None:
    try:
        written_at = datetime.datetime.fromisoformat(untrusted)
    except ValueError:
        return None
    return None if written_at.tzinfo is None else written_at


def _bound(location: str) -> str:
    if not 1 <= len(location) <= MAX_LOCATION_CHARACTERS:
        raise MalformedError("media")
    return location
