"""The Bot API on loopback, and the two that speak it: our adapter and python-telegram-bot."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from telegram import Bot

from crypto.secret import Secret
from tests.providers import Provider, serve_provider
from tests.service.telegram_messages import BOT
from tipline.gateway.kinds.telegram import Telegram

SECRET = "hush-hush-hush_hush"
TOKEN = "1:a-token_of-a-bot"
ACCOUNT = 5123456789  # more than 32 bits
API = f"/bot{TOKEN}"
WRITTEN_AT: Final = 1_900_000_000


@contextlib.asynccontextmanager
async def serve_api() -> AsyncIterator[Provider]:
    """Serve the Bot API; it agrees to what every bot asks first, and to what ours asks always."""
    # The library's periods in their new type: the old one warns.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PTB_TIMEDELTA", "1")
        async with serve_provider() as served:
            agree(served, "getMe", {**BOT, "username": "line_bot"})
            for method in ("setWebhook", "deleteWebhook", "deleteMessage"):
                agree(served, method, True)
            yield served


def agree(provider: Provider, method: str, result: Any) -> None:
    """Answer a call as Telegram does."""
    body = json.dumps({"ok": True, "result": result}).encode()
    provider.answer("POST", f"{API}/{method}", body)


def refuse(provider: Provider, method: str, status: int, description: str, **more: Any) -> None:
    """Refuse a call as Telegram does."""
    body = {"ok": False, "error_code": status, "description": description, **more}
    provider.answer("POST", f"{API}/{method}", json.dumps(body).encode(), status=status)


def make_ours(provider: Provider | None = None) -> Telegram:
    """Make our adapter."""
    return Telegram(
        "bot",
        secret_token=Secret(SECRET.encode()),
        bot_token=Secret(TOKEN.encode()),
        api_url="https://api.telegram.org" if provider is None else provider.url,
    )


@contextlib.asynccontextmanager
async def make_theirs(provider: Provider) -> AsyncIterator[Bot]:
    """Make the library's client."""
    bot = Bot(TOKEN, base_url=f"{provider.url}/bot", base_file_url=f"{provider.url}/file/bot")
    async with bot:
        yield bot


def make_update(kind: str = "message", *, update_id: int = 1, **fields: Any) -> dict[str, Any]:
    """Make an update with a message in a private chat."""
    message = {
        "message_id": 7,
        "from": {"id": ACCOUNT, "is_bot": False, "first_name": "Ana", "language_code": "es"},
        "chat": {"id": ACCOUNT, "type": "private", "first_name": "Ana"},
        "date": WRITTEN_AT,
        **fields,
    }
    return {"update_id": update_id, kind: message}


async def wait_for(provider: Provider, method: str) -> None:
    """Wait until the Bot API was asked."""
    target = f"{API}/{method}"
    await provider.wait_until(lambda asked: any(one.target == target for one in asked))


def list_asked(provider: Provider, method: str) -> list[dict[str, str]]:
    """List the parameters of every call of a method, as texts: the library sends a form."""
    found = []
    for asked in provider.asked:
        if asked.target == f"{API}/{method}":
            assert asked.method == "POST"
            if asked.headers["Content-Type"] == "application/json":
                fields = {
                    name: value if isinstance(value, str) else json.dumps(value)
                    for name, value in json.loads(asked.body).items()
                }
            else:
                fields = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
            found.append(fields)
    return found
