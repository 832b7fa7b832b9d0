"""
WhatsApp, by Meta's Cloud API: a webhook for what comes, an API for answers and files.

Rules:
1. A webhook is checked by `X-Hub-Signature-256`: HMAC-SHA256 of the raw body under the app's
   secret. The signature holds no time, and Meta repeats what was not answered for days with the
   same bytes: so a webhook is stale by the time of its youngest message, after `MAX_AGE`, and the
   messages' ids keep them from counting twice until then.
2. Only messages to our own number count: an app's secret may sign those of others.
3. A message of a kind that we do not know is not lost: its fields are the text. So are those of a
   message that lacks something.
4. Meta's servers open every message before we get it. They can be asked to remove a file, and not
   to remove a text.

Source: Meta's WhatsApp Cloud API: "Webhooks", "Messages", "Media".
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from crypto.errors import CryptoError, MalformedError
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.errors import GatewayError
from tipline.gateway.adapter import GatewayAnswer, RawRequest, Received
from tipline.gateway.batches import Dated, make_odd_id, take_fresh, write_fields
from tipline.gateway.calling import call
from tipline.gateway.incoming import (
    MAX_PROVIDER_ID_CHARACTERS,
    MAX_SENDER_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.provider_json import parse_provider_json, take_list, take_object, take_text
from tipline.gateway.signatures import check_same, check_sha256

MAX_AGE: Final = datetime.timedelta(days=7)  # for so long Meta repeats what was not answered
ANSWER_TIME: Final = datetime.timedelta(hours=24)  # Meta's "customer service window"
MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
MAX_LOCATION_CHARACTERS: Final = 500
MAX_MESSAGES: Final = 1000  # in one webhook: what Meta says it puts together at most
SIGNATURE_START: Final = "sha256="
FILES: Final = ("image", "audio", "video", "document", "sticker")
MEDIA_HOST: Final = "lookaside.fbsbx.com"  # where Meta keeps files; our token goes nowhere else

# What stands beside a message's content, and is told elsewhere in the tip or nowhere.
ENVELOPE: Final = frozenset({"from", "id", "timestamp"})

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class WhatsApp:
    """
    A number at Meta's Cloud API.

    Args:
        name: As the operator named it.
        app_secret: Under which Meta signs.
        verify_token: That Meta shows when the webhook is set up.
        access_token: That we show to the API.
        api_url: With its version, without a slash at its end.
        phone_number_id: Meta's id of our number.
    """

    medium: Final = Medium.WHATSAPP
    can_send: Final = True

    def __init__(
        self,
        name: str,
        *,
        app_secret: Secret,
        verify_token: Secret,
        access_token: Secret,
        api_url: str,
        phone_number_id: str,
    ) -> None:
        self.name: Final = name
        self._app_secret = app_secret
        self._verify_token = verify_token
        self._access_token = access_token
        self._api_url = api_url.removesuffix("/")
        self._phone_number_id = phone_number_id

    def receive(self, request: RawRequest) -> Received:
        """
        Check a request: a webhook's messages, or Meta's question whether the webhook is ours.

        Args:
            request: Untrusted.

        Returns:
            The messages; none, and the answer that Meta waits for, to its question.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        if request.method == "GET":
            return self._answer_challenge(request.target)
        untrusted = request.headers.get("x-hub-signature-256", "")
        if not untrusted.startswith(SIGNATURE_START):
            raise GatewayError("gateway_signature", gateway=self.name)
        check_sha256(
            self.name,
            self._app_secret,
            request.body,
            untrusted_signature=untrusted.removeprefix(SIGNATURE_START),
        )
        if request.method != "POST":
            raise GatewayError("gateway_malformed", gateway=self.name)
        try:
            found = self._read(request.body, now=request.received_at)
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        messages = take_fresh(
            self.name, found, now=request.received_at, max_age=MAX_AGE, max_ahead=MAX_AHEAD
        )
        return Received(messages=messages)

    def _answer_challenge(self, target: str) -> Received:
        try:
            pairs = dict(parse_qsl(urlsplit(target).query, max_num_fields=10))
        except ValueError:
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        check_same(self.name, self._verify_token, untrusted=pairs.get("hub.verify_token", ""))
        challenge = pairs.get("hub.challenge", "")
        # It goes into our answer: nothing but a word, or a page of somebody's could come back.
        if pairs.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            raise GatewayError("gateway_malformed", gateway=self.name)
        return Received(answer=GatewayAnswer(body=challenge.encode("ascii")))

    def _read(self, body: bytes, *, now: datetime.datetime) -> list[Dated]:
        tree = parse_provider_json(body)
        if take_text(tree, "object") != "whatsapp_business_account":
            raise MalformedError("object")
        found = []
        for value in _list_values(tree):
            ours = take_text(take_object(value, "metadata"), "phone_number_id")
            if ours != self._phone_number_id:
                continue
            found += [self._read_message(one, now=now) for one in take_list(value, "messages")]
        if len(found) > MAX_MESSAGES:
            raise MalformedError("messages")
        return found

    def _read_message(self, message: Any, *, now: datetime.datetime) -> Dated:
        fields = take_object(message)
        provider_id, sender = take_text(fields, "id"), take_text(fields, "from")
        text, written_at = _read_text(fields), _read_time(take_text(fields, "timestamp"))
        has_id = 1 <= len(provider_id) <= MAX_PROVIDER_ID_CHARACTERS
        has_sender = 1 <= len(sender) < MAX_SENDER_CHARACTERS
        is_odd = not (has_id and has_sender and written_at and len(text) <= MAX_TEXT_CHARACTERS)
        incoming = Incoming(
            gateway=self.name,
            medium=Medium.WHATSAPP,
            provider_id=provider_id if has_id else make_odd_id(message),
            # An id of WhatsApp's is a number without its plus.
            sender=_add_plus(sender) if has_sender else "",
            text=write_fields(message) if is_odd else text,
            received_at=now,
            media=tuple(_list_files(fields)),
            answer_until=_find_answer_until(written_at, now=now),
        )
        return Dated(incoming=incoming, written_at=written_at)

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending. Meta takes one within `ANSWER_TIME` of the last message.

        Args:
            to: A number in E.164.
            text: What is to be read.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to.removeprefix("+"),
            "type": "text",
            "text": {"preview_url": False, "body": text},
        }
        await call(
            self.name,
            "POST",
            f"{self._api_url}/{quote(self._phone_number_id, safe='')}/messages",
            headers={**self._authorize(), "Content-Type": "application/json"},
            body=format_json(body),
        )

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch a file, into memory: its address first, then the file.

        Args:
            reference: Meta's id of it.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes, with the hash that Meta says they have.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        told = await call(self.name, "GET", self._locate(reference), headers=self._authorize())
        try:
            fields = take_object(parse_provider_json(told.body))
        except MalformedError:
            fields = {}
        url = take_text(fields, "url")
        if not self._may_show_token(url):
            raise GatewayError("gateway_refused", gateway=self.name, status=told.status)
        called = await call(
            self.name, "GET", url, headers=self._authorize(), limit_bytes=limit_bytes
        )
        if not _has_hash(called.body, take_text(fields, "sha256")):
            raise GatewayError("gateway_refused", gateway=self.name, status=called.status)
        return called.body

    async def forget(self, reference: MediaReference) -> None:
        """
        Have Meta remove a file.

        Args:
            reference: Meta's id of it.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; Meta may still have it.
        """
        await call(self.name, "DELETE", self._locate(reference), headers=self._authorize())

    def _locate(self, reference: MediaReference) -> str:
        return f"{self._api_url}/{quote(reference.location, safe='')}"

    def _authorize(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._access_token.reveal().decode('ascii')}"}

    def _may_show_token(self, url: str) -> bool:
        try:
            parts, own = urlsplit(url), urlsplit(self._api_url)
            port = parts.port
        except ValueError:
            return False
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        return (parts.scheme, parts.hostname, port) == ("https", MEDIA_HOST, None)


def _list_values(tree: Any) -> Iterator[dict[str, Any]]:
    for entry in take_list(tree, "entry"):
        for change in take_list(entry, "changes"):
            if take_text(change, "field") == "messages":
                yield take_object(change, "value")


def _read_text(message: dict[str, Any]) -> str:
    kind = take_text(message, "type")
    if kind == "text":
        return take_text(take_object(message, "text"), "body")
    if kind in FILES:
        return take_text(take_object(message, kind), "caption")
    # A place, a contact, an answer to a question: all of it but what stands elsewhere.
    return write_fields(message, without=ENVELOPE)


def _read_time(untrusted_seconds: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(int(untrusted_seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _find_answer_until(
    written_at: datetime.datetime | None, *, now: datetime.datetime
) -> datetime.datetime:
    # Meta counts from when it was written. What cannot be that time is untrusted: it is bounded.
    told = now if written_at is None else written_at
    return min(max(told, now - MAX_AGE), now) + ANSWER_TIME


def _add_plus(sender: str) -> str:
    return f"+{sender}" if sender.isdecimal() else sender


def _list_files(message: dict[str, Any]) -> list[MediaReference]:
    kind = take_text(message, "type")
    file = take_object(message, kind) if kind in FILES else {}
    location = take_text(file, "id")
    if not 1 <= len(location) <= MAX_LOCATION_CHARACTERS:
        return []
    return [MediaReference(location=location, media_type=take_text(file, "mime_type"))]


def _has_hash(data: bytes, untrusted: str) -> bool:
    # In hex or in base64, by the version of the API; a file without one is taken as it is.
    if not untrusted:
        return True
    digest = hashlib.sha256(data).digest()
    try:
        told = base64.b64decode(untrusted, validate=True)
    except (binascii.Error, ValueError):
        told = b""
    return hmac.compare_digest(told, digest) or untrusted.lower() == digest.hex()
