"""Telegram's updates and its Bot API."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import MediaReference
from tipline.gateway.kinds.telegram import MAX_AGE, Telegram

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
CHAT = {"id": 5123456789, "type": "private"}
BOT = "/bot123:abc"
AGREED = b'{"ok": true, "result": true}'


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
    """What somebody corrects was told, too; twice in one second it is two messages, and no copy."""
    edited = make_message(text="b", edit_date=int(NOW.timestamp()), date=0)
    for update_id in (2, 3):
        update = {"update_id": update_id, "edited_message": edited}
        (message,) = make().receive(ask(update)).messages
        assert message.provider_id == f"5123456789:7:{update_id}"


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


@pytest.mark.parametrize("kind", ["business_message", "edited_business_message"])
def test_update_when_it_was_said_to_another_account_then_is_a_fault(kind: str) -> None:
    """What comes because the operator connected an account to the bot is told, and not taken."""
    received = make().receive(ask({"update_id": 1, kind: make_message(text="x")}))
    assert (received.messages, received.is_partly_refused) == ((), True)
    assert not make().receive(ask({"update_id": 1, "poll": {}})).is_partly_refused


def test_update_when_its_ids_are_long_then_they_stay_whole() -> None:
    """Accounts have up to 52 bits, and a message's number could have as many."""
    chat = {"id": 2**52 - 1, "type": "private"}
    (message,) = make().receive(ask_message(text="x", chat=chat, message_id=2**40)).messages
    assert (message.sender, message.provider_id) == (
        "4503599627370495",
        "4503599627370495:1099511627776",
    )


@pytest.mark.parametrize(
    "update",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        {"update_id": True, "message": make_message()},
        {"update_id": "1", "message": make_message()},
        {"update_id": 1, "message": make_message(message_id="")},
        {"update_id": 1, "message": make_message(message_id="a:b")},
        {"update_id": 1, "message": make_message(chat={"type": "private", "id": "1"})},
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


def test_message_when_it_has_more_files_than_are_fetched_then_all_are_referred_to() -> None:
    """What is not fetched is counted as missing, and its message is taken."""
    blocks = [{"type": "audio", "audio": {"file_id": f"F{number}"}} for number in range(50)]
    (message,) = make().receive(ask_message(rich_message={"blocks": blocks})).messages
    assert (len(message.media), message.text) == (50, "")


def test_message_when_it_is_nested_as_deep_as_telegram_allows_then_is_read() -> None:
    """Sixteen lists, one within the other, are a message and no attack."""
    block: dict[str, Any] = {"type": "paragraph", "text": "deep"}
    for _ in range(16):
        block = {"type": "list", "items": [{"label": "-", "blocks": [block]}]}
    (message,) = make().receive(ask_message(rich_message={"blocks": [block]})).messages
    assert message.text.endswith("deep")


async def test_send_when_there_is_an_answer_then_is_handed_over(provider: Provider) -> None:
    """An answer goes to the account, without a preview that would fetch what it names."""
    provider.answer("POST", f"{BOT}/sendMessage", AGREED)
    await make(api_url=provider.url).send("5123456789", "gracias")
    assert json.loads(provider.asked[0].body) == {
        "chat_id": "5123456789",
        "text": "gracias",
        "link_preview_options": {"is_disabled": True},
    }


async def test_fetch_when_the_file_is_there_then_comes(provider: Provider) -> None:
    """A file is asked for by its id, and fetched from its path."""
    told = {"ok": True, "result": {"file_id": "F", "file_path": "photos/file 1.jpg"}}
    provider.answer("POST", f"{BOT}/getFile", json.dumps(told).encode())
    provider.answer("GET", f"/file{BOT}/photos/file%201.jpg", b"a photo")
    adapter = make(api_url=provider.url)
    reference = MediaReference(location="F", media_type="")
    assert await adapter.fetch(reference, limit_bytes=100) == b"a photo"
    assert json.loads(provider.asked[0].body) == {"file_id": "F"}

    for broken in (
        b"x",
        b"[]",
        b'{"result": {"file_path": "photos/file 1.jpg"}}',
        b'{"ok": true, "result": {}}',
        b'{"ok": true, "result": {"file_path": "../../x"}}',
    ):
        provider.answer("POST", f"{BOT}/getFile", broken)
        with pytest.raises(GatewayError) as caught:
            await adapter.fetch(reference, limit_bytes=100)
        assert caught.value.code == "gateway_refused"


async def test_forget_when_the_tip_is_durable_then_the_message_is_removed(
    provider: Provider,
) -> None:
    """A file goes with its message, which the bot removes; an edit removes the same message."""
    provider.answer("POST", f"{BOT}/deleteMessage", AGREED)
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


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b"[]", b'{"ok": 1}', b'{"ok": false}'])
async def test_call_when_the_answer_does_not_agree_then_is_refused(
    provider: Provider, answer: bytes
) -> None:
    """Whatever says 200 between Telegram and us has not sent an answer."""
    provider.answer("POST", f"{BOT}/sendMessage", answer)
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).send("5123456789", "x")
    assert (caught.value.code, caught.value.facts["status"]) == ("gateway_refused", 200)


@pytest.mark.parametrize(
    ("told", "headers", "wait_seconds"),
    [
        (b'{"parameters": {"retry_after": 35}}', {}, 35),
        (b'{"parameters": {"retry_after": 35}}', {"Retry-After": "40"}, 40),
        (b'{"parameters": {"retry_after": 99999}}', {}, 3600),
        (b'{"parameters": {"retry_after": -1}}', {}, 0),
        (b'{"parameters": {"retry_after": "1"}}', {"Retry-After": "soon"}, 0),
        (b"{", {}, 0),
    ],
)
async def test_call_when_telegram_says_later_then_the_error_says_when(
    provider: Provider, told: bytes, headers: dict[str, str], wait_seconds: int
) -> None:
    """Who has to wait is told so by Telegram, and how long; never longer than an hour."""
    provider.answer("POST", f"{BOT}/sendMessage", told, status=429, headers=headers)
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).send("5123456789", "x")
    assert caught.value.code == "gateway_unreachable"
    assert caught.value.facts["wait_seconds"] == wait_seconds
