"""
Answers and files over WhatsApp: our calls and pywa's, to the same server, are equal.

The server says what Meta's does, in its forms; pywa, the best-kept client for Meta's API, reads the
same answers, so that a form of our own making would be seen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import pywa
from pywa import errors

from crypto.secret import Secret
from tests.metas import ACCESS_TOKEN, APP_SECRET, NUMBER_ID, USER_ID, VERIFY_TOKEN
from tests.providers import Asked, Provider, hold_to_meaning, serve_provider
from tipline.errors import GatewayError
from tipline.gateway.incoming import MediaReference
from tipline.gateway.kinds.whatsapp import WhatsApp

VERSION = "v26.0"
SENDING = f"/{VERSION}/{NUMBER_ID}/messages"
FILE = f"/{VERSION}/137524587935346"
TEXT = "Gracias, Ana: ¿cuándo?"
PHOTO = b"a photo"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Ours and the judge, of the same number, and the server that both call."""

    provider: Provider
    ours: WhatsApp
    judge: pywa.WhatsApp


@pytest_asyncio.fixture
async def sides() -> AsyncIterator[Sides]:
    """Serve Meta's API on loopback, and make who calls it."""
    async with serve_provider() as provider:
        ours = WhatsApp(
            "wa",
            app_secret=Secret(APP_SECRET.encode()),
            verify_token=Secret(VERIFY_TOKEN.encode()),
            access_token=Secret(ACCESS_TOKEN.encode()),
            api_url=f"{provider.url}/{VERSION}",
            phone_number_id=NUMBER_ID,
        )
        with httpx.Client(trust_env=False) as session:
            judge = pywa.WhatsApp(
                phone_id=NUMBER_ID, token=ACCESS_TOKEN, session=session, api_version=VERSION[1:]
            )
            # Its own paths, at another address.
            assert str(session.base_url) == f"https://graph.facebook.com/{VERSION}/"
            session.base_url = httpx.URL(f"{provider.url}/{VERSION}")
            yield Sides(provider=provider, ours=ours, judge=judge)


def list_asked(asked: Asked) -> tuple[Any, ...]:
    """Say what matters of a call."""
    body = json.loads(asked.body) if asked.body else None
    return asked.method, asked.target, asked.authorization, body


def make_success(**contact: str) -> bytes:
    """Answer as Meta does when it takes a message."""
    message = {"id": "wamid.HBgLNTI1NTEyMzQ1Njc4", "message_status": "accepted"}
    told = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("to", "theirs", "contact"),
    [
        ("+525512345678", "525512345678", {"input": "525512345678", "wa_id": "525512345678"}),
        (USER_ID, USER_ID, {"input": USER_ID, "user_id": USER_ID}),
    ],
)
async def test_answer_when_it_goes_out_then_it_is_the_judges_call(
    sides: Sides, to: str, theirs: str, contact: dict[str, str]
) -> None:
    """Method, path, token and every field are equal, to a number and to an id."""
    sides.provider.answer("POST", SENDING, make_success(**contact))
    await sides.ours.send(to, TEXT)
    sent = await asyncio.to_thread(sides.judge.send_message, to=theirs, text=TEXT)
    assert sent.id == "wamid.HBgLNTI1NTEyMzQ1Njc4"
    ours, judged = map(list_asked, sides.provider.asked)
    assert ours == judged
    assert ours[2] == f"Bearer {ACCESS_TOKEN}"
    assert ours[3]["text"]["body"] == TEXT


# Of Meta's reference: a status of HTTP, a code, and what it is called there.
REFUSALS = [
    (400, 131047, errors.ReEngagementMessage, "for good"),
    (400, 131026, errors.MessageUndeliverable, "for good"),
    (400, 131062, errors.BSUIDRecipientNotSupported, "for good"),
    (400, 131009, errors.InvalidParameter, "for good"),
    (401, 190, errors.ExpiredAccessToken, "account"),
    (400, 190, errors.ExpiredAccessToken, "account"),
    (401, 0, errors.AuthException, "account"),
    (403, 10, errors.PermissionDenied, "account"),
    (400, 200, errors.APIPermission, "account"),
    (403, 368, errors.TemporarilyBlocked, "account"),
    (400, 131042, errors.BusinessPaymentIssue, "account"),
    (400, 4, errors.ToManyAPICalls, "later"),
    (400, 80007, errors.RateLimitIssues, "later"),
    (400, 130429, errors.RateLimitHit, "later"),
    (429, 130429, errors.RateLimitHit, "later"),
    (400, 131048, errors.SpamRateLimitHit, "later"),
    (400, 131056, errors.TooManyMessages, "later"),
    (500, 131000, errors.UnknownError, "later"),
    (500, 131016, errors.ServiceUnavailable, "later"),
]


@pytest.mark.parametrize(("status", "code", "kind", "means"), REFUSALS)
async def test_refusal_when_meta_says_why_then_ours_knows_what_to_do(
    sides: Sides, status: int, code: int, kind: type[errors.WhatsAppError], means: str
) -> None:
    """What the judge calls it, ours tries again soon, or later, or never."""
    told = {
        "message": f"(#{code}) {kind.__name__}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "Details."},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
    sides.provider.answer("POST", SENDING, json.dumps({"error": told}).encode(), status=status)
    with pytest.raises(kind):
        await asyncio.to_thread(sides.judge.send_message, to="525512345678", text=TEXT)
    with pytest.raises(GatewayError) as caught:
        await sides.ours.send("+525512345678", TEXT)
    hold_to_meaning(caught.value, means)


async def test_file_when_it_is_fetched_and_let_go_then_they_are_the_judges_calls(
    sides: Sides,
) -> None:
    """Its address, then the file, then its end: each as the judge asks for it."""
    told = {
        "url": f"{sides.provider.url}/whatsapp_business/attachments/?mid=1&ext=2&hash=x",
        "mime_type": "image/jpeg",
        "sha256": hashlib.sha256(PHOTO).hexdigest(),
        "file_size": len(PHOTO),
        "id": FILE.rpartition("/")[2],
        "messaging_product": "whatsapp",
    }
    sides.provider.answer("GET", FILE, json.dumps(told).encode())
    sides.provider.answer("GET", told["url"].removeprefix(sides.provider.url), PHOTO)
    sides.provider.answer("DELETE", FILE, b'{"success": true}')

    def ask() -> bytes:
        url = sides.judge.get_media_url(told["id"])
        assert (url.mime_type, url.sha256) == ("image/jpeg", told["sha256"])
        data = sides.judge.get_media_bytes(url.url)
        assert sides.judge.delete_media(told["id"])
        return data

    reference = MediaReference(location=told["id"], media_type="image/jpeg")
    ours = await sides.ours.fetch(reference, limit_bytes=100)
    await sides.ours.forget(reference)
    assert await asyncio.to_thread(ask) == ours == PHOTO
    asked = list(map(list_asked, sides.provider.asked))
    assert asked[:3] == asked[3:]
    assert [one[0] for one in asked[:3]] == ["GET", "GET", "DELETE"]
