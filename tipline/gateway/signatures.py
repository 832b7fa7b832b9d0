"""
Checking what a gateway signed: on the raw body, before anything in it is read.

Rules:
1. Compared in constant time; which part was wrong is not told.
2. The signature comes first, then the time: a stranger learns nothing of our clock.
3. What is older than `FRESH_SECONDS`, or ahead of our clock by as much, is stale. Within that time
   the ids of messages keep a copy from counting twice.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from typing import Final

from crypto.secret import Secret
from tipline.errors import GatewayError

FRESH_SECONDS: Final = 300  # what the signers around us use: capcom6, Stripe, Slack

_SECONDS = re.compile(r"[0-9]{1,12}")


def sign_sha256(key: Secret, message: bytes) -> str:
    """
    Sign with HMAC-SHA256.

    Args:
        key: Shared with the other side.
        message: What is signed.

    Returns:
        Lower-case hex.
    """
    return hmac.new(key.reveal(), message, hashlib.sha256).hexdigest()


def check_sha256(gateway: str, key: Secret, message: bytes, *, untrusted_signature: str) -> None:
    """
    Check a signature of HMAC-SHA256.

    Args:
        gateway: Its name, for the error.
        key: Shared with the other side.
        message: What should be signed.
        untrusted_signature: Lower-case hex.

    Raises:
        GatewayError: `gateway_signature`.
    """
    expected = sign_sha256(key, message).encode("ascii")
    # Bytes: to a text that is not ASCII, compare_digest would answer with another error.
    if not hmac.compare_digest(expected, untrusted_signature.encode("utf-8", "surrogateescape")):
        raise GatewayError("gateway_signature", gateway=gateway)


def check_same(gateway: str, secret: Secret, *, untrusted: str) -> None:
    """
    Check a secret that is sent along as it is.

    Args:
        gateway: Its name, for the error.
        secret: What should be sent.
        untrusted: What was.

    Raises:
        GatewayError: `gateway_signature`.
    """
    # Hashed, so that the time of comparing tells no length either.
    sent = hashlib.sha256(untrusted.encode("utf-8", "surrogateescape")).digest()
    if not hmac.compare_digest(hashlib.sha256(secret.reveal()).digest(), sent):
        raise GatewayError("gateway_signature", gateway=gateway)


def check_fresh(gateway: str, untrusted_seconds: str, *, now: datetime.datetime) -> None:
    """
    Check when something was signed.

    Args:
        gateway: Its name, for the error.
        untrusted_seconds: Since 1970, in decimal; signed.
        now: Aware.

    Raises:
        GatewayError: `gateway_stale`.
    """
    if not _SECONDS.fullmatch(untrusted_seconds):
        raise GatewayError("gateway_stale", gateway=gateway)
    if abs(int(untrusted_seconds) - now.timestamp()) > FRESH_SECONDS:
        raise GatewayError("gateway_stale", gateway=gateway)
