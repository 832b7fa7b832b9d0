"""
A phone's pseudonym: the same within one epoch and channel, and related to nothing outside it.

    seed      = BLAKE2b-256(key = epoch key, person = "tipline/pseudo/1",
                            channel || 0x00 || address)
    pseudonym = Argon2id(seed, salt = the epoch's; 64 MiB, 1 pass, 1 lane), 16 bytes

Rules:
1. Secrecy rests on the epoch key alone: it lies in a slot that dies, outside database and backups.
2. Argon2id is a speed bump, for when the epoch key was stolen while it lived: it makes trying every
   number of a country a matter of months on one machine instead of minutes.
3. Channel and epoch are part of it: the same number on two channels, or in two epochs, has two
   pseudonyms that nothing relates.

Limitations: whoever holds the epoch key, or the running service, can test a guess, and a list of
some thousand numbers is tried in minutes.

Source: RFC 9106 (Argon2); RFC 7693 (BLAKE2); docs/explanation/handles.md says what it costs.
"""

from __future__ import annotations

from typing import Final

from argon2.low_level import Type, hash_secret_raw
from nacl.bindings import crypto_generichash_blake2b_salt_personal

from crypto.secret import Secret

EPOCH_KEY_BYTES: Final = 32
EPOCH_SALT_BYTES: Final = 16
PSEUDONYM_BYTES: Final = 16
MEMORY_KIB: Final = 64 * 1024
# One pass: 9 to 14 a second of a core, by the size of its pages (docs/reference/performance.md).
# Three passes took twice as long, and cost a thief of the epoch key no more than that.
PASSES: Final = 1
LANES: Final = 1
SEED_BYTES: Final = 32
_PERSON: Final = b"tipline/pseudo/1"  # 16 bytes, as BLAKE2b wants it


def derive_pseudonym(epoch_key: Secret, *, salt: bytes, channel: str, address: bytes) -> bytes:
    """
    Derive the pseudonym of one address. Takes 50 to 110 ms and 64 MiB.

    Args:
        epoch_key: 32 bytes.
        salt: 16 bytes, of the epoch.
        channel: The channel's id.
        address: What is told apart: a number in one spelling.

    Returns:
        16 bytes.
    """
    return harden_seed(derive_seed(epoch_key, channel=channel, address=address), salt=salt)


def derive_seed(epoch_key: Secret, *, channel: str, address: bytes) -> Secret:
    """
    Derive what a pseudonym is made of, by the epoch key.

    Args:
        epoch_key: 32 bytes.
        channel: The channel's id.
        address: What is told apart.

    Returns:
        32 bytes. Whoever has them can compute the pseudonym, and learns nothing of the address.
    """
    if len(epoch_key) != EPOCH_KEY_BYTES:
        raise ValueError("an epoch's key has 32 bytes")
    # A channel's id has no zero byte, so the joint has one reading.
    return Secret(
        crypto_generichash_blake2b_salt_personal(
            channel.encode() + b"\0" + address,
            digest_size=SEED_BYTES,
            key=epoch_key.reveal(),
            person=_PERSON,
        )
    )


def harden_seed(seed: Secret, *, salt: bytes) -> bytes:
    """
    Make the pseudonym of a seed: the part that takes the time.

    Args:
        seed: 32 bytes.
        salt: 16 bytes, of the epoch.

    Returns:
        16 bytes.
    """
    if len(salt) != EPOCH_SALT_BYTES:
        raise ValueError("an epoch's salt has 16 bytes")
    return hash_secret_raw(seed.reveal(), salt, PASSES, MEMORY_KIB, LANES, PSEUDONYM_BYTES, Type.ID)
