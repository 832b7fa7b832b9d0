"""
What tells a sender or a message again for some days, and nobody afterwards.

    window key = HKDF-SHA256(day key, info = "tipline/window/v1")
    mark of a sender  = BLAKE2b-128(key = window key, channel || 0x00 || address)
    replay key = HKDF-SHA256(day key, info = "tipline/replay/v1")
    mark of a message = BLAKE2b-256(key = replay key, gateway || 0x00 || the provider's id)

Rules:
1. Both keys come from the key of the day on which the marks die, so they die with it and have no
   place of their own.
2. A mark cannot be computed, and so no number be tried, without the day's key.

Limitations: while the day's key lives, whoever holds it and the database can try every number of a
country in minutes: this is no speed bump. The number itself lies under the same key.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_generichash_blake2b_salt_personal

from crypto.data_key import KEY_BYTES
from crypto.secret import Secret

WINDOW_LABEL: Final = b"tipline/window/v1"
REPLAY_LABEL: Final = b"tipline/replay/v1"
SENDER_MARK_BYTES: Final = 16
MESSAGE_MARK_BYTES: Final = 32  # so many that two messages never have the same


def derive_window_key(day_key: Secret) -> Secret:
    """
    Derive the key under which senders are marked.

    Args:
        day_key: 32 bytes, of the day on which the marks die.

    Returns:
        32 bytes.
    """
    return _derive(day_key, WINDOW_LABEL)


def derive_replay_key(day_key: Secret) -> Secret:
    """
    Derive the key under which messages are marked.

    Args:
        day_key: 32 bytes, of the day on which the marks die.

    Returns:
        32 bytes.
    """
    return _derive(day_key, REPLAY_LABEL)


def mark_sender(window_key: Secret, *, channel: str, address: bytes) -> bytes:
    """
    Mark a sender.

    Args:
        window_key: Of a day.
        channel: The channel's id.
        address: In one spelling.

    Returns:
        16 bytes.
    """
    return _mark(window_key, channel.encode() + b"\0" + address, SENDER_MARK_BYTES)


def mark_message(replay_key: Secret, *, gateway: str, provider_id: bytes) -> bytes:
    """
    Mark a message.

    Args:
        replay_key: Of a day.
        gateway: Its name.
        provider_id: Untrusted: what the provider calls the message.

    Returns:
        32 bytes.
    """
    return _mark(replay_key, gateway.encode() + b"\0" + provider_id, MESSAGE_MARK_BYTES)


def _derive(day_key: Secret, label: bytes) -> Secret:
    if len(day_key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return Secret(HKDF(SHA256(), KEY_BYTES, None, label).derive(day_key.reveal()))


def _mark(key: Secret, content: bytes, mark_bytes: int) -> bytes:
    return crypto_generichash_blake2b_salt_personal(
        content, digest_size=mark_bytes, key=key.reveal()
    )
