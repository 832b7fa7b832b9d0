"""Twilio's webhooks and its API."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs

import pytest

from crypto.came_by import Medium
from tests.providers import Provider
from tests.twilios import ACCOUNT, FORM, NOW, SID, ask_form, ask_json, make, make_event
from tipline.errors import GatewayError
from tipline.gateway.incoming import MediaReference
from tipline.gateway.kinds.twilio import ANSWER

MEDIA = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media/ME{'2' * 32}"


def test_form_when_signed_then_is_read() -> None:
    """A form becomes one message, and is answered with TwiML that says nothing."""
    received = make().receive(ask_form(FORM))

    (message,) = received.messages
    assert (message.sender, message.text) == ("+525512345678", "Núñez + co")
    assert (message.provider_id, message.medium, message.part) == (SID, Medium.SMS, None)
    assert message.received_at == NOW
    assert received.answer == ANSWER


async def test_send_when_there_is_an_answer_then_is_handed_over(provider: Provider) -> None:
    """An answer goes out from our number, with the account's token."""
    target = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    provider.answer("POST", target, status=201)
    await make(api_url=provider.url).send("+525512345678", "Gracias, ¿cuándo?")

    (asked,) = provider.asked
    assert parse_qs(asked.body.decode()) == {
        "From": ["+15005550006"],
        "To": ["+525512345678"],
        "Body": ["Gracias, ¿cuándo?"],
    }
    assert asked.authorization == "Basic " + base64.b64encode(f"{ACCOUNT}:12345".encode()).decode()


async def test_fetch_when_twilio_sends_us_on_then_the_token_stays_behind(
    provider: Provider,
) -> None:
    """A file lies elsewhere, and whoever keeps it there learns nothing of our account."""
    provider.answer("GET", MEDIA, status=307, headers={"Location": "/elsewhere"})
    provider.answer("GET", "/elsewhere", b"a photo")
    adapter = make(api_url=provider.url)
    reference = MediaReference(location=provider.url + MEDIA, media_type="image/jpeg")

    assert await adapter.fetch(reference, limit_bytes=100) == b"a photo"
    assert [asked.authorization is None for asked in provider.asked] == [False, True]


@pytest.mark.parametrize(
    "location", ["https://evil.example/x", "http://mms.twiliocdn.com/x", "//[", "ftp://x"]
)
async def test_fetch_when_sent_on_to_a_stranger_then_does_not_go(
    provider: Provider, location: str
) -> None:
    """Only the places where Twilio keeps files are gone to, and those over TLS."""
    provider.answer("GET", MEDIA, status=307, headers={"Location": location})
    reference = MediaReference(location=provider.url + MEDIA, media_type="image/jpeg")
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).fetch(reference, limit_bytes=100)
    assert caught.value.code == "gateway_refused"


async def test_fetch_when_the_address_is_a_strangers_then_shows_no_token(
    provider: Provider,
) -> None:
    """An address that is not one of our own account's messages is not asked."""
    reference = MediaReference(location=provider.url + "/elsewhere", media_type="image/jpeg")
    with pytest.raises(GatewayError):
        await make(api_url=provider.url).fetch(reference, limit_bytes=100)
    assert provider.asked == []


async def test_fetch_when_an_event_told_a_number_only_then_the_file_is_looked_up(
    provider: Provider,
) -> None:
    """Events say how many files there are; the API says where."""
    listed = {"media_list": [{"sid": "ME" + "3" * 32}, {"sid": "ME" + "2" * 32}]}
    listing = MEDIA.rpartition("/")[0] + ".json"
    provider.answer("GET", listing, json.dumps(listed).encode())
    provider.answer("GET", MEDIA, b"the second")
    provider.answer("DELETE", f"{MEDIA}.json", status=204)
    adapter = make(api_url=provider.url)
    _, second = make().receive(ask_json([make_event(numMedia=2)])).messages[0].media

    assert await adapter.fetch(second, limit_bytes=100) == b"the second"
    await adapter.forget(second)
    assert provider.asked[-1].method == "DELETE"
    for broken in (b"[]", b"x", json.dumps({"media_list": []}).encode()):
        provider.answer("GET", listing, broken)
        with pytest.raises(GatewayError):
            await adapter.fetch(second, limit_bytes=100)


async def test_fetch_when_the_file_is_too_long_then_stops(provider: Provider) -> None:
    """No more than the bound is read."""
    provider.answer("GET", MEDIA, b"x" * 101)
    reference = MediaReference(location=provider.url + MEDIA, media_type="image/jpeg")
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).fetch(reference, limit_bytes=100)
    assert caught.value.code == "gateway_media"


async def test_forget_when_the_tip_is_durable_then_message_and_file_are_removed(
    provider: Provider,
) -> None:
    """Twilio is asked to remove the file and the message."""
    message = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
    provider.answer("DELETE", f"{MEDIA}.json", status=204)
    provider.answer("DELETE", message, status=204)
    adapter = make(api_url=provider.url)
    fields = {**FORM, "NumMedia": "1", "MediaUrl0": provider.url + MEDIA}
    (incoming,) = make().receive(ask_form(fields)).messages
    assert incoming.medium is Medium.MMS
    await adapter.forget(incoming.media[0])
    await adapter.forget_message(incoming.provider_id)
    assert [(asked.method, asked.target) for asked in provider.asked] == [
        ("DELETE", f"{MEDIA}.json"),
        ("DELETE", message),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "gateway_refused"), (429, "gateway_unreachable"), (503, "gateway_unreachable")],
)
async def test_send_when_twilio_does_not_take_it_then_says_whether_later_may_help(
    provider: Provider, status: int, code: str
) -> None:
    """A refusal is not tried again; being busy is."""
    provider.answer("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", status=status)
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).send("+525512345678", "text")
    assert caught.value.code == code
    assert "525512345678" not in repr(caught.value) + str(caught.value.facts)


async def test_forget_when_a_message_named_no_id_then_nobody_is_asked(provider: Provider) -> None:
    """What came without an id of Twilio's cannot be removed there, and goes into no address."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(api_url=provider.url).forget_message("odd-" + "0" * 32)
    assert provider.asked == []
