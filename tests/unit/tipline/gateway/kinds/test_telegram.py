"""Telegram's updates and its Bot API."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider, serve_provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import MediaReference
from tipline.gateway.kinds.telegram import MAX_AGE, Telegram

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
CHAT = {"id": 5123456789, "type": "private"}
BOT = "/bot123:abc"


def make(*, api_url: str = "https://api.telegram.org") -> Telegram:
    """Make the adapter."""
    return Telegram(
        "telegram-1",
        secret_token=Secret(b"hush"),
        bot_token=Secret(b"123:abc"),
        api_url=api_url,
    )


def make_message(**fields: Any) -> dict[str, Any]:
    """Make a message as Telegram lays it out."""
    return {
        "message_id": 7,
        "from": {"id": 5123456789, "is_bot": False, "first_name": "Ana"},
        "chat": CHAT,
        "date": int(NOW.timestamp()),
        **fields,
    }


def ask(update: Any, *, secret: str = "hush", method: str = "POST") -> RawRequest:
    """Make a request as the listener hands it over."""
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    return RawRequest(
        method=method,
        target="/telegram-1",
        headers={"x-telegram-bot-api-secret-token": secret},
        body=body,
        received_at=NOW,
    )


def ask_message(**fields: Any) -> RawRequest:
    """Make an update with a message."""
    return ask({"update_id": 1, "message": make_message(**fields)})


def test_text_when_sent_to_the_bot_then_is_read() -> None:
    """A text becomes one message of an account; the name that Telegram adds is nowhere."""
    (message,) = make().receive(ask_message(text="hola ñ 😀")).messages
    assert (message.sender, message.text) == ("5123456789", "hola ñ 😀")
    assert (message.provider_id, message.medium) == ("5123456789:7", Medium.TELEGRAM)


@pytest.mark.parametrize("secret", ["", "hus", "hush ", "hushh", "ñ"])
def test_update_when_the_secret_is_another_then_is_refused(secret: str) -> None:
    """Whoever does not know the word is not Telegram."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask({"update_id": 1, "message": make_message(text="x")}, secret=secret))
    assert caught.value.code == "gateway_signature"


def test_edit_when_it_comes_then_is_a_message_of_its_own() -> None:
    """What somebody corrects was told, too; it does not count as a copy."""
    edited = make_message(text="b", edit_date=int(NOW.timestamp()))
    (message,) = make().receive(ask({"update_id": 2, "edited_message": edited})).messages
    assert message.provider_id == f"5123456789:7:{int(NOW.timestamp())}"


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "poll": {}},
        {"update_id": 1, "message": make_message(chat={"id": -1, "type": "group"}, text="x")},
        {"update_id": 1, "message": make_message(**{"from": {"id": 1, "is_bot": True}}, text="x")},
    ],
)
def test_update_when_nobody_told_us_anything_then_holds_no_message(update: Any) -> None:
    """Groups, bots and everything else than a message to us are agreed to, and are nothing."""
    assert make().receive(ask(update)).messages == ()


@pytest.mark.parametrize(
    "update",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        {"update_id": 1, "message": make_message(message_id="")},
        {"update_id": 1, "message": make_message(chat={"type": "private"})},
        {"update_id": 1, "message": make_message(chat={"type": "private", "id": "x" * 150})},
        {"update_id": 1, "message": make_message(date="x")},
        {"update_id": 1, "message": make_message(date=10**19)},
        {"update_id": 1, "message": make_message(date=None)},
    ],
)
def test_update_when_of_another_form_then_is_refused(update: Any) -> None:
    """What knows the word is not therefore believed."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(update))
    assert caught.value.code == "gateway_malformed"
    assert caught.value.__cause__ is None
    with pytest.raises(GatewayError):
        make().receive(ask({"update_id": 1}, method="GET"))


@pytest.mark.parametrize(
    "age", [MAX_AGE + datetime.timedelta(seconds=1), -datetime.timedelta(hours=1)]
)
def test_update_when_old_or_ahead_then_is_stale(age: datetime.timedelta) -> None:
    """Telegram itself keeps no update for longer."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_message(text="x", date=int((NOW - age).timestamp())))
    assert caught.value.code == "gateway_stale"


def test_photo_when_it_comes_in_several_sizes_then_the_largest_counts() -> None:
    """The same photo three times is one photo; its caption is the text."""
    photo = [{"file_id": name} for name in ("small", "middle", "large")]
    (message,) = make().receive(ask_message(photo=photo, caption="look")).messages
    assert message.media == (MediaReference(location="large", media_type="image/jpeg"),)
    assert message.text == "look"


@pytest.mark.parametrize(
    "kind", ["document", "audio", "voice", "video", "video_note", "animation", "sticker"]
)
def test_file_when_it_comes_then_is_referred_to_once(kind: str) -> None:
    """Every kind of file is referred to; an animation, which is told twice, once."""
    fields = {kind: {"file_id": "F", "mime_type": "x/y"}}
    if kind == "animation":
        fields["document"] = {"file_id": "G"}
    (message,) = make().receive(ask_message(**fields)).messages
    assert message.media == (MediaReference(location="F", media_type="x/y"),)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"location": {"latitude": 19.43, "longitude": -99.13}}, "19.43, -99.13"),
        ({"contact": {"first_name": "A", "phone_number": "+52"}}, "A +52"),
        ({"dice": {"emoji": "🎲", "value": 3}}, '{"dice": {"emoji": "🎲", "value": 3}}'),
        ({"text": "half \ud83d"}, "half \ufffd"),
    ],
)
def test_message_when_it_is_no_plain_text_then_is_not_lost(
    fields: dict[str, Any], words: str
) -> None:
    """A place, a contact and what we do not know is told in words."""
    (message,) = make().receive(ask_message(**fields)).messages
    assert message.text == words


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve the Bot API on loopback."""
    async with serve_provider() as served:
        yield served


async def test_send_when_there_is_an_answer_then_is_handed_over(provider: Provider) -> None:
    """An answer goes to the account, without a preview that would fetch what it names."""
    provider.answer("POST", f"{BOT}/sendMessage")
    await make(api_url=provider.url).send("5123456789", "gracias")
    assert json.loads(provider.asked[0].body) == {
        "chat_id": "5123456789",
        "text": "gracias",
        "link_preview_options": {"is_disabled": True},
    }


async def test_fetch_when_the_file_is_there_then_comes(provider: Provider) -> None:
    """A file is asked for by its id, and fetched from its path."""
    told = {"ok": True, "result": {"file_path": "photos/file 1.jpg"}}
    provider.answer("POST", f"{BOT}/getFile", json.dumps(told).encode())
    provider.answer("GET", f"/file{BOT}/photos/file%201.jpg", b"a photo")
    adapter = make(api_url=provider.url)
    reference = MediaReference(location="F", media_type="")
    assert await adapter.fetch(reference, limit_bytes=100) == b"a photo"
    assert json.loads(provider.asked[0].body) == {"file_id": "F"}

    for broken in (b"x", b"{}", b'{"result": {"file_path": "../../x"}}'):
        provider.answer("POST", f"{BOT}/getFile", broken)
        with pytest.raises(GatewayError) as caught:
            await adapter.fetch(reference, limit_bytes=100)
        assert caught.value.code == "gateway_refused"


async def test_forget_when_the_tip_is_durable_then_the_message_is_removed(
    provider: Provider,
) -> None:
    """A file goes with its message, which the bot removes; an edit removes the same message."""
    provider.answer("POST", f"{BOT}/deleteMessage")
    adapter = make(api_url=provider.url)
    await adapter.forget(MediaReference(location="F", media_type=""))
    assert provider.asked == []
    for provider_id in ("5123456789:7", "5123456789:7:1763726400"):
        await adapter.forget_message(provider_id)
        assert json.loads(provider.asked[-1].body) == {"chat_id": "5123456789", "message_id": 7}


async def test_call_when_telegram_refuses_then_the_error_holds_no_token(
    provider: Provider,
) -> None:
    """The token is part of the address, and the address is in no error."""
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).send("5123456789", "x")
    told = repr(caught.value) + str(caught.value.facts) + repr(caught.value.__context__)
    assert "abc" not in told
