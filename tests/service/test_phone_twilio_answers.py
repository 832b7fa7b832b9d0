"""
Answers and files over Twilio: our calls and those of Twilio's own library, to the same server.

The server says what Twilio's does, in its forms; the library reads the same answers, so that a form
of our own making would be seen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.providers import Asked, Provider, hold_to_meaning, serve_provider
from tests.twilios import ACCOUNT, PUBLIC, SID, TOKEN, make
from tipline.errors import GatewayError
from tipline.gateway.incoming import MediaReference
from tipline.gateway.kinds.twilio import Twilio

API = "https://api.twilio.com"
SENDING = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
MESSAGE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}"
MEDIA = "ME" + "2" * 32
TEXT = "Gracias, Ana: ¿cuándo?"


class Elsewhere(TwilioHttpClient):
    """The library's own client, with its own paths at another address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.session.trust_env = False

    def request(self, method: str, url: str, *args: Any, **keys: Any) -> Any:
        """Call the address that stands in for Twilio's."""
        assert url.startswith(f"{API}/")
        return super().request(method, self.url + url.removeprefix(API), *args, **keys)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Ours and the judge, of the same account, and the server that both call."""

    provider: Provider
    ours: Twilio
    judge: Client


@pytest_asyncio.fixture
async def sides() -> AsyncIterator[Sides]:
    """Serve Twilio's API on loopback, and make who calls it."""
    async with serve_provider() as provider:
        http = Elsewhere(provider.url)
        judge = Client(ACCOUNT, TOKEN.reveal().decode(), http_client=http)
        yield Sides(provider=provider, ours=make(api_url=provider.url), judge=judge)
        http.session.close()


def list_asked(asked: Asked) -> tuple[Any, ...]:
    """Say what matters of a call."""
    return asked.method, asked.target, asked.authorization, parse_qs(asked.body.decode())


def make_resource(**changed: Any) -> bytes:
    """Answer with a message, as Twilio lays it out."""
    told = {
        "sid": SID,
        "account_sid": ACCOUNT,
        "status": "queued",
        "body": TEXT,
        "to": "+525512345678",
        "date_created": "Sat, 21 Nov 2026 12:00:00 +0000",
        "error_code": None,
        "num_segments": "1",
        "num_media": "0",
    }
    return json.dumps({**told, **changed}).encode()


@pytest.mark.parametrize("sender", ["+15005550006", "MG" + "3" * 32])
async def test_answer_when_it_goes_out_then_it_is_the_judges_call(
    sides: Sides, sender: str
) -> None:
    """Method, path, account, token and every field are equal, from a number and a service."""
    sides.provider.answer("POST", SENDING, make_resource(), status=201)
    own = "messaging_service_sid" if sender.startswith("MG") else "from_"
    ours = Twilio(
        "sms",
        auth_token=TOKEN,
        account_sid=ACCOUNT,
        sender=sender,
        public_url=PUBLIC,
        api_url=sides.provider.url,
    )
    await ours.send("+525512345678", TEXT)
    keys = {"to": "+525512345678", "body": TEXT, own: sender}
    sent = await asyncio.to_thread(sides.judge.messages.create, **keys)
    assert (sent.sid, sent.status) == (SID, "queued")
    first, second = map(list_asked, sides.provider.asked)
    assert first == second


# Of Twilio's dictionary: a status of HTTP and a code.
REFUSALS = [
    (400, 21610, "for good"),  # the receiver sent STOP to Twilio itself
    (400, 21211, "for good"),  # no number
    (400, 21614, "for good"),  # a number that takes no SMS
    (400, 21617, "for good"),  # too long
    (401, 20003, "account"),  # a token that has ended
    (400, 21606, "account"),  # our number is not ours
    (400, 21408, "account"),  # a country that was not switched on
    (403, 20005, "account"),  # an account that is not active
    (429, 20429, "later"),
    (400, 21611, "later"),  # a queue that is full
    (503, 20503, "later"),
]


@pytest.mark.parametrize(("status", "code", "means"), REFUSALS)
async def test_refusal_when_twilio_says_why_then_ours_knows_what_to_do(
    sides: Sides, status: int, code: int, means: str
) -> None:
    """What the judge reads as that code, ours tries again soon, or later, or never."""
    told = {
        "code": code,
        "message": "Message",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    sides.provider.answer("POST", SENDING, json.dumps(told).encode(), status=status)
    keys = {"to": "+525512345678", "body": TEXT, "from_": "+15005550006"}
    with pytest.raises(TwilioRestException) as judged:
        await asyncio.to_thread(sides.judge.messages.create, **keys)
    assert (judged.value.status, judged.value.code) == (status, code)
    with pytest.raises(GatewayError) as caught:
        await sides.ours.send("+525512345678", TEXT)
    hold_to_meaning(caught.value, means)


async def test_message_when_it_is_let_go_then_they_are_the_judges_calls(sides: Sides) -> None:
    """The files of a message are found and removed, and the message, each as the judge does it."""
    listed = {
        "media_list": [{"sid": MEDIA, "account_sid": ACCOUNT, "parent_sid": SID}],
        "page_size": 50,
        "uri": f"{MESSAGE}/Media.json",
        "next_page_uri": None,
    }
    sides.provider.answer("GET", f"{MESSAGE}/Media.json", json.dumps(listed).encode())
    for target in (f"{MESSAGE}/Media/{MEDIA}.json", f"{MESSAGE}.json"):
        sides.provider.answer("DELETE", target, b"", status=204)

    def ask_as_judge() -> None:
        message = sides.judge.messages(SID)
        (media,) = message.media.list()
        assert media.sid == MEDIA
        assert message.media(media.sid).delete()
        assert message.delete()

    await sides.ours.forget(MediaReference(location=f"{SID}/0", media_type=""))
    await sides.ours.forget_message(SID)
    await asyncio.to_thread(ask_as_judge)
    asked = list(map(list_asked, sides.provider.asked))
    assert asked[:3] == asked[3:]
