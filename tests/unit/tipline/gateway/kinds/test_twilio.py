"""Twilio's webhooks and its API."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlencode

import pytest
import pytest_asyncio

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider, serve_provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import MAX_MEDIA, MediaReference
from tipline.gateway.kinds.twilio import ANSWER, INBOUND_EVENT, MAX_AGE, Twilio, sign_request

TOKEN = Secret(b"12345")
ACCOUNT = "AC" + "0" * 32
SID = "SM" + "1" * 32
PUBLIC = "https://line.example/gateway/twilio-1"
NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
FORM = {"MessageSid": SID, "AccountSid": ACCOUNT, "From": "+525512345678", "Body": "Núñez + co"}
MEDIA = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media/ME{'2' * 32}"


def make(*, public_url: str = PUBLIC, api_url: str = "https://api.twilio.com") -> Twilio:
    """Make the adapter."""
    return Twilio(
        "twilio-1",
        auth_token=TOKEN,
        account_sid=ACCOUNT,
        sender="+15005550006",
        public_url=public_url,
        api_url=api_url,
    )


def ask(
    body: bytes,
    signature: str,
    *,
    media_type: str = "application/x-www-form-urlencoded",
    target: str = "/twilio-1",
    method: str = "POST",
    host: str = "internal:8080",
) -> RawRequest:
    """Make a request as the listener hands it over."""
    return RawRequest(
        method=method,
        target=target,
        headers={"content-type": media_type, "x-twilio-signature": signature, "host": host},
        body=body,
        received_at=NOW,
    )


def ask_form(fields: dict[str, str], *, url: str = PUBLIC) -> RawRequest:
    """Make a form, signed."""
    signature = sign_request(TOKEN, url, fields.items())
    return ask(urlencode(fields).encode(), signature)


def ask_json(value: object) -> RawRequest:
    """Make a JSON webhook, signed."""
    body = json.dumps(value).encode()
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    return ask(
        body,
        sign_request(TOKEN, f"{PUBLIC}?{query}", ()),
        media_type="application/json",
        target=f"/twilio-1?{query}",
    )


def make_event(**data: object) -> dict[str, object]:
    """Make an event of an incoming message."""
    usual = {
        "messageSid": SID,
        "from": "+525512345678",
        "body": "text",
        "numMedia": 0,
        "timestamp": NOW.isoformat(),
    }
    return {"specversion": "1.0", "type": INBOUND_EVENT, "data": {**usual, **data}}


def test_signature_when_twilio_published_it_then_is_the_same() -> None:
    """Twilio's own vectors, of a form and of a JSON body, come out."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    assert sign_request(TOKEN, url, fields.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="

    body = b'{"property": "value", "boolean": true}'
    digest = hashlib.sha256(body).hexdigest()
    assert sign_request(TOKEN, f"{url}&bodySHA256={digest}", ()) == "a9nBmqA0ju/hNViExpshrM61xv4="


def test_form_when_signed_then_is_read() -> None:
    """A form becomes one message, and is answered with TwiML that says nothing."""
    received = make().receive(ask_form(FORM))

    (message,) = received.messages
    assert (message.sender, message.text) == ("+525512345678", "Núñez + co")
    assert (message.provider_id, message.medium, message.part) == (SID, Medium.SMS, None)
    assert message.received_at == NOW
    assert received.answer == ANSWER


@pytest.mark.parametrize(
    ("configured", "signed"),
    [
        (PUBLIC, "https://line.example:443/gateway/twilio-1"),
        ("https://line.example:8443/hook", "https://line.example/hook"),
        ("https://line.example:8443/hook", "https://line.example:8443/hook"),
        ("https://[::1]:8443/hook", "https://[::1]/hook"),
    ],
)
def test_form_when_the_address_has_a_port_or_not_then_both_spellings_are_tried(
    configured: str, signed: str
) -> None:
    """Twilio signs some addresses with their port, and some without."""
    assert make(public_url=configured).receive(ask_form(FORM, url=signed)).messages


def test_form_when_the_request_names_another_host_then_only_the_public_address_counts() -> None:
    """A signature for the host that the request claims, behind a proxy, is none."""
    signature = sign_request(TOKEN, "https://internal:8080/twilio-1", FORM.items())
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(urlencode(FORM).encode(), signature))
    assert caught.value.code == "gateway_signature"


@pytest.mark.parametrize("change", ["body", "signature", "key", "url", "none"])
def test_form_when_anything_was_changed_then_is_refused(change: str) -> None:
    """A signature holds for one address, one key and one body."""
    fields = dict(FORM)
    signature = sign_request(TOKEN, PUBLIC, fields.items())
    if change == "body":
        fields["Body"] = "another"
    elif change == "signature":
        signature = base64.b64encode(bytes(20)).decode()
    elif change == "key":
        signature = sign_request(Secret(b"12346"), PUBLIC, fields.items())
    elif change == "url":
        signature = sign_request(TOKEN, PUBLIC + "x", fields.items())
    else:
        signature = ""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(urlencode(fields).encode(), signature))
    assert caught.value.code == "gateway_signature"
    assert "12345678" not in repr(caught.value) + str(caught.value.facts)


@pytest.mark.parametrize(
    "change",
    [
        {"MessageSid": "SM1"},
        {"MessageSid": "CA" + "1" * 32},
        {"From": "whatsapp:+525512345678"},
        {"From": "messenger:12345"},
        {"From": "x" * 200},
        {"AccountSid": "AC" + "9" * 32},
        {"NumMedia": "-1"},
        {"NumMedia": "x"},
        {"NumMedia": str(MAX_MEDIA + 1)},
        {"NumMedia": "1", "MediaUrl0": ""},
    ],
)
def test_form_when_a_field_is_of_another_form_then_is_refused(change: dict[str, str]) -> None:
    """What is signed is not therefore believed: WhatsApp over Twilio was accepted by nobody."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_form({**FORM, **change}))
    assert caught.value.code == "gateway_malformed"


@pytest.mark.parametrize(
    "body",
    [b"", b"Body", b"%zz", b"Body=%ff", "Body=ñ".encode(), b"A=1&A=2", b"a=1&" * 300, b"{}", b"\0"],
)
def test_form_when_it_is_none_then_is_refused(body: bytes) -> None:
    """Broken forms are refused, whatever was signed."""
    with pytest.raises(GatewayError):
        make().receive(ask(body, sign_request(TOKEN, PUBLIC, ())))


def test_request_when_not_a_post_then_is_refused() -> None:
    """Twilio is told to use POST: what stands in an address ends up in logs."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(b"", sign_request(TOKEN, PUBLIC, ()), method="GET"))
    assert caught.value.code == "gateway_malformed"


def test_json_when_signed_then_its_events_are_read() -> None:
    """Events of incoming messages count, others do not."""
    received = make().receive(
        ask_json([make_event(), {"type": "com.twilio.messaging.message.sent", "data": {}}])
    )
    (message,) = received.messages
    assert (message.sender, message.text, message.provider_id) == ("+525512345678", "text", SID)


def test_message_when_its_number_was_withheld_then_it_is_kept() -> None:
    """Nobody is its sender, and nothing of it is lost."""
    (form,) = make().receive(ask_form({**FORM, "From": ""})).messages
    (event,) = make().receive(ask_json([make_event(**{"from": None})])).messages
    assert (form.sender, form.text) == ("", "Núñez + co")
    assert (event.sender, event.text) == ("", "text")


def test_json_when_an_event_waited_then_it_is_taken_with_a_younger_one() -> None:
    """Twilio signed both at once: after an outage nothing is lost that it still brings."""
    old = make_event(timestamp=(NOW - 2 * MAX_AGE).isoformat(), body="old")
    taken = make().receive(ask_json([old, make_event()])).messages
    assert [message.text for message in taken] == ["old", "text"]


@pytest.mark.parametrize(
    ("odd", "provider_id"),
    [
        (make_event(messageSid=1), None),
        (make_event(numMedia="many"), SID),
        (make_event(numMedia=99), SID),
        (make_event(**{"from": "5" * 200}), SID),
        (make_event(body="x" * 65_537), SID),
        ({"type": INBOUND_EVENT}, None),
        ({**FORM, "MessageSid": "SM1"}, None),
    ],
)
def test_json_when_an_event_lacks_something_then_its_fields_are_kept_and_the_others_too(
    odd: dict[str, object], provider_id: str | None
) -> None:
    """One event in another form is sealed as it came, and blocks none that came with it."""
    first, kept, last = make().receive(ask_json([make_event(), odd, make_event()])).messages
    assert (first.text, last.text) == ("text", "text")
    assert kept.text == json.dumps(odd, ensure_ascii=False)[:65_536]
    if provider_id is None:
        assert kept.provider_id.startswith("odd-")
    else:
        assert kept.provider_id == provider_id
    (again,) = make().receive(ask_json([odd])).messages
    assert again == kept


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-11-21T12:00:00", None])
def test_json_when_an_event_has_no_time_then_it_is_read(timestamp: object) -> None:
    """Its id alone keeps a copy from counting twice, as with a form."""
    (message,) = make().receive(ask_json([make_event(timestamp=timestamp)])).messages
    assert message.text == "text"


@pytest.mark.parametrize(
    "other",
    [
        make_event(**{"from": "whatsapp:+525512345678"}),
        {**FORM, "From": "messenger:1"},
        {**FORM, "AccountSid": "AC" + "9" * 32},
    ],
)
def test_json_when_an_event_is_of_another_company_then_only_the_others_are_taken(
    other: dict[str, object],
) -> None:
    """What nobody accepted here is left out, and that is told."""
    received = make().receive(ask_json([make_event(), other]))
    assert [message.text for message in received.messages] == ["text"]
    assert received.is_partly_refused
    assert not make().receive(ask_json([make_event()])).is_partly_refused
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask_json([other]))


def test_json_when_it_has_the_names_of_a_form_then_is_read_like_one() -> None:
    """A service that forwards forms as JSON is understood, too."""
    (message,) = make().receive(ask_json(FORM)).messages
    assert message.text == "Núñez + co"


@pytest.mark.parametrize("change", ["hash", "body", "no hash"])
def test_json_when_the_body_is_another_then_is_refused(change: str) -> None:
    """The address signs the body's hash, and the hash has to be the body's."""
    request = ask_json([make_event()])
    body, target = request.body, request.target
    signature = request.headers["x-twilio-signature"]
    if change == "body":
        body += b" "
    elif change == "hash":
        target = "/twilio-1?bodySHA256=" + "0" * 64
    else:
        target = "/twilio-1"
        signature = sign_request(TOKEN, PUBLIC, ())
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(body, signature, media_type="application/json", target=target))
    assert caught.value.code == "gateway_signature"


@pytest.mark.parametrize("age", [MAX_AGE + datetime.timedelta(1), -datetime.timedelta(hours=1)])
def test_json_when_an_event_is_old_or_ahead_then_is_stale(age: datetime.timedelta) -> None:
    """What Twilio no longer repeats is nobody's any more."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_json([make_event(timestamp=(NOW - age).isoformat())]))
    assert caught.value.code == "gateway_stale"


@pytest.mark.parametrize(
    "value",
    [
        [],
        [make_event()] * 101,
    ],
)
def test_json_when_of_another_form_then_is_refused(value: object) -> None:
    """Signed JSON is not therefore believed."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_json(value))
    assert caught.value.code == "gateway_malformed"


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve Twilio's API on loopback."""
    async with serve_provider() as served:
        yield served


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
    provider.answer("DELETE", MEDIA, status=204)
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
    provider.answer("DELETE", MEDIA, status=204)
    provider.answer("DELETE", message, status=204)
    adapter = make(api_url=provider.url)
    fields = {**FORM, "NumMedia": "1", "MediaUrl0": provider.url + MEDIA}
    (incoming,) = make().receive(ask_form(fields)).messages
    assert incoming.medium is Medium.MMS
    await adapter.forget(incoming.media[0])
    await adapter.forget_message(incoming.provider_id)
    assert [(asked.method, asked.target) for asked in provider.asked] == [
        ("DELETE", MEDIA),
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
