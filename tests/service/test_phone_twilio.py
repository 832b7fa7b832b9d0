"""
Twilio at a line that is being served, judged by Twilio's own library.

Twilio's servers need an account. Its library signs and checks as they do, and writes the same
answer. It has no reader of what comes in: there the published fields are the judge.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from crypto.came_by import Medium
from tests.service.phones import call_line, install_gateways, make_gateway, open_tips
from tests.twilios import ACCOUNT, FORM, PUBLIC, SID, TOKEN, ask, make, make_event
from tipline.errors import GatewayError
from tipline.gateway.kinds.twilio_signature import sign_request

VALIDATOR = RequestValidator(TOKEN.reveal().decode())
FORM_TYPE = "application/x-www-form-urlencoded"

# All fields of an SMS by Twilio's reference of October 2026, in its order.
SMS = {
    "MessageSid": SID,
    "SmsSid": SID,
    "SmsMessageSid": SID,
    "AccountSid": ACCOUNT,
    "MessagingServiceSid": "MG" + "3" * 32,
    "From": "+5215512345678",
    "To": "+15005550006",
    "Body": "Núñez vendió\nlos permisos & más = 100%",
    "NumMedia": "0",
    "NumSegments": "1",
    "FromCity": "",
    "FromState": "",
    "FromZip": "",
    "FromCountry": "MX",
    "ToCity": "FORT MEADE",
    "ToState": "FL",
    "ToZip": "33841",
    "ToCountry": "US",
    "SmsStatus": "received",
    "ApiVersion": "2010-04-01",
    "AddOns": '{"status":"successful"}',
}


def install_twilio(world: Any, **keys: Any) -> None:
    """Give a line a number at Twilio."""
    options = {"public_url": PUBLIC, "api_url": "http://127.0.0.1:1", "account_sid": ACCOUNT}
    gateway = make_gateway("twilio", **{**options, "from": "+15005550006", **keys})
    secrets = {"sms": {"auth_token": TOKEN.reveal().decode()}}
    install_gateways(world.directory, secrets=secrets, sms=gateway)


async def post(
    caller: Any, body: bytes, signature: str, *, query: str = "", kind: str = FORM_TYPE
) -> tuple[int, bytes]:
    """Post as Twilio does."""
    headers = {"Content-Type": kind, "X-Twilio-Signature": signature}
    async with caller.session.post(f"/sms{query}", data=body, headers=headers) as response:
        return response.status, await response.read()


async def test_form_when_the_judge_signs_it_then_the_line_takes_all_of_it(world: Any) -> None:
    """Signed by Twilio's library, with every field that Twilio sends; answered as it would be."""
    install_twilio(world)
    signature = VALIDATOR.compute_signature(PUBLIC, SMS)
    async with world.serve() as site, call_line(world) as caller:
        status, answer = await post(caller, urlencode(SMS).encode(), signature)
        assert status == 200
        (tip,) = await open_tips(world, site)
        another = RequestValidator("another").compute_signature(PUBLIC, SMS)
        assert (await post(caller, urlencode(SMS).encode(), another))[0] == 403
    assert tip.gateway is not None
    assert (tip.text, tip.gateway.sender) == (SMS["Body"], "+525512345678")
    assert (tip.gateway.medium, tip.gateway.missing_files) == (Medium.SMS, 0)
    # Nothing is said: TwiML without a verb.
    assert ET.canonicalize(answer.decode()) == ET.canonicalize(str(MessagingResponse()))


async def test_events_when_the_judge_signs_them_then_the_line_takes_them(world: Any) -> None:
    """A body of JSON is signed by its hash in the address."""
    install_twilio(world)
    now = world.clock().isoformat()
    events = [make_event(messageSid="SM" + digit * 32, timestamp=now) for digit in "12"]
    body = json.dumps(events)
    query = f"?bodySHA256={VALIDATOR.compute_hash(body)}"
    signature = VALIDATOR.compute_signature(PUBLIC + query, {})
    assert VALIDATOR.validate(PUBLIC + query, body, signature)
    keys = {"query": query, "kind": "application/json"}
    async with world.serve() as site, call_line(world) as caller:
        assert (await post(caller, body.encode(), signature, **keys))[0] == 200
        assert [tip.text for tip in await open_tips(world, site)] == ["text", "text"]
        assert not VALIDATOR.validate(PUBLIC + query, body + " ", signature)
        assert (await post(caller, body.encode() + b" ", signature, **keys))[0] == 403


@pytest.mark.parametrize(
    "url",
    [
        PUBLIC,
        "https://line.example/",
        "https://line.example",
        "https://Line.Example/SMS",
        "https://line.example:443/sms",
        "https://line.example:8443/sms",
        "http://line.example/sms",
        "http://line.example:80/sms?a=1&b=%C3%B1",
        "https://line.example/sms#rc=5&rp=all",
        "https://line.example:8443/sms?a=1#rc=5&rp=all",
    ],
)
def test_address_when_it_is_of_any_form_then_line_and_judge_say_the_same(url: str) -> None:
    """With a port, without one, with capitals, with a query: what the judge takes, we take."""
    bare, _, query = url.partition("#")[0].partition("?")
    host = bare.split("/")[2]
    default = "443" if url.startswith("https") else "80"
    spellings = {url, url.replace(host, host.partition(":")[0])}
    if ":" not in host:
        spellings |= {url.replace(host, f"{host}:{default}"), url.replace(host, f"{host}:99")}
    spellings |= {url.lower(), url + "x", url.partition("#")[0]}
    taken = set()
    for spelling in spellings:
        signature = VALIDATOR.compute_signature(spelling, FORM)
        request = ask(urlencode(FORM).encode(), signature, target=f"/sms?{query}")
        is_taken = True
        try:
            assert make(public_url=url).receive(request).messages
        except GatewayError:
            is_taken = False
        # Whether Twilio signs what stands behind "#" it does not say: with it, and without it.
        judged = {VALIDATOR.validate(one, FORM, signature) for one in (url, url.partition("#")[0])}
        assert is_taken is (True in judged), spelling
        taken |= {spelling} if is_taken else set()
    assert url in taken
    assert taken < spellings


@pytest.mark.parametrize("fields", [{}, FORM, SMS, {"B": "2", "a": "ñ", "A": "", "b": "=&+ %"}])
def test_signature_when_ours_makes_it_then_the_judge_takes_it(fields: dict[str, str]) -> None:
    """What the trial of a gateway signs is what Twilio would."""
    signature = sign_request(TOKEN, PUBLIC, fields.items())
    assert VALIDATOR.validate(PUBLIC, fields, signature)
    assert not VALIDATOR.validate(PUBLIC, {**fields, "x": ""}, signature)


@pytest.mark.parametrize("sender", ["whatsapp:+525512345678", "rcs:+525512345678", "messenger:1"])
async def test_form_when_another_company_brought_it_then_twilio_keeps_it(
    world: Any, sender: str
) -> None:
    """What nobody accepted here is not agreed to: Twilio tells it as an error."""
    install_twilio(world)
    form = {**SMS, "From": sender, "ChannelMetadata": "{}"}
    async with world.serve() as site, call_line(world) as caller:
        signature = VALIDATOR.compute_signature(PUBLIC, form)
        assert (await post(caller, urlencode(form).encode(), signature))[0] == 400
        assert site.tips == []
