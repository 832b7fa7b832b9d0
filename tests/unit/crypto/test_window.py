"""Marks that die with a day."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt

from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret
from crypto.window import (
    RELATION_OVERHEAD_BYTES,
    derive_relation_key,
    derive_replay_key,
    derive_window_key,
    mark_message,
    mark_sender,
    open_relation,
    seal_relation,
)

DAY_KEY = Secret(bytes(range(32)))
ADDRESS = b"number:+525512345678"


def expand(label: bytes) -> bytes:
    """RFC 5869 of one block, written out."""
    return hmac.digest(
        hmac.digest(bytes(32), bytes(range(32)), "sha256"), label + b"\x01", "sha256"
    )


def test_keys_when_derived_then_each_purpose_has_its_own() -> None:
    """The window key and the replay key come from the day's, by their labels."""
    assert derive_window_key(DAY_KEY).reveal() == expand(b"tipline/window/v1")
    assert derive_replay_key(DAY_KEY).reveal() == expand(b"tipline/replay/v1")
    assert derive_relation_key(DAY_KEY).reveal() == expand(b"tipline/relation/v1")


def test_marks_when_made_then_they_are_keyed_hashes_of_what_the_page_says() -> None:
    """BLAKE2b of Python's own library makes the same."""
    key = Secret(bytes(32))
    of_sender = hashlib.blake2b(b"city\0" + ADDRESS, digest_size=16, key=bytes(32)).digest()
    of_message = hashlib.blake2b(b"modem\0id-1", digest_size=32, key=bytes(32)).digest()

    assert mark_sender(key, channel="city", address=ADDRESS) == of_sender
    assert mark_message(key, gateway="modem", provider_id=b"id-1") == of_message


def test_marks_when_key_channel_or_address_differ_then_so_do_they() -> None:
    """Two channels, two days or two numbers have nothing in common."""
    key = Secret(bytes(32))
    marks = {
        mark_sender(key, channel="city", address=ADDRESS),
        mark_sender(DAY_KEY, channel="city", address=ADDRESS),
        mark_sender(key, channel="coast", address=ADDRESS),
        mark_sender(key, channel="city", address=ADDRESS[:-1]),
    }

    assert len(marks) == 4


def test_keys_when_the_days_is_short_then_the_caller_is_wrong() -> None:
    """A key of another length is none of ours."""
    with pytest.raises(ValueError, match="32 bytes"):
        derive_window_key(Secret(bytes(31)))


ROW_ID, CONTENT = bytes(range(16)), b"conversation and mark"


def test_relation_when_sealed_then_it_opens_for_its_row_and_is_what_the_page_says() -> None:
    """The nonce is the row's id, and the label is bound in."""
    key = derive_relation_key(DAY_KEY)
    sealed = seal_relation(key, CONTENT, row_id=ROW_ID)

    assert len(sealed) == len(CONTENT) + RELATION_OVERHEAD_BYTES
    assert open_relation(key, sealed, row_id=ROW_ID, size=len(CONTENT)) == CONTENT
    label, nonce = b"tipline/relation/v1", ROW_ID + bytes(8)
    opened = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, label, nonce, key.reveal())
    assert opened == CONTENT


def test_relation_when_two_rows_have_the_same_then_no_eight_bytes_of_theirs_are_the_same() -> None:
    """Whoever compares rows, of one copy or of two, finds nothing in common."""
    key = derive_relation_key(DAY_KEY)
    one, two = (seal_relation(key, CONTENT, row_id=row_id) for row_id in (ROW_ID, bytes(16)))

    cut = [{sealed[at : at + 8] for at in range(len(sealed) - 7)} for sealed in (one, two)]
    assert cut[0].isdisjoint(cut[1])


@pytest.mark.parametrize("at", range(len(CONTENT) + RELATION_OVERHEAD_BYTES))
def test_relation_when_a_byte_is_changed_then_it_is_forged(at: int) -> None:
    """Every byte counts."""
    key = derive_relation_key(DAY_KEY)
    changed = bytearray(seal_relation(key, CONTENT, row_id=ROW_ID))
    changed[at] ^= 1

    with pytest.raises(ForgedError):
        open_relation(key, bytes(changed), row_id=ROW_ID, size=len(CONTENT))


def test_relation_when_of_another_row_day_or_length_then_it_does_not_open() -> None:
    """It relates one row, until one day."""
    key = derive_relation_key(DAY_KEY)
    sealed = seal_relation(key, CONTENT, row_id=ROW_ID)

    with pytest.raises(ForgedError):
        open_relation(key, sealed, row_id=bytes(16), size=len(CONTENT))
    with pytest.raises(ForgedError):
        open_relation(DAY_KEY, sealed, row_id=ROW_ID, size=len(CONTENT))
    for untrusted in (sealed[:-1], sealed + b"x", b""):
        with pytest.raises(MalformedError):
            open_relation(key, untrusted, row_id=ROW_ID, size=len(CONTENT))


def test_relation_when_the_rows_id_is_short_then_the_caller_is_wrong() -> None:
    """An id of another length is none of ours."""
    with pytest.raises(ValueError, match="16 bytes"):
        seal_relation(DAY_KEY, CONTENT, row_id=bytes(15))
