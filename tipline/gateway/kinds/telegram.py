"""
Telegram: updates of a bot's webhook.

Rules:
1. An update is checked by the secret that Telegram was given for it; it is sent along as it is, in
   a header. Nothing in the update is signed: whoever learns the secret can write any update.
2. An update older than Telegram itself keeps one (24 hours) is stale.
3. Only private chats with a person count: what is said in a group was not said to us.
4. Whoever writes is an account, and never a number: Telegram does not tell it.
5. What kind of message we do not know is not lost: its fields are the text.
6. Once a message is durable, the bot removes it from the chat, on both sides: Telegram lets it,
   within 48 hours. What Telegram keeps besides, nobody knows.

Source: Telegram's Bot API: setWebhook, Update, Message, getFile, sendMessage, deleteMessage.
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
from tipline.gateway.batches import write_fields
from tipline.gateway.calling import Called, call
from tipline.gateway.incoming import (
    MAX_PROVIDER_ID_CHARACTERS,
    MAX_SENDER_CHARACTERS,
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.provider_json import parse_provider_json, take_list, take_object, take_text
from tipline.gateway.signatures import check_same

MAX_AGE: Final = datetime.timedelta(hours=24)  # "stored until received, but not longer"
MAX_AHEAD: Final = datetime.timedelta(minutes=5)  # of our clock
MAX_LOCATION_CHARACTERS: Final = 2000
# Where a file stands in a message, and what it is if Telegram does not say.
FILES: Final = {
    "document": "application/octet-stream",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
}
MESSAGES: Final = ("message", "edited_message")
# What stands around a message, and is told elsewhere in the tip or nowhere.
ENVELOPE: Final = frozenset({"message_id", "from", "chat", "date", "edit_date"})


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
            if not take_text(update, "update_id"):
                raise MalformedError("update")
            for kind in MESSAGES:
                if message := take_object(update, kind):
                    return self._read(message, now=request.received_at)
        except (CryptoError, ValueError):
            # Not "from": the parser's error may quote what stood there.
            raise GatewayError("gateway_malformed", gateway=self.name) from None
        return Received()

    def _read(self, message: dict[str, Any], *, now: datetime.datetime) -> Received:
        chat = take_object(message, "chat")
        if chat.get("type") != "private" or take_object(message, "from").get("is_bot") is True:
            return Received()
        account, number = take_text(chat, "id"), take_text(message, "message_id")
        edited = take_text(message, "edit_date")
        provider_id = ":".join(part for part in (account, number, edited) if part)
        if not account or not number or len(provider_id) > MAX_PROVIDER_ID_CHARACTERS:
            raise MalformedError("message")
        if len(account) > MAX_SENDER_CHARACTERS:
            raise MalformedError("message")
        self._check_age(edited or take_text(message, "date"), now=now)
        incoming = Incoming(
            gateway=self.name,
            medium=Medium.TELEGRAM,
            provider_id=provider_id,
            sender=account,
            text=_read_text(message),
            received_at=now,
            media=tuple(_list_files(message)),
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
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        told = await self._call("getFile", {"file_id": reference.location})
        try:
            path = take_text(take_object(parse_provider_json(told.body), "result"), "file_path")
        except MalformedError:
            path = ""
        if not path or len(path) > MAX_LOCATION_CHARACTERS or ".." in path:
            raise GatewayError("gateway_refused", gateway=self.name, status=told.status)
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

    async def _call(self, method: str, body: dict[str, Any]) -> Called:
        return await call(
            self.name,
            "POST",
            f"{self._api_url}/bot{self._token()}/{method}",
            headers={"Content-Type": "application/json"},
            body=format_json(body),
        )

    def _token(self) -> str:
        return quote(self._bot_token.reveal().decode("ascii"), safe=":")


def _read_text(message: dict[str, Any]) -> str:
    text = take_text(message, "text") or take_text(message, "caption")
    place = take_object(message, "location")
    latitude, longitude = take_text(place, "latitude"), take_text(place, "longitude")
    if latitude and longitude:
        text = f"{text}\n{latitude}, {longitude}".strip()
    contact = take_object(message, "contact")
    # A contact that somebody shares is what they want to tell.
    told = [take_text(contact, name) for name in ("first_name", "last_name", "phone_number")]
    text = "\n".join(part for part in (text, " ".join(one for one in told if one)) if part)
    if text or _list_files(message):
        return text
    return write_fields(message, without=ENVELOPE)


def _list_files(message: dict[str, Any]) -> list[MediaReference]:
    found = []
    photos = [one for one in take_list(message, "photo") if take_text(one, "file_id")]
    if photos:
        # The same photo in several sizes, the largest last.
        found.append((take_text(photos[-1], "file_id"), "image/jpeg"))
    # An animation is told twice: as itself, and as a document for older programs.
    for kind, usual in FILES.items():
        file = take_object(message, kind)
        if take_text(file, "file_id") and not (kind == "document" and "animation" in message):
            found.append((take_text(file, "file_id"), take_text(file, "mime_type") or usual))
    return [
        MediaReference(location=location, media_type=media_type)
        for location, media_type in found
        if len(location) <= MAX_LOCATION_CHARACTERS
    ]
