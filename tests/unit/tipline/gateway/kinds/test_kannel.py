"""Kannel's smsbox, as it calls and is called."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from crypto.secret import Secret
from tests.providers import Provider
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest
from tipline.gateway.incoming import MediaReference, Part
from tipline.gateway.kinds.kannel import Kannel, decode_body

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
SHOWN = "Basic a2FubmVsOmluc2VjcmV0"  # kannel:insecret, as smsbox sent it
HEADERS = {
    "authorization": SHOWN,
    "content-type": "text/plain; charset=UTF-8",
    "x-kannel-from": "+525512345678",
    "x-kannel-to": "7373",
}


def make(send_url: str = "http://127.0.0.1:1/", *, sender: str = "7373") -> Kannel:
    """Make the adapter."""
    return Kannel(
        "kannel",
        inbound=Secret(b"insecret"),
        send_url=send_url,
        user=Secret(b"tip"),
        password=Secret(b"sendpw"),
        sender=sender,
    )


def ask(body: bytes = b"hola", *, target: str = "/kannel?id=6e9c", **headers: str) -> RawRequest:
    """Make a request as smsbox does."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest(
        method=changed.pop("method", "POST"),
        target=target,
        headers={**HEADERS, **changed},
        body=body,
        received_at=NOW,
    )


def test_message_when_smsbox_brings_it_then_it_is_read() -> None:
    """Id, sender and text are where smsbox puts them."""
    (message,) = make().receive(ask("ñandú".encode())).messages
    assert (message.provider_id, message.sender, message.text) == (
        "6e9c",
        "+525512345678",
        "ñandú",
    )


def test_message_when_it_is_a_part_then_its_header_says_which() -> None:
    """Parts that Kannel did not join are joined here."""
    (message,) = make().receive(ask(x_kannel_udh="%05%00%03M%02%01")).messages
    assert message.part == Part(reference="4d", number=1, of=2)


@pytest.mark.parametrize("header", ["%05%00", "%00", "ñ", "%04%00%03M%02", "%05%00%03M%02%03"])
def test_message_when_its_header_names_no_part_then_its_words_are_kept(header: str) -> None:
    """Kannel has acknowledged it to the carrier, and would bring it for hours in the same form."""
    (message,) = make().receive(ask(x_kannel_udh=header)).messages
    assert (message.part, message.text) == (None, "hola")


@pytest.mark.parametrize("shown", ["", "Basic", "Basic a2FubmVsOmluc2VjcmV1", SHOWN.lower(), "ñ"])
def test_request_when_the_secret_is_not_shown_then_it_is_refused(shown: str) -> None:
    """Whoever else reaches the port brings nothing in."""
    with pytest.raises(GatewayError, match="gateway_signature"):
        make().receive(ask(authorization=shown))


@pytest.mark.parametrize(
    "request_",
    [
        ask(target="/kannel"),
        ask(target="/kannel?id="),
        ask(target="/kannel?id=1&id=2"),
        ask(method="GET"),
        ask(x_kannel_from="1" * 101),
    ],
)
def test_request_when_it_is_not_in_its_form_then_it_is_refused(request_: RawRequest) -> None:
    """A message has one id, and no longer sender than any."""
    with pytest.raises(GatewayError, match="gateway_malformed"):
        make().receive(request_)


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        (b"hola", "text/plain", "hola"),
        ("ñ".encode("latin-1"), "text/plain; charset=ISO-8859-1", "ñ"),
        (b"\xff", "text/plain; charset=UTF-8", "\ufffd"),
        (b"a", "text/plain; charset=x-unknown", "a"),
        (b"a", 'text/plain; charset="\xff"', "a"),
        ("ñ\N{GRINNING FACE}".encode("utf-16-be"), "text/plain; charset=UTF-16BE", "ñ😀"),
        ("\ufeffa".encode("utf-16-be"), "text/plain; charset=utf-16", "a"),
        (b"\xd8\x3d", "text/plain; charset=UTF-16BE", "\ud83d"),
        (b"\0a\0", "text/plain; charset=UTF-16BE", "a\ufffd"),
        (b"\0", "text/plain; charset=UTF-16BE", "\ufffd"),
        (b"\x01\x02", "application/octet-stream", ""),
        (b"a", "", "a"),
    ],
)
def test_body_when_its_header_names_an_encoding_then_it_is_decoded_so(
    body: bytes, media_type: str, text: str
) -> None:
    """What is none in its encoding is replaced; what is no text is empty; nothing fails."""
    assert decode_body(body, media_type) == text


@pytest.mark.parametrize(("text", "coding"), [("Recibido ñ", "0"), ("Recibido á", "2")])
async def test_answer_when_it_is_sent_then_no_address_holds_number_or_text(
    provider: Provider, text: str, coding: str
) -> None:
    """Number, text and password go in headers and body: addresses stand in logs."""
    provider.answer("POST", "/cgi-bin/sendsms", b"0: Accepted for delivery", status=202)
    await make(f"{provider.url}/cgi-bin/sendsms").send("+525512345678", text)
    (asked,) = provider.asked
    assert asked.target == "/cgi-bin/sendsms"
    assert asked.body.decode() == text
    sent: dict[str, Any] = {
        name: value for name, value in asked.headers.items() if name.startswith("X-Kannel")
    }
    assert sent == {
        "X-Kannel-Username": "tip",
        "X-Kannel-Password": "sendpw",
        "X-Kannel-To": "+525512345678",
        "X-Kannel-From": "7373",
        "X-Kannel-Coding": coding,
    }


async def test_answer_when_no_sender_is_set_then_kannel_chooses(provider: Provider) -> None:
    """An empty sender is not sent."""
    provider.answer("POST", "/", status=202)
    await make(f"{provider.url}/", sender="").send("7373", "a")
    assert "X-Kannel-From" not in provider.asked[0].headers


@pytest.mark.parametrize("to", ["", "+52 55", "1\r\nX-Kannel-To: 2", "ñandú", "1" * 31])
async def test_answer_when_its_address_is_none_then_nothing_is_sent(
    provider: Provider, to: str
) -> None:
    """No address breaks out of its header."""
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make(f"{provider.url}/").send(to, "a")
    assert provider.asked == []


async def test_file_when_it_is_asked_for_then_there_is_none() -> None:
    """SMPP carries no files."""
    reference = MediaReference(location="x", media_type="")
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make().fetch(reference, limit_bytes=1)
    with pytest.raises(GatewayError, match="gateway_refused"):
        await make().forget(reference)
