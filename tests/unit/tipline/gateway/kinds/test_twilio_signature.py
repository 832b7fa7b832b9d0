"""How Twilio signs a webhook."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

import pytest

from crypto.secret import Secret
from tests.twilios import FORM, PUBLIC, TOKEN, ask, ask_form, ask_json, make, make_event
from tipline.errors import GatewayError
from tipline.gateway.kinds.twilio_signature import sign_request


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
