"""Slices of a stored ciphertext, each sealed under the record's data key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
)

from crypto.data_key import DataKey
from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret
from crypto.stored import (
    HEADER_BYTES,
    MESSAGE_BYTES,
    MESSAGE_OVERHEAD_BYTES,
    SEALED_MESSAGE_BYTES,
    SEALED_SLICE_BYTES,
    SLICE_BYTES,
    open_slice,
    seal_slice,
    sealed_len,
)
from tests.unit.crypto.conftest import make_random

RECORD = bytes(range(16))
KEY = DataKey(secret=Secret(b"k" * 32))
OTHER_KEY = DataKey(secret=Secret(b"o" * 32))
TWO_MESSAGES = make_random(b"plain")(MESSAGE_BYTES + 100)
SEALED = seal_slice(KEY, TWO_MESSAGES, record_id=RECORD, number=7, random=make_random(b"seal"))
MESSAGE = 0  # libsodium's tags
FINAL = 3


@pytest.mark.parametrize(
    "size", [1, 100, MESSAGE_BYTES - 1, MESSAGE_BYTES, MESSAGE_BYTES + 1, SLICE_BYTES]
)
def test_slice_when_sealed_then_it_opens_and_has_the_length_foretold(size: int) -> None:
    """Any size up to a slice comes back, and takes exactly the bytes that were promised."""
    plaintext = make_random(b"size")(size)
    sealed = seal_slice(KEY, plaintext, record_id=RECORD, number=0)

    assert len(sealed) == sealed_len(size)
    assert open_slice(KEY, memoryview(sealed), record_id=RECORD, number=0) == plaintext


def test_slice_when_the_inputs_are_fixed_then_the_bytes_are_too() -> None:
    """What is stored today opens tomorrow: the format does not change by accident."""
    assert hashlib.sha256(SEALED).hexdigest() == (
        "ad017e016f7a376576b08f04b5448eb02288fa30ec325c230ffa86f54fa6fd70"
    )


def test_slice_when_another_program_follows_the_page_then_it_opens_here() -> None:
    """libsodium's own way to begin a stream gives what we read."""
    state = crypto_secretstream_xchacha20poly1305_state()
    header = crypto_secretstream_xchacha20poly1305_init_push(state, KEY.secret.reveal())
    bound = b"tipline/stored/v1" + RECORD + (9).to_bytes(8, "big")
    parts = [TWO_MESSAGES[:MESSAGE_BYTES], TWO_MESSAGES[MESSAGE_BYTES:]]
    sealed = header + b"".join(
        crypto_secretstream_xchacha20poly1305_push(state, part, bound, tag)
        for part, tag in zip(parts, (MESSAGE, FINAL), strict=True)
    )

    assert open_slice(KEY, sealed, record_id=RECORD, number=9) == TWO_MESSAGES


@given(size=st.integers(0, 5 * SLICE_BYTES))
@example(size=0)
@example(size=SLICE_BYTES)
@example(size=SLICE_BYTES + 1)
def test_length_when_something_is_stored_in_slices_then_it_is_their_sum(size: int) -> None:
    """The whole is as long as its slices, and each but the last has one length."""
    whole, rest = divmod(size, SLICE_BYTES)
    expected = whole * SEALED_SLICE_BYTES
    if rest:
        messages = -(-rest // MESSAGE_BYTES)
        expected += HEADER_BYTES + rest + messages * MESSAGE_OVERHEAD_BYTES

    assert sealed_len(size) == expected


@given(position=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_slice_when_any_bit_was_changed_then_it_is_refused(position: int, bit: int) -> None:
    """No bit of what is stored can be changed without being found."""
    changed = bytearray(SEALED)
    changed[position] ^= 1 << bit

    with pytest.raises(ForgedError):
        open_slice(KEY, bytes(changed), record_id=RECORD, number=7)


@pytest.mark.parametrize(
    ("key", "record_id", "number"), [(OTHER_KEY, RECORD, 7), (KEY, bytes(16), 7), (KEY, RECORD, 6)]
)
def test_slice_when_it_was_moved_then_it_is_refused(
    key: DataKey, record_id: bytes, number: int
) -> None:
    """A slice opens under its key, for its record, at its place, and nowhere else."""
    with pytest.raises(ForgedError):
        open_slice(key, SEALED, record_id=record_id, number=number)


@pytest.mark.parametrize(
    "untrusted",
    [
        SEALED[: HEADER_BYTES + SEALED_MESSAGE_BYTES],
        SEALED[:HEADER_BYTES] + SEALED[HEADER_BYTES + SEALED_MESSAGE_BYTES :],
        SEALED + SEALED[HEADER_BYTES:],
        SEALED[:-1],
    ],
    ids=["the last message dropped", "the first message dropped", "lengthened", "cut"],
)
def test_slice_when_it_was_cut_or_lengthened_then_it_is_refused(untrusted: bytes) -> None:
    """What is not whole is not shown in part."""
    with pytest.raises(ForgedError):
        open_slice(KEY, untrusted, record_id=RECORD, number=7)


def test_slice_when_the_end_comes_early_then_it_is_refused() -> None:
    """A mark of the end that is not at the end is found, even under the right key."""
    state = crypto_secretstream_xchacha20poly1305_state()
    header = crypto_secretstream_xchacha20poly1305_init_push(state, KEY.secret.reveal())
    bound = b"tipline/stored/v1" + RECORD + bytes(8)
    sealed = header + b"".join(
        crypto_secretstream_xchacha20poly1305_push(state, bytes(MESSAGE_BYTES), bound, FINAL)
        for _ in "12"
    )

    with pytest.raises(ForgedError):
        open_slice(KEY, sealed, record_id=RECORD, number=0)


@pytest.mark.parametrize(
    "length",
    [0, HEADER_BYTES, HEADER_BYTES + MESSAGE_OVERHEAD_BYTES, SEALED_SLICE_BYTES + 1],
)
def test_slice_when_no_slice_has_this_length_then_it_is_refused(length: int) -> None:
    """Lengths that nothing has are named before anything is opened."""
    with pytest.raises(MalformedError):
        open_slice(KEY, bytes(length), record_id=RECORD, number=0)


def test_slice_when_its_last_message_is_empty_then_it_is_refused() -> None:
    """One plaintext has one form: no empty message behind a full one."""
    sealed = seal_slice(KEY, bytes(MESSAGE_BYTES), record_id=RECORD, number=0)
    state = crypto_secretstream_xchacha20poly1305_state()
    header = crypto_secretstream_xchacha20poly1305_init_push(state, KEY.secret.reveal())
    bound = b"tipline/stored/v1" + RECORD + bytes(8)
    forms = header + b"".join(
        crypto_secretstream_xchacha20poly1305_push(state, part, bound, tag)
        for part, tag in ((bytes(MESSAGE_BYTES), MESSAGE), (b"", FINAL))
    )

    assert len(forms) == len(sealed) + MESSAGE_OVERHEAD_BYTES
    with pytest.raises(MalformedError):
        open_slice(KEY, forms, record_id=RECORD, number=0)


def test_slice_when_the_caller_is_wrong_then_the_caller_is_told() -> None:
    """Sizes, ids and numbers that cannot be are the caller's mistake."""
    for plaintext in (b"", bytes(SLICE_BYTES + 1)):
        with pytest.raises(ValueError, match="1 MiB"):
            seal_slice(KEY, plaintext, record_id=RECORD, number=0)
    with pytest.raises(ValueError, match="16 bytes"):
        seal_slice(KEY, b"x", record_id=b"", number=0)
    for number in (-1, 2**63):
        with pytest.raises(ValueError, match="number"):
            open_slice(KEY, SEALED, record_id=RECORD, number=number)
    with pytest.raises(ValueError, match="negative"):
        sealed_len(-1)
