"""WhatsApp's webhooks and Meta's API."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider, serve_provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.incoming import NO_FILE, MediaReference
from tipline.gateway.kinds.whatsapp import MAX_MESSAGES, WhatsApp
from tipline.gateway.kinds.whatsapp_messages import MAX_AGE

APP_SECRET = b"app-secret"
NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
NUMBER_ID = "106540352242922"
TEXT = {"type": "text", "text": {"body": "hola ñandú"}}


def make(*, api_url: str = "https://graph.facebook.com/v23.0") -> WhatsApp:
    """Make the adapter."""
    return WhatsApp(
        "whatsapp-1",
        app_secret=Secret(APP_SECRET),
        verify_token=Secret(b"verify-me"),
        access_token=Secret(b"access"),
        api_url=api_url,
        phone_number_id=NUMBER_ID,
    )


def make_message(**fields: Any) -> dict[str, Any]:
    """Make a message as Meta lays it out."""
    usual = {"from": "5215512345678", "id": "wamid.A", "timestamp": str(int(NOW.timestamp()))}
    return {**usual, **(fields or TEXT)}


def make_tree(*messages: Any, number_id: str = NUMBER_ID) -> dict[str, Any]:
    """Put messages into a webhook."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number_id},
        "messages": list(messages),
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def sign(body: bytes, *, key: bytes = APP_SECRET) -> str:
    """Sign a body as Meta does."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def ask(body: bytes, signature: str | None = None, *, method: str = "POST") -> RawRequest:
    """Make a request as the listener hands it over."""
    return RawRequest(
        method=method,
        target="/whatsapp-1",
        headers={"x-hub-signature-256": sign(body) if signature is None else signature},
        body=body,
        received_at=NOW,
    )


def ask_tree(tree: Any) -> RawRequest:
    """Make a signed webhook."""
    return ask(json.dumps(tree).encode())


def test_signature_when_computed_then_is_that_of_an_independent_vector() -> None:
    """HMAC-SHA256, as RFC 4231's second case has it."""
    assert sign(b"what do ya want for nothing?", key=b"Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_text_when_signed_then_is_read() -> None:
    """A text becomes one message, of a number with its plus."""
    (message,) = make().receive(ask_tree(make_tree(make_message()))).messages

    assert (message.sender, message.text) == ("+5215512345678", "hola ñandú")
    assert (message.provider_id, message.medium, message.media) == (
        "wamid.A",
        Medium.WHATSAPP,
        (),
    )


@pytest.mark.parametrize(
    ("written_at", "hours"),
    [
        (NOW, 24),
        (NOW - datetime.timedelta(hours=23), 1),
        (NOW - datetime.timedelta(days=3), -48),  # Meta brought it late
        (NOW - datetime.timedelta(days=3000), 24 - 7 * 24),
        (NOW + datetime.timedelta(minutes=4), 24),  # its clock is ahead
    ],
)
def test_text_when_written_then_it_can_be_answered_for_a_day_from_then_on(
    written_at: datetime.datetime, hours: int
) -> None:
    """Meta counts from when somebody wrote, whenever it brings it to us."""
    fields = {"timestamp": str(int(written_at.timestamp()))}
    young = make_message(id="wamid.B")
    tree = make_tree(make_message(**TEXT, **fields), young)
    message, _ = make().receive(ask_tree(tree)).messages
    assert message.answer_until == NOW + datetime.timedelta(hours=hours)


@pytest.mark.parametrize("timestamp", ["", "x", "253402300799", "-62135596800", "9" * 30])
def test_time_when_it_cannot_be_then_it_is_answered_for_no_longer_than_a_day(
    timestamp: str,
) -> None:
    """What stands in a time field never makes a day that cannot be written."""
    tree = make_tree(make_message(**TEXT, timestamp=timestamp), make_message(id="wamid.B"))
    message, _ = make().receive(ask_tree(tree)).messages
    assert message.answer_until is not None
    assert abs(message.answer_until - NOW) <= MAX_AGE


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=00", "ñ"])
def test_webhook_when_its_signature_does_not_hold_then_is_refused(signature: str) -> None:
    """A forged webhook is refused before it is read."""
    body = json.dumps(make_tree(make_message())).encode()
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(body, signature))
    assert caught.value.code == "gateway_signature"
    with pytest.raises(GatewayError):
        make().receive(ask(body + b" ", sign(body)))
    with pytest.raises(GatewayError):
        make().receive(ask(body, sign(body).removeprefix("sha256=")))


def test_webhook_when_of_another_number_alone_then_is_not_agreed_to() -> None:
    """An app's secret signs for all of its numbers: what is not ours is nobody's by our word."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask_tree(make_tree(make_message(), number_id="999")))
    both = make_tree(make_message())
    both["entry"] += make_tree(make_message(id="wamid.B"), number_id="999")["entry"]
    received = make().receive(ask_tree(both))
    assert [message.provider_id for message in received.messages] == ["wamid.A"]
    assert received.is_partly_refused
    # Of another number's deliveries nothing can be lost.
    reports = make_tree(number_id="999")
    assert make().receive(ask_tree(reports)) == Received()


def test_webhook_when_it_tells_of_deliveries_then_holds_no_message() -> None:
    """Statuses are agreed to; what Meta could not bring is told."""
    tree = make_tree()
    tree["entry"][0]["changes"].append({"field": "account_update", "value": {}})
    for statuses, has_undelivered in ((("read", "sent"), False), (("sent", "failed"), True)):
        reports = [{"id": "wamid.B", "status": one} for one in statuses]
        tree["entry"][0]["changes"][0]["value"]["statuses"] = reports
        received = make().receive(ask_tree(tree))
        assert (received.messages, received.has_undelivered) == ((), has_undelivered)
        assert not received.is_partly_refused


def test_webhook_when_meta_tells_of_an_error_then_that_is_a_fault() -> None:
    """What Meta could not hand over is not passed by in silence."""
    tree = make_tree(make_message())
    tree["entry"][0]["changes"][0]["value"]["errors"] = [{"code": 131000}]
    assert make().receive(ask_tree(tree)).is_partly_refused


def test_message_when_it_comes_in_another_field_then_is_read() -> None:
    """Meta gives its fields new names; a message is one in each of them."""
    tree = make_tree(make_message())
    tree["entry"][0]["changes"][0]["field"] = "standby"
    (message,) = make().receive(ask_tree(tree)).messages
    assert message.text == "hola ñandú"


def test_message_when_its_number_is_kept_from_us_then_is_of_an_account() -> None:
    """Who has a name instead of a number writes under an id of Meta's; the words stay words."""
    fields = {"from_user_id": "MX.13491208655302741918", "from_parent_user_id": "MX.ENT.1", **TEXT}
    named = {name: value for name, value in make_message(**fields).items() if name != "from"}
    with_both = make_message(**fields, id="wamid.B")
    messages = make().receive(ask_tree(make_tree(named, with_both))).messages
    assert [(one.sender, one.text) for one in messages] == [
        ("MX.13491208655302741918", "hola ñandú"),
        ("+5215512345678", "hola ñandú"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "image", "errors": [{"code": 131052, "title": "Media download error"}]},
        {"type": "image", "image": {"mime_type": "image/jpeg", "caption": "look"}},
        {"type": "video", "video": {"id": "x" * 501, "caption": "look"}},
        {"type": "text", "text": {}},
        {"type": "text"},
    ],
)
def test_message_when_neither_words_nor_file_can_be_found_then_its_fields_are_the_text(
    fields: dict[str, Any],
) -> None:
    """Somebody wrote, and the tip says what is known of it."""
    sent = make_message(**fields)
    (message,) = make().receive(ask_tree(make_tree(sent))).messages
    assert json.loads(message.text) == sent
    assert message.media == (() if fields["type"] == "text" else (NO_FILE,))


def test_file_when_it_is_inside_something_else_then_is_referred_to() -> None:
    """A picture whose caption was mended is inside the edit; one of a new kind wherever it is."""
    image = {"id": "123", "mime_type": "image/jpeg", "caption": "new"}
    inner = {"type": "image", "image": image, "context": {"id": "wamid.0"}}
    edit = {"type": "edit", "edit": {"original_message_id": "wamid.0", "message": inner}}
    new = {"type": "album", "album": [image, {**image, "id": "124"}]}
    first, second = (
        make()
        .receive(ask_tree(make_tree(make_message(**edit), make_message(**new, id="wamid.B"))))
        .messages
    )
    assert [one.location for one in first.media] == ["123"]
    assert [one.location for one in second.media] == ["123", "124"]
    assert '"caption": "new"' in first.text


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
def test_file_when_it_came_then_is_referred_to(kind: str) -> None:
    """A file is told by its id, and its caption is the text."""
    fields = {"type": kind, kind: {"id": "123", "mime_type": "image/jpeg", "caption": "look"}}
    (message,) = make().receive(ask_tree(make_tree(make_message(**fields)))).messages
    assert message.text == "look"
    assert message.media == (MediaReference(location="123", media_type="image/jpeg"),)


def test_message_when_of_a_kind_that_we_do_not_know_then_its_fields_are_the_text() -> None:
    """A place is not lost, and its fraction neither; nor is what comes to be tomorrow."""
    place = {"type": "location", "location": {"latitude": 19.4326, "longitude": -99.1332}}
    broken = {"type": "new", "new": {"x": "\ud800"}}
    messages = (
        make()
        .receive(ask_tree(make_tree(make_message(**place), make_message(**broken, id="wamid.B"))))
        .messages
    )
    assert '"19.4326"' in messages[0].text
    assert "wamid" not in messages[0].text
    messages[1].text.encode()


@pytest.mark.parametrize(
    "age", [MAX_AGE + datetime.timedelta(seconds=1), -datetime.timedelta(hours=1)]
)
def test_message_when_old_or_ahead_then_is_stale(age: datetime.timedelta) -> None:
    """What Meta no longer repeats is stale by its own time."""
    old = make_message(**TEXT, timestamp=str(int((NOW - age).timestamp())))
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_tree(make_tree(old)))
    assert caught.value.code == "gateway_stale"


def test_message_when_it_waited_at_meta_then_it_is_taken_with_a_younger_one() -> None:
    """Meta signed both at once: after an outage nothing is lost that it still brings."""
    times = [NOW - MAX_AGE - datetime.timedelta(days=1), NOW - MAX_AGE, NOW]
    messages = [
        make_message(**TEXT, id=f"wamid.{place}", timestamp=str(int(at.timestamp())))
        for place, at in enumerate(times)
    ]
    taken = make().receive(ask_tree(make_tree(*messages))).messages
    assert [message.provider_id for message in taken] == ["wamid.0", "wamid.1", "wamid.2"]
    assert {message.received_at for message in taken} == {NOW}


@pytest.mark.parametrize(
    ("odd", "provider_id", "sender"),
    [
        (7, None, ""),
        (make_message(**TEXT, id=""), None, "+5215512345678"),
        (make_message(**TEXT, id="x" * 201), None, "+5215512345678"),
        (make_message(**{**TEXT, "from": ""}), "wamid.A", ""),
        (make_message(**{**TEXT, "from": "5" * 200}), "wamid.A", ""),
        (make_message(**TEXT, timestamp="now"), "wamid.A", "+5215512345678"),
        (make_message(**TEXT, timestamp="9" * 19), "wamid.A", "+5215512345678"),
        ({"user_id": "MX.13491208655302741918", **TEXT}, None, ""),
        (make_message(type="text", text={"body": "x" * 65_537}), "wamid.A", "+5215512345678"),
    ],
)
def test_message_when_it_lacks_something_then_its_fields_are_kept_and_the_others_too(
    odd: Any, provider_id: str | None, sender: str
) -> None:
    """One message in another form is sealed as it came, and blocks none that came with it."""
    tree = make_tree(make_message(**TEXT, id="wamid.0"), odd, make_message(**TEXT, id="wamid.9"))
    first, kept, last = make().receive(ask_tree(tree)).messages
    assert (first.text, last.text) == ("hola ñandú", "hola ñandú")
    assert kept.sender == sender
    assert kept.text == json.dumps(odd, ensure_ascii=False)[:65_536]
    if provider_id is None:
        assert kept.provider_id.startswith("odd-")
    else:
        assert kept.provider_id == provider_id
    (again,) = make().receive(ask_tree(make_tree(odd))).messages
    assert again == kept


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {},
        {"object": "page"},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": {}},
        {"object": "whatsapp_business_account", "entry": [7]},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": [1]}]}]},
        {
            "object": "whatsapp_business_account",
            "entry": [{"changes": [{"value": {"messages": {}}}]}],
        },
        make_tree(*[make_message()] * (MAX_MESSAGES + 1)),
    ],
)
def test_webhook_when_of_another_form_then_is_refused(tree: Any) -> None:
    """What is signed is not therefore believed."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask_tree(tree))
    assert caught.value.code == "gateway_malformed"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 100, b"NaN"])
def test_webhook_when_not_json_then_is_refused(body: bytes) -> None:
    """Broken JSON is refused."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(body))
    assert caught.value.code == "gateway_malformed"


def test_webhook_when_not_a_post_then_is_refused() -> None:
    """A signed body counts in a POST alone."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(b"{}", method="PUT"))
    assert caught.value.code == "gateway_malformed"


def challenge(query: str) -> RawRequest:
    """Ask as Meta does when the webhook is set up."""
    return RawRequest(
        method="GET", target=f"/whatsapp-1?{query}", headers={}, body=b"", received_at=NOW
    )


def test_challenge_when_meta_knows_our_word_then_is_answered() -> None:
    """Meta's word is given back to whoever knows ours."""
    query = "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444"
    received = make().receive(challenge(query))
    assert (received.messages, received.answer.body) == ((), b"1158201444")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "gateway_signature"),
        (
            "hub.mode=subscribe&hub.verify_token=other&hub.challenge=1",
            "gateway_signature",
        ),
        ("hub.mode=x&hub.verify_token=verify-me&hub.challenge=1", "gateway_malformed"),
        ("hub.mode=subscribe&hub.verify_token=verify-me", "gateway_malformed"),
        (
            "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=%3Cscript%3E",
            "gateway_malformed",
        ),
        ("a=1&" * 20, "gateway_malformed"),
    ],
)
def test_challenge_when_anything_is_wrong_then_is_refused(query: str, code: str) -> None:
    """A stranger gets no answer, and nobody gets a page of their own from us."""
    with pytest.raises(GatewayError) as caught:
        make().receive(challenge(query))
    assert caught.value.code == code


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve Meta's API on loopback."""
    async with serve_provider() as served:
        yield served


async def test_send_when_there_is_an_answer_then_is_handed_over(provider: Provider) -> None:
    """An answer goes out as a text, without a preview that would fetch what it names."""
    provider.answer("POST", f"/v23.0/{NUMBER_ID}/messages")
    await make(api_url=f"{provider.url}/v23.0").send("+525512345678", "gracias")

    (asked,) = provider.asked
    assert asked.authorization == "Bearer access"
    body = json.loads(asked.body)
    assert (body["to"], body["text"]) == (
        "525512345678",
        {"preview_url": False, "body": "gracias"},
    )


async def test_send_when_only_an_id_is_known_then_goes_to_the_id(provider: Provider) -> None:
    """Meta has a field of its own for who keeps the number from us."""
    provider.answer("POST", f"/{NUMBER_ID}/messages")
    await make(api_url=provider.url).send("MX.13491208655302741918", "gracias")
    body = json.loads(provider.asked[0].body)
    assert ("to" in body, body["recipient"]) == (False, "MX.13491208655302741918")


@pytest.mark.parametrize("encode", [bytes.hex, lambda value: base64.b64encode(value).decode()])
async def test_fetch_when_the_file_is_there_then_is_the_one_that_was_meant(
    provider: Provider, encode: Any
) -> None:
    """A file has the hash that Meta says it has; another one is refused."""
    adapter = make(api_url=provider.url)
    digest = encode(hashlib.sha256(b"a photo").digest())
    told = {"url": f"{provider.url}/file", "sha256": digest}
    provider.answer("GET", "/123", json.dumps(told).encode())
    provider.answer("GET", "/file", b"a photo")
    provider.answer("DELETE", "/123")
    reference = MediaReference(location="123", media_type="image/jpeg")

    assert await adapter.fetch(reference, limit_bytes=100) == b"a photo"
    await adapter.forget(reference)
    assert (provider.asked[-1].method, provider.asked[-1].target) == ("DELETE", "/123")
    provider.answer("GET", "/file", b"another")
    with pytest.raises(GatewayError) as caught:
        await adapter.fetch(reference, limit_bytes=100)
    assert caught.value.code == "gateway_refused"


@pytest.mark.parametrize(
    "told",
    [
        b"{}",
        b"no json",
        b'{"url": "https://evil.example/x"}',
        b'{"url": "http://lookaside.fbsbx.com/x"}',
        b'{"url": "https://lookaside.fbsbx.com:444/x"}',
        b'{"url": "https://lookaside.fbsbx.com.evil.example/x"}',
        b'{"url": "//["}',
    ],
)
async def test_fetch_when_sent_to_a_stranger_then_shows_no_token(
    provider: Provider, told: bytes
) -> None:
    """Our token is shown where Meta keeps its files, and nowhere else."""
    provider.answer("GET", "/123", told)
    with pytest.raises(GatewayError) as caught:
        await make(api_url=provider.url).fetch(
            MediaReference(location="123", media_type=""), limit_bytes=100
        )
    assert caught.value.code == "gateway_refused"
    assert len(provider.asked) == 1


async def test_fetch_when_meta_has_no_file_then_nobody_is_asked(provider: Provider) -> None:
    """A file that could not be told is counted as missing, and our token stays here."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(api_url=provider.url).fetch(NO_FILE, limit_bytes=100)
    assert provider.asked == []


async def test_fetch_when_an_id_has_slashes_then_stays_within_the_api(provider: Provider) -> None:
    """An id from outside is one segment of the address."""
    with pytest.raises(GatewayError):
        await make(api_url=provider.url).fetch(
            MediaReference(location="../x?y", media_type=""), limit_bytes=100
        )
    assert provider.asked[0].target == "/..%2Fx%3Fy"
