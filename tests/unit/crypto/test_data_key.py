"""A record's data key, wrapped under a day key and a record secret."""

from __future__ import annotations

import hmac
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.data_key import (
    KEY_BYTES,
    WRAPPED_BYTES,
    DataKey,
    derive_wrapping_key,
    unwrap_data_key,
    wrap_data_key,
)
from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret
from tests.unit.crypto.conftest import make_random

RECORD = bytes(range(16))
OTHER_RECORD = bytes(16)
DAY_KEY = Secret(b"d" * KEY_BYTES)
RECORD_SECRET = Secret(b"r" * KEY_BYTES)
OTHER = Secret(b"o" * KEY_BYTES)
WRAPPING_KEY = derive_wrapping_key(DAY_KEY, RECORD_SECRET, record_id=RECORD)
DATA_KEY = DataKey(secret=Secret(b"k" * KEY_BYTES))
WRAPPED = wrap_data_key(DATA_KEY, WRAPPING_KEY, record_id=RECORD, random=make_random(b"wrap"))


def test_derive_when_written_out_then_it_is_hkdf_of_both_secrets() -> None:
    """RFC 5869 by hand gives the same key, so another program can open what is stored."""
    extracted = hmac.new(bytes(32), b"d" * 32 + b"r" * 32, "sha256").digest()
    expanded = hmac.new(extracted, b"tipline/wrap/v1" + RECORD + b"\x01", "sha256").digest()

    assert WRAPPING_KEY.reveal() == expanded


def test_wrap_when_the_inputs_are_fixed_then_the_bytes_are_too() -> None:
    """What is stored today opens tomorrow: the format does not change by accident."""
    assert WRAPPED.hex() == (
        "013eaa14849c8eb4840f98160f47636af6e7a36173d9ff2acaffb5a2f9e0e4dd5e252ecf2536e30dcce98b"
        "d49c71a594a567b0c2ca131faff29c4d4b3b18a8653c2fb877d14e17f31d"
    )
    assert len(WRAPPED) == WRAPPED_BYTES


def test_unwrap_when_everything_matches_then_the_key_comes_back() -> None:
    """What was wrapped for a record opens for it."""
    assert unwrap_data_key(WRAPPED, WRAPPING_KEY, record_id=RECORD) == DATA_KEY


@pytest.mark.parametrize(
    ("day_key", "record_secret", "record_id"),
    [
        (OTHER, RECORD_SECRET, RECORD),
        (DAY_KEY, OTHER, RECORD),
        (RECORD_SECRET, DAY_KEY, RECORD),
        (DAY_KEY, RECORD_SECRET, OTHER_RECORD),
    ],
)
def test_unwrap_when_one_of_the_secrets_is_gone_then_nothing_opens(
    day_key: Secret, record_secret: Secret, record_id: bytes
) -> None:
    """Without the day's key, or the record's secret, or for another record, it stays shut."""
    key = derive_wrapping_key(day_key, record_secret, record_id=record_id)

    with pytest.raises(ForgedError):
        unwrap_data_key(WRAPPED, key, record_id=record_id)


def test_unwrap_when_the_row_was_moved_then_the_bound_id_says_so() -> None:
    """With the right key, too, a wrapped key opens for its own record alone."""
    with pytest.raises(ForgedError):
        unwrap_data_key(WRAPPED, WRAPPING_KEY, record_id=OTHER_RECORD)


@given(position=st.integers(1, WRAPPED_BYTES - 1), bit=st.integers(0, 7))
def test_unwrap_when_any_bit_was_changed_then_it_is_refused(position: int, bit: int) -> None:
    """No bit of what is stored can be changed without being found."""
    changed = bytearray(WRAPPED)
    changed[position] ^= 1 << bit

    with pytest.raises(ForgedError):
        unwrap_data_key(bytes(changed), WRAPPING_KEY, record_id=RECORD)


@pytest.mark.parametrize(
    "untrusted", [b"", WRAPPED[:-1], WRAPPED + b"\0", b"\x02" + WRAPPED[1:], b"\0" * WRAPPED_BYTES]
)
def test_unwrap_when_it_is_not_of_this_format_then_it_is_refused(untrusted: bytes) -> None:
    """Another length or version is named as such."""
    with pytest.raises(MalformedError):
        unwrap_data_key(untrusted, WRAPPING_KEY, record_id=RECORD)


def test_keys_when_made_then_no_two_are_alike() -> None:
    """A new key, and each wrapping of it, is drawn."""
    assert DataKey.generate() != DataKey.generate()
    first, second = (wrap_data_key(DATA_KEY, WRAPPING_KEY, record_id=RECORD) for _ in "12")
    assert first != second


def test_keys_when_of_a_wrong_length_then_the_caller_is_told() -> None:
    """A short key or id is the caller's mistake, and never silently stretched."""
    short = Secret(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        DataKey(secret=short)
    with pytest.raises(ValueError, match="32 bytes"):
        derive_wrapping_key(short, RECORD_SECRET, record_id=RECORD)
    with pytest.raises(ValueError, match="32 bytes"):
        derive_wrapping_key(DAY_KEY, short, record_id=RECORD)
    with pytest.raises(ValueError, match="16 bytes"):
        derive_wrapping_key(DAY_KEY, RECORD_SECRET, record_id=b"")
    with pytest.raises(ValueError, match="16 bytes"):
        wrap_data_key(DATA_KEY, WRAPPING_KEY, record_id=b"")


def test_keys_when_shown_or_refused_then_nothing_of_them_is_told() -> None:
    """INV-11: neither a repr nor a traceback holds a byte of a key."""
    with pytest.raises(ForgedError) as caught:
        unwrap_data_key(WRAPPED, OTHER, record_id=RECORD)
    told = "".join(traceback.format_exception(caught.value)) + repr(DATA_KEY)

    assert "kkkk" not in told
    assert "oooo" not in told
    assert b"kkkk".hex() not in told
