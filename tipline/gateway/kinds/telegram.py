"""
Telegram: updates of a bot's webhook.

Rules:
1. An update is checked by the secret that Telegram was given for it; it is sent along as it is, in
   a header. Nothing in the update is signed: whoever learns the secret can write any update.
2. An update older than Telegram itself keeps one (24 hours) is stale.
3. Only private chats with a person count: what is said in a group was not said to us. What is
   said to an account of the operator's own, of which the bot is told, is not taken either, and is
   a fault: the operator connected it.
4. Whoever writes is an account, and never a number: Telegram does not tell it.
5. What kind of message we do not know is not lost: its fields are the text.
6. What somebody corrects is a message of its own. It is known by its update: the second in which
   it was corrected is not enough to tell two of them apart.
7. Once a message is durable, the bot removes it from the chat, on both sides: Telegram lets it,
   within 48 hours; a dice only after 24. What Telegram keeps besides, nobody knows.
8. Telegram agreed to a call only if its answer says so (`ok`).

Source: Telegram's Bot API 10.3: setWebhook, Update, Message, "Making requests",
    ResponseParameters, getFile, sendMessage, deleteMessage.
"""

from __future__ import annotations

import datetime
from typing import Any, Final
from urllib.parse import quote

from crypto.errors import CryptoError, MalformedError
from crypto.secret import Secret
from crypto.strict import format_json
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.calling import call
from tipline.gateway.incoming import (
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.kinds.telegram_messages import list_files, read_words
from tipline.gateway.provider_json import parse_provider_json, take_object, take_text
from tipline.gateway.signatures import check_same

MAX_AGE: Final = datetime.timedelta(hours=24)  # "stored until received, but not longer"
MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
MAX_LOCATION_CHARACTERS: Final = 2000
OK: Final = 200  # of HTTP
MESSAGES: Final = ("message", "edited_message")
# To the operator's own account, if the bot was connected to one.
OF_AN_ACCOUNT: Final = ("business_message", "edited_business_message")


class Telegram:
    """
    A bot of Telegram's.

    Args:
        name: As the operator named it.
        secret_token: That Telegram sends along.
        bot_token: That we send along; it is part of every address.
        api_url: Of the Bot API, without a slash at its end.
    """

    medium: Final = Medium.TELEGRAM
    can_send: Final = True

    def __init__(self, name: str, *, secret_token: Secret, bot_token: Secret, api_url: str) -> None:
        self.name: Final = name
        self._secret_token = secret_token
        self._bot_token = bot_token
        self._api_url = api_url.removesuffix("/")

    def receive(self, request: RawRequest) -> Received:
        """
        Check an update and read the message in it.

        Args:
            request: Untrusted.

        Returns:
            The message; none if the update tells of something else.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        untrusted = request.headers.get("x-telegram-bot-api-secret-token", "")
        check_same(self.name, self._secret_token, untrusted=untrusted)
        if request.method != "POST":
            raise GatewayError("gateway_malformed", gateway=self.name)
        try:
            update = parse_provider_json(request.body)
            update_id = _take_id(update, "update_id")
            for kind in MESSAGES:
                if message := take_object(update, kind):
                    return self._read(message, update_id=update_id, now=request.received_at)
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received(is_partly_refused=any(take_object(update, kind) for kind in OF_AN_ACCOUNT))

    def _read(self, message: dict[str, Any], *, update_id: int, now: datetime.datetime) -> Received:
        chat = take_object(message, "chat")
        if chat.get("type") != "private" or take_object(message, "from").get("is_bot") is True:
            return Received()
        account, number = _take_id(chat, "id"), _take_id(message, "message_id")
        is_edited = "edit_date" in message
        self._check_age(take_text(message, "edit_date" if is_edited else "date"), now=now)
        incoming = Incoming(
            gateway=self.name,
            medium=Medium.TELEGRAM,
            provider_id=f"{account}:{number}" + (f":{update_id}" if is_edited else ""),
            sender=str(account),
            text=read_words(message),
            received_at=now,
            media=list_files(message),
        )
        return Received(messages=(incoming,))

    def _check_age(self, seconds: str, *, now: datetime.datetime) -> None:
        try:
            written_at = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
        except (ValueError, OverflowError, OSError) as exc:
            raise MalformedError("date") from exc
        if not -MAX_AHEAD <= now - written_at <= MAX_AGE:
            raise GatewayError("gateway_stale", gateway=self.name)

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending.

        Args:
            to: An account that wrote to the bot before.
            text: What is to be read.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`.
        """
        body = {"chat_id": to, "text": text, "link_preview_options": {"is_disabled": True}}
        await self._call("sendMessage", body)

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch a file, into memory.

        Args:
            reference: Telegram's id of it.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` (Telegram gives a bot no file of
                more than 20 MB) or `gateway_media`.
        """
        told = await self._call("getFile", {"file_id": reference.location})
        path = take_text(take_object(told, "result"), "file_path")
        if not path or len(path) > MAX_LOCATION_CHARACTERS or ".." in path:
            raise GatewayError("gateway_refused", gateway=self.name, status=OK)
        called = await call(
            self.name,
            "GET",
            f"{self._api_url}/file/bot{self._token()}/{quote(path)}",
            headers={},
            limit_bytes=limit_bytes,
        )
        return called.body

    async def forget(self, reference: MediaReference) -> None:
        """
        Do nothing: a file goes with its message (`forget_message`), and in no other way.

        Args:
            reference: Telegram's id of it.
        """

    async def forget_message(self, provider_id: str) -> None:
        """
        Remove a message from the chat, on both sides.

        Args:
            provider_id: As `receive` gave it.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; Telegram still has it.
        """
        account, number, *_ = provider_id.split(":")
        await self._call("deleteMessage", {"chat_id": account, "message_id": int(number)})

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        called = await call(
            self.name,
            "POST",
            f"{self._api_url}/bot{self._token()}/{method}",
            headers={"Content-Type": "application/json"},
            body=format_json(body),
            read_wait=_read_wait,
        )
        try:
            answer = take_object({"": parse_provider_json(called.body)}, "")
        except MalformedError:
            answer = {}
        if answer.get("ok") is not True:
            raise GatewayError("gateway_refused", gateway=self.name, status=called.status)
        return answer

    def _token(self) -> str:
        return quote(self._bot_token.reveal().decode("ascii"), safe=":")


def _take_id(untrusted: Any, name: str) -> int:
    found = untrusted.get(name) if isinstance(untrusted, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise MalformedError(name)
    return found


def _read_wait(untrusted: bytes) -> int:
    try:
        told = take_object(parse_provider_json(untrusted), "parameters").get("retry_after")
    except MalformedError:
        return 0
    return told if isinstance(told, int) else 0
