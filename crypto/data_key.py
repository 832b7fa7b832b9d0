"""
A record's data key, and how it lies in the database: wrapped under two secrets that can die.

    wrapping key = HKDF-SHA256(day key || record secret, info = "tipline/wrap/v1" || record id)
    wrapped      = 0x01 || nonce (24) || XChaCha20-Poly1305(wrapping key, data key) (48)

Rules:
1. Without the day key nothing of that day opens; without the record secret this record does not.
   Either alone, with all that a backup holds, tells nothing of the data key.
2. A hold wraps the same data key once more, with its hold key in the day key's place. The record
   secret stays part of it, so that a record can die out of a hold, and leave its neighbours there.
3. What was wrapped for one record opens for no other: the record id is bound in.

Limitations: XChaCha20-Poly1305 does not commit to its key. Whoever can write the database can put
there what opens under another key; what then comes out is no envelope, and the desk finds that.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError as SodiumError

from crypto.errors import ForgedError, MalformedError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret

KEY_BYTES: Final = 32
RECORD_ID_BYTES: Final = 16
WRAP_LABEL: Final = b"tipline/wrap/v1"
WRAP_VERSION: Final = 1
NONCE_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
WRAPPED_BYTES: Final = 1 + NONCE_BYTES + KEY_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """
    The key of one record's stored ciphertext. Its role is its type.

    Args:
        secret: 32 bytes.
    """

    secret: Secret

    def __post_init__(self) -> None:
        _check_key(self.secret)

    @classmethod
    def generate(cls, *, random: RandomSource = system_random) -> Self:
        """
        Make a new one.

        Args:
            random: Where it comes from.

        Returns:
            A key of no record yet.
        """
        return cls(secret=Secret(random(KEY_BYTES)))


def derive_wrapping_key(day_key: Secret, record_secret: Secret, *, record_id: bytes) -> Secret:
    """
    Derive the key that wraps a record's data key.

    Args:
        day_key: 32 bytes, of the day on which the record dies; for a hold, its hold key.
        record_secret: 32 bytes, of this record alone.
        record_id: 16 bytes, random, the same as long as the record is stored.

    Returns:
        32 bytes.

    Source:
        RFC 5869. Both inputs have one length each, so their joint has one reading.
    """
    _check_key(day_key)
    _check_key(record_secret)
    _check_record_id(record_id)
    kdf = HKDF(SHA256(), KEY_BYTES, None, WRAP_LABEL + record_id)
    return Secret(kdf.derive(day_key.reveal() + record_secret.reveal()))


def wrap_data_key(
    data_key: DataKey,
    wrapping_key: Secret,
    *,
    record_id: bytes,
    random: RandomSource = system_random,
) -> bytes:
    """
    Wrap a data key.

    Args:
        data_key: Of the record.
        wrapping_key: From `derive_wrapping_key`, for the same record.
        record_id: 16 bytes.
        random: Where the nonce comes from.

    Returns:
        `WRAPPED_BYTES` bytes.
    """
    nonce = random(NONCE_BYTES)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        data_key.secret.reveal(), _bind(record_id), nonce, wrapping_key.reveal()
    )
    return bytes([WRAP_VERSION]) + nonce + sealed


def unwrap_data_key(untrusted: bytes, wrapping_key: Secret, *, record_id: bytes) -> DataKey:
    """
    Unwrap a data key.

    Args:
        untrusted: As the database holds it.
        wrapping_key: From `derive_wrapping_key`, for the same record.
        record_id: 16 bytes.

    Returns:
        The data key.

    Raises:
        MalformedError: of another length or version.
        ForgedError: changed, of another record, or wrapped under another key.
    """
    if len(untrusted) != WRAPPED_BYTES or untrusted[0] != WRAP_VERSION:
        raise MalformedError("wrapped key")
    nonce, sealed = untrusted[1 : 1 + NONCE_BYTES], untrusted[1 + NONCE_BYTES :]
    try:
        key = crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed, _bind(record_id), nonce, wrapping_key.reveal()
        )
    except SodiumError as exc:
        raise ForgedError("wrapped key") from exc
    return DataKey(secret=Secret(key))


def _bind(record_id: bytes) -> bytes:
    _check_record_id(record_id)
    return WRAP_LABEL + record_id


def _check_key(key: Secret) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")


def _check_record_id(record_id: bytes) -> None:
    if len(record_id) != RECORD_ID_BYTES:
        raise ValueError("a record id has 16 bytes")
