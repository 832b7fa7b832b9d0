"""
WhatsApp at a line that is being served, judged by pywa, the best-kept client for Meta's API.

Meta's servers need a company's account. What they send is laid out as their reference has it; the
same bytes go to the line and to pywa, and what both take from them is equal.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import pywa
from pywa import handlers, types
from pywa.types.base_update import BaseUpdate

from crypto.came_by import Medium
from crypto.tip import Tip
from tests.metas import (
    ACCESS_TOKEN,
    APP_SECRET,
    MESSAGES,
    NUMBER_ID,
    USER_ID,
    VERIFY_TOKEN,
    WA_ID,
    install_whatsapp,
    lay_out,
    sign_meta,
)
from tests.providers import Provider
from tests.service.phones import call_line, open_tips
from tipline.gateway.sealing import NO_TEXT
from tipline.service.silence import Faults

NUMBER = "+525512345678"  # of WA_ID, without Mexico's old mobile mark
FILES = ("image", "audio", "video", "document", "sticker")
HANDLERS = (
    handlers.MessageHandler,
    handlers.EditedMessageHandler,
    handlers.DeletedMessageHandler,
    handlers.CallbackButtonHandler,
    handlers.CallbackSelectionHandler,
    handlers.FlowCompletionHandler,
    handlers.PhoneNumberChangeHandler,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Pywa beside the line, and what it reads."""

    client: pywa.WhatsApp
    read: list[Any]

    def take(self, body: bytes) -> Any:
        """Read a call; the one update in it."""
        self.read.clear()
        assert self.client.webhook_update_validator(body, sign_meta(body)) is None
        assert self.client.webhook_update_handler(body) == ("ok", 200)
        (update,) = self.read
        return update


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Make a client of the same number."""
    session = httpx.Client(trust_env=False)
    client = pywa.WhatsApp(
        phone_id=NUMBER_ID,
        token=ACCESS_TOKEN,
        app_secret=APP_SECRET,
        verify_token=VERIFY_TOKEN,
        session=session,
    )
    read: list[Any] = []

    def take(_: pywa.WhatsApp, update: BaseUpdate) -> None:
        read.append(update)

    client.add_handlers(*(one(take) for one in HANDLERS))
    with session:
        yield Judge(client=client, read=read)


async def post(caller: Any, body: bytes, signature: str | None = None) -> int:
    """Post a call as Meta does; tell the status."""
    headers = {"X-Hub-Signature-256": sign_meta(body) if signature is None else signature}
    async with caller.session.post("/wa", data=io.BytesIO(body), headers=headers) as response:
        await response.read()
        return int(response.status)


def make_message(kind: str, number: int, world: Any) -> dict[str, Any]:
    """Make one message of a type, with an id and a time."""
    now = str(int(world.clock().timestamp()) + number)
    return {"id": f"wamid.{number}", "timestamp": now, **MESSAGES[kind]}


@pytest.mark.parametrize(
    "change",
    [
        sign_meta,
        lambda body: sign_meta(body, key="another"),
        lambda body: sign_meta(body + b" "),
        lambda body: sign_meta(body).upper(),
        lambda body: sign_meta(body)[:-1],
        lambda body: "sha256=",
        lambda body: "",
    ],
)
async def test_call_when_it_is_signed_then_line_and_judge_say_the_same(
    world: Any, provider: Provider, judge: Judge, change: Callable[[bytes], str]
) -> None:
    """What pywa's check takes, the line takes, and nothing else."""
    install_whatsapp(world.directory, provider.url)
    body = lay_out(make_message("text", 1, world))
    signature = change(body)
    refused = judge.client.webhook_update_validator(body, signature)
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller, body, signature) == (200 if refused is None else 403)
        assert len(site.tips) == (1 if refused is None else 0)


@pytest.mark.parametrize("word", [VERIFY_TOKEN, "another-word-of-entrance", ""])
async def test_challenge_when_meta_asks_then_line_and_judge_say_the_same(
    world: Any, provider: Provider, judge: Judge, word: str
) -> None:
    """Meta's question is answered for the same word."""
    install_whatsapp(world.directory, provider.url)
    told, status = judge.client.webhook_challenge_handler(vt=word, ch="1158201444")
    async with world.serve(), call_line(world) as caller:
        query = {"hub.mode": "subscribe", "hub.verify_token": word, "hub.challenge": "1158201444"}
        async with caller.session.get("/wa", params=query) as response:
            assert response.status == status
            assert (await response.text() == told) is (status == 200)


def list_told(tip: Tip, update: Any) -> dict[str, Any]:
    """Say what the judge read in a message, and what of it stands in the tip."""
    assert tip.gateway is not None
    content = update.message if isinstance(update, types.EditedMessage) else update
    media = getattr(content, "media", None)
    told = {
        "sender": (tip.gateway.sender, f"+{update.from_user.wa_id}".replace("+521", "+52")),
        "files": (tip.gateway.missing_files, 0 if media is None else 1),
    }
    if isinstance(update, types.Message) and update.type.value in ("text", *FILES):
        told["text"] = (tip.text, update.text or update.caption or NO_TEXT)
    return told


async def test_message_when_it_is_of_any_type_then_the_line_takes_what_the_judge_takes(
    world: Any, provider: Provider, judge: Judge
) -> None:
    """One of every type that pywa knows: sender, words and files are equal, and nothing is lost."""
    install_whatsapp(world.directory, provider.url)
    known = {one.value for one in types.MessageType} - {"unknown"}  # its word for what it knows not
    assert {fields["type"] for fields in MESSAGES.values()} == known
    async with world.serve() as site, call_line(world) as caller:
        for number, (kind, fields) in enumerate(MESSAGES.items()):
            body = lay_out(make_message(kind, number, world))
            update = judge.take(body)
            assert update.id == f"wamid.{number}"
            before = await open_tips(world, site)
            assert await post(caller, body) == 200, kind
            now = await open_tips(world, site)
            for one in before:
                now.remove(one)
            (tip,) = now
            for name, (ours, theirs) in list_told(tip, update).items():
                assert ours == theirs, (kind, name)
            if fields["type"] not in ("text", *FILES):
                # All of it stands in the tip; a fraction is a text, so that none is rounded.
                assert json.loads(tip.text) == json.loads(json.dumps(fields), parse_float=str)
            assert tip.gateway is not None
            assert tip.gateway.medium is Medium.WHATSAPP
    wanted = [f"/{number}" for number in range(1001, 1007)]
    assert [one.target for one in provider.asked if one.method == "GET"] == wanted


async def test_message_when_the_number_is_kept_back_then_the_id_takes_its_place(
    world: Any, provider: Provider, judge: Judge
) -> None:
    """Whoever has a name instead of a number is told from others, and can end what there is."""
    install_whatsapp(world.directory, provider.url, notice=True)
    provider.answer("POST", f"/{NUMBER_ID}/messages")
    bodies = [lay_out(make_message("text", number, world), number=None) for number in (1, 2)]
    update = judge.take(bodies[0])
    assert (update.from_user.wa_id, update.from_user.bsuid) == (None, USER_ID)
    async with world.serve() as site, call_line(world) as caller:
        assert [await post(caller, body) for body in bodies] == [200, 200]
        first, second = (tip.gateway for tip in await open_tips(world, site))
        assert first is not None
        assert second is not None
        assert first.sender == second.sender == update.from_user.preferred_id
        assert first.conversation == second.conversation
        assert first.conversation is not None
        assert {first.continues, second.continues} == {False, True}
        await provider.wait_until(bool)
        stop = {**make_message("text", 3, world), "text": {"body": "BAJA"}}
        assert await post(caller, lay_out(stop, number=None)) == 200
        assert await post(caller, lay_out(make_message("text", 4, world), number=None)) == 200
        assert [tip.gateway.continues for tip in await open_tips(world, site) if tip.gateway].count(
            False
        ) == 2
    sent = json.loads(provider.asked[0].body)
    assert (sent["recipient"], "to" in sent) == (USER_ID, False)


async def test_call_when_it_holds_several_then_all_are_stored_and_failures_told(
    world: Any, provider: Provider, faults: Faults
) -> None:
    """Meta puts up to a thousand together; what it could not bring is told to the operator."""
    install_whatsapp(world.directory, provider.url)
    messages = [
        {**make_message("text", number, world), "text": {"body": f"{number:02} {'ñ' * 4000}"}}
        for number in range(200)
    ]
    failed = {"id": "wamid.out", "status": "failed", "timestamp": "1", "recipient_id": WA_ID}
    body = lay_out(*messages, statuses=[{**failed, "errors": [{"code": 131047}]}])
    assert len(body) > 1_500_000
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller, body) == 200
        texts = [tip.text for tip in await open_tips(world, site)]
    assert texts == sorted(message["text"]["body"] for message in messages)
    (told,) = faults.take_told()
    assert (told.code, told.facts) == ("gateway_undelivered", {"gateway": "wa"})


async def test_call_when_it_is_of_another_number_then_meta_keeps_it(
    world: Any, provider: Provider, faults: Faults
) -> None:
    """What nobody takes here is not agreed to, and the operator is told."""
    install_whatsapp(world.directory, provider.url, phone_number_id="1")
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller, lay_out(make_message("text", 1, world))) == 400
        assert site.tips == []
    assert [one.code for one in faults.take_told()] == ["gateway_malformed"]
