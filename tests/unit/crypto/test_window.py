"""Marks that die with a day."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from crypto.secret import Secret
from crypto.window import derive_replay_key, derive_window_key, mark_message, mark_sender

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
