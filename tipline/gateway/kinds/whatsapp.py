"""
WhatsApp, by Meta's Cloud API: a webhook for what comes, an API for answers and files.

Rules:
1. A webhook is checked by `X-Hub-Signature-256`: HMAC-SHA256 of the raw body under the app's
   secret. The signature holds no time, and Meta repeats what was not answered for days with the
   same bytes: so a webhook is stale by the time of its youngest message, after `MAX_AGE`, and the
   messages' ids keep them from counting twice until then.
2. Only messages to our own number count: an app's secret may sign those of others. Those are not
   agreed to: a call that holds no other is refused, and beside ours they are told as a fault.
3. Messages count in whatever field they come. A call that is not in Meta's form is refused: Meta
   brings it again.
4. What Meta agreed to send, and then could not, is told as a fault: no call of ours says so.
5. Meta's servers open every message before we get it. They can be asked to remove a file, and not
   to remove a text.

Source: Meta's WhatsApp Cloud API: "Webhooks", "Messages", "Media".
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from crypto.errors import CryptoError, MalformedError
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.errors import GatewayError
from tipline.gateway.adapter import GatewayAnswer, RawRequest, Received
from tipline.gateway.batches import Dated, take_fresh
from tipline.gateway.calling import call
from tipline.gateway.incoming import MediaReference, Medium
from tipline.gateway.kinds.whatsapp_messages import MAX_AGE, read_message
from tipline.gateway.provider_json import parse_provider_json, take_list, take_object, take_text
from tipline.gateway.refusals import read_meta_status
from tipline.gateway.signatures import check_same, check_sha256

MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
MAX_MESSAGES: Final = 1000  # in one webhook: what Meta says it puts together at most
FAILED: Final = "failed"  # of an answer that Meta agreed to before
MAX_CALL_BYTES: Final = 4 * 1024 * 1024  # Meta's have up to 3 MB, as it says itself
SIGNATURE_START: Final = "sha256="
MEDIA_HOST: Final = "lookaside.fbsbx.com"  # where Meta keeps files; our token goes nowhere else

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    messages: list[Dated]
    is_partly_refused: bool
    has_undelivered: bool


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
    max_body_bytes: Final = MAX_CALL_BYTES

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
            self.name, found.messages, now=request.received_at, max_age=MAX_AGE, max_ahead=MAX_AHEAD
        )
        return Received(
            messages=messages,
            is_partly_refused=found.is_partly_refused,
            has_undelivered=found.has_undelivered,
        )

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

    def _read(self, body: bytes, *, now: datetime.datetime) -> _Found:
        tree = parse_provider_json(body)
        if take_text(tree, "object") != "whatsapp_business_account":
            raise MalformedError("object")
        messages: list[Dated] = []
        written_len = others_len = errors_len = 0
        has_undelivered = False
        for value in _list_values(tree):
            written = _take_all(value, "messages") if "messages" in value else ()
            ours = take_text(take_object(value, "metadata"), "phone_number_id")
            if ours != self._phone_number_id:
                others_len += len(written)
                continue
            written_len += len(written)
            for one in written:
                messages += read_message(self.name, one, now=now)
            errors_len += len(take_list(value, "errors"))
            has_undelivered |= any(
                take_text(one, "status") == FAILED for one in take_list(value, "statuses")
            )
        if written_len > MAX_MESSAGES or (others_len and not messages):
            raise MalformedError("messages")
        return _Found(
            messages=messages,
            is_partly_refused=bool(others_len or errors_len),
            has_undelivered=has_undelivered,
        )

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending. Meta takes one within `ANSWER_TIME` of the last message.

        Args:
            to: A number in E.164, or Meta's id of who keeps the number from us.
            text: What is to be read.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            # Meta's names for a number and for an id.
            **({"to": to.removeprefix("+")} if to.startswith("+") else {"recipient": to}),
            "type": "text",
            "text": {"preview_url": False, "body": text},
        }
        await call(
            self.name,
            "POST",
            f"{self._api_url}/{quote(self._phone_number_id, safe='')}/messages",
            headers={**self._authorize(), "Content-Type": "application/json"},
            body=format_json(body),
            read_status=read_meta_status,
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
        if not reference.location:
            raise GatewayError("gateway_refused", gateway=self.name, status=0)  # Meta has none
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
    # Of every field: messages are messages, whatever Meta calls what brings them.
    for entry in _take_all(tree, "entry"):
        for change in _take_all(entry, "changes"):
            if not isinstance(take_object(change).get("value"), dict):
                raise MalformedError("value")
            yield take_object(change, "value")


def _take_all(untrusted: Any, name: str) -> Sequence[Any]:
    # What is no list may hold messages in a form that came to be: nothing of it is agreed to.
    if not isinstance(take_object(untrusted).get(name), list):
        raise MalformedError(name)
    return take_list(untrusted, name)


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
