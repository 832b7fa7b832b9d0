"""
Telegram beside python-telegram-bot: the same updates to both, the same calls of both.

Telegram's own servers are not here. What comes closest is the library that most bots are written
with: its types read the updates, its webhook server judges the secret, its client makes the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from telegram import Message, Update
from telegram.constants import FileSizeLimit, MessageType, UpdateType
from telegram.error import BadRequest
from telegram.ext import Updater
from telegram.helpers import effective_message_type

from crypto.came_by import Medium
from tests.providers import Provider
from tests.service.phones import call_line, install_gateways, make_gateway, open_tips
from tests.service.telegram_api import (
    ACCOUNT,
    API,
    SECRET,
    TOKEN,
    WRITTEN_AT,
    agree,
    list_asked,
    make_ours,
    make_theirs,
    make_update,
    refuse,
    serve_api,
    wait_for,
)
from tests.service.telegram_messages import BOT, CHANNEL, MESSAGES, VIDEO, make_file, make_photo
from tipline.demonstration.photo import label_photo
from tipline.demonstration.photo import make_photo as make_picture
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.media import MAX_FILE_BYTES
from tipline.service.silence import Faults

PICTURE = make_picture(width_pixels=64)
HEADER = "X-Telegram-Bot-Api-Secret-Token"
# A venue's place stands beside it, too, and the library looks there first.
KNOWN_AS: Final = {"venue": "location"}
# Names of what is no content: how words look, and by which account of the operator's they came.
FORM: Final = {"type", "effect_id", "business_connection_id", "sender_business_bot"}


@pytest.fixture(autouse=True)
def _periods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the library's periods in their new type: the old one warns."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve the Bot API on loopback."""
    async with serve_api() as served:
        yield served


def read_ours(update: dict[str, Any]) -> Received:
    """Let our adapter read an update at the time at which it was written."""
    written_at = Update.de_json(make_update(), None).message.date  # type: ignore[union-attr]
    return make_ours().receive(
        RawRequest(
            method="POST",
            target="/bot",
            headers={HEADER.lower(): SECRET},
            body=json.dumps(update).encode(),
            received_at=written_at,
        )
    )


def list_their_files(message: Message) -> set[str]:
    """List the ids of what the library calls a message's attachment; of a photo the largest."""
    found = message.effective_attachment
    if found is None:
        return set()
    if isinstance(found, (list, tuple)):
        return {max(found, key=lambda one: one.width * one.height).file_id}
    inner = getattr(found, "paid_media", None)
    if inner is not None:
        photos = {max(one.photo, key=lambda size: size.width).file_id for one in inner[:1]}
        return photos | {one.video.file_id for one in inner[1:2]}
    return {found.file_id} if hasattr(found, "file_id") else set()


def list_leaves(value: Any) -> Iterator[str]:
    """List every text in what a message holds, but files and what is only form."""
    if isinstance(value, dict) and "file_id" not in value:
        # A message within is told without the chat, which is the same.
        around = {"chat"} if "message_id" in value else set()
        for name in value.keys() - FORM - around:
            yield from list_leaves(value[name])
    elif isinstance(value, list):
        for inner in value:
            yield from list_leaves(inner)
    elif isinstance(value, str):
        yield value


# The library says of one kind that it will no longer call it an attachment.
@pytest.mark.filterwarnings("ignore:.*successful_payment will no longer be considered")
@pytest.mark.parametrize("kind", sorted(MessageType))
def test_message_when_the_library_knows_its_kind_then_ours_tells_all_of_it(kind: str) -> None:
    """The same sender, words and files as the library reads; no text of the message is missing."""
    fields = MESSAGES[kind]
    update = make_update(**fields)
    theirs = Update.de_json(update, None).message
    assert theirs is not None
    assert effective_message_type(theirs) == KNOWN_AS.get(kind, kind)
    (ours,) = read_ours(update).messages
    assert theirs.from_user is not None
    assert ours.sender == str(theirs.from_user.id) == str(theirs.chat_id) == str(ACCOUNT)
    assert ours.provider_id == f"{theirs.chat_id}:{theirs.message_id}"
    assert ours.text.startswith(theirs.text or theirs.caption or "")
    files = [one.location for one in ours.media]
    assert len(files) == len(set(files))
    assert list_their_files(theirs) <= set(files)
    assert ours.text or files
    assert [leaf for leaf in list_leaves(fields) if leaf not in ours.text] == []


def test_kinds_when_the_library_learns_one_then_it_is_tried_here() -> None:
    """No kind of message that the library knows is without an example."""
    assert set(MESSAGES) == set(MessageType)


@pytest.mark.parametrize(
    "name", ["animation", "audio", "document", "sticker", "video", "video_note", "voice"]
)
def test_file_when_telegram_says_its_type_then_ours_is_the_librarys(name: str) -> None:
    """The type of a file is what Telegram said, or what such files are."""
    update = make_update(**MESSAGES[name])
    theirs: Any = Update.de_json(update, None).message.effective_attachment  # type: ignore[union-attr]
    (ours,) = read_ours(update).messages[0].media
    assert ours.location == theirs.file_id
    usual = {"video_note": "video/mp4", "sticker": "image/webp"}
    assert ours.media_type == (getattr(theirs, "mime_type", None) or usual[name])


GROUP: Final = {"id": -100123, "type": "supergroup", "title": "Depot"}
UPDATES: Final[dict[str, dict[str, Any]]] = {
    "message": make_update(text="hola"),
    "edited_message": make_update("edited_message", text="b", edit_date=WRITTEN_AT),
    "message of a group": make_update(text="hola", chat=GROUP),
    "message of a channel": make_update(text="hola", chat=CHANNEL),
    "message of a bot": make_update(text="hola", **{"from": BOT}),
    "channel_post": make_update("channel_post", text="hola", chat=CHANNEL),
    "edited_channel_post": make_update("edited_channel_post", text="hola", chat=CHANNEL),
    "business_message": make_update("business_message", text="hola"),
    "edited_business_message": make_update("edited_business_message", text="hola"),
    "guest_message": make_update("guest_message", text="hola", guest_query_id="q"),
    "inline_query": {
        "update_id": 1,
        "inline_query": {"id": "1", "from": BOT, "query": "x", "offset": ""},
    },
    "poll_answer": {
        "update_id": 1,
        "poll_answer": {"poll_id": "1", "option_ids": [0], "option_persistent_ids": ["a"]},
    },
    "my_chat_member": {
        "update_id": 1,
        "my_chat_member": {
            "chat": {"id": ACCOUNT, "type": "private"},
            "from": {"id": ACCOUNT, "is_bot": False, "first_name": "Ana"},
            "date": WRITTEN_AT,
            "old_chat_member": {"user": BOT, "status": "member"},
            "new_chat_member": {"user": BOT, "status": "kicked", "until_date": 0},
        },
    },
}


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_update_when_it_is_not_said_to_the_bot_then_it_becomes_no_tip(name: str) -> None:
    """What the library reads as a person's message in a private chat of the bot is taken alone."""
    theirs = Update.de_json(UPDATES[name], None)
    said = theirs.message or theirs.edited_message
    is_ours = (
        said is not None
        and said.chat.type == "private"
        and said.from_user is not None
        and not said.from_user.is_bot
    )
    received = read_ours(UPDATES[name])
    assert (len(received.messages) == 1) == is_ours
    is_of_an_account = (theirs.business_message or theirs.edited_business_message) is not None
    assert received.is_partly_refused == is_of_an_account


def test_edits_when_two_come_in_one_second_then_both_are_messages() -> None:
    """The library tells them apart by their updates; so do we."""
    edits = [
        make_update("edited_message", update_id=number, text=str(number), edit_date=WRITTEN_AT)
        for number in (1, 2)
    ]
    assert len({Update.de_json(edit, None).update_id for edit in edits}) == 2
    assert len({read_ours(edit).messages[0].provider_id for edit in edits}) == 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The library's webhook server."""

    session: aiohttp.ClientSession
    updates: asyncio.Queue[object]


@contextlib.asynccontextmanager
async def serve_theirs(provider: Provider, directory: Path) -> AsyncIterator[Server]:
    """Serve the library's webhook beside ours; it registers itself at the Bot API first."""
    path = directory / "theirs"
    updates: asyncio.Queue[object] = asyncio.Queue()
    async with make_theirs(provider) as bot:
        updater = Updater(bot, updates)
        async with updater:
            await updater.start_webhook(
                unix=path,
                url_path="bot",
                webhook_url="https://line.example/bot",
                secret_token=SECRET,
                allowed_updates=[UpdateType.MESSAGE, UpdateType.EDITED_MESSAGE],
            )
            connector = aiohttp.UnixConnector(path=str(path))
            async with aiohttp.ClientSession("http://theirs", connector=connector) as session:
                yield Server(session=session, updates=updates)
            await updater.stop()


def install(world: Any, provider: Provider, **keys: Any) -> None:
    """Give a line a bot."""
    gateway = make_gateway("telegram", accept_company=True, api_url=provider.url, **keys)
    secrets = {"secret_token": SECRET, "bot_token": TOKEN}
    install_gateways(world.directory, secrets={"bot": secrets}, bot=gateway)


async def post(session: aiohttp.ClientSession, body: bytes, *secrets: str) -> int:
    """Post an update as Telegram does; tell the status."""
    headers = [("Content-Type", "application/json"), *((HEADER, one) for one in secrets)]
    async with session.post("/bot", data=body, headers=headers) as response:
        await response.read()
        return response.status


async def test_webhook_when_the_same_updates_come_then_both_servers_judge_alike(
    world: Any, provider: Provider, short_path: Path
) -> None:
    """The right secret opens both, no other does; sender and words of what is taken are equal."""
    now = int(world.clock().timestamp())
    install(world, provider)
    bodies = [
        json.dumps(make_update(update_id=number, message_id=number, date=now, text=text)).encode()
        for number, text in enumerate(("hola ñ 😀", "/start", "x" * 4096), 1)
    ]
    async with (
        world.serve() as site,
        call_line(world) as caller,
        serve_theirs(provider, short_path) as theirs,
    ):
        for secrets in ((), ("",), (SECRET[:-1],), (SECRET + "x",), (SECRET, SECRET)):
            verdicts = {
                await post(one, bodies[0], *secrets) for one in (caller.session, theirs.session)
            }
            assert verdicts == {403}
        for body in bodies:
            verdicts = {await post(one, body, SECRET) for one in (caller.session, theirs.session)}
            assert verdicts == {200}
        ours = await open_tips(world, site)
    read = [theirs.updates.get_nowait() for _ in bodies]
    assert theirs.updates.empty()
    said = [one.message for one in read if isinstance(one, Update) and one.message]
    assert {(tip.gateway.sender, tip.text) for tip in ours if tip.gateway} == {
        (str(one.chat_id), one.text) for one in said
    }
    assert len(ours) == len(said) == len(bodies)
    # The library registered itself with the secret that Telegram then sends along.
    registered = next(one for one in provider.asked if one.target == f"{API}/setWebhook")
    assert dict(parse_qsl(registered.body.decode()))["secret_token"] == SECRET


async def test_webhook_when_every_kind_of_message_comes_then_each_is_a_tip(
    world: Any, provider: Provider, short_path: Path
) -> None:
    """What the library takes becomes a tip here: one each, with its words and its files."""
    now = int(world.clock().timestamp())
    install(world, provider)
    agree(provider, "getFile", make_file("any", file_path="files/file_1"))
    provider.answer("GET", f"/file{API}/files/file_1", b"\0 a file of no known kind")
    async with (
        world.serve() as site,
        call_line(world) as caller,
        serve_theirs(provider, short_path) as theirs,
    ):
        for number, fields in enumerate(MESSAGES.values(), 1):
            update = make_update(update_id=number, message_id=number, **{**fields, "date": now})
            body = json.dumps(update).encode()
            verdicts = [await post(one, body, SECRET) for one in (theirs.session, caller.session)]
            assert verdicts == [200, 200], update
        ours = await open_tips(world, site)
    read = [theirs.updates.get_nowait() for _ in MESSAGES]
    said = [one.message for one in read if isinstance(one, Update) and one.message]
    assert len(ours) == len(said) == len(MESSAGES)
    assert {tip.gateway.sender for tip in ours if tip.gateway} == {str(ACCOUNT)}
    told = sorted(words for one in said if (words := one.text or one.caption))
    assert len(told) > 10
    for words in told:
        ours.remove(next(tip for tip in ours if tip.text.startswith(words)))
    asked = {one["file_id"] for one in list_asked(provider, "getFile")}
    files = ("animation", "audio", "document", "live", "photo-1280", "round", "video", "voice")
    assert asked >= {f"id-of-{name}" for name in files}
    assert not [tip for tip in ours if not tip.text and not tip.attachments]


async def test_telegram_when_a_message_comes_then_the_bot_removes_it_from_the_chat(
    world: Any, provider: Provider
) -> None:
    """A message of an account is sealed, answered with the notice, and removed on both sides."""
    agree(provider, "sendMessage", make_update(text="x")["message"])
    install(world, provider, notice=True)
    update = make_update(text="hola", date=int(world.clock().timestamp()))
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller.session, json.dumps(update).encode(), SECRET) == 200
        (tip,) = await open_tips(world, site)
        await wait_for(provider, "deleteMessage")
        await wait_for(provider, "sendMessage")
    assert tip.gateway is not None
    assert (tip.gateway.sender, tip.gateway.medium) == (str(ACCOUNT), Medium.TELEGRAM)
    assert list_asked(provider, "deleteMessage") == [{"chat_id": str(ACCOUNT), "message_id": "7"}]
    (notice,) = list_asked(provider, "sendMessage")
    assert notice["chat_id"] == str(ACCOUNT)


async def test_telegram_when_files_come_then_each_is_sealed_or_counted(
    world: Any, provider: Provider
) -> None:
    """A photo is cleaned and sealed; a film that Telegram gives to no bot is counted as missing."""
    refuse(provider, "getFile", 400, "Bad Request: file is too big")
    install(world, provider)
    film = make_file("film", **{**VIDEO, "file_size": FileSizeLimit.FILESIZE_DOWNLOAD + 1})
    now = int(world.clock().timestamp())
    film_update = make_update(date=now, video=film, caption="mira")
    photo_update = make_update(
        date=now, message_id=8, photo=make_photo("photo"), caption="otra", media_group_id="7"
    )
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller.session, json.dumps(film_update).encode(), SECRET) == 200
        agree(provider, "getFile", make_file("photo-1280", file_path="photos/file_0.jpg"))
        provider.answer("GET", f"/file{API}/photos/file_0.jpg", label_photo(PICTURE))
        assert await post(caller.session, json.dumps(photo_update).encode(), SECRET) == 200
        first, second = await open_tips(world, site)
    assert first.gateway is not None
    assert second.gateway is not None
    assert (first.text, first.gateway.missing_files, first.attachments) == ("mira", 1, ())
    assert (second.text, second.gateway.missing_files) == ('otra\n{"media_group_id": "7"}', 0)
    assert second.attachments[0].cleaning is not None
    assert second.attachments[0].cleaning.found == ("place", "device", "time")
    assert [one["file_id"] for one in list_asked(provider, "getFile")] == [
        "id-of-film",
        "id-of-photo-1280",
    ]
    assert MAX_FILE_BYTES >= FileSizeLimit.FILESIZE_DOWNLOAD


async def test_telegram_when_the_message_cannot_be_removed_then_the_operator_is_told(
    world: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dice stays for a day, and what is older than two days for ever: a fault says so."""
    refuse(provider, "deleteMessage", 400, "Bad Request: message can't be deleted")
    install(world, provider)
    faults: asyncio.Queue[Any] = asyncio.Queue()
    monkeypatch.setattr(Faults, "add", lambda _, exc: faults.put_nowait(exc))
    update = make_update(date=int(world.clock().timestamp()), **MESSAGES["dice"])
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller.session, json.dumps(update).encode(), SECRET) == 200
        (tip,) = await open_tips(world, site)
        async with asyncio.timeout(10):
            fault = await faults.get()
    assert tip.text == '{"dice": {"emoji": "🎲", "value": 3}}'
    assert (fault.code, faults.empty()) == ("gateway_kept", True)
    # It was asked once: what Telegram refuses it refuses again.
    assert len(list_asked(provider, "deleteMessage")) == 1
    async with make_theirs(provider) as bot:
        with pytest.raises(BadRequest, match="can't be deleted"):
            await bot.delete_message(ACCOUNT, 7)
