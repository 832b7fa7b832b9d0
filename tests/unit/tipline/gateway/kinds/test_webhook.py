"""The generic webhook."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.providers import Provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import Incoming, MediaReference, Part
from tipline.gateway.kinds.webhook import INCOMING_LINE, OUTGOING_LINE, Webhook, make_signed
from tipline.gateway.signatures import sign_sha256

NOW = datetime.datetime(2025, 11, 21, 12, 0, tzinfo=datetime.UTC)
KEY = Secret(b"k3y")
# The example of docs/how-to/phones.md, signed by another program:
# printf 'tipline-webhook/v1\nhook\n1763726400\n{"id":"a1","from":"+525512345678","text":"hola"}' \
#   | openssl dgst -sha256 -hmac k3y
EXAMPLE_BODY = b'{"id":"a1","from":"+525512345678","text":"hola"}'
EXAMPLE_SIGNATURE = "c6a242b3c2c1d8b21e041884af6894e4906b22e33c990d20d72526bb28c11547"


def make(send_url: str = "") -> Webhook:
    """Make the adapter."""
    return Webhook("hook", signing_key=KEY, send_url=send_url, clock=lambda: NOW)


def ask(value: Any, **changed: Any) -> RawRequest:
    """Make a signed request."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    timestamp = changed.get("timestamp", str(int(NOW.timestamp())))
    signed = make_signed(INCOMING_LINE, "hook", timestamp, body)
    signature = changed.get("signature", "v1=" + sign_sha256(KEY, signed))
    return RawRequest(
        method=changed.get("method", "POST"),
        target="/hook",
        headers={"tipline-timestamp": timestamp, "tipline-signature": signature},
        body=body,
        received_at=NOW,
    )


def test_example_when_it_is_signed_elsewhere_then_it_is_taken() -> None:
    """The documented signature is the one that another program makes."""
    request = ask(EXAMPLE_BODY, signature="v1=" + EXAMPLE_SIGNATURE)
    (message,) = make().receive(request).messages
    assert message == Incoming(
        gateway="hook",
        medium=Medium.SMS,
        provider_id="a1",
        sender="+525512345678",
        text="hola",
        received_at=NOW,
    )


def test_message_when_it_says_all_it_can_then_all_is_read() -> None:
    """Medium and files, or medium and part, are read."""
    value = {"id": "a1", "from": "7373", "text": "", "medium": "mms"}
    media = [{"url": "https://media.invalid/1", "type": "image/jpeg"}]
    (message,) = make().receive(ask({**value, "media": media})).messages
    assert message.medium is Medium.MMS
    expected = MediaReference(location="https://media.invalid/1", media_type="image/jpeg")
    assert message.media == (expected,)
    part = {"reference": "r", "number": 2, "of": 3}
    (message,) = make().receive(ask({**value, "part": part})).messages
    assert message.medium is Medium.MMS
    assert message.part == Part(reference="r", number=2, of=3)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"signature": ""}, "gateway_signature"),
        ({"signature": "v1=" + "0" * 64}, "gateway_signature"),
        ({"signature": EXAMPLE_SIGNATURE.upper()}, "gateway_signature"),
        ({"timestamp": "1763726099"}, "gateway_stale"),
        ({"timestamp": "1763726701"}, "gateway_stale"),
        ({"timestamp": " 1763726400"}, "gateway_stale"),
        ({"timestamp": ""}, "gateway_stale"),
        ({"timestamp": "9" * 13}, "gateway_stale"),
        ({"method": "PUT"}, "gateway_malformed"),
    ],
)
def test_request_when_one_thing_is_wrong_then_it_is_refused(
    changed: dict[str, str], code: str
) -> None:
    """Signature, then time, then form: each has its own code, and quotes nothing."""
    with pytest.raises(GatewayError) as caught:
        make().receive(ask(EXAMPLE_BODY, **changed))
    assert caught.value.code == code
    assert dict(caught.value.facts) == {"gateway": "hook"}
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("byte", [0, 20, 47])
def test_request_when_a_byte_of_its_body_changes_then_its_signature_does_not_hold(
    byte: int,
) -> None:
    """What is signed is the raw body."""
    body = bytearray(EXAMPLE_BODY)
    body[byte] ^= 1
    with pytest.raises(GatewayError, match="gateway_signature"):
        make().receive(ask(bytes(body), signature="v1=" + EXAMPLE_SIGNATURE))


@pytest.mark.parametrize(
    "part",
    [{}, [], {"reference": "r", "number": 1}, {"reference": "r", "number": 1, "of": 2, "x": 1}],
)
def test_part_when_it_is_not_in_its_form_then_the_message_is_refused(part: Any) -> None:
    """A part says what it must, and no more."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask({"id": "a", "from": "1", "text": "", "part": part}))


@pytest.mark.parametrize(
    "media",
    [
        {},
        [],
        [{}],
        [{"url": "x"}],
        [{"url": "x", "type": "y", "more": 1}],
        [{"url": "", "type": "y"}],
        [{"url": "x" * 2001, "type": "y"}],
        [{"url": "x", "type": "y"}] * 11,
    ],
)
def test_media_when_they_are_not_in_their_form_then_the_message_is_refused(media: Any) -> None:
    """A file says where it lies and what it is, and there are ten at most."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask({"id": "a", "from": "1", "text": "", "media": media}))


def test_part_when_it_has_files_then_it_is_refused_before_it_is_acknowledged() -> None:
    """No network has such; what waits for other parts keeps words alone."""
    part = {"reference": "r", "number": 1, "of": 2}
    media = [{"url": "https://media.invalid/1", "type": "image/jpeg"}]
    told = {"id": "a", "from": "1", "text": "x"}
    assert make().receive(ask({**told, "part": part})).messages[0].part is not None
    assert make().receive(ask({**told, "media": media})).messages[0].media != ()
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(ask({**told, "part": part, "media": media}))


async def test_answer_when_it_is_sent_then_the_other_side_can_check_it(provider: Provider) -> None:
    """An answer is signed with the same key under another first line."""
    provider.answer("POST", "/send")
    await make(f"{provider.url}/send").send("+525512345678", "Recibido, ñ")
    (asked,) = provider.asked
    value = json.loads(asked.body)
    assert (value["to"], value["text"]) == ("+525512345678", "Recibido, ñ")
    assert len(value["id"]) == 32
    timestamp = asked.headers["Tipline-Timestamp"]
    signed = make_signed(OUTGOING_LINE, "hook", timestamp, asked.body)
    assert asked.headers["Tipline-Signature"] == "v1=" + sign_sha256(KEY, signed)
    assert timestamp == "1763726400"


async def test_answer_when_the_gateway_takes_none_then_it_is_refused() -> None:
    """A webhook without an address sends nothing."""
    with pytest.raises(GatewayError, match="gateway_no_answers"):
        await make().send("+525512345678", "Recibido")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "gateway_refused"), (302, "gateway_refused"), (429, "gateway_unreachable")],
)
async def test_answer_when_the_other_side_does_not_agree_then_the_error_quotes_nothing(
    provider: Provider, status: int, code: str
) -> None:
    """ "Never" and "later" are told apart."""
    provider.answer("POST", "/send", status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(GatewayError) as caught:
        await make(f"{provider.url}/send").send("+525512345678", "Recibido")
    assert caught.value.code == code
    assert "5512345678" not in repr(caught.value) + str(caught.value.facts)
    assert len(provider.asked) == 1


async def test_answer_when_nobody_is_there_then_later_may_help() -> None:
    """An error of the network names neither address nor number, and has no cause that does."""
    with pytest.raises(GatewayError) as caught:
        await make("http://127.0.0.1:1/5512345678").send("+525512345678", "Recibido")
    assert caught.value.code == "gateway_unreachable"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_media_when_they_are_fetched_and_forgotten_then_the_same_address_is_asked(
    provider: Provider,
) -> None:
    """A file is fetched from the address that was signed, and removed there."""
    provider.answer("GET", "/media/1?t=a%2Fb", b"picture")
    provider.answer("DELETE", "/media/1?t=a%2Fb")
    reference = MediaReference(location=f"{provider.url}/media/1?t=a%2Fb", media_type="")
    adapter = make()
    assert await adapter.fetch(reference, limit_bytes=7) == b"picture"
    with pytest.raises(GatewayError, match="gateway_media"):
        await adapter.fetch(reference, limit_bytes=6)
    await adapter.forget(reference)
    assert [asked.method for asked in provider.asked] == ["GET", "GET", "DELETE"]
