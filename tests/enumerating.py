"""
What somebody does who has a whole disk and wants to know who wrote: tries every number.

Written from docs/reference/formats.md and the structure of a slot, with other libraries' functions
than the line uses where there are any, and without any check that would pass over half a slot.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence

from argon2.low_level import Type, hash_secret_raw
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError

MAGIC = b"tiplslot"
KIND_DAY, KIND_EPOCH = 1, 4
SECRET = slice(42, 74)
PERSON = b"tipline/pseudo/1"
RELATION_LABEL = b"tipline/relation/v1"


def carve_secrets(raw: bytes, kind: int) -> list[bytes]:
    """Find what looks like a slot of a kind anywhere on a disk, whole or torn, used or freed."""
    found: dict[bytes, None] = {}
    at = raw.find(MAGIC)
    while at >= 0:
        if raw[at + 9] == kind:
            found[raw[at + SECRET.start : at + SECRET.stop]] = None
        at = raw.find(MAGIC, at + 1)
    return list(found)


def list_numbers(count: int) -> Iterator[str]:
    """List numbers of one city."""
    return (f"+5255{number:08}" for number in range(10_000_000, 10_000_000 + count))


def try_pseudonyms(
    numbers: Iterable[str],
    *,
    epoch_keys: Sequence[bytes],
    salt: bytes,
    channel: str,
    wanted: bytes,
    memory_kib: int,
) -> str | None:
    """Try numbers against a pseudonym."""
    head = channel.encode() + b"\0number:"
    for number in numbers:
        for key in epoch_keys:
            seed = hashlib.blake2b(
                head + number.encode(), digest_size=32, key=key, person=PERSON
            ).digest()
            if hash_secret_raw(seed, salt, 1, memory_kib, 1, 16, Type.ID) == wanted:
                return number
    return None


def expand(day_key: bytes, label: bytes) -> bytes:
    """HKDF-SHA256 of one block, written out."""
    extracted = hmac.digest(bytes(32), day_key, "sha256")
    return hmac.digest(extracted, label + b"\x01", "sha256")


def open_marks(relation: bytes, *, day_keys: Sequence[bytes], row_id: bytes) -> list[bytes]:
    """Open what a window's row says of its sender, under every key of a day there is."""
    marks = []
    for day_key in day_keys:
        key = expand(day_key, RELATION_LABEL)
        with contextlib.suppress(CryptoError):
            opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
                relation, RELATION_LABEL, row_id + bytes(8), key
            )
            marks.append(opened[16:])
    return marks


def try_marks(
    numbers: Iterable[str], *, day_keys: Sequence[bytes], channel: str, wanted: bytes
) -> str | None:
    """Try numbers against the mark of a window."""
    window_keys = [expand(key, b"tipline/window/v1") for key in day_keys]
    head = channel.encode() + b"\0number:"
    for number in numbers:
        address = head + number.encode()
        for key in window_keys:
            if hashlib.blake2b(address, digest_size=16, key=key).digest() == wanted:
                return number
    return None
