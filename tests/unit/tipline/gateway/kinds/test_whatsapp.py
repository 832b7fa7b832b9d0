"""WhatsApp's webhooks and Meta's API."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from typing import Any

import pytest

from tests.metas import NUMBER_ID, sign_meta
from tests.providers import Provider
from tests.whatsapps import NOW, TEXT, ask, ask_tree, make, make_message, make_tree
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.incoming import NO_FILE, MediaReference
from tipline.gateway.kinds.whatsapp import MAX_MESSAGES
from tipline.gateway.kinds.whatsapp_messages import MAX_AGE


def test_signature_when_computed_then_is_that_of_an_independent_vector() -> None:
    """HMAC-SHA256, as RFC 4231's second case has it."""
    assert sign_meta(b"what do ya want for nothing?", key="Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=00", "ñ"])
def test_webhook_when_its_signature_does_not_hold_then_is_refused(signature: str) -> None:
    """A forged webhook is refused before it is read."""
    body = json.dumps(make_tree(make_message())).encode()
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(body, signature))
    assert caught.value.code == "gateway_signature"
    with pytest.raises(GatewayError):
        make().receive(ask(body + b" ", sign_meta(body)))
    with pytest.raises(GatewayError):
        make().receive(ask(body, sign_meta(body).removeprefix("sha256=")))


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
