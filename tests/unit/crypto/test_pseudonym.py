"""Pseudonyms of phones."""

from __future__ import annotations

import hashlib

import pytest
from argon2.low_level import Type, hash_secret_raw

from crypto.pseudonym import (
    EPOCH_KEY_BYTES,
    EPOCH_SALT_BYTES,
    MEMORY_KIB,
    PSEUDONYM_BYTES,
    derive_pseudonym,
)
from crypto.secret import Secret

KEY = Secret(bytes(range(32)))
SALT = bytes(range(16))
ADDRESS = b"number:+525512345678"


def test_pseudonym_when_computed_by_the_page_then_it_is_the_same() -> None:
    """formats.md, "Handle", by Python's own BLAKE2b, is what the code makes."""
    seed = hashlib.blake2b(
        b"city\0" + ADDRESS,
        digest_size=32,
        key=bytes(range(32)),
        person=b"tipline/pseudo/1",
    ).digest()
    expected = hash_secret_raw(seed, SALT, 1, 64 * 1024, 1, 16, Type.ID)

    assert derive_pseudonym(KEY, salt=SALT, channel="city", address=ADDRESS) == expected
    assert len(expected) == PSEUDONYM_BYTES
    assert expected.hex() == "cf233da3b8ae9f2304748b94944d5c6c"


def test_pseudonym_when_anything_it_comes_from_is_another_then_so_is_it() -> None:
    """Key, salt, channel and address: each alone makes another pseudonym."""
    made = {
        derive_pseudonym(key, salt=salt, channel=channel, address=address)
        for key, salt, channel, address in (
            (KEY, SALT, "city", ADDRESS),
            (Secret(bytes(32)), SALT, "city", ADDRESS),
            (KEY, bytes(16), "city", ADDRESS),
            (KEY, SALT, "coast", ADDRESS),
            (KEY, SALT, "city", b"number:+525512345679"),
        )
    }

    assert len(made) == 5


def test_pseudonym_when_its_cost_is_read_then_it_is_what_was_promised() -> None:
    """64 MiB of memory for each guess."""
    assert MEMORY_KIB >= 64 * 1024


@pytest.mark.parametrize(
    ("key_len", "salt_len"),
    [(EPOCH_KEY_BYTES - 1, EPOCH_SALT_BYTES), (EPOCH_KEY_BYTES, EPOCH_SALT_BYTES - 1)],
)
def test_pseudonym_when_key_or_salt_is_short_then_the_caller_is_wrong(
    key_len: int, salt_len: int
) -> None:
    """A key of another length is none of ours."""
    with pytest.raises(ValueError, match="32 bytes" if key_len < EPOCH_KEY_BYTES else "16 bytes"):
        derive_pseudonym(
            Secret(bytes(key_len)), salt=bytes(salt_len), channel="city", address=ADDRESS
        )
