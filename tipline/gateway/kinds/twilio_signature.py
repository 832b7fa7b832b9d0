"""
How Twilio signs a webhook.

Rules:
1. A form is signed with its address: HMAC-SHA1, under the account's token, of the address and of
   all names and values, sorted. A JSON body is signed by its SHA-256 in the address.
2. The address is the public one that the operator wrote down, letter by letter, and the query of
   the request; what the request says of its own host is not asked. Twilio signs some addresses
   with their port and some without, and does not say whether it signs what stands behind `#`, by
   which it is told to try again: all of these are tried.
3. Keys that Twilio calls shared, and signs with SHA-256, are not known here: what they sign is
   refused.

Source: Twilio, "Webhooks security"; its own library, whose checks are the judge in the tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from crypto.secret import Secret
from tipline.errors import GatewayError
from tipline.gateway.adapter import RawRequest

MAX_FIELDS: Final = 200  # of a form; one with ten files has about sixty
PORTS: Final = {"http": 80, "https": 443}

_HASH = re.compile(r"[0-9a-f]{64}")


def check_form(
    gateway: str,
    token: Secret,
    request: RawRequest,
    *,
    public_url: str,
    fields: Iterable[tuple[str, str]],
) -> None:
    """
    Check a form's signature.

    Args:
        gateway: Its name, for the error.
        token: Of the account.
        request: Untrusted.
        public_url: As it is written down at Twilio.
        fields: Of the form.

    Raises:
        GatewayError: `gateway_signature`.
    """
    if not _is_signed(token, request, public_url, fields):
        raise GatewayError("gateway_signature", gateway=gateway)


def check_body(gateway: str, token: Secret, request: RawRequest, *, public_url: str) -> None:
    """
    Check the signature of a body that is no form: the address holds its hash.

    Args:
        gateway: Its name, for the error.
        token: Of the account.
        request: Untrusted.
        public_url: As it is written down at Twilio.

    Raises:
        GatewayError: `gateway_signature`.
        ValueError: the address has too many fields.
    """
    told = _find_hash(urlsplit(request.target).query)
    is_this = hmac.compare_digest(hashlib.sha256(request.body).hexdigest(), told)
    if not (_is_signed(token, request, public_url, ()) and is_this):
        raise GatewayError("gateway_signature", gateway=gateway)


def sign_request(token: Secret, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """
    Sign a request as Twilio does.

    Args:
        token: Of the account.
        url: All of it, as Twilio calls it.
        fields: Of a form; none for another body.

    Returns:
        Base64.

    Source:
        Twilio, "Webhooks security": the parameters sorted by name, each value once.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.reveal(), signed.encode("utf-8", "surrogateescape"), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode("ascii")


def _is_signed(
    token: Secret, request: RawRequest, public_url: str, fields: Iterable[tuple[str, str]]
) -> bool:
    untrusted = request.headers.get("x-twilio-signature", "").encode("utf-8", "surrogateescape")
    is_signed = False
    for url in _list_spellings(public_url, urlsplit(request.target).query):
        expected = sign_request(token, url, fields).encode("ascii")
        is_signed |= hmac.compare_digest(expected, untrusted)
    return is_signed


def _list_spellings(public_url: str, query: str) -> Iterator[str]:
    parts = urlsplit(public_url)
    # Not `hostname`: that is in lower case, and Twilio signs what was written.
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    for port in (f":{parts.port or PORTS[parts.scheme]}", ""):
        for end in {parts.fragment, ""}:
            place = f"{host}{port}"
            yield urlunsplit((parts.scheme, place, parts.path, query or parts.query, end))


def _find_hash(query: str) -> str:
    for name, value in parse_qsl(query, max_num_fields=MAX_FIELDS):
        if name == "bodySHA256" and _HASH.fullmatch(value):
            return value
    return ""
