"""Twilio and WhatsApp at a line that is being served, with their APIs on loopback."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider
from tests.service.phones import (
    call_line,
    install_gateways,
    install_webhook,
    make_gateway,
    message,
    open_tips,
    open_with_files,
)
from tipline.demonstration.photo import label_photo, make_photo
from tipline.errors import ConfigurationError
from tipline.gateway.kinds.twilio_signature import sign_request
from tipline.gateway.notices import make_notice

ACCOUNT = "AC" + "0" * 32
SID = "MM" + "1" * 32
TOKEN = "twilio-token"
PUBLIC = "https://line.example/sms"
NUMBER = "+525512345678"
MESSAGE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}"
SENDING = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
PHOTO = make_photo(width_pixels=64)


def install_twilio(world: Any, provider: Provider, **keys: Any) -> None:
    """Give a line a number at Twilio."""
    gateway = make_gateway(
        "twilio",
        **{
            "public_url": PUBLIC,
            "api_url": provider.url,
            "account_sid": ACCOUNT,
            "from": "+15005550006",
            **keys,
        },
    )
    install_gateways(world.directory, secrets={"sms": {"auth_token": TOKEN}}, sms=gateway)


async def post_form(caller: Any, **fields: str) -> tuple[int, bytes]:
    """Post a form as Twilio does."""
    form = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": NUMBER, "Body": "mira", **fields}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": sign_request(Secret(TOKEN.encode()), PUBLIC, form.items()),
    }
    body = urlencode(form).encode()
    async with caller.session.post("/sms", data=body, headers=headers) as response:
        return response.status, await response.read()


async def wait_for(provider: Provider, method: str, target: str) -> None:
    """Wait until the provider was asked."""
    await provider.wait_until(
        lambda asked: any((one.method, one.target) == (method, target) for one in asked)
    )


async def open_files(world: Any, site: Any) -> dict[str, bytes]:
    """Open the one tip of a line; its files by their names."""
    ((_, files),) = await open_with_files(world, site)
    return files


async def test_picture_when_it_comes_over_twilio_then_is_cleaned_sealed_and_removed_there(
    world: Any, provider: Provider
) -> None:
    """A picture's place and device go before it is sealed, and then Twilio's copies."""
    media = f"{MESSAGE}/Media/ME{'2' * 32}"
    provider.answer("GET", media, status=307, headers={"Location": "/elsewhere"})
    provider.answer("GET", "/elsewhere", label_photo(PHOTO))
    provider.answer("DELETE", f"{media}.json", status=204)
    provider.answer("DELETE", f"{MESSAGE}.json", status=204)
    install_twilio(world, provider)
    async with world.serve() as site, call_line(world) as caller:
        status, body = await post_form(caller, NumMedia="1", MediaUrl0=provider.url + media)
        assert (status, b"<Response>" in body) == (200, True)
        (tip,) = await open_tips(world, site)
        assert await open_files(world, site) == {"files/01.jpg": PHOTO}
        await wait_for(provider, "DELETE", f"{MESSAGE}.json")
        assert not any(asked.target == SENDING for asked in provider.asked)
        # The provider repeats what was answered too late for it: nothing is fetched again.
        asked_len = len(provider.asked)
        assert (await post_form(caller, NumMedia="1", MediaUrl0=provider.url + media))[0] == 200
        assert len(provider.asked) == asked_len
        assert len(await open_tips(world, site)) == 1
    assert tip.text == "mira"
    assert tip.gateway is not None
    assert (tip.gateway.medium, tip.gateway.missing_files) == (Medium.MMS, 0)
    assert tip.attachments[0].cleaning is not None
    assert tip.attachments[0].cleaning.found == ("place", "device", "time")
    assert [asked.method for asked in provider.asked] == ["GET", "GET", "DELETE", "DELETE"]


async def test_picture_when_it_cannot_be_had_then_the_text_comes_and_says_so(
    world: Any, provider: Provider
) -> None:
    """A text does not wait for a picture, and the tip counts what is missing."""
    install_twilio(world, provider)
    async with world.serve() as site, call_line(world) as caller:
        media = f"{provider.url}{MESSAGE}/Media/ME{'2' * 32}"
        assert (await post_form(caller, NumMedia="1", MediaUrl0=media))[0] == 200
        (tip,) = await open_tips(world, site)
    assert tip.gateway is not None
    assert (tip.text, tip.gateway.missing_files, tip.attachments) == ("mira", 1, ())


async def test_notice_when_somebody_writes_three_times_then_goes_out_once_a_day(
    world: Any, provider: Provider
) -> None:
    """The notice is sent once a day at most, with the line's address, to the number that wrote."""
    world.install(world.sign(onion="a" * 56 + ".onion"))
    provider.answer("POST", SENDING, status=201)
    install_twilio(world, provider, notice=True)
    async with world.serve(), call_line(world) as caller:
        for count in "123":
            assert (await post_form(caller, MessageSid="SM" + count * 32))[0] == 200
        await wait_for(provider, "POST", SENDING)
    sent = [parse_qs(one.body.decode()) for one in provider.asked if one.target == SENDING]
    notice = make_notice(Medium.SMS, language="es", onion="a" * 56 + ".onion")
    assert [(one["To"], one["Body"]) for one in sent] == [([NUMBER], [notice])]


async def test_notice_when_the_sender_is_a_service_then_none_is_sent(
    world: Any, provider: Provider
) -> None:
    """A short code and a name are no phone that somebody holds."""
    install_twilio(world, provider, notice=True)
    async with world.serve() as site, call_line(world) as caller:
        for count, sender in (("1", "27272"), ("2", "EXAMPLE")):
            assert (await post_form(caller, MessageSid="SM" + count * 32, From=sender))[0] == 200
        assert len(site.tips) == 2
    assert not [one for one in provider.asked if one.target == SENDING]


async def test_notice_when_the_gateway_is_down_then_the_message_is_stored_all_the_same(
    world: Any,
) -> None:
    """A notice that cannot be sent holds up no message."""
    install_webhook(world.directory, notice=True, send_url="http://127.0.0.1:9/")
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("hola")) == 200
        assert len(site.tips) == 1


def sign_meta(body: bytes) -> dict[str, str]:
    """Sign a body as Meta does."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(b"app", body, hashlib.sha256).hexdigest()}


async def test_whatsapp_when_a_message_with_a_file_comes_then_the_file_is_removed_there(
    world: Any, provider: Provider
) -> None:
    """A picture over WhatsApp is cleaned and sealed; Meta's copy of it goes, its text stays."""
    told = {
        "url": f"{provider.url}/file",
        "sha256": hashlib.sha256(label_photo(PHOTO)).hexdigest(),
    }
    provider.answer("GET", "/123", json.dumps(told).encode())
    provider.answer("GET", "/file", label_photo(PHOTO))
    provider.answer("DELETE", "/123")
    gateway = make_gateway(
        "whatsapp", accept_company=True, api_url=provider.url, phone_number_id="777"
    )
    secrets = {
        "app_secret": "app",
        "verify_token": "verify-that-it-is-us",
        "access_token": "access",
    }
    install_gateways(world.directory, secrets={"wa": secrets}, wa=gateway)
    image = {"id": "123", "mime_type": "image/jpeg", "caption": "aquí"}
    now = str(int(world.clock().timestamp()))
    sent = {"from": "5215512345678", "id": "wamid.A", "timestamp": now, "type": "image"}
    value = {
        "metadata": {"phone_number_id": "777"},
        "messages": [{**sent, "image": image}],
    }
    tree = {
        "object": "whatsapp_business_account",
        "entry": [{"changes": [{"field": "messages", "value": value}]}],
    }
    body = json.dumps(tree).encode()
    async with world.serve() as site, call_line(world) as caller:
        target = "/wa?hub.mode=subscribe&hub.verify_token=verify-that-it-is-us&hub.challenge=42"
        async with caller.session.get(target) as response:
            assert (response.status, await response.read()) == (200, b"42")
        async with caller.session.post("/wa", data=body, headers=sign_meta(body)) as response:
            assert response.status == 200
        async with caller.session.post("/wa", data=body, headers=sign_meta(b"")) as response:
            assert response.status == 403
        (tip,) = await open_tips(world, site)
        assert await open_files(world, site) == {"files/01.jpg": PHOTO}
        await wait_for(provider, "DELETE", "/123")
    assert tip.gateway is not None
    # Mexico's old mobile mark is gone.
    assert (tip.text, tip.gateway.sender) == ("aquí", NUMBER)
    assert tip.gateway.medium is Medium.WHATSAPP
    # Meta takes an answer for a day; the number stays as long as the policy says.
    assert tip.gateway.answer_until == "2031-03-15T15:09:26Z"
    assert tip.gateway.reply_until == datetime.date(2031, 6, 11)


@pytest.mark.parametrize("kind", ["whatsapp", "telegram"])
async def test_gateway_when_the_company_is_not_accepted_then_the_line_does_not_start(
    world: Any, kind: str
) -> None:
    """A company that reads every message is never there by accident."""
    keys = {"api_url": "https://example.org"}
    if kind == "whatsapp":
        keys["phone_number_id"] = "7"
    install_gateways(world.directory, gate=make_gateway(kind, accept_company=False, **keys))
    with pytest.raises(ConfigurationError) as caught:
        async with world.serve():
            pass
    assert caught.value.code == "gateway_company"
