"""The calls of Telegram's Bot API: ours and python-telegram-bot's are the same, and fail alike."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, unquote

import pytest
import pytest_asyncio
from telegram import LinkPreviewOptions
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.providers import Provider
from tests.service.telegram_api import (
    ACCOUNT,
    API,
    TOKEN,
    agree,
    list_asked,
    make_ours,
    make_theirs,
    make_update,
    refuse,
    serve_api,
)
from tests.service.telegram_messages import make_file
from tipline.errors import GatewayError
from tipline.gateway.incoming import MediaReference


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve the Bot API on loopback."""
    async with serve_api() as served:
        yield served


async def test_calls_when_both_make_them_then_they_are_the_same(provider: Provider) -> None:
    """Method, path and every parameter of an answer, a removal and a file are the library's."""
    sent = make_update(text="gracias ñ 😀\n2")["message"]
    agree(provider, "sendMessage", sent)
    agree(provider, "getFile", make_file("voice", file_path="voice/file 1.oga"))
    # The library writes the colon of the token as %3A in this one place.
    for token in (TOKEN, quote(TOKEN)):
        provider.answer("GET", f"/file/bot{token}/voice/file%201.oga", b"a voice")
    ours = make_ours(provider)
    reference = MediaReference(location="id-of-voice", media_type="audio/ogg")
    async with make_theirs(provider) as bot:
        preview = LinkPreviewOptions(is_disabled=True)
        told = await bot.send_message(ACCOUNT, sent["text"], link_preview_options=preview)
        await bot.delete_message(ACCOUNT, 7)
        file = await bot.get_file("id-of-voice")
        assert await file.download_as_bytearray() == b"a voice"
    assert (told.chat_id, told.text) == (ACCOUNT, sent["text"])
    await ours.send(str(ACCOUNT), sent["text"])
    await ours.forget_message(f"{ACCOUNT}:7")
    assert await ours.fetch(reference, limit_bytes=100) == b"a voice"
    for method in ("sendMessage", "deleteMessage", "getFile"):
        theirs, own = list_asked(provider, method)
        assert own == theirs
    downloads = [one for one in provider.asked if one.target.startswith("/file")]
    assert [(one.method, unquote(one.target)) for one in downloads] == [
        ("GET", f"/file{API}/voice/file 1.oga")
    ] * 2


BLOCKED: Final = "Forbidden: bot was blocked by the user"
WAIT: Final = {"parameters": {"retry_after": 35}}


@pytest.mark.parametrize(
    ("status", "description", "error"),
    [
        (403, BLOCKED, Forbidden),
        (403, "Forbidden: user is deactivated", Forbidden),
        (400, "Bad Request: chat not found", BadRequest),
        (400, "Bad Request: message is too long", BadRequest),
        (401, "Unauthorized", InvalidToken),
        (404, "Not Found", InvalidToken),
    ],
)
async def test_call_when_telegram_refuses_then_ours_and_the_librarys_say_so(
    provider: Provider, status: int, description: str, error: type[Exception]
) -> None:
    """A refusal is no "later", and says which one it was."""
    refuse(provider, "sendMessage", status, description)
    async with make_theirs(provider) as bot:
        with pytest.raises(error):
            await bot.send_message(ACCOUNT, "x")
    with pytest.raises(GatewayError) as ours:
        await make_ours(provider).send(str(ACCOUNT), "x")
    assert (ours.value.code, ours.value.facts["status"]) == ("gateway_refused", status)
    assert TOKEN not in repr(ours.value) + str(ours.value.facts)


@pytest.mark.parametrize(
    ("status", "more", "error", "wait_seconds"),
    [(429, WAIT, RetryAfter, 35), (500, {}, NetworkError, 0), (502, {}, NetworkError, 0)],
)
async def test_call_when_telegram_says_later_then_ours_and_the_librarys_wait_as_long(
    provider: Provider, status: int, more: Any, error: type[Exception], wait_seconds: int
) -> None:
    """Too many calls are told with a time, and both read the same."""
    refuse(provider, "sendMessage", status, "later", **more)
    async with make_theirs(provider) as bot:
        with pytest.raises(error) as theirs:
            await bot.send_message(ACCOUNT, "x")
    told: Any = getattr(theirs.value, "retry_after", datetime.timedelta())
    with pytest.raises(GatewayError) as ours:
        await make_ours(provider).send(str(ACCOUNT), "x")
    assert ours.value.code == "gateway_unreachable"
    assert ours.value.facts["wait_seconds"] == told.total_seconds() == wait_seconds
