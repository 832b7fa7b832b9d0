"""
What tells a sender or a message again for some days, and nobody afterwards.

    window key = HKDF-SHA256(day key, info = "tipline/window/v1")
    mark of a sender  = BLAKE2b-128(key = window key, channel || 0x00 || address)
    replay key = HKDF-SHA256(day key, info = "tipline/replay/v1")
    mark of a message = BLAKE2b-256(key = replay key, gateway || 0x00 || the provider's id)
    relation key = HKDF-SHA256(day key, info = "tipline/relation/v1")
    relation = XChaCha20-Poly1305(relation key, nonce = row id (16) || 8 zeros, what relates a row)
    bound in: "tipline/relation/v1"

Rules:
1. All these keys come from the key of the day on which what they are for dies, so they die with it
   and have no place of their own.
2. A mark cannot be computed, and so no number be tried, without the day's key.
3. What relates a row to others (a sender's mark, a conversation's name) lies sealed for that row
   alone: no two rows have bytes in common, and copies of them tell nothing once the day is over.

Limitations: while the day's key lives, whoever holds it and the database can try every number of a
country in minutes: this is no speed bump. The number itself lies under the same key.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError as SodiumError

from crypto.data_key import KEY_BYTES
from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret

WINDOW_LABEL: Final = b"tipline/window/v1"
REPLAY_LABEL: Final = b"tipline/replay/v1"
RELATION_LABEL: Final = b"tipline/relation/v1"
ROW_ID_BYTES: Final = 16
RELATION_OVERHEAD_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_ABYTES
_NONCE_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
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


def derive_relation_key(day_key: Secret) -> Secret:
    """
    Derive the key under which lies what relates rows.

    Args:
        day_key: 32 bytes, of the day on which the rows die.

    Returns:
        32 bytes.
    """
    return _derive(day_key, RELATION_LABEL)


def seal_relation(relation_key: Secret, content: bytes, *, row_id: bytes) -> bytes:
    """
    Seal what relates a row to others.

    Args:
        relation_key: Of the day on which the row dies.
        content: What relates it. A row has one such content on one day, whenever it is sealed.
        row_id: 16 bytes, random: of this row and no other.

    Returns:
        `RELATION_OVERHEAD_BYTES` more bytes than *content*.
    """
    # The nonce needs no randomness of its own: under a day's key a row's id seals one content.
    return crypto_aead_xchacha20poly1305_ietf_encrypt(
        content, RELATION_LABEL, _make_nonce(row_id), relation_key.reveal()
    )


def open_relation(relation_key: Secret, untrusted: bytes, *, row_id: bytes, size: int) -> bytes:
    """
    Open what relates a row to others.

    Args:
        relation_key: Of the day on which the row dies.
        untrusted: As the database holds it.
        row_id: 16 bytes, of the row.
        size: How many bytes relate a row of this kind.

    Returns:
        What was sealed, of that size.

    Raises:
        MalformedError: of another length.
        ForgedError: changed, of another row, or sealed under another key.
    """
    nonce = _make_nonce(row_id)
    if len(untrusted) != size + RELATION_OVERHEAD_BYTES:
        raise MalformedError("relation")
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            untrusted, RELATION_LABEL, nonce, relation_key.reveal()
        )
    except SodiumError as exc:
        raise ForgedError("relation") from exc


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


def _make_nonce(row_id: bytes) -> bytes:
    if len(row_id) != ROW_ID_BYTES:
        raise ValueError("a row's id has 16 bytes")
    return row_id.ljust(_NONCE_BYTES, b"\0")


def _mark(key: Secret, content: bytes, mark_bytes: int) -> bytes:
    # Python's own is the same function as libsodium's, in a third of the time: a sender is looked
    # for under the key of each day.
    return hashlib.blake2b(content, digest_size=mark_bytes, key=key.reveal()).digest()
